//! Parts of a file by the `Range` header (RFC 9110, section 14). Pure.

use std::ops::Range;

/// What a request wants of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes that it does not have.
    Unsatisfiable,
}

/// What the header `text` wants of a file of `size` bytes. A header that cannot be understood means nothing, and so does one with more
/// than one range: a server may answer either with the whole.
pub fn wanted(text: &str, size: u64) -> Wanted {
    let Some(ranges) = text.trim().strip_prefix("bytes=") else { return Wanted::Whole };
    let Some((first, last)) = ranges.trim().split_once('-') else { return Wanted::Whole };
    match (Bound::of(first), Bound::of(last)) {
        (Bound::Absent, Bound::At(count)) if count == 0 || size == 0 => Wanted::Unsatisfiable,
        (Bound::Absent, Bound::At(count)) => Wanted::Part(size - count.min(size)..size),
        (Bound::At(first), Bound::At(last)) if last < first => Wanted::Whole,
        (Bound::At(first), Bound::At(_) | Bound::Absent) if first >= size => Wanted::Unsatisfiable,
        (Bound::At(first), Bound::At(last)) => Wanted::Part(first..last.saturating_add(1).min(size)),
        (Bound::At(first), Bound::Absent) => Wanted::Part(first..size),
        _ => Wanted::Whole,
    }
}

/// One end of a range.
enum Bound {
    Absent,
    At(u64),
    Wrong,
}

impl Bound {
    fn of(text: &str) -> Self {
        match text {
            "" => Self::Absent,
            // A number that is too long for us is beyond every file.
            text if text.bytes().all(|byte| byte.is_ascii_digit()) => Self::At(text.parse().unwrap_or(u64::MAX)),
            _ => Self::Wrong,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_that_part() {
        for (text, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-5", 2..6),
            ("bytes=9-", 9..10),
            ("bytes=0-", 0..10),
            ("bytes=5-500", 5..10),
            ("bytes=-3", 7..10),
            ("bytes=-500", 0..10),
            (" bytes=2-5 ", 2..6),
            ("bytes=2-99999999999999999999999", 2..10),
        ] {
            assert_eq!(wanted(text, 10), Wanted::Part(part), "{text}");
        }
    }

    #[test]
    fn what_is_not_there_cannot_be_had() {
        for text in ["bytes=10-", "bytes=10-12", "bytes=99999999999999999999999-", "bytes=-0"] {
            assert_eq!(wanted(text, 10), Wanted::Unsatisfiable, "{text}");
        }
        for text in ["bytes=0-", "bytes=0-0", "bytes=-5"] {
            assert_eq!(wanted(text, 0), Wanted::Unsatisfiable, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_means_nothing() {
        for text in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=1-b",
            "bytes=5-2",
            "lines=0-1",
            "bytes=0-1,3-4",
            "bytes=0-1, -1",
            "bytes=+1-2",
            "bytes=1--2",
            "bytes 0-1",
        ] {
            assert_eq!(wanted(text, 10), Wanted::Whole, "{text}");
        }
    }
}
