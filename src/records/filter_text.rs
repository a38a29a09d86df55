//! The written form of filters: `price.minor <= 1000 and (species = "dog" or not status in ["sold"])`.
//!
//! Grammar: `or` binds weaker than `and`, `not` strongest; values are JSON literals or single-quoted text; operators are
//! `= != < <= > >= in contains starts`; `field = null` asks for absence.

use serde_json::Value as Json;

use super::convert;
use super::fields;
use super::filter::{Filter, Test};
use super::query::{build_test, operand_kind};
use crate::context::Ctx;
use crate::kernel::{Error, Result};
use crate::schema::Table;

/// Longest text of a filter.
pub const LENGTH_MAX: usize = 4000;
/// Deepest nesting of brackets and `not`.
const DEPTH_MAX: usize = 20;

/// Parses the text into a tree over fields the caller may read.
pub fn parse(ctx: &Ctx, table: &Table, text: &str) -> Result<Filter> {
    if text.len() > LENGTH_MAX {
        return Err(Error::query("filter", format!("A filter has at most {LENGTH_MAX} characters.")));
    }
    let mut parser = Parser { ctx, table, text, at: 0, depth: 0 };
    let filter = parser.any_of()?;
    parser.skip_space();
    if parser.at < text.len() {
        return Err(parser.wrong("and, or, or the end"));
    }
    Ok(filter)
}

struct Parser<'a> {
    ctx: &'a Ctx,
    table: &'a Table,
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn wrong(&self, expected: &str) -> Error {
        Error::query("filter", format!("Expected {expected} at position {}.", self.at + 1))
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        self.skip_space();
        let is_there = self.rest().starts_with(symbol);
        if is_there {
            self.at += symbol.len();
        }
        is_there
    }

    fn word(&mut self, word: &str) -> bool {
        self.skip_space();
        let rest = self.rest();
        let is_there = rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
            && !rest[word.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
        if is_there {
            self.at += word.len();
        }
        is_there
    }

    fn any_of(&mut self) -> Result<Filter> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Error::query("filter", format!("Brackets go deeper than {DEPTH_MAX}.")));
        }
        let mut parts = vec![self.all_of()?];
        while self.word("or") {
            parts.push(self.all_of()?);
        }
        self.depth -= 1;
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Or(parts) })
    }

    fn all_of(&mut self) -> Result<Filter> {
        let mut parts = vec![self.one()?];
        while self.word("and") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::And(parts) })
    }

    fn one(&mut self) -> Result<Filter> {
        let mut is_negated = false;
        while self.word("not") {
            is_negated = !is_negated;
        }
        let inner = if self.symbol("(") {
            let inner = self.any_of()?;
            if !self.symbol(")") {
                return Err(self.wrong("a closing bracket"));
            }
            inner
        } else {
            self.comparison()?
        };
        Ok(if is_negated { Filter::Not(Box::new(inner)) } else { inner })
    }

    fn comparison(&mut self) -> Result<Filter> {
        self.skip_space();
        let end =
            self.rest().find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(self.rest().len());
        if end == 0 {
            return Err(self.wrong("a field name"));
        }
        let path = self.rest()[..end].to_owned();
        let field = fields::resolve(self.ctx, self.table, &path, "filter")?;
        self.at += end;
        let operator = self.operator()?;
        let literal = self.literal()?;
        let test = match (operator, literal) {
            ("eq", Json::Null) => Test::Null(true),
            ("ne", Json::Null) => Test::Null(false),
            ("in", Json::Array(items)) => {
                let convert = |item| convert::from_word(&self.ctx.platform.schema, field.kind.required(), &item);
                let values = items.into_iter().map(convert).collect::<std::result::Result<_, _>>();
                Test::In(values.map_err(|message| Error::query("filter", format!("{path}: {message}")))?)
            }
            ("in", _) => return Err(self.wrong("a list such as [\"a\",\"b\"]")),
            (operator, literal) => {
                let value = convert::from_word(&self.ctx.platform.schema, operand_kind(&field, operator), &literal)
                    .map_err(|message| Error::query("filter", format!("{path}: {message}")))?;
                build_test(&field, operator, value, "filter")?
            }
        };
        Ok(Filter::Test(field, test))
    }

    fn operator(&mut self) -> Result<&'static str> {
        const SYMBOLS: [(&str, &str); 6] =
            [("!=", "ne"), ("<=", "lte"), (">=", "gte"), ("=", "eq"), ("<", "lt"), (">", "gt")];
        if let Some((_, name)) = SYMBOLS.iter().find(|(symbol, _)| self.symbol(symbol)) {
            return Ok(name);
        }
        let words = ["in", "contains", "starts"];
        words.into_iter().find(|word| self.word(word)).ok_or_else(|| self.wrong("an operator"))
    }

    /// A JSON scalar or a list of them, with single-quoted text allowed.
    fn literal(&mut self) -> Result<Json> {
        self.skip_space();
        match self.rest().chars().next() {
            Some('\'') => self.single_quoted(),
            Some('[') => self.list(),
            Some('"') => {
                let mut stream = serde_json::Deserializer::from_str(self.rest()).into_iter::<String>();
                let text = stream.next().and_then(std::result::Result::ok);
                let length = stream.byte_offset();
                let text = text.ok_or_else(|| self.wrong("a text that ends with a quote"))?;
                self.at += length;
                Ok(Json::String(text))
            }
            _ => self.bare(),
        }
    }

    /// A number, true, false or null.
    fn bare(&mut self) -> Result<Json> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "+-._".contains(c);
        let end = self.rest().find(|c| !is_part(c)).unwrap_or(self.rest().len());
        let value = serde_json::from_str(&self.rest()[..end])
            .map_err(|_| self.wrong("a value: text in quotes, a number, true, false, null or a list"))?;
        self.at += end;
        Ok(value)
    }

    fn list(&mut self) -> Result<Json> {
        let mut items = Vec::new();
        self.symbol("[");
        if self.symbol("]") {
            return Ok(Json::Array(items));
        }
        loop {
            self.skip_space();
            if self.rest().starts_with('[') {
                return Err(self.wrong("a value that is not a list"));
            }
            items.push(self.literal()?);
            if self.symbol("]") {
                return Ok(Json::Array(items));
            }
            if !self.symbol(",") {
                return Err(self.wrong("a comma or a closing bracket"));
            }
        }
    }

    fn single_quoted(&mut self) -> Result<Json> {
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            match character {
                '\'' => {
                    self.at += at + 1;
                    return Ok(Json::String(text));
                }
                '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
                other => text.push(other),
            }
        }
        Err(self.wrong("a closing quote"))
    }
}
