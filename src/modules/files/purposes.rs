//! The one list of what files are for: which types each takes, how large it may be, who sees it. Pure.

use super::model::Visibility;

/// A megabyte.
const MB: u64 = 1024 * 1024;
/// Pictures: they are written anew before they are kept.
pub const PICTURES: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp"];
/// Papers: a scan or a photo of one, or its text.
const PAPERS: &[&str] = &["application/pdf", "image/jpeg", "image/png", "image/gif", "image/webp", "text/plain"];
/// What people send each other.
const MEDIA: &[&str] = &[
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "application/pdf",
    "text/plain",
    "audio/mpeg",
    "audio/mp4",
    "audio/ogg",
    "audio/wav",
    "video/mp4",
    "video/webm",
    "video/quicktime",
];

/// What a file is for.
#[derive(Debug, PartialEq, Eq)]
pub struct Purpose {
    /// Its name in rows and forms.
    pub name: &'static str,
    /// Media types that it takes.
    pub types: &'static [&'static str],
    /// Bytes that it may have.
    pub bytes_max: u64,
    /// Who sees it, if the uploader does not say.
    pub visibility: Visibility,
    /// Whether only staff upload such files.
    pub is_for_staff: bool,
    /// Whether it is kept although no record links to it.
    pub is_kept: bool,
}

impl Purpose {
    /// What a purpose is where it says nothing else.
    const USUAL: Self = Self {
        name: "",
        types: PICTURES,
        bytes_max: 15 * MB,
        visibility: Visibility::Public,
        is_for_staff: false,
        is_kept: false,
    };

    /// The purpose of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PURPOSES.iter().find(|purpose| purpose.name == name)
    }
}

/// All purposes. The field `purpose` of `schemas/files.surql` names them too.
pub const PURPOSES: &[Purpose] = &[
    Purpose { name: "profile_photo", bytes_max: 10 * MB, ..Purpose::USUAL },
    Purpose { name: "pet_photo", visibility: Visibility::Private, ..Purpose::USUAL },
    Purpose { name: "listing_photo", ..Purpose::USUAL },
    Purpose { name: "product_photo", ..Purpose::USUAL },
    Purpose { name: "business_logo", bytes_max: 5 * MB, ..Purpose::USUAL },
    Purpose { name: "document", types: PAPERS, bytes_max: 20 * MB, visibility: Visibility::Private, ..Purpose::USUAL },
    Purpose {
        name: "message_attachment",
        types: MEDIA,
        bytes_max: 25 * MB,
        visibility: Visibility::Private,
        ..Purpose::USUAL
    },
    // For tables of a shop's own.
    Purpose { name: "attachment", types: MEDIA, bytes_max: 50 * MB, visibility: Visibility::Private, ..Purpose::USUAL },
    // For pages and mails, which link to it by its address.
    Purpose { name: "asset", types: MEDIA, bytes_max: 100 * MB, is_for_staff: true, is_kept: true, ..Purpose::USUAL },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_different_and_types_are_known() {
        for (at, purpose) in PURPOSES.iter().enumerate() {
            assert_eq!(PURPOSES.iter().position(|other| other.name == purpose.name), Some(at), "{}", purpose.name);
            assert!(purpose.bytes_max >= MB && !purpose.types.is_empty(), "{}", purpose.name);
            assert!(
                purpose.types.iter().all(|mime| super::super::sniff::extension(mime).is_some()),
                "{}",
                purpose.name
            );
        }
        assert_eq!(Purpose::named("pet_photo").map(|purpose| purpose.types), Some(PICTURES));
        assert_eq!(Purpose::named("nonsense"), None);
    }

    #[test]
    fn the_schema_names_the_same_purposes() {
        let schema = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/files.surql"));
        let line =
            schema.lines().find(|line| line.trim_start().starts_with("TYPE 'profile_photo'")).expect("the field");
        let named: Vec<&str> = line.split('\'').skip(1).step_by(2).collect();
        assert_eq!(named, PURPOSES.iter().map(|purpose| purpose.name).collect::<Vec<_>>());
    }
}
