//! Writing: the effective settings, and the file of all settings with their defaults.
//!
//! Deliberately elsewhere: how one value is written, and that a secret is masked (`value.rs`).

use super::list::Config;
use super::setting::{Setting, sections};

const HEADER: &str = "\
# Settings of Pawbase: each with its default. Made from src/config/list.rs by `UPDATE=1 cargo test`.
# A line left out keeps its default. The environment overrides: PAWBASE_PUBLIC__BIND=0.0.0.0:3000 is [public] bind;
# lists are separated by commas. 1 KB is 1024 bytes. A wrong name or value stops the start.
";

impl Config {
    /// The effective settings as TOML, secrets masked.
    pub fn to_toml(&self) -> String {
        let section_texts = sections().iter().map(|section| {
            let lines = section.settings.iter().map(|setting| assignment(setting, self));
            format!("[{}]\n{}", section.name, lines.collect::<String>())
        });
        section_texts.collect::<Vec<_>>().join("\n")
    }
}

/// The text of `config.toml`: every setting with its default and a line on what it is for.
pub fn render_default_file() -> String {
    let defaults = Config::default();
    let mut file = HEADER.to_owned();
    for section in sections() {
        file.push_str(&format!("\n# {}\n[{}]\n", section.doc, section.name));
        for setting in section.settings {
            file.push_str(&format!("# {}{}\n", setting.doc, allowed(setting)));
            file.push_str(&assignment(setting, &defaults));
        }
    }
    file
}

/// A line `name = value`.
fn assignment(setting: &Setting, config: &Config) -> String {
    format!("{} = {}\n", setting.name, setting.shown(config))
}

/// What a reader of the file cannot see from the default.
fn allowed(setting: &Setting) -> String {
    match &setting.range {
        Some(range) => format!(" ({} to {})", range.start(), range.end()),
        None if setting.is_secret() => " (secret)".to_owned(),
        None => String::new(),
    }
}
