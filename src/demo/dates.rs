//! Days and instants of the demo data as text. The start of the data is fixed; nothing here asks the clock.

/// The moment the data begins, 2026-01-05T08:00:00Z, in seconds since 1970.
pub const START_S: i64 = 1_767_600_000;

/// The day of [`START_S`], in days since 1970-01-01.
pub const START_DAY: i64 = START_S / DAY_S;

/// Seconds of a day.
pub const DAY_S: i64 = 86_400;

/// A day, counted from 1970-01-01, as `YYYY-MM-DD` of the Gregorian calendar.
pub fn date(day: i64) -> String {
    let (year, month, day) = civil(day);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The first day of the month `day` lies in.
pub fn month_start(day: i64) -> i64 {
    day - civil(day).2 + 1
}

/// Seconds since 1970 as an RFC 3339 instant in UTC with whole seconds.
pub fn instant(seconds: i64) -> String {
    let rest = seconds.rem_euclid(DAY_S);
    format!("{}T{:02}:{:02}:{:02}Z", date(seconds.div_euclid(DAY_S)), rest / 3600, rest / 60 % 60, rest % 60)
}

/// Year, month and day of a day since 1970-01-01, by Hinnant's algorithm for the proleptic Gregorian calendar.
fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * month_from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        for (day, text) in [(0, "1970-01-01"), (-1, "1969-12-31"), (19_782, "2024-02-29"), (START_DAY, "2026-01-05")] {
            assert_eq!(date(day), text);
        }
        assert_eq!(instant(START_S), "2026-01-05T08:00:00Z");
        assert_eq!(date(month_start(START_DAY)), "2026-01-01");
    }
}
