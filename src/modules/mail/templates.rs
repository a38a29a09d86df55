//! The texts of mails: those of the program, and those by which the shop replaces them.
//!
//! A mail has three parts, `<locale>/<code>.subject.txt`, `.txt` and `.html`; all share `layout.txt` and `layout.html`, and each language
//! has its own `footer`. The shop replaces any file by one of the same name below `<data>/mail`, and adds a language by a folder with what
//! it translates. HTML is escaped by itself, and a name that nothing fills in is an error.
//!
//! **Invariant:** what the shop replaces is tried with samples at start. A broken file stops the start, as a broken setting does: a mail that
//! cannot be written would be noticed only when somebody waits for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::DateTime;
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, context};
use rust_embed::RustEmbed;
use serde_json::Value as Json;

use super::catalogue::{TEMPLATES, Template};

/// The program's own texts.
#[derive(RustEmbed)]
#[folder = "assets/mail"]
struct Embedded;

/// The language that is always there.
pub const FALLBACK: &str = "en";
/// Files that are no mail of their own.
const SHARED: [&str; 2] = ["layout.html", "layout.txt"];
/// Files of a language that are no mail of their own.
const OF_LANGUAGE: [&str; 2] = ["footer.html", "footer.txt"];
/// The parts of a mail.
const PARTS: [&str; 3] = ["subject.txt", "txt", "html"];
/// Bytes of a file at most.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Why the shop's texts cannot be used, for whoever starts the program.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A file or folder cannot be read.
    #[error("cannot read the mail template {}: {cause}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// A file has no place here, or is wrong.
    #[error("mail template {}: {message}", path.display())]
    Wrong {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it, and where.
        message: String,
    },
}

/// A mail's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Its subject, on one line.
    pub subject: String,
    /// Its plain half.
    pub text: String,
    /// Its HTML half, a whole document without scripts.
    pub html: String,
}

/// What a mail is filled with beside its own data.
#[derive(Debug, Clone, Copy)]
pub struct Filling<'a> {
    /// The shop's name.
    pub shop: &'a str,
    /// Members of the letter.
    pub data: &'a Json,
    /// Where its link leads.
    pub link: Option<&'a str>,
    /// Where its unsubscribe link leads.
    pub unsubscribe: Option<&'a str>,
}

/// All texts.
pub struct Templates {
    environment: Environment<'static>,
    /// Languages by code of the mail.
    languages: BTreeMap<&'static str, BTreeSet<String>>,
    /// Names of the files that the shop has replaced or added.
    replaced: BTreeSet<String>,
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Templates").field("replaced", &self.replaced).finish_non_exhaustive()
    }
}

impl Templates {
    /// The program's texts, and those in `folder` if it is there. Fails when one of these is no text for a mail or is broken.
    pub fn load(folder: &Path) -> Result<Self, TemplateError> {
        let mut sources: BTreeMap<String, String> = BTreeMap::new();
        for name in Embedded::iter() {
            if let Some(text) = Embedded::get(&name).and_then(|file| String::from_utf8(file.data.into_owned()).ok()) {
                sources.insert(name.into_owned(), text);
            }
        }
        let mut replaced = BTreeSet::new();
        for (name, text) in shop_files(folder)? {
            sources.insert(name.clone(), text);
            replaced.insert(name);
        }
        let languages = languages(&sources);
        let mut environment = environment();
        for (name, text) in sources {
            let added = environment.add_template_owned(name.clone(), text);
            added.map_err(|error| wrong(folder, &replaced, &error, &name))?;
        }
        let templates = Self { environment, languages, replaced };
        templates.check(folder)?;
        Ok(templates)
    }

    /// Tries the shop's texts with samples, and that no part of a mail is missing.
    fn check(&self, folder: &Path) -> Result<(), TemplateError> {
        for name in &self.replaced {
            if let Some((language, template)) = mail_of(name)
                && !self.languages_of(template.code).any(|known| known == language)
            {
                let message =
                    format!("the mail is not whole: {language} needs {}", parts(language, template).join(", "));
                return Err(TemplateError::Wrong { path: folder.join(name), message });
            }
        }
        if self.replaced.is_empty() {
            return Ok(());
        }
        for template in TEMPLATES {
            for language in self.languages_of(template.code) {
                for is_full in [true, false] {
                    self.sample_in(template, language, is_full)
                        .map_err(|error| wrong(folder, &self.replaced, &error, template.code))?;
                }
            }
        }
        Ok(())
    }

    /// The languages of a mail.
    pub fn languages_of(&self, code: &str) -> impl Iterator<Item = &str> {
        self.languages.get(code).into_iter().flatten().map(String::as_str)
    }

    /// The languages in which the shop has replaced or added a part of a mail.
    pub fn replaced_of(&self, template: &Template) -> Vec<String> {
        let is_replaced = |language: &&str| parts(language, template).iter().any(|name| self.replaced.contains(name));
        self.languages_of(template.code).filter(is_replaced).map(str::to_owned).collect()
    }

    /// The language of a mail for somebody with `locale`: itself, without its region, or English.
    pub fn language(&self, code: &str, locale: &str) -> String {
        let language = locale.split('-').next().unwrap_or_default();
        let found = [locale, language].into_iter().find(|wanted| self.languages_of(code).any(|known| known == *wanted));
        found.unwrap_or(FALLBACK).to_owned()
    }

    /// Writes a mail for somebody with `locale`. Fails when there is no such template, or when the data lacks something.
    pub fn render(&self, code: &str, locale: &str, filling: Filling<'_>) -> Result<Rendered, minijinja::Error> {
        let language = self.language(code, locale);
        let part = |ending: &str, subject: &str| {
            let values = context! {
                shop => filling.shop, link => filling.link, unsubscribe => filling.unsubscribe,
                locale => language.as_str(), subject => subject, ..value_of(filling.data)
            };
            self.environment.get_template(&format!("{language}/{code}.{ending}"))?.render(values)
        };
        let subject = part("subject.txt", "")?.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Rendered { text: part("txt", &subject)?, html: part("html", &subject)?, subject })
    }

    /// Writes a mail with its sample.
    pub fn sample(&self, template: &Template, locale: &str) -> Result<Rendered, minijinja::Error> {
        self.sample_in(template, &self.language(template.code, locale), true)
    }

    fn sample_in(&self, template: &Template, language: &str, is_full: bool) -> Result<Rendered, minijinja::Error> {
        let cause = |cause: serde_json::Error| minijinja::Error::new(ErrorKind::BadSerialization, cause.to_string());
        let data: Json = serde_json::from_str(template.sample).map_err(cause)?;
        let filling = Filling {
            shop: "Happy Paws",
            data: &data,
            link: template.has_link.then_some("https://shop.example/account/sample#token=sample"),
            unsubscribe: (is_full && !template.has_link).then_some("https://shop.example/unsubscribe?token=sample"),
        };
        self.render(template.code, language, filling)
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("moment", moment);
    environment
}

/// A member of a letter as the engine of templates has it.
fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(flag) => Value::from(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::from(whole),
            (None, Some(fraction)) => Value::from(fraction),
            (None, None) => Value::from(number.to_string()),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::from(items.iter().map(value_of).collect::<Vec<Value>>()),
        Json::Object(members) => {
            Value::from_pairs(members.iter().map(|(name, member)| (name.as_str(), value_of(member))))
        }
    }
}

/// A time of RFC 3339 on the clocks of an IANA zone, in figures, so that it needs no language.
fn moment(at: &str, timezone: &str) -> Result<String, minijinja::Error> {
    let wrong = |what: String| minijinja::Error::new(ErrorKind::InvalidOperation, what);
    let at = DateTime::parse_from_rfc3339(at).map_err(|_| wrong(format!("{at:?} is no time")))?;
    let zone: chrono_tz::Tz = timezone.parse().map_err(|_| wrong(format!("{timezone:?} is no time zone")))?;
    Ok(format!("{} ({timezone})", at.with_timezone(&zone).format("%Y-%m-%d %H:%M")))
}

/// The names of the files of a mail.
fn parts(language: &str, template: &Template) -> Vec<String> {
    PARTS.iter().map(|part| format!("{language}/{}.{part}", template.code)).collect()
}

/// Language and mail of a file, if it is a part of one.
fn mail_of(name: &str) -> Option<(&str, &'static Template)> {
    let (language, file) = name.split_once('/')?;
    let is_part = |template: &&Template| PARTS.iter().any(|part| file == format!("{}.{part}", template.code));
    Some((language, TEMPLATES.iter().find(is_part)?))
}

/// The languages in which each mail is whole.
fn languages(sources: &BTreeMap<String, String>) -> BTreeMap<&'static str, BTreeSet<String>> {
    let all: BTreeSet<&str> = sources.keys().filter_map(|name| Some(name.split_once('/')?.0)).collect();
    let is_whole =
        |language: &str, template: &Template| parts(language, template).iter().all(|name| sources.contains_key(name));
    TEMPLATES
        .iter()
        .map(|template| {
            let whole = all.iter().filter(|language| is_whole(language, template));
            (template.code, whole.map(|language| (*language).to_owned()).collect())
        })
        .collect()
}

/// The shop's files by name.
fn shop_files(folder: &Path) -> Result<Vec<(String, String)>, TemplateError> {
    let mut found = Vec::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    for path in entries(folder)? {
        if path.is_dir() {
            for inner in entries(&path)? {
                found.push(read(folder, &inner)?);
            }
        } else {
            found.push(read(folder, &path)?);
        }
    }
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, TemplateError> {
    let failed = |cause| TemplateError::Io { path: folder.to_owned(), cause };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        // What editors and systems leave lying about.
        if path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.')) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn read(folder: &Path, path: &Path) -> Result<(String, String), TemplateError> {
    let failed = |cause| TemplateError::Io { path: path.to_owned(), cause };
    let wrong = |message: String| TemplateError::Wrong { path: path.to_owned(), message };
    let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/");
    let language = name.split_once('/').map(|(language, _)| language);
    let is_known = match language {
        None => SHARED.contains(&name.as_str()),
        Some(language) if is_language(language) => {
            mail_of(&name).is_some() || OF_LANGUAGE.iter().any(|file| name == format!("{language}/{file}"))
        }
        Some(_) => return Err(wrong("the folder must be named like \"de\" or \"de-AT\"".to_owned())),
    };
    if !is_known {
        let codes: Vec<&str> = TEMPLATES.iter().map(|template| template.code).collect();
        return Err(wrong(format!(
            "is no file of a mail; there are {}, each with {}",
            codes.join(", "),
            PARTS.join(", ")
        )));
    }
    if std::fs::metadata(path).map_err(failed)?.len() > FILE_BYTES_MAX {
        return Err(wrong(format!("has more than {} KB", FILE_BYTES_MAX / 1024)));
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    Ok((name, String::from_utf8(bytes).map_err(|_| wrong("is not text in UTF-8".to_owned()))?))
}

fn is_language(text: &str) -> bool {
    let is_lower = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_upper = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_uppercase());
    text.split_once('-').map_or_else(|| is_lower(text), |(language, region)| is_lower(language) && is_upper(region))
}

/// A failure of the engine of templates, named after the file in which it is.
fn wrong(folder: &Path, replaced: &BTreeSet<String>, error: &minijinja::Error, fallback: &str) -> TemplateError {
    let mut innermost = error;
    while let Some(source) = std::error::Error::source(innermost).and_then(|cause| cause.downcast_ref()) {
        innermost = source;
    }
    let name = innermost.name().unwrap_or(fallback);
    let line = innermost.line().map_or_else(String::new, |line| format!("line {line}: "));
    let words = innermost
        .detail()
        .map_or_else(|| innermost.kind().to_string(), |detail| format!("{}: {detail}", innermost.kind()));
    let path = if replaced.contains(name) { folder.join(name) } else { PathBuf::from(name) };
    TemplateError::Wrong { path, message: format!("{line}{words}") }
}

#[cfg(test)]
#[path = "templates_tests.rs"]
mod tests;
