//! Where schemas come from: the files inside the program, and the shop's own folder.

use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use super::check;
use super::error::{Result, SchemaError};
use super::splitter::{Statement, split};

#[derive(RustEmbed)]
#[folder = "schemas"]
struct Embedded;

/// The file that defines the access methods; it comes first.
const FIRST: &str = "access.surql";
/// Placeholder of the key that signs the program's own engine tokens.
const KEY_MARK: &str = "{{session_key}}";
/// Folder of migrations, in a folder of schemas.
pub(super) const MIGRATIONS: &str = "migrations";

/// Who wrote a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// This program.
    Pawbase,
    /// The shop.
    Shop,
}

impl Origin {
    /// The word under which migrations of this origin are recorded.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pawbase => "pawbase",
            Self::Shop => "shop",
        }
    }
}

/// A file of DEFINE statements.
#[derive(Debug, Clone)]
pub struct SchemaFile {
    /// Name for messages: a path for the shop's files.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A numbered change that runs once.
#[derive(Debug, Clone)]
pub struct Migration {
    /// Who wrote it.
    pub origin: Origin,
    /// Its number, from 1 without gaps per origin.
    pub number: u32,
    /// The part of the file name after the number.
    pub name: String,
    /// File for messages.
    pub file: String,
    /// Its text.
    pub text: String,
}

impl Migration {
    /// Fingerprint of its text, in hexadecimal.
    pub fn sha256(&self) -> String {
        Sha256::digest(self.text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// All schema files and migrations, in the order in which they are applied.
#[derive(Debug, Clone)]
pub struct Sources {
    pub(super) own: Vec<SchemaFile>,
    pub(super) shop: Vec<SchemaFile>,
    pub(super) migrations: Vec<Migration>,
}

impl Sources {
    /// The embedded files, and those of the shop's folder after them. A folder with problems is refused, with all of them.
    pub async fn load(shop: Option<&Path>) -> Result<Self> {
        let mut sources = Self::embedded()?;
        if let Some(folder) = shop {
            let (files, migrations) = read_folder(folder)?;
            let problems = check::check(folder).await?;
            if !problems.is_empty() {
                return Err(SchemaError::Problems(problems));
            }
            sources.shop = files;
            sources.migrations.extend(numbered(Origin::Shop, migrations)?);
        }
        Ok(sources)
    }

    /// The embedded files alone.
    pub(super) fn embedded() -> Result<Self> {
        let (mut own, mut migrations) = (Vec::new(), Vec::new());
        for path in Embedded::iter().filter(|path| path.ends_with(".surql")) {
            let Some(file) = Embedded::get(&path) else { continue };
            let text = String::from_utf8_lossy(&file.data).into_owned();
            let file = SchemaFile { name: path.to_string(), text };
            if path.starts_with(MIGRATIONS) { migrations.push(file) } else { own.push(file) }
        }
        own.sort_by_key(|file| (file.name != FIRST, file.name.clone()));
        let migrations = numbered(Origin::Pawbase, migrations)?;
        Ok(Self { own, shop: Vec::new(), migrations })
    }

    /// One text of all DEFINE statements, with the session key in its place.
    pub(super) fn text(&self, session_key: &str) -> Result<String> {
        let files: Vec<&str> = self.own.iter().chain(&self.shop).map(|file| file.text.as_str()).collect();
        with_key(&files.join("\n;\n"), session_key)
    }

    /// The DEFINE ACCESS statements, overwriting, with the session key in its place.
    pub(super) fn accesses(&self, session_key: &str) -> Result<Vec<String>> {
        let is_access = |statement: &Statement| statement.definition().is_some_and(|d| d.object == "ACCESS");
        let statements = self.own.iter().flat_map(|file| split(&file.text)).filter(is_access);
        statements.map(|statement| with_key(&statement.overwriting(), session_key)).collect()
    }

    /// Names of the program's own tables.
    pub(super) fn own_tables(&self) -> Vec<String> {
        let definitions = self.own.iter().flat_map(|file| split(&file.text)).filter_map(|s| s.definition());
        definitions.filter(|definition| definition.object == "TABLE").map(|definition| definition.name).collect()
    }
}

fn with_key(text: &str, session_key: &str) -> Result<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '/' | '=');
    if session_key.is_empty() || !session_key.chars().all(is_plain) {
        return Err(SchemaError::SessionKey);
    }
    Ok(text.replace(KEY_MARK, session_key))
}

/// The schema files and the migration files of a folder, each in alphabetical order.
pub(super) fn read_folder(folder: &Path) -> Result<(Vec<SchemaFile>, Vec<SchemaFile>)> {
    let migrations = folder.join(MIGRATIONS);
    let migrations = if migrations.is_dir() { read_files(&migrations)? } else { Vec::new() };
    Ok((read_files(folder)?, migrations))
}

fn read_files(folder: &Path) -> Result<Vec<SchemaFile>> {
    let refused = |path: &Path| {
        let path = path.to_owned();
        move |cause| SchemaError::Unreadable { path, cause }
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(refused(folder))? {
        let path = entry.map_err(refused(folder))?.path();
        if path.extension().is_some_and(|extension| extension == "surql") {
            paths.push(path);
        }
    }
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).map_err(refused(&path))?;
        Ok(SchemaFile { name: path.display().to_string(), text })
    };
    paths.into_iter().map(read).collect()
}

/// The number and name in a migration's file name, such as `0001_split_names.surql`.
fn number_and_name(file: &str) -> Option<(u32, String)> {
    let stem = Path::new(file).file_name()?.to_str()?.strip_suffix(".surql")?;
    let (number, name) = stem.split_once('_')?;
    let is_number = number.len() == 4 && number.chars().all(|c| c.is_ascii_digit());
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    (is_number && is_name).then(|| Some((number.parse().ok()?, name.to_owned())))?
}

/// Migrations of files in alphabetical order; their numbers must run from 1 without gaps.
pub(super) fn numbered(origin: Origin, files: Vec<SchemaFile>) -> Result<Vec<Migration>> {
    let mut migrations = Vec::with_capacity(files.len());
    for (expected, SchemaFile { name: file, text }) in (1..).zip(files) {
        let Some((number, name)) = number_and_name(&file) else {
            return Err(SchemaError::Migrations(format!(
                "{file}: the name must be of the form 0001_what_it_does.surql"
            )));
        };
        if number != expected {
            return Err(SchemaError::Migrations(format!(
                "{file}: has number {number:04}, but {expected:04} is next; numbers run from 0001 without gaps"
            )));
        }
        migrations.push(Migration { origin, number, name, file, text });
    }
    Ok(migrations)
}
