//! Reads the embedded text files of `assets/demo`: a record per line with fields between separators, `#` for comments.
//! What a file means is up to the table that reads it. A missing field is empty; the tests see to it that none is.

use std::str::FromStr;

/// The fields of one line.
#[derive(Debug, Clone)]
pub struct Fields(Vec<&'static str>);

impl Fields {
    /// The lines of a file, without comments and empty lines.
    pub fn lines(file: &'static str, separator: char) -> impl Iterator<Item = Self> {
        file.lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .map(move |line| Self::of(line, separator))
    }

    /// The fields of one line of text.
    pub fn of(line: &'static str, separator: char) -> Self {
        Self(line.split(separator).map(str::trim).collect())
    }

    /// A field as it is.
    pub fn text(&self, index: usize) -> &'static str {
        self.0.get(index).copied().unwrap_or_default()
    }

    /// A field that may be left empty.
    pub fn optional(&self, index: usize) -> Option<&'static str> {
        Some(self.text(index)).filter(|text| !text.is_empty())
    }

    /// A field of several values between semicolons.
    pub fn list(&self, index: usize) -> Vec<&'static str> {
        list(self.text(index))
    }

    /// A field that is a number; 0 if it is empty.
    pub fn number<T: FromStr + Default>(&self, index: usize) -> T {
        self.text(index).parse().unwrap_or_default()
    }

    /// An amount such as `12.90` or `2500` in the minor unit: the digits without the point.
    pub fn minor(&self, index: usize) -> i64 {
        minor(self.text(index))
    }
}

/// The values between semicolons; none in an empty text.
pub fn list(text: &'static str) -> Vec<&'static str> {
    text.split(';').map(str::trim).filter(|item| !item.is_empty()).collect()
}

/// An amount such as `12.90` or `2500` in the minor unit: the digits without the point.
pub fn minor(text: &str) -> i64 {
    text.replace('.', "").parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_fields() {
        let lines: Vec<Fields> = Fields::lines("# comment\n\na|b;c||12.90\n", '|').collect();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].text(0), "a");
        assert_eq!(lines[0].list(1), ["b", "c"]);
        assert_eq!(lines[0].optional(2), None);
        assert_eq!(lines[0].minor(3), 1290);
        assert_eq!(lines[0].text(9), "");
    }
}
