//! What may be uploaded, and who may. Pure: what the form says and who asks go in, a plan or all that is wrong comes out.

use uuid::Uuid;

use super::form::Words;
use super::model::Visibility;
use super::purposes::{PURPOSES, Purpose};
use crate::kernel::{Error, FieldError, Result};

/// A megabyte.
const MB: u64 = 1024 * 1024;

/// An upload that may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// What it is for.
    pub purpose: &'static Purpose,
    /// Who may read it.
    pub visibility: Visibility,
    /// In whose name, as the form says; whether the uploader may is not known yet.
    pub business: Option<Uuid>,
}

/// What is to become of an upload with these words, by staff or others. Fails with VALIDATION_FAILED and all that is wrong.
pub fn plan(words: &Words, is_staff: bool) -> Result<Plan> {
    let mut problems = Vec::new();
    let purpose = words.purpose.as_deref().and_then(Purpose::named).filter(|purpose| is_staff || !purpose.is_for_staff);
    match (&words.purpose, purpose) {
        (None, _) => problems.push(FieldError::new("/purpose", "required", "is required, before the file")),
        (Some(_), None) => {
            let offered = PURPOSES.iter().filter(|purpose| is_staff || !purpose.is_for_staff);
            let names: Vec<&str> = offered.map(|purpose| purpose.name).collect();
            problems.push(FieldError::new("/purpose", "enum", format!("must be one of {}", names.join(", "))));
        }
        _ => {}
    }
    let visibility = words.visibility.as_deref().map(Visibility::parse);
    if visibility == Some(None) {
        problems.push(FieldError::new("/visibility", "enum", "must be one of public, private"));
    }
    let business = words.business.as_deref().map(|key| Uuid::try_parse(key).ok());
    if business == Some(None) {
        problems.push(FieldError::new("/business", "reference", "must be the key of a record of businesses"));
    }
    match purpose {
        Some(purpose) if problems.is_empty() => Ok(Plan {
            purpose,
            visibility: visibility.flatten().unwrap_or(purpose.visibility),
            business: business.flatten(),
        }),
        _ => Err(Error::invalid(problems)),
    }
}

/// Bytes that a file for this purpose may have, where no file may have more than `max_mb`.
pub fn bytes_max(purpose: &Purpose, max_mb: u64) -> u64 {
    purpose.bytes_max.min(max_mb * MB)
}

/// Refuses what the purpose does not take.
pub fn check_type(purpose: &Purpose, found: Option<&'static str>) -> Result<&'static str> {
    match found.filter(|mime| purpose.types.contains(mime)) {
        Some(mime) => Ok(mime),
        None => {
            let is = found.map_or_else(|| "of a type that is not known".to_owned(), |mime| format!("of type {mime}"));
            let message = format!("is {is}; {} takes {}", purpose.name, purpose.types.join(", "));
            Err(Error::invalid(vec![FieldError::new("/file", "type", message)]))
        }
    }
}

/// Refuses what would be more than one person may have; all in bytes.
pub fn check_quota(used: u64, size: u64, quota_mb: u64) -> Result<()> {
    if used.saturating_add(size) <= quota_mb * MB {
        return Ok(());
    }
    let message = format!("You may have {quota_mb} MB of files; with this one you would have more.");
    Err(Error::invalid(vec![FieldError::new("/file", "rule", message)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(purpose: Option<&str>, visibility: Option<&str>, business: Option<&str>) -> Words {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Words { purpose: owned(purpose), visibility: owned(visibility), business: owned(business) }
    }

    fn pointers(error: Error) -> Vec<String> {
        error.fields().iter().map(|field| format!("{} {}", field.pointer, field.code)).collect()
    }

    #[test]
    fn visibility_is_that_of_the_purpose_unless_it_is_said() {
        for (purpose, said, expected) in [
            ("pet_photo", None, Visibility::Private),
            ("pet_photo", Some("public"), Visibility::Public),
            ("product_photo", None, Visibility::Public),
            ("product_photo", Some("private"), Visibility::Private),
        ] {
            let plan = plan(&words(Some(purpose), said, None), false).expect("good");
            assert_eq!((plan.purpose.name, plan.visibility, plan.business), (purpose, expected, None));
        }
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let bad = plan(&words(Some("nope"), Some("hidden"), Some("acme")), false).expect_err("bad");
        assert_eq!(pointers(bad), ["/purpose enum", "/visibility enum", "/business reference"]);
        let bad = plan(&words(None, None, None), false).expect_err("bad");
        assert_eq!(pointers(bad), ["/purpose required"]);
    }

    #[test]
    fn some_purposes_are_for_staff() {
        let asset = words(Some("asset"), None, None);
        assert_eq!(pointers(plan(&asset, false).expect_err("not for others")), ["/purpose enum"]);
        assert!(plan(&asset, true).is_ok());
    }

    #[test]
    fn types_sizes_and_sums_are_limited() {
        let photo = Purpose::named("pet_photo").expect("a purpose");
        assert_eq!(check_type(photo, Some("image/png")).expect("taken"), "image/png");
        for found in [Some("application/pdf"), None] {
            assert_eq!(pointers(check_type(photo, found).expect_err("not taken")), ["/file type"]);
        }
        assert_eq!((bytes_max(photo, 100), bytes_max(photo, 2)), (15 * MB, 2 * MB));
        assert!(check_quota(MB, 0, 1).is_ok() && check_quota(MB - 1, 1, 1).is_ok());
        assert_eq!(pointers(check_quota(MB, 1, 1).expect_err("too much")), ["/file rule"]);
    }
}
