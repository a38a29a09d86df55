//! The rules of accounts: what inputs must be, who may do what to whom. Pure: values in, decision out.

use chrono::{Duration, NaiveDate};
use poem_openapi::types::MaybeUndefined;

use super::email::Email;
use super::model::Status;
use super::passwords::is_common;
use super::views::ChangeProfile;
use crate::config::AuthSettings;
use crate::context::Role;
use crate::kernel::error::{ACCOUNT_LOCKED, FORBIDDEN, RULE_VIOLATED};
use crate::kernel::time::{Instant, floored};
use crate::kernel::{Error, FieldError, Result};

/// Characters of a name at most.
pub(super) const NAME_MAX: usize = 100;
/// Characters of a text about oneself at most.
pub(super) const BIO_MAX: usize = 1000;
/// Characters of a reason at most.
pub(super) const REASON_MAX: usize = 500;
/// Characters of a password at most.
pub(super) const PASSWORD_MAX: usize = 128;
/// Characters of a staff member's password at least.
const STAFF_PASSWORD_MIN: usize = 12;
/// Least year of birth.
const BIRTH_YEAR_MIN: i32 = 1900;

/// When failed sign-ins lock an account, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct LockPolicy {
    /// Failures that lock.
    pub failures: u32,
    minutes: i64,
}

impl LockPolicy {
    /// As the settings say.
    pub fn new(settings: &AuthSettings) -> Self {
        Self { failures: settings.lockout_failures, minutes: settings.lockout_minutes.try_into().unwrap_or(i64::MAX) }
    }

    /// Until when a lock that begins at `now` holds.
    pub fn until(self, now: Instant) -> Instant {
        floored(now) + Duration::try_minutes(self.minutes).unwrap_or_default()
    }
}

/// Fails with ACCOUNT_LOCKED while a lock holds.
pub fn check_lock(locked_until: Option<Instant>, now: Instant) -> Result<()> {
    match locked_until {
        Some(until) if until > now => {
            let seconds = u64::try_from((until - now).num_seconds()).unwrap_or_default() + 1;
            Err(Error::new(ACCOUNT_LOCKED, "Too many failed sign-ins; try again later.").retry_after(seconds))
        }
        _ => Ok(()),
    }
}

/// What a password must be.
#[derive(Debug, Clone, Copy)]
pub struct PasswordPolicy {
    min: usize,
}

impl PasswordPolicy {
    /// As the settings say, and stricter for accounts with a staff role.
    pub fn new(settings: &AuthSettings, roles: &[Role]) -> Self {
        let is_staff = roles.iter().any(|role| role.is_staff());
        Self { min: if is_staff { settings.password_min.max(STAFF_PASSWORD_MIN) } else { settings.password_min } }
    }

    /// Characters at least.
    pub fn least(self) -> usize {
        self.min
    }

    /// Checks a password of the account with this address and name; the problem is reported at `pointer`.
    pub fn check(self, password: &str, email: &str, name: &str, pointer: &str) -> Option<FieldError> {
        let count = password.chars().count();
        let lower = password.to_lowercase();
        let local = email.split('@').next().unwrap_or_default();
        if count < self.min {
            let message = format!("must have at least {} characters", self.min);
            Some(FieldError::new(pointer, "length", message))
        } else if count > PASSWORD_MAX {
            Some(FieldError::new(pointer, "length", format!("must have at most {PASSWORD_MAX} characters")))
        } else if [email, local, name.trim()].iter().any(|taken| lower == taken.to_lowercase()) {
            Some(FieldError::new(pointer, "rule", "must not be the e-mail address or the name"))
        } else if is_common(password) {
            Some(FieldError::new(pointer, "rule", "is used by too many people"))
        } else {
            None
        }
    }
}

/// A checked address, name and the rest of what an account begins with.
#[derive(Debug)]
pub struct Beginning {
    /// Sign-in address.
    pub email: Email,
    /// Name shown to others.
    pub name: String,
    /// Language.
    pub locale: String,
    /// IANA time zone.
    pub timezone: String,
}

/// Checks what an account begins with; fails with all bad fields.
pub fn beginning(
    email: &str,
    name: &str,
    password: &str,
    policy: PasswordPolicy,
    locale: Option<&str>,
    timezone: Option<&str>,
) -> Result<Beginning> {
    let mut bad = Vec::new();
    let address = Email::parse(email);
    if address.is_none() {
        bad.push(FieldError::new("/email", "format", "must be an e-mail address such as jane@example.com"));
    }
    let shown = address.as_ref().map_or(email, Email::as_str);
    bad.extend(policy.check(password, shown, name, "/password"));
    let name = kept(&mut bad, checked_name(name));
    let locale = kept(&mut bad, checked_locale(locale.unwrap_or("en")));
    let timezone = kept(&mut bad, checked_timezone(timezone.unwrap_or("UTC")));
    match (address, name, locale, timezone) {
        (Some(email), Some(name), Some(locale), Some(timezone)) if bad.is_empty() => {
            Ok(Beginning { email, name, locale, timezone })
        }
        _ => Err(Error::invalid(bad)),
    }
}

/// A checked value of one field of a profile; None clears it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProfileValue {
    /// Text.
    Text(String),
    /// A yes or no.
    Flag(bool),
    /// Nothing: the field is cleared.
    Nothing,
}

/// Checked changes of a profile, by field.
pub type ProfileChanges = Vec<(&'static str, ProfileValue)>;

type Checked<T> = std::result::Result<T, FieldError>;
type Check<'a> = &'a dyn Fn(&str) -> Checked<String>;

/// Checks a merge patch of a profile; fails with all bad fields. `today` bounds the birthday.
pub fn profile_changes(input: &ChangeProfile, today: NaiveDate) -> Result<ProfileChanges> {
    let city = |text: &str| checked_text("/city", text, NAME_MAX);
    let bio = |text: &str| checked_text("/bio", text, BIO_MAX);
    let birthday = |text: &str| checked_birthday(text, today);
    let texts: [(&'static str, &MaybeUndefined<String>, bool, Check<'_>); 7] = [
        ("name", &input.name, true, &checked_name),
        ("phone", &input.phone, false, &checked_phone),
        ("birthday", &input.birthday, false, &birthday),
        ("bio", &input.bio, false, &bio),
        ("city", &input.city, false, &city),
        ("locale", &input.locale, true, &checked_locale),
        ("timezone", &input.timezone, true, &checked_timezone),
    ];
    let (mut bad, mut changes) = (Vec::new(), Vec::new());
    let required = |field: &str| FieldError::new(format!("/{field}"), "required", "cannot be cleared");
    for (field, value, is_required, check) in texts {
        match value {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null if is_required => bad.push(required(field)),
            MaybeUndefined::Null => changes.push((field, ProfileValue::Nothing)),
            MaybeUndefined::Value(text) => {
                changes.extend(kept(&mut bad, check(text)).map(|text| (field, ProfileValue::Text(text))));
            }
        }
    }
    match input.public_profile {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => bad.push(required("public_profile")),
        MaybeUndefined::Value(flag) => changes.push(("public_profile", ProfileValue::Flag(flag))),
    }
    if bad.is_empty() { Ok(changes) } else { Err(Error::invalid(bad)) }
}

fn kept<T>(bad: &mut Vec<FieldError>, checked: Checked<T>) -> Option<T> {
    checked.map_err(|error| bad.push(error)).ok()
}

fn checked_text(pointer: &str, text: &str, most: usize) -> Checked<String> {
    let is_control = |symbol: char| symbol.is_control() && symbol != '\n' && symbol != '\t';
    if text.chars().count() > most {
        return Err(FieldError::new(pointer, "length", format!("must have at most {most} characters")));
    }
    if text.chars().any(is_control) {
        return Err(FieldError::new(pointer, "format", "must not hold control characters"));
    }
    Ok(text.to_owned())
}

fn checked_name(text: &str) -> Checked<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(FieldError::new("/name", "required", "must not be empty"));
    }
    checked_text("/name", text, NAME_MAX)
}

fn checked_phone(text: &str) -> Checked<String> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    let is_number = (7..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    if is_number {
        Ok(text.to_owned())
    } else {
        Err(FieldError::new("/phone", "format", "must be a telephone number in E.164 form such as +4930123456"))
    }
}

fn checked_birthday(text: &str, today: NaiveDate) -> Checked<String> {
    let earliest = NaiveDate::from_ymd_opt(BIRTH_YEAR_MIN, 1, 1).unwrap_or_default();
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|date| date.to_string() == text);
    match date {
        None => Err(FieldError::new("/birthday", "format", "must be a date such as 1990-05-01")),
        Some(date) if date < earliest || date > today => {
            Err(FieldError::new("/birthday", "range", "must be a date of the past, after 1899"))
        }
        Some(_) => Ok(text.to_owned()),
    }
}

fn checked_locale(text: &str) -> Checked<String> {
    let is_locale = match text.as_bytes() {
        [a, b] => a.is_ascii_lowercase() && b.is_ascii_lowercase(),
        [a, b, b'-', c, d] => {
            [a, b].iter().all(|x| x.is_ascii_lowercase()) && [c, d].iter().all(|x| x.is_ascii_uppercase())
        }
        _ => false,
    };
    if is_locale { Ok(text.to_owned()) } else { Err(FieldError::new("/locale", "format", "must be like en or en-GB")) }
}

fn checked_timezone(text: &str) -> Checked<String> {
    match text.parse::<chrono_tz::Tz>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(FieldError::new("/timezone", "enum", "must be an IANA time zone such as Europe/Berlin")),
    }
}

/// Checks a reason given for an act.
pub fn checked_reason(text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid(vec![FieldError::new("/reason", "required", "must not be empty")]));
    }
    checked_text("/reason", text, REASON_MAX).map_err(|bad| Error::invalid(vec![bad]))
}

/// Reads a list of roles, each once; fails with all unknown ones, or when there are none.
pub fn checked_roles(names: &[String]) -> Result<Vec<Role>> {
    let (mut bad, mut roles) = (Vec::new(), Vec::new());
    for (at, name) in names.iter().enumerate() {
        match Role::parse(name) {
            Some(role) if roles.contains(&role) => {}
            Some(role) => roles.push(role),
            None => bad.push(FieldError::new(format!("/roles/{at}"), "enum", "is not a platform role")),
        }
    }
    if names.is_empty() {
        bad.push(FieldError::new("/roles", "required", "must name at least one role"));
    }
    if bad.is_empty() { Ok(roles) } else { Err(Error::invalid(bad)) }
}

/// Whether somebody with `actor` roles may suspend, reinstate or sign out somebody with `target` roles: administrators are
/// subject to super_admins only.
pub fn may_act_on(actor: &[Role], target: &[Role]) -> Result<()> {
    let is_administrator = target.iter().any(|role| Role::ADMINS.contains(role));
    if is_administrator && !actor.contains(&Role::SuperAdmin) {
        return Err(Error::new(FORBIDDEN, "Only a super_admin may do this to an administrator."));
    }
    Ok(())
}

/// Whether somebody with `actor` roles may replace `before` by `after`: staff roles are given and taken by super_admins only.
pub fn may_change_roles(actor: &[Role], before: &[Role], after: &[Role]) -> Result<()> {
    let is_staff_change = Role::STAFF.into_iter().any(|role| before.contains(&role) != after.contains(&role));
    if is_staff_change && !actor.contains(&Role::SuperAdmin) {
        return Err(Error::new(FORBIDDEN, "Only a super_admin may give or take staff roles."));
    }
    Ok(())
}

/// Whether a change takes away an active super_admin.
pub fn loses_super_admin(before: (Status, &[Role]), after: (Status, &[Role])) -> bool {
    let is_one = |(status, roles): (Status, &[Role])| status == Status::Active && roles.contains(&Role::SuperAdmin);
    is_one(before) && !is_one(after)
}

/// The refusal to take away the last super_admin.
pub fn last_super_admin() -> Error {
    Error::new(RULE_VIOLATED, "This is the last super_admin; make another one first.")
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
