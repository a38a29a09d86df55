//! A file as it is stored.

use pawbase_engine::{RecordId, RecordIdKey, Value};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::names;
use crate::kernel::time::Instant;
use crate::kernel::{Error, Result};
use crate::work::Row;

/// The table of files.
pub const TABLE: &str = "files";

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Everybody.
    Public,
    /// Who may read its record, or a record that links to it.
    Private,
}

impl Visibility {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Public, Self::Private];

    /// Its name in rows and forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }

    /// The one of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|visibility| visibility.as_str() == name)
    }
}

/// A file, as whoever reads it sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Key in `files`.
    pub id: Uuid,
    /// Who uploaded it; None where the reader may not know.
    pub owner: Option<Uuid>,
    /// In whose name.
    pub business: Option<Uuid>,
    /// What it is for.
    pub purpose: String,
    /// What its uploader called it.
    pub name: String,
    /// Media type, found out from what it holds.
    pub mime: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of what is stored, in hexadecimal.
    pub sha256: String,
    /// Width and height of a picture in pixels.
    pub pixels: Option<(u32, u32)>,
    /// Who may read it.
    pub visibility: Visibility,
    /// When it was uploaded.
    pub created_at: Instant,
}

/// The record of a file.
pub fn record(id: Uuid) -> RecordId {
    of_table(TABLE, id)
}

/// The record of `table` with a UUID as its key.
pub fn of_table(table: &str, id: Uuid) -> RecordId {
    RecordId::new(table, RecordIdKey::Uuid(id.into()))
}

/// The UUID key of a record, if that is what it has.
pub fn key_of(id: &RecordId) -> Option<Uuid> {
    if let RecordIdKey::Uuid(key) = &id.key { Some(key.into_inner()) } else { None }
}

impl File {
    /// From a row of the table.
    pub fn of(row: Value) -> Result<Self> {
        let mut row = Row(row);
        let side = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
        let (width, height) = (side(row.take("width")?), side(row.take("height")?));
        let visibility: String = row.take("visibility")?;
        Ok(Self {
            id: row.key("id")?,
            owner: row.link("owner")?,
            business: row.link("business")?,
            purpose: row.take("purpose")?,
            name: row.take("name")?,
            mime: row.take("mime")?,
            size: row.count("size")?,
            sha256: row.take("sha256")?,
            pixels: width.zip(height),
            visibility: Visibility::parse(&visibility).ok_or_else(|| Error::internal("a file without visibility"))?,
            created_at: row.take("created_at")?,
        })
    }

    /// Path of what it holds.
    pub fn url(&self) -> String {
        format!("/uploads/{}/{}", self.id, names::in_address(&self.name, &self.mime))
    }

    /// The record as staff see it, for events.
    pub fn told(&self) -> Map<String, Json> {
        let mut record = Map::new();
        let mut add = |name: &str, value: Json| {
            if !value.is_null() {
                record.insert(name.to_owned(), value);
            }
        };
        add("id", json!(self.id));
        add("owner", json!(self.owner));
        add("business", json!(self.business));
        add("purpose", json!(self.purpose));
        add("name", json!(self.name));
        add("mime", json!(self.mime));
        add("size", json!(self.size));
        add("sha256", json!(self.sha256));
        add("width", json!(self.pixels.map(|(width, _)| width)));
        add("height", json!(self.pixels.map(|(_, height)| height)));
        add("visibility", json!(self.visibility.as_str()));
        add("url", json!(self.url()));
        add("created_at", json!(written(self.created_at)));
        record
    }
}

/// An instant as the API writes it.
pub fn written(instant: Instant) -> String {
    instant.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
