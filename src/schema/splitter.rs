//! Splits SurrealQL into statements, with the line of each, and reads the heads of DEFINE statements.
//!
//! Only as much of the grammar as is needed to find where statements end: strings, comments, brackets and regular
//! expressions. The engine's own parser stays the judge of what is valid.

/// A word of a statement outside of strings, comments and brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word, without back-ticks.
    pub text: String,
    /// Byte offset just after it in the statement.
    pub end: usize,
}

/// One statement of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its text, from its first word on, without the semicolon.
    pub text: String,
    /// Line of its first word, from 1.
    pub line: usize,
    /// Words outside of strings, comments and brackets.
    pub words: Vec<Word>,
    /// Whether a string, comment or bracket is still open at its end.
    pub is_open: bool,
}

/// What a DEFINE statement defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// TABLE, FIELD, … in upper case.
    pub object: String,
    /// Name of the object.
    pub name: String,
    /// Table that a field, index or event belongs to.
    pub table: Option<String>,
}

impl Statement {
    /// Whether it has this keyword outside of strings, comments and brackets.
    pub fn has(&self, keyword: &str) -> bool {
        self.words.iter().any(|word| word.text.eq_ignore_ascii_case(keyword))
    }

    /// The keyword at `position`, in upper case; empty when there is none.
    pub fn keyword(&self, position: usize) -> String {
        self.words.get(position).map(|word| word.text.to_ascii_uppercase()).unwrap_or_default()
    }

    /// What it defines, if it is a DEFINE statement.
    pub fn definition(&self) -> Option<Definition> {
        if self.keyword(0) != "DEFINE" {
            return None;
        }
        let skipped = match (self.keyword(2).as_str(), self.keyword(3).as_str()) {
            ("OVERWRITE", _) if self.words.len() > 3 => 3,
            ("IF", "NOT") => 5,
            _ => 2,
        };
        let name = self.words.get(skipped).map(|word| word.text.clone()).unwrap_or_default();
        let table_at = if self.keyword(skipped + 2) == "TABLE" { skipped + 3 } else { skipped + 2 };
        let table = (self.keyword(skipped + 1) == "ON").then(|| self.words.get(table_at)).flatten();
        Some(Definition { object: self.keyword(1), name, table: table.map(|word| word.text.clone()) })
    }

    /// The text of this DEFINE statement with OVERWRITE in its place.
    pub fn overwriting(&self) -> String {
        overwriting(&self.text, self.words.get(1).map_or(0, |word| word.end))
    }
}

fn overwriting(text: &str, at: usize) -> String {
    let (head, tail) = text.split_at(at);
    format!("{head} OVERWRITE{tail}")
}

/// The statements of a text, in order.
pub fn split(text: &str) -> Vec<Statement> {
    let mut splitter = Splitter { text, at: 0, line: 1, start: None, words: Vec::new(), depth: 0, last: ' ' };
    let mut statements = Vec::new();
    while splitter.at < text.len() {
        if let Some(statement) = splitter.step() {
            statements.push(statement);
        }
    }
    statements.extend(splitter.finish(false));
    statements
}

struct Splitter<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    /// Offset and line of the present statement's first character.
    start: Option<(usize, usize)>,
    words: Vec<Word>,
    depth: usize,
    /// Last significant character.
    last: char,
}

/// Words after which a slash begins a regular expression.
const BEFORE_REGEX: [&str; 10] = ["IN", "IS", "AND", "OR", "NOT", "RETURN", "THEN", "VALUE", "CONTAINS", "INSIDE"];

impl Splitter<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// Moves on by `length` bytes and counts lines.
    fn pass(&mut self, length: usize) {
        let end = (self.at + length).min(self.text.len());
        self.line += self.text[self.at..end].matches('\n').count();
        self.at = end;
    }

    /// Handles what stands at the present place; a statement when one ends there.
    fn step(&mut self) -> Option<Statement> {
        let next = self.rest().chars().next()?;
        if next.is_whitespace() {
            self.pass(next.len_utf8());
            return None;
        }
        if let Some(length) = comment_length(self.rest()) {
            let is_open = self.rest().starts_with("/*") && !self.rest()[..length].ends_with("*/");
            self.pass(length);
            return if is_open { self.finish(true) } else { None };
        }
        if next == ';' && self.depth == 0 {
            let statement = self.finish(false);
            self.pass(1);
            return statement;
        }
        self.start.get_or_insert((self.at, self.line));
        match next {
            '\'' | '"' => self.quoted(next),
            '/' if self.is_regex() => self.quoted('/'),
            '`' | 'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '$' => {
                self.word();
                None
            }
            _ => {
                match next {
                    '(' | '[' | '{' => self.depth += 1,
                    ')' | ']' | '}' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                self.last = next;
                self.pass(next.len_utf8());
                None
            }
        }
    }

    /// Passes a string or regular expression; a statement when it is never closed.
    fn quoted(&mut self, quote: char) -> Option<Statement> {
        let mut is_escaped = false;
        let end = self.rest().char_indices().skip(1).find_map(|(index, c)| {
            let is_end = c == quote && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            is_end.then_some(index + 1)
        });
        self.last = '\'';
        self.pass(end.unwrap_or(self.text.len()));
        if end.is_none() { self.finish(true) } else { None }
    }

    /// Passes a word, with dots, colons, back-ticks and `[*]` in it.
    fn word(&mut self) {
        let rest = self.rest();
        let mut length = 0;
        while let Some(next) = rest[length..].chars().next() {
            if next == '`' {
                let closing = rest[length + 1..].find('`').map_or(rest.len() - length, |i| i + 2);
                length += closing;
            } else if rest[length..].starts_with("[*]") {
                length += 3;
            } else if rest[length..].starts_with(".*") {
                length += 2;
            } else if next.is_alphanumeric() || matches!(next, '_' | '.' | ':' | '$') {
                length += next.len_utf8();
            } else {
                break;
            }
        }
        let text = rest[..length].replace('`', "").replace("[*]", ".*");
        let is_regex_next = BEFORE_REGEX.iter().any(|word| text.eq_ignore_ascii_case(word));
        let start = self.start.map_or(self.at, |(start, _)| start);
        if self.depth == 0 {
            self.words.push(Word { text, end: self.at + length - start });
        }
        self.last = if is_regex_next { '=' } else { 'a' };
        self.pass(length);
    }

    fn is_regex(&self) -> bool {
        !(self.last.is_alphanumeric() || matches!(self.last, ')' | ']' | '}' | '\''))
    }

    /// Ends the present statement here.
    fn finish(&mut self, is_open: bool) -> Option<Statement> {
        let is_open = is_open || self.depth > 0;
        let (start, line) = self.start.take()?;
        let text = self.text[start..self.at].trim_end().to_owned();
        self.depth = 0;
        self.last = ' ';
        Some(Statement { text, line, words: std::mem::take(&mut self.words), is_open })
    }
}

/// Bytes of the comment that `text` begins with.
fn comment_length(text: &str) -> Option<usize> {
    if text.starts_with("/*") {
        return Some(text.find("*/").map_or(text.len(), |end| end + 2));
    }
    ["--", "//", "#"].iter().any(|mark| text.starts_with(mark)).then(|| text.find('\n').unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_where_they_should() {
        let text = "-- it's; a comment\nDEFINE TABLE a COMMENT 'x; it\\'s'; # no;\n\nDEFINE FIELD f ON a\n  TYPE string \
                    ASSERT $value = /^[';]{2}$/;\n/* ; */ DEFINE FUNCTION fn::x() { RETURN 4 / 2; RETURN 'a'; };";
        let statements = split(text);
        let lines: Vec<_> = statements.iter().map(|s| (s.line, s.is_open)).collect();
        assert_eq!(lines, [(2, false), (4, false), (6, false)]);
        assert!(statements[1].text.ends_with("/^[';]{2}$/"), "{}", statements[1].text);
    }

    #[test]
    fn heads_of_definitions_are_read() {
        let cases = [
            ("DEFINE TABLE a SCHEMAFULL", "TABLE", "a", None),
            ("define field overwrite `group`.x on table b TYPE int", "FIELD", "group.x", Some("b")),
            ("DEFINE FIELD l[*].a ON b", "FIELD", "l.*.a", Some("b")),
            ("DEFINE INDEX IF NOT EXISTS i ON b FIELDS x", "INDEX", "i", Some("b")),
            ("DEFINE FUNCTION fn::do::it($a: int) {}", "FUNCTION", "fn::do::it", None),
            ("DEFINE PARAM $p VALUE 1", "PARAM", "$p", None),
        ];
        for (text, object, name, table) in cases {
            let definition = split(text)[0].definition().expect(text);
            let expected = Definition { object: object.into(), name: name.into(), table: table.map(str::to_owned) };
            assert_eq!(definition, expected, "{text}");
        }
        assert_eq!(split("CREATE a;")[0].definition(), None);
    }

    #[test]
    fn what_stays_open_is_marked() {
        for text in ["DEFINE TABLE a COMMENT 'x;\n", "DEFINE FUNCTION fn::a() { RETURN 1;", "DEFINE TABLE a /* x"] {
            assert!(split(text).last().is_some_and(|s| s.is_open), "{text}");
        }
    }

    #[test]
    fn keywords_in_strings_do_not_count() {
        let statement = &split("DEFINE TABLE a COMMENT 'PERMISSIONS FULL'")[0];
        assert!(statement.has("comment") && !statement.has("PERMISSIONS"));
        assert_eq!(statement.overwriting(), "DEFINE TABLE OVERWRITE a COMMENT 'PERMISSIONS FULL'");
    }
}
