//! Tables and properties of the rules.

use chrono::{DateTime, Duration, NaiveTime, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};
use proptest::prelude::*;

use super::catalogue::{ACCOUNT_REINSTATED, ACCOUNT_SUSPENDED, JOB_DIED, MEMBERSHIP_ADDED, NotificationType};
use super::rules::{Channel, Facts, QuietHours, Suppression, Verdict, Wishes, may_know};
use crate::context::Role;
use crate::kernel::time::Instant;
use crate::modules::identity::{Person, Status};

fn at(text: &str) -> Instant {
    DateTime::parse_from_rfc3339(text).expect("a time").to_utc()
}

fn person() -> Person {
    Person {
        id: uuid::Uuid::nil(),
        email: "ada@example.com".into(),
        name: "Ada".into(),
        locale: "en".into(),
        timezone: "Europe/Berlin".into(),
        roles: vec![Role::Customer],
        status: Status::Active,
    }
}

fn night() -> QuietHours {
    QuietHours::parse("22:00", "07:00").expect("hours")
}

#[test]
fn hours_are_two_different_times_of_the_day() {
    for (from, until) in [
        ("22:00", "22:00"),
        ("24:00", "07:00"),
        ("7:00", "08:00"),
        ("", "07:00"),
        ("22:00", "07:60"),
        ("１1:0", "07:00"),
    ] {
        assert_eq!(QuietHours::parse(from, until), None, "{from} {until}");
    }
    let hours = night();
    assert_eq!((hours.from(), hours.until()), ("22:00".to_owned(), "07:00".to_owned()));
}

/// Quiet hours, zone, present instant, and when the quiet ends.
#[rustfmt::skip]
const ENDS: [(&str, &str, &str, &str, Option<&str>); 14] = [
    ("22:00", "07:00", "UTC", "2026-05-04T21:59:59Z", None),
    ("22:00", "07:00", "UTC", "2026-05-04T22:00:00Z", Some("2026-05-05T07:00:00Z")),
    ("22:00", "07:00", "UTC", "2026-05-05T06:59:59.9Z", Some("2026-05-05T07:00:00Z")),
    ("22:00", "07:00", "UTC", "2026-05-05T07:00:00Z", None),
    ("13:00", "15:00", "UTC", "2026-05-05T14:00:30Z", Some("2026-05-05T15:00:00Z")),
    ("13:00", "15:00", "UTC", "2026-05-05T12:59:00Z", None),
    ("22:00", "07:00", "Europe/Berlin", "2026-05-04T20:30:00Z", Some("2026-05-05T05:00:00Z")),
    ("22:00", "07:00", "Asia/Kathmandu", "2026-05-04T18:00:00Z", Some("2026-05-05T01:15:00Z")),
    // The clocks go forward in this night, and back in that.
    ("22:00", "07:00", "Europe/Berlin", "2026-03-28T22:00:00Z", Some("2026-03-29T05:00:00Z")),
    ("22:00", "07:00", "Europe/Berlin", "2026-10-24T21:00:00Z", Some("2026-10-25T06:00:00Z")),
    // Half past two does not come.
    ("22:00", "02:30", "Europe/Berlin", "2026-03-28T22:00:00Z", Some("2026-03-29T01:00:00Z")),
    // Half past two comes twice, and from two to half past two is quiet twice.
    ("22:00", "02:30", "Europe/Berlin", "2026-10-24T21:00:00Z", Some("2026-10-25T00:30:00Z")),
    ("22:00", "02:30", "Europe/Berlin", "2026-10-25T01:10:00Z", Some("2026-10-25T01:30:00Z")),
    // Samoa left out a whole day.
    ("22:00", "07:00", "Pacific/Apia", "2011-12-30T09:00:00Z", Some("2011-12-30T17:00:00Z")),
];

#[test]
fn quiet_ends_by_the_clocks_of_the_zone() {
    for (from, until, zone, now, end) in ENDS {
        let zone: Tz = zone.parse().expect("a zone");
        let found = QuietHours::parse(from, until).expect("hours").end(at(now), zone);
        assert_eq!(found, end.map(at), "{from} to {until} in {zone} at {now}");
    }
}

fn times() -> impl Strategy<Value = (String, String)> {
    let time = || (0..24u32, 0..60u32).prop_map(|(hour, minute)| format!("{hour:02}:{minute:02}"));
    (time(), time()).prop_filter("they differ", |(from, until)| from != until)
}

proptest! {
    #[test]
    fn quiet_ends_as_soon_as_the_clocks_say(
        (from, until) in times(),
        zone in prop::sample::select(TZ_VARIANTS.as_slice()),
        second in 946_684_800_i64..2_524_608_000,
    ) {
        let hours = QuietHours::parse(&from, &until).expect("hours");
        let now = DateTime::from_timestamp(second, 0).expect("a time");
        match hours.end(now, zone) {
            None => prop_assert!(!hours.contain(now, zone)),
            Some(end) => {
                prop_assert!(hours.contain(now, zone) && !hours.contain(end, zone));
                prop_assert!(now < end && end - now <= Duration::hours(49));
                // A second before it was quiet still.
                prop_assert!(hours.contain(end - Duration::seconds(1), zone));
            }
        }
    }

    #[test]
    fn without_changes_of_clocks_quiet_ends_at_its_hour((from, until) in times(), second in 0_i64..4_000_000_000) {
        let hours = QuietHours::parse(&from, &until).expect("hours");
        let now = DateTime::from_timestamp(second, 0).expect("a time");
        if let Some(end) = hours.end(now, Tz::UTC) {
            let expected = NaiveTime::parse_from_str(&until, "%H:%M").expect("a time");
            prop_assert_eq!(end.time(), expected);
            prop_assert!(end - now <= Duration::days(1));
        }
    }

    #[test]
    fn times_are_read_as_they_are_written((from, until) in times()) {
        let hours = QuietHours::parse(&from, &until).expect("hours");
        prop_assert_eq!((hours.from(), hours.until()), (from, until));
    }
}

#[test]
fn what_nobody_chose_is_as_the_type_comes_and_what_is_required_is_no_choice() {
    let mut wishes = Wishes::default();
    assert!(wishes.want(&MEMBERSHIP_ADDED, Channel::Email) && wishes.want(&MEMBERSHIP_ADDED, Channel::InApp));
    wishes.choose(&MEMBERSHIP_ADDED, Channel::Email, false);
    assert!(!wishes.want(&MEMBERSHIP_ADDED, Channel::Email) && wishes.want(&MEMBERSHIP_ADDED, Channel::InApp));
    wishes.choose(&ACCOUNT_SUSPENDED, Channel::Email, false);
    assert!(wishes.want(&ACCOUNT_SUSPENDED, Channel::Email));
}

#[test]
fn an_unknown_zone_of_an_account_is_utc() {
    let mut wishes = Wishes::default();
    assert_eq!(wishes.zone_of(&person()), Tz::Europe__Berlin);
    assert_eq!(wishes.zone_of(&Person { timezone: "Mars/Olympus".into(), ..person() }), Tz::UTC);
    wishes.zone = Some(Tz::Asia__Tokyo);
    assert_eq!(wishes.zone_of(&person()), Tz::Asia__Tokyo);
}

/// The verdict by day for a person with these traits.
fn verdict(
    kind: &'static NotificationType,
    person: &Person,
    wishes: &Wishes,
    suppression: Option<Suppression>,
    is_read: bool,
) -> Verdict {
    Facts { kind, person, wishes, suppression, is_read }.verdict(at("2026-05-04T10:00:00Z"))
}

#[test]
fn only_what_is_required_passes_choices_suspension_and_reading() {
    let mut wishes = Wishes::default();
    for kind in [&MEMBERSHIP_ADDED, &ACCOUNT_SUSPENDED] {
        wishes.choose(kind, Channel::Email, false);
    }
    let (usual, suspended) = (Wishes::default(), Person { status: Status::Suspended, ..person() });
    let cases: [(&Person, &Wishes, Option<Suppression>, bool); 5] = [
        (&person(), &wishes, None, false),
        (&suspended, &usual, None, false),
        (&person(), &usual, Some(Suppression::Unsubscribe), false),
        (&person(), &usual, Some(Suppression::Complaint), false),
        (&person(), &usual, None, true),
    ];
    for (person, wishes, suppression, is_read) in cases {
        let optional = verdict(&MEMBERSHIP_ADDED, person, wishes, suppression, is_read);
        assert!(matches!(optional, Verdict::Suppress(_)), "{person:?} {suppression:?}");
        assert_eq!(verdict(&ACCOUNT_SUSPENDED, person, wishes, suppression, is_read), Verdict::Send);
    }
    assert_eq!(verdict(&MEMBERSHIP_ADDED, &person(), &usual, None, false), Verdict::Send);
}

#[test]
fn nothing_goes_to_an_address_that_does_not_exist_or_an_account_that_is_gone() {
    let usual = Wishes::default();
    let bounced = verdict(&ACCOUNT_SUSPENDED, &person(), &usual, Some(Suppression::Bounce), false);
    assert!(matches!(bounced, Verdict::Suppress(_)));
    let gone = Person { status: Status::Deleted, ..person() };
    assert!(matches!(verdict(&ACCOUNT_SUSPENDED, &gone, &usual, None, false), Verdict::Suppress(_)));
}

#[test]
fn what_is_for_staff_is_for_those_who_are_staff_now() {
    let admin = Person { roles: vec![Role::Customer, Role::Admin], ..person() };
    assert!(may_know(&JOB_DIED, &admin) && !may_know(&JOB_DIED, &person()) && may_know(&MEMBERSHIP_ADDED, &person()));
    assert!(matches!(verdict(&JOB_DIED, &person(), &Wishes::default(), None, false), Verdict::Suppress(_)));
    assert_eq!(verdict(&JOB_DIED, &admin, &Wishes::default(), None, false), Verdict::Send);
}

#[test]
fn only_what_is_urgent_does_not_wait_for_the_morning() {
    let wishes = Wishes { quiet: Some(night()), ..Wishes::default() };
    // Half past eleven in Berlin.
    let now = Tz::Europe__Berlin.with_ymd_and_hms(2026, 5, 4, 23, 30, 0).single().expect("a time").to_utc();
    let person = person();
    let of = |kind| Facts { kind, person: &person, wishes: &wishes, suppression: None, is_read: false }.verdict(now);
    let morning = Verdict::Wait(at("2026-05-05T05:00:00Z"));
    assert_eq!(of(&MEMBERSHIP_ADDED), morning);
    assert_eq!(of(&ACCOUNT_REINSTATED), morning);
    assert_eq!(of(&ACCOUNT_SUSPENDED), Verdict::Send);
}
