//! Answers of reads, kept as bytes until something is written.
//!
//! **Invariant:** an answer is given again only while no write has ended since before it was read (`Engine::writes`), so a
//! read that begins after a write was acknowledged never sees what was before it. It is kept for one reader:
//! callers of whom the table's permissions learn the same. Tables whose reads depend on more than what is
//! stored (`Table::is_timeless`) are left out. Deliberately elsewhere: all that happens to each request, kept answer or not (http).

use std::collections::BTreeMap;

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::Ctx;
use super::reader::Reader;
use crate::schema::{Asks, Schema, Table};

/// What a kept answer costs beside its bytes.
const OVERHEAD: u64 = 200;

/// The body of a read and its ETag.
#[derive(Debug, Clone)]
pub struct Answer {
    /// JSON.
    pub body: Bytes,
    /// Its strong ETag.
    pub etag: Box<str>,
}

/// Which answer: for whom, and to which path and query.
pub type Question = (Reader, Box<str>);

/// An answer and the count of writes from before it was read.
type Kept = (u64, Answer);

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Question, Kept> for Weight {
    fn weight(&self, (_, path): &Question, (_, answer): &Kept) -> u64 {
        OVERHEAD + (path.len() + answer.body.len() + answer.etag.len()) as u64
    }
}

/// What may be kept of a table's reads.
#[derive(Debug, Clone)]
struct Rule {
    /// Reads that reach other tables as well: through links, or through what permissions ask.
    with_links: bool,
    /// What permissions ask of the caller.
    asks: Asks,
}

/// A store of answers, bounded by bytes.
#[derive(Debug)]
pub struct Answers {
    kept: Option<Cache<Question, Kept, Weight>>,
    /// Tables of whose reads something may be kept.
    rules: BTreeMap<String, Rule>,
}

impl Answers {
    /// Room for `bytes` of answers about the tables of `schema`; keeps nothing when that is 0.
    pub fn new(bytes: u64, schema: &Schema) -> Self {
        let items = usize::try_from(bytes / 2000).unwrap_or(usize::MAX);
        let with_links = schema.tables.values().all(Table::is_timeless);
        let rule = |table: &Table| Rule { with_links, asks: table.asks_readers() };
        let timeless = schema.tables.values().filter(|table| table.is_timeless());
        Self {
            kept: (bytes > 0).then(|| Cache::with_weighter(items, bytes, Weight)),
            rules: timeless.map(|table| (table.name.clone(), rule(table))).collect(),
        }
    }

    /// What a caller asks by reading `path` (with its query) of `table`; None when the answer may not be kept.
    pub fn question(&self, ctx: &Ctx, table: &str, path: &str, has_links: bool) -> Option<Question> {
        self.kept.as_ref()?;
        let rule = self.rules.get(table)?;
        if !rule.with_links && (has_links || rule.asks.is_conditional) {
            return None;
        }
        // What is linked lies under the permissions of other tables.
        let asks = if has_links { &Asks::EVERYTHING } else { &rule.asks };
        Some((Reader::of(ctx, asks), path.into()))
    }

    /// The kept answer, if nothing has been written since: `writes` is the present count.
    pub fn get(&self, question: &Question, writes: u64) -> Option<Answer> {
        let (then, answer) = self.kept.as_ref()?.get(question)?;
        (then == writes).then_some(answer)
    }

    /// Keeps an answer that was read after `writes` was taken.
    pub fn keep(&self, question: Question, writes: u64, answer: Answer) {
        if let Some(kept) = &self.kept {
            kept.insert(question, (writes, answer));
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::context::Audience;

    fn answer(text: &str) -> Answer {
        Answer { body: Bytes::copy_from_slice(text.as_bytes()), etag: "\"e\"".into() }
    }

    fn question(path: &str) -> Question {
        (Reader::Guest, path.into())
    }

    #[test]
    fn an_answer_counts_until_the_next_write_and_for_its_reader() {
        let answers = Answers::new(1 << 20, &Schema::default());
        answers.keep(question("/a"), 5, answer("old"));
        let body = |question: &Question, writes| answers.get(question, writes).map(|answer| answer.body);
        assert_eq!(body(&question("/a"), 5).as_deref(), Some(b"old".as_slice()));
        assert_eq!(body(&question("/a"), 6), None);
        assert_eq!(body(&question("/b"), 5), None);
        assert_eq!(body(&(Reader::User(Audience::Public, Uuid::nil()), "/a".into()), 5), None);
        answers.keep(question("/a"), 6, answer("new"));
        assert_eq!(body(&question("/a"), 6).as_deref(), Some(b"new".as_slice()));
    }

    #[test]
    fn bytes_are_bounded_and_none_means_nothing() {
        let answers = Answers::new(100_000, &Schema::default());
        for number in 0..1000 {
            answers.keep(question(&format!("/{number}")), 1, answer(&"x".repeat(1000)));
        }
        let kept = (0..1000).filter(|number| answers.get(&question(&format!("/{number}")), 1).is_some()).count();
        assert!((1..100).contains(&kept), "{kept}");
        let none = Answers::new(0, &Schema::default());
        none.keep(question("/a"), 1, answer("x"));
        assert!(none.get(&question("/a"), 1).is_none());
    }
}
