//! Places in the sequence of changes, as clients see and send them: `<epoch>-<n>`.
//!
//! `n` ascends over all changes that this process has told of; the epoch is another at each start, so a place of an earlier process
//! is recognised as such and answered by a reset.

use std::fmt;
use std::str::FromStr;

/// Longest text of a place.
const LENGTH_MAX: usize = 40;

/// A place in the sequence of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seq {
    /// Which start of the program.
    pub epoch: u64,
    /// How many changes it had told of.
    pub n: u64,
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.epoch, self.n)
    }
}

/// A text that is no place in the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotASeq;

impl FromStr for Seq {
    type Err = NotASeq;

    fn from_str(text: &str) -> Result<Self, NotASeq> {
        let (epoch, n) = text.split_once('-').filter(|_| text.len() <= LENGTH_MAX).ok_or(NotASeq)?;
        let place = Self { epoch: u64::from_str_radix(epoch, 16).or(Err(NotASeq))?, n: n.parse().or(Err(NotASeq))? };
        // One form only, so that +5 or a short epoch is no place.
        if place.to_string() == text { Ok(place) } else { Err(NotASeq) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_it_is_written_and_nothing_else_does() {
        let place = Seq { epoch: 0xabc, n: 17 };
        assert_eq!(place.to_string(), "0000000000000abc-17");
        assert_eq!(place.to_string().parse(), Ok(place));
        for wrong in ["", "17", "abc-17", "0000000000000abc-+17", "0000000000000ABC-17", "0000000000000abc-", "-"] {
            assert_eq!(wrong.parse::<Seq>(), Err(NotASeq), "{wrong}");
        }
        assert_eq!("1".repeat(1000).parse::<Seq>(), Err(NotASeq));
    }
}
