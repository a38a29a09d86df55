//! Prices of the demo data in many currencies. The rates are rough and frozen: they make prices plausible, no more.

/// An amount in euro cents in the minor unit of another currency, at a fixed rough rate.
pub fn convert(euro_cents: i64, currency: &str) -> i64 {
    let percent = match currency {
        "GBP" => 86,
        "USD" => 108,
        "CAD" => 148,
        "AUD" => 165,
        "CHF" => 94,
        "JPY" => 160,
        "SEK" => 1_130,
        "PLN" => 430,
        _ => 100,
    };
    euro_cents * percent / 100
}

/// A price on a shelf: converted, then moved to the endings the country is used to (12.99, 12.95, ¥1,980).
pub fn shelf(euro_cents: i64, currency: &str) -> i64 {
    let amount = convert(euro_cents, currency);
    let (step, less) = match currency {
        "EUR" => return amount,
        "JPY" if amount < 1_000 => (10, 2),
        "JPY" => (100, 20),
        "AUD" | "CAD" if amount < 2_000 => (50, 5),
        "AUD" | "CAD" => (100, 5),
        _ if amount < 2_000 => (50, 1),
        _ => (100, 1),
    };
    (nearest(amount, step) - less).max(step - less)
}

/// A price among private people: converted, then rounded to what they would say.
pub fn spoken(euro_cents: i64, currency: &str) -> i64 {
    let amount = convert(euro_cents, currency);
    match amount {
        ..5_000 => nearest(amount, 100),
        5_000..50_000 => nearest(amount, 500),
        _ => nearest(amount, 5_000),
    }
}

fn nearest(amount: i64, step: i64) -> i64 {
    (amount + step / 2) / step * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_end_as_usual() {
        for (cents, currency, minor) in [
            (1_399, "EUR", 1_399),
            (1_399, "GBP", 1_199),
            (349, "JPY", 558),
            (1_299, "JPY", 2_080),
            (2_690, "AUD", 4_395),
        ] {
            assert_eq!(shelf(cents, currency), minor, "{currency}");
        }
        assert_eq!(spoken(135_000, "EUR"), 135_000);
        assert_eq!(spoken(4_500, "JPY"), 7_000);
    }
}
