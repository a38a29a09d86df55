//! Reading: defaults, then the file, then the environment, then the rules.
//!
//! Deliberately elsewhere: what each value may be (`list.rs`, `value.rs`, `rules.rs`). This file only knows where a
//! value came from, so that an error can say it.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use toml_edit::{Document, Item, Key};

use super::error::{ConfigError, Origin};
use super::list::Config;
use super::reference;
use super::rules::RULES;
use super::setting::{Section, sections};

/// The file that is read when none is named, in the current directory.
const DEFAULT_FILE: &str = "config.toml";

impl Config {
    /// Reads the settings: defaults, over them `file`, over that the `PAWBASE_SECTION__KEY` variables of `environment`.
    ///
    /// Without a `file`, `config.toml` in the current directory is read if it exists. A named file must exist. Fails
    /// on the first unknown name, wrong type, value out of range or broken rule, so a `Config` is valid as a whole.
    pub fn load(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        match fs::read_to_string(path) {
            Ok(text) => Self::load_text(path, &text, environment),
            Err(cause) if file.is_none() && cause.kind() == ErrorKind::NotFound => {
                Self::load_text(path, "", environment)
            }
            Err(cause) => Err(ConfigError::Unreadable { path: path.to_owned(), cause }),
        }
    }

    /// As [`Config::load`], of a file already read.
    pub(super) fn load_text(
        path: &Path,
        text: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut loading = Loading::default();
        loading.apply_file(&File { path, text })?;
        for (name, value) in environment {
            if name.starts_with("PAWBASE_") && name.contains("__") {
                loading.apply_variable(&name, &value)?;
            }
        }
        loading.finish()
    }
}

/// A settings file.
struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    /// The line, counted from 1, of the byte at `offset`.
    fn line(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
    }

    fn origin(&self, offset: usize, key: &str) -> Origin {
        Origin::File { path: self.path.to_owned(), line: self.line(offset), key: key.to_owned() }
    }

    fn syntax_error(&self, error: &toml_edit::TomlError) -> ConfigError {
        let offset = error.span().map_or(0, |span| span.start);
        let (path, line) = (self.path.to_owned(), self.line(offset));
        ConfigError::Syntax { path, line, message: format!("not valid TOML: {}", error.message().replace('\n', " ")) }
    }
}

/// Settings being read, and where each came from.
#[derive(Default)]
struct Loading {
    config: Config,
    origins: HashMap<&'static str, Origin>,
}

impl Loading {
    fn apply_file(&mut self, file: &File<'_>) -> Result<(), ConfigError> {
        let document = Document::parse(file.text).map_err(|error| file.syntax_error(&error))?;
        for (name, item) in document.iter() {
            let offset = offset_of(document.key(name), item);
            let refused = |message| ConfigError::Refused { origin: file.origin(offset, name), message };
            let section = sections().iter().find(|section| section.name == name);
            let section = section.ok_or_else(|| refused("unknown section".to_owned()))?;
            let table = item.as_table_like();
            let table = table.ok_or_else(|| refused(format!("must be a section, found {}", item.type_name())))?;
            for (name, item) in table.iter() {
                self.apply_item(file, section, name, offset_of(table.key(name), item), item)?;
            }
        }
        Ok(())
    }

    fn apply_item(
        &mut self,
        file: &File<'_>,
        section: &Section,
        name: &str,
        offset: usize,
        item: &Item,
    ) -> Result<(), ConfigError> {
        let key = format!("{}.{name}", section.name);
        let refused = |offset, message| ConfigError::Refused { origin: file.origin(offset, &key), message };
        let setting = section.settings.iter().find(|setting| setting.name == name);
        let setting = setting.ok_or_else(|| refused(offset, "unknown setting".to_owned()))?;
        let wrong_type = || refused(offset, format!("must be {}, found {}", setting.kind, item.type_name()));
        let value = item.as_value().ok_or_else(wrong_type)?;
        setting
            .assign(&mut self.config, value)
            .map_err(|problem| refused(problem.span.map_or(offset, |span| span.start), problem.message))?;
        self.origins.insert(setting.key, file.origin(offset, &key));
        Ok(())
    }

    fn apply_variable(&mut self, name: &str, text: &str) -> Result<(), ConfigError> {
        let origin = Origin::Environment { name: name.to_owned() };
        let refused = |message| ConfigError::Refused { origin: origin.clone(), message };
        let setting = reference().find(|setting| setting.environment_name() == name);
        let setting = setting.ok_or_else(|| refused("unknown setting".to_owned()))?;
        let value = setting.kind.read(text).map_err(|problem| refused(problem.message))?;
        setting.assign(&mut self.config, &value).map_err(|problem| refused(problem.message))?;
        self.origins.insert(setting.key, origin);
        Ok(())
    }

    fn finish(self) -> Result<Config, ConfigError> {
        for rule in RULES {
            rule(&self.config).map_err(|broken| {
                let set = broken.keys.iter().find_map(|key| self.origins.get(key)).cloned();
                let origin = set.unwrap_or_else(|| Origin::Default { key: broken.keys.join(", ") });
                ConfigError::Refused { origin, message: broken.message }
            })?;
        }
        Ok(self.config)
    }
}

/// The byte at which a key stands in its file; its value's, should the key have none.
fn offset_of(key: Option<&Key>, item: &Item) -> usize {
    key.and_then(Key::span).or_else(|| item.span()).map_or(0, |span| span.start)
}
