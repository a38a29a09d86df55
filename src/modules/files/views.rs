//! What the operations answer.

use poem_openapi::Object;

use super::addresses::Address;
use super::model::{File, written};

/// A file that was uploaded.
#[derive(Object)]
pub struct UploadedFile {
    /// Key of the file, for fields that link to files.
    pub id: String,
    /// Who uploaded it.
    #[oai(skip_serializing_if_is_none)]
    pub owner: Option<String>,
    /// In whose name.
    #[oai(skip_serializing_if_is_none)]
    pub business: Option<String>,
    /// What it is for.
    pub purpose: String,
    /// What its uploader called it.
    pub name: String,
    /// Media type, found out from what it holds.
    pub mime: String,
    /// Size of what is stored, in bytes.
    pub size: u64,
    /// SHA-256 of what is stored, in hexadecimal.
    pub sha256: String,
    /// Width of a picture in pixels.
    #[oai(skip_serializing_if_is_none)]
    pub width: Option<u32>,
    /// Height of a picture in pixels.
    #[oai(skip_serializing_if_is_none)]
    pub height: Option<u32>,
    /// Who may read it.
    pub visibility: String,
    /// Path of what it holds, on either listener.
    pub url: String,
    /// When it was uploaded.
    pub created_at: String,
}

impl From<File> for UploadedFile {
    fn from(file: File) -> Self {
        Self {
            id: file.id.to_string(),
            owner: file.owner.map(|key| key.to_string()),
            business: file.business.map(|key| key.to_string()),
            url: file.url(),
            purpose: file.purpose,
            name: file.name,
            mime: file.mime,
            size: file.size,
            sha256: file.sha256,
            width: file.pixels.map(|(width, _)| width),
            height: file.pixels.map(|(_, height)| height),
            visibility: file.visibility.as_str().to_owned(),
            created_at: written(file.created_at),
        }
    }
}

/// Where a file can be read.
#[derive(Object)]
pub struct FileAddress {
    /// Path and query, on either listener.
    pub url: String,
    /// Until when it works; absent for a public file.
    #[oai(skip_serializing_if_is_none)]
    pub expires_at: Option<String>,
}

impl From<Address> for FileAddress {
    fn from(address: Address) -> Self {
        Self { url: address.url, expires_at: address.expires_at.map(written) }
    }
}
