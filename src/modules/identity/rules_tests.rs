//! Tables for the rules of accounts.

use super::*;

const PUBLIC: [Role; 1] = [Role::Customer];

fn settings() -> AuthSettings {
    AuthSettings::default()
}

fn pointers(error: &Error) -> Vec<&str> {
    error.fields().iter().map(|field| field.pointer.as_str()).collect()
}

#[test]
fn passwords_follow_the_policy() {
    let (customer, staff) =
        (PasswordPolicy::new(&settings(), &PUBLIC), PasswordPolicy::new(&settings(), &[Role::Support]));
    let (long, too_long) = ("é".repeat(128), "é".repeat(129));
    for (policy, password, expected) in [
        (customer, "vT9#kq2!mZ", None),
        (customer, "vT9#kq2!m", Some("length")),
        (staff, "vT9#kq2!mZ", Some("length")),
        (staff, "vT9#kq2!mZ12", None),
        (staff, "pawbase-demo", None),
        (customer, &long, None),
        (customer, &too_long, Some("length")),
        (customer, "Password123", Some("rule")),
        (customer, "janet.jones@example.com", Some("rule")),
        (customer, "Janet.Jones", Some("rule")),
        (customer, "janet c. jones", Some("rule")),
    ] {
        let found = policy.check(password, "janet.jones@example.com", " Janet C. Jones ", "/password");
        assert_eq!(found.as_ref().map(|field| field.code), expected, "{password}");
    }
}

#[test]
fn a_beginning_reports_all_bad_fields() {
    let policy = PasswordPolicy::new(&settings(), &PUBLIC);
    let error = beginning("nope", " ", "short", policy, Some("EN"), Some("Mars/Base")).expect_err("refused");
    assert_eq!(pointers(&error), ["/email", "/password", "/name", "/locale", "/timezone"]);
    let good = beginning(" A@B.co", " Ann ", "vT9#kq2!mZ", policy, None, None).expect("good");
    assert_eq!((good.email.as_str(), good.name.as_str()), ("a@b.co", "Ann"));
    assert_eq!((good.locale.as_str(), good.timezone.as_str()), ("en", "UTC"));
}

#[test]
fn profile_fields_are_checked_one_by_one() {
    let today = NaiveDate::from_ymd_opt(2026, 5, 1).expect("a date");
    type Put = fn(&mut ChangeProfile, MaybeUndefined<String>);
    let phone: Put = |input, value| input.phone = value;
    let birthday: Put = |input, value| input.birthday = value;
    let locale: Put = |input, value| input.locale = value;
    let timezone: Put = |input, value| input.timezone = value;
    let name: Put = |input, value| input.name = value;
    let bio: Put = |input, value| input.bio = value;
    for (put, text, is_good) in [
        (phone, "+4930123456", true),
        (phone, "+123456", false),
        (phone, "+1234567890123456", false),
        (phone, "+0301234567", false),
        (phone, "030123456", false),
        (birthday, "2026-05-01", true),
        (birthday, "2026-05-02", false),
        (birthday, "1899-12-31", false),
        (birthday, "2001-02-29", false),
        (birthday, "2001-2-3", false),
        (locale, "de", true),
        (locale, "de-AT", true),
        (locale, "de-at", false),
        (locale, "deu", false),
        (timezone, "Europe/Berlin", true),
        (timezone, "europe/berlin", false),
        (name, "  ", false),
        (name, "a\u{0}b", false),
        (bio, "two\nlines", true),
    ] {
        let mut input = ChangeProfile::default();
        put(&mut input, MaybeUndefined::Value(text.to_owned()));
        assert_eq!(profile_changes(&input, today).is_ok(), is_good, "{text}");
    }
    let long = ChangeProfile { bio: MaybeUndefined::Value("x".repeat(1001)), ..ChangeProfile::default() };
    assert!(profile_changes(&long, today).is_err());
}

#[test]
fn null_clears_what_is_optional_only() {
    let today = NaiveDate::from_ymd_opt(2026, 5, 1).expect("a date");
    let input = ChangeProfile {
        name: MaybeUndefined::Null,
        phone: MaybeUndefined::Null,
        locale: MaybeUndefined::Null,
        timezone: MaybeUndefined::Null,
        public_profile: MaybeUndefined::Null,
        ..ChangeProfile::default()
    };
    let error = profile_changes(&input, today).expect_err("refused");
    assert_eq!(pointers(&error), ["/name", "/locale", "/timezone", "/public_profile"]);
    let input = ChangeProfile { phone: MaybeUndefined::Null, bio: MaybeUndefined::Null, ..ChangeProfile::default() };
    let changes = profile_changes(&input, today).expect("good");
    assert_eq!(changes, [("phone", ProfileValue::Nothing), ("bio", ProfileValue::Nothing)]);
}

#[test]
fn locks_hold_until_their_end() {
    let now = chrono::DateTime::from_timestamp(1_800_000_000, 0).expect("an instant");
    let until = LockPolicy::new(&settings()).until(now);
    assert_eq!(until, now + Duration::minutes(30));
    assert!(check_lock(None, now).is_ok());
    assert!(check_lock(Some(until), until).is_ok());
    let error = check_lock(Some(until), now).expect_err("locked");
    assert_eq!((error.entry(), error.retry_after_s()), (ACCOUNT_LOCKED, Some(1801)));
}

#[test]
fn staff_roles_are_the_super_admins_to_give() {
    use Role::{Admin, Courier, Customer, SuperAdmin, Support};
    for (actor, before, after, is_allowed) in [
        (Admin, vec![Customer], vec![Customer, Courier], true),
        (Admin, vec![Customer], vec![Customer, Support], false),
        (Admin, vec![Support], vec![Customer], false),
        (Admin, vec![Support], vec![Support, Courier], true),
        (SuperAdmin, vec![Customer], vec![SuperAdmin], true),
        (SuperAdmin, vec![Admin], vec![Customer], true),
    ] {
        assert_eq!(may_change_roles(&[actor], &before, &after).is_ok(), is_allowed, "{actor:?} {before:?} {after:?}");
    }
    for (actor, target, is_allowed) in [
        (Admin, Customer, true),
        (Admin, Support, true),
        (Admin, Admin, false),
        (Admin, SuperAdmin, false),
        (SuperAdmin, SuperAdmin, true),
    ] {
        assert_eq!(may_act_on(&[actor], &[target]).is_ok(), is_allowed, "{actor:?} {target:?}");
    }
}

#[test]
fn losing_a_super_admin_is_noticed() {
    let (root, none) = ([Role::SuperAdmin], [Role::Customer]);
    for (before, after, is_lost) in [
        ((Status::Active, &root), (Status::Active, &none), true),
        ((Status::Active, &root), (Status::Suspended, &root), true),
        ((Status::Active, &root), (Status::Active, &root), false),
        ((Status::Suspended, &root), (Status::Suspended, &none), false),
        ((Status::Active, &none), (Status::Suspended, &none), false),
    ] {
        assert_eq!(loses_super_admin((before.0, before.1), (after.0, after.1)), is_lost);
    }
}

#[test]
fn roles_and_reasons_are_read() {
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        checked_roles(&names(&["customer", "courier", "customer"])).expect("good"),
        [Role::Customer, Role::Courier]
    );
    assert_eq!(
        pointers(&checked_roles(&names(&["king", "customer", "x"])).expect_err("bad")),
        ["/roles/0", "/roles/2"]
    );
    assert_eq!(pointers(&checked_roles(&[]).expect_err("bad")), ["/roles"]);
    assert_eq!(checked_reason(" spam ").expect("good"), "spam");
    assert!(checked_reason(" ").is_err() && checked_reason(&"x".repeat(501)).is_err());
}
