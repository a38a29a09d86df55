//! What is on its way out, and how it is announced.
//!
//! One sentence in a description says it: "Deprecated since 2026-12-01, gone after 2027-12-01." It stands in the `///` of a
//! command, or in the COMMENT of a table or field. From it come `deprecated` in the document, and the headers `Deprecation`
//! (RFC 9745) and `Sunset` (RFC 8594) of the operation's answers.

use std::sync::LazyLock;

use chrono::NaiveDate;
use poem::Response;
use poem::http::{HeaderValue, Method};
use regex::Regex;
use serde_json::{Map, Value as Json, json};

static SENTENCE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"Deprecated since (\d{4}-\d{2}-\d{2}), gone after (\d{4}-\d{2}-\d{2})\.").ok());

/// Since when something is deprecated, and the last day it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    since: NaiveDate,
    last_day: NaiveDate,
}

impl Ending {
    fn in_text(text: &str) -> Option<Self> {
        let found = SENTENCE.as_ref()?.captures(text)?;
        let day = |at: usize| found.get(at)?.as_str().parse().ok();
        Some(Self { since: day(1)?, last_day: day(2)? })
    }

    fn headers(self) -> [(&'static str, String); 2] {
        let midnight = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN).and_utc();
        [
            ("deprecation", format!("@{}", midnight(self.since).timestamp())),
            ("sunset", midnight(self.last_day).format("%a, %d %b %Y %H:%M:%S GMT").to_string()),
        ]
    }
}

/// Whether an operation is on its way out.
pub(super) fn of(operation: &Json) -> Option<Ending> {
    Ending::in_text(operation["description"].as_str()?)
}

/// Marks the members of schemas that are on their way out.
pub(super) fn mark(schemas: &mut Map<String, Json>) {
    for schema in schemas.values_mut() {
        let members = schema.get_mut("properties").and_then(Json::as_object_mut).into_iter().flatten();
        for (_, member) in members {
            if member["description"].as_str().and_then(Ending::in_text).is_some() {
                member["deprecated"] = json!(true);
            }
        }
    }
}

/// The operations of a document that are on their way out.
#[derive(Debug, Default)]
pub struct Endings(Vec<(Method, Vec<String>, Ending)>);

impl Endings {
    /// Those of a merged document.
    pub fn of(document: &Json) -> Self {
        let mut found = Vec::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (name, operation) in item.as_object().into_iter().flatten() {
                let method = Method::from_bytes(name.to_ascii_uppercase().as_bytes()).ok();
                if let (Some(method), Some(ending)) = (method, of(operation)) {
                    found.push((method, path.split('/').map(str::to_owned).collect(), ending));
                }
            }
        }
        Self(found)
    }

    /// Announces the end of the operation that answered.
    pub fn announce(&self, method: &Method, path: &str, response: &mut Response) {
        let segments: Vec<&str> = path.split('/').collect();
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let fits = |pattern: &[String]| {
            let is_same = |(known, sent): (&String, &&str)| known.starts_with('{') || known == sent;
            pattern.len() == segments.len() && pattern.iter().zip(&segments).all(is_same)
        };
        // `/toys/aggregate` before `/toys/{id}`.
        let mut found: Vec<_> = self.0.iter().filter(|(known, pattern, _)| known == method && fits(pattern)).collect();
        found.sort_by_key(|(_, pattern, _)| pattern.iter().filter(|segment| segment.starts_with('{')).count());
        let headers = found.first().map(|(_, _, ending)| ending.headers()).into_iter().flatten();
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENTENCE: &str = "A toy. Deprecated since 2026-12-01, gone after 2027-12-01.";

    fn announced(endings: &Endings, method: &Method, path: &str) -> Option<(String, String)> {
        let mut response = Response::builder().finish();
        endings.announce(method, path, &mut response);
        let header = |name| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        header("deprecation").zip(header("sunset"))
    }

    #[test]
    fn the_sentence_becomes_headers_of_its_operation_alone() {
        let ending = json!({ "description": SENTENCE });
        let plain = json!({ "description": "A toy. Deprecated since soon, gone after that." });
        let document = json!({ "paths": {
            "/toys/{id}": { "get": ending, "patch": plain, "parameters": [] },
            "/toys/aggregate": { "get": plain },
        } });
        let endings = Endings::of(&document);
        let headers = Some(("@1796083200".to_owned(), "Wed, 01 Dec 2027 00:00:00 GMT".to_owned()));
        assert_eq!(announced(&endings, &Method::GET, "/toys/1"), headers);
        assert_eq!(announced(&endings, &Method::HEAD, "/toys/1"), headers);
        assert_eq!(announced(&endings, &Method::PATCH, "/toys/1"), None);
        assert_eq!(announced(&endings, &Method::GET, "/toys"), None);
    }

    #[test]
    fn members_are_marked() {
        let mut schemas = Map::new();
        schemas.insert(
            "Toys".into(),
            json!({ "properties": { "old": { "description": SENTENCE }, "new": { "description": "New." } } }),
        );
        mark(&mut schemas);
        assert_eq!(schemas["Toys"]["properties"]["old"]["deprecated"], true);
        assert!(schemas["Toys"]["properties"]["new"].get("deprecated").is_none());
    }
}
