//! Types of fields as the database tells them, parsed from the engine's own notation.

use std::fmt;

/// The type of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Anything.
    Any,
    /// true or false.
    Bool,
    /// 64-bit integer.
    Int,
    /// 64-bit float.
    Float,
    /// Exact decimal.
    Decimal,
    /// Any of the three.
    Number,
    /// Text.
    String,
    /// Instant in UTC.
    Datetime,
    /// Span of time.
    Duration,
    /// UUID.
    Uuid,
    /// Raw bytes.
    Bytes,
    /// Object; its fields are fields of the table.
    Object,
    /// GeoJSON of these types; empty means any.
    Geometry(Vec<String>),
    /// Link to a record of these tables; empty means any.
    Record(Vec<String>),
    /// List of items.
    Array(Box<Kind>),
    /// List of distinct items.
    Set(Box<Kind>),
    /// One of these texts.
    Enum(Vec<String>),
    /// May be absent.
    Option(Box<Kind>),
    /// One of several types that are not a single enum.
    Either(Vec<Kind>),
}

impl Kind {
    /// Parses the engine's notation; None when it has a part we do not serve.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parser = Parser { rest: text.trim() };
        let kind = parser.alternatives()?;
        parser.rest.trim().is_empty().then_some(kind)
    }

    /// Whether the field may be absent.
    pub fn is_optional(&self) -> bool {
        matches!(self, Self::Option(_) | Self::Any)
    }

    /// The type without its optionality.
    pub fn required(&self) -> &Self {
        match self {
            Self::Option(inner) => inner,
            other => other,
        }
    }

    /// Whether values are lists of objects, or lists of such lists.
    pub fn is_list_of_objects(&self) -> bool {
        match self.required() {
            Self::Array(item) | Self::Set(item) => *item.required() == Self::Object || item.is_list_of_objects(),
            _ => false,
        }
    }

    /// Whether values are, or hold, links to records of `table`.
    pub fn links_to(&self, table: &str) -> bool {
        match self.required() {
            Self::Record(tables) => tables.is_empty() || tables.iter().any(|name| name == table),
            Self::Array(item) | Self::Set(item) => item.links_to(table),
            Self::Either(kinds) => kinds.iter().any(|kind| kind.links_to(table)),
            _ => false,
        }
    }

    /// Whether values are, or hold, links of which it is said that they may lead to `table`; a link to anything says nothing.
    pub fn names(&self, table: &str) -> bool {
        match self.required() {
            Self::Record(tables) => tables.iter().any(|name| name == table),
            Self::Array(item) | Self::Set(item) => item.names(table),
            Self::Either(kinds) => kinds.iter().any(|kind| kind.names(table)),
            _ => false,
        }
    }

    /// Whether values have an order.
    pub fn is_sortable(&self) -> bool {
        !matches!(
            self.required(),
            Self::Object
                | Self::Array(_)
                | Self::Set(_)
                | Self::Geometry(_)
                | Self::Any
                | Self::Either(_)
                | Self::Bytes
        )
    }

    /// Whether every value of `self` is also one of `wider`: then a change to it loses nothing.
    pub fn fits_in(&self, wider: &Self) -> bool {
        match (self, wider) {
            (_, Self::Any) => true,
            (a, b) if a == b => true,
            (Self::Option(a), Self::Option(b)) => a.fits_in(b),
            (a, Self::Option(b)) => a.fits_in(b),
            (Self::Int | Self::Float | Self::Decimal, Self::Number) | (Self::Enum(_), Self::String) => true,
            (Self::Enum(a), Self::Enum(b)) | (Self::Geometry(a), Self::Geometry(b)) => {
                a.iter().all(|name| b.contains(name))
            }
            (Self::Record(a), Self::Record(b)) => b.is_empty() || (!a.is_empty() && a.iter().all(|t| b.contains(t))),
            (Self::Array(a), Self::Array(b)) | (Self::Set(a), Self::Set(b)) => a.fits_in(b),
            (Self::Either(all), b) => all.iter().all(|a| a.fits_in(b)),
            (a, Self::Either(all)) => all.iter().any(|b| a.fits_in(b)),
            _ => false,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("anything"),
            Self::Bool => f.write_str("a boolean"),
            Self::Int => f.write_str("an integer"),
            Self::Float | Self::Number => f.write_str("a number"),
            Self::Decimal => f.write_str("a decimal number, as a string or number"),
            Self::String => f.write_str("a string"),
            Self::Datetime => f.write_str("an RFC 3339 date and time"),
            Self::Duration => f.write_str("an ISO 8601 or 1h30m duration"),
            Self::Uuid => f.write_str("a UUID"),
            Self::Bytes => f.write_str("base64 text"),
            Self::Object => f.write_str("an object"),
            Self::Geometry(_) => f.write_str("a GeoJSON geometry"),
            Self::Record(tables) if tables.len() == 1 => write!(f, "the key of a record of {}", tables[0]),
            Self::Record(_) => f.write_str("a link {\"table\",\"id\"}"),
            Self::Array(item) | Self::Set(item) => write!(f, "a list, each item {item}"),
            Self::Enum(values) => write!(f, "one of {}", values.join(", ")),
            Self::Option(inner) => write!(f, "{inner}"),
            Self::Either(_) => f.write_str("of one of the documented types"),
        }
    }
}

/// The number in `array<string, 5>`, also where the list may be absent: exactly so many items the engine takes.
pub(super) fn list_length(text: &str) -> Option<usize> {
    let text = text.strip_prefix("none | ").unwrap_or(text);
    let inside = text.strip_prefix("array<").or_else(|| text.strip_prefix("set<"))?.strip_suffix('>')?;
    let (item, number) = inside.rsplit_once(',')?;
    let is_one_list = !item.contains("> |");
    number.trim().parse().ok().filter(|_| is_one_list)
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn eat(&mut self, token: char) -> bool {
        let trimmed = self.rest.trim_start();
        match trimmed.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn alternatives(&mut self) -> Option<Kind> {
        let mut kinds = Vec::new();
        let mut texts = Vec::new();
        let mut is_optional = false;
        loop {
            match self.single()? {
                Part::None => is_optional = true,
                Part::Text(text) => texts.push(text),
                Part::Kind(Kind::Option(inner)) => {
                    is_optional = true;
                    kinds.push(*inner);
                }
                Part::Kind(kind) => kinds.push(kind),
            }
            if !self.eat('|') {
                break;
            }
        }
        if !texts.is_empty() {
            kinds.push(Kind::Enum(texts));
        }
        let kind = if kinds.len() == 1 { kinds.pop()? } else { merged(kinds)? };
        Some(if is_optional && kind != Kind::Any { Kind::Option(Box::new(kind)) } else { kind })
    }

    fn single(&mut self) -> Option<Part> {
        self.rest = self.rest.trim_start();
        let first = self.rest.chars().next()?;
        if first == '\'' || first == '"' {
            let rest = &self.rest[1..];
            let end = rest.find(first)?;
            let text = rest[..end].to_owned();
            self.rest = &rest[end + 1..];
            return Some(Part::Text(text));
        }
        let name = self.name()?;
        Some(Part::Kind(match name.as_str() {
            "none" | "NONE" | "null" | "NULL" => return Some(Part::None),
            "any" => Kind::Any,
            "bool" => Kind::Bool,
            "int" => Kind::Int,
            "float" => Kind::Float,
            "decimal" => Kind::Decimal,
            "number" => Kind::Number,
            "string" => Kind::String,
            "datetime" => Kind::Datetime,
            "duration" => Kind::Duration,
            "uuid" => Kind::Uuid,
            "bytes" => Kind::Bytes,
            "object" => Kind::Object,
            "option" => Kind::Option(Box::new(self.argument()?.unwrap_or(Kind::Any))),
            "array" => Kind::Array(Box::new(self.argument()?.unwrap_or(Kind::Any))),
            "set" => Kind::Set(Box::new(self.argument()?.unwrap_or(Kind::Any))),
            "record" => Kind::Record(self.names()?),
            "geometry" | "point" => Kind::Geometry(self.names()?),
            _ => return None,
        }))
    }

    fn name(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        let is_quoted = self.eat('`');
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let name = self.rest[..end].to_owned();
        self.rest = &self.rest[end..];
        if is_quoted && !self.eat('`') {
            return None;
        }
        (!name.is_empty()).then_some(name)
    }

    /// `<kind>` or `<kind, 10>`, if present.
    #[expect(clippy::option_option, reason = "absent argument and broken text differ")]
    fn argument(&mut self) -> Option<Option<Kind>> {
        if !self.eat('<') {
            return Some(None);
        }
        let kind = self.alternatives()?;
        if self.eat(',') {
            self.name()?;
        }
        self.eat('>').then_some(Some(kind))
    }

    /// `<a | b>`, if present.
    fn names(&mut self) -> Option<Vec<String>> {
        let mut names = Vec::new();
        if self.eat('<') {
            loop {
                names.push(self.name()?);
                if !self.eat('|') {
                    break;
                }
            }
            if !self.eat('>') {
                return None;
            }
        }
        Some(names)
    }
}

enum Part {
    None,
    Text(String),
    Kind(Kind),
}

/// Several alternatives as one kind; links to several tables become one link.
fn merged(kinds: Vec<Kind>) -> Option<Kind> {
    if kinds.is_empty() {
        return None;
    }
    if kinds.iter().all(|kind| matches!(kind, Kind::Record(_))) {
        let tables = kinds.into_iter().flat_map(|kind| if let Kind::Record(t) = kind { t } else { Vec::new() });
        return Some(Kind::Record(tables.collect()));
    }
    Some(Kind::Either(kinds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_notation_is_understood() {
        let cases = [
            ("string", Kind::String),
            ("none | string", Kind::Option(Box::new(Kind::String))),
            ("option<int>", Kind::Option(Box::new(Kind::Int))),
            ("'a' | 'b c'", Kind::Enum(vec!["a".into(), "b c".into()])),
            ("array<'a' | 'b'>", Kind::Array(Box::new(Kind::Enum(vec!["a".into(), "b".into()])))),
            ("array<record<species>, 5>", Kind::Array(Box::new(Kind::Record(vec!["species".into()])))),
            ("none | record<a | b>", Kind::Option(Box::new(Kind::Record(vec!["a".into(), "b".into()])))),
            ("geometry<point>", Kind::Geometry(vec!["point".into()])),
            ("int | string", Kind::Either(vec![Kind::Int, Kind::String])),
        ];
        for (text, kind) in cases {
            assert_eq!(Kind::parse(text), Some(kind), "{text}");
        }
        for broken in ["", "array<", "record<a", "nonsense", "string string"] {
            assert_eq!(Kind::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn links_to_a_table_are_told_from_links_to_anything() {
        let names = |text: &str| Kind::parse(text).expect("a kind").names("files");
        for text in [
            "record<files>",
            "option<record<files>>",
            "array<record<files>>",
            "record<pets | files>",
            "option<array<record<files>, 5>>",
        ] {
            assert!(names(text), "{text}");
        }
        for text in ["record", "option<record>", "record<users>", "array<string>", "any", "object"] {
            assert!(!names(text), "{text}");
        }
    }

    #[test]
    fn lengths_of_lists_are_found() {
        let cases = [
            ("array<string, 5>", Some(5)),
            ("none | array<object, 3>", Some(3)),
            ("set<array<int, 2>, 4>", Some(4)),
            ("array<array<int, 2>>", None),
            ("array<string>", None),
            ("array<'a' | 'b', 2>", Some(2)),
            ("array<int, 2> | array<int, 3>", None),
            ("string", None),
        ];
        for (text, length) in cases {
            assert_eq!(list_length(text), length, "{text}");
        }
    }

    #[test]
    fn only_widening_fits() {
        let fits = |a: &str, b: &str| match (Kind::parse(a), Kind::parse(b)) {
            (Some(a), Some(b)) => a.fits_in(&b),
            _ => panic!("{a} {b}"),
        };
        assert!(fits("string", "option<string>"));
        assert!(fits("'a'", "'a' | 'b'"));
        assert!(fits("int", "number"));
        assert!(fits("record<a>", "record<a | b>"));
        assert!(!fits("option<string>", "string"));
        assert!(!fits("'a' | 'b'", "'a'"));
        assert!(!fits("string", "int"));
    }
}
