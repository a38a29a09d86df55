//! Patterns of events that rows of the database name, such as those of webhook endpoints: kept in memory, so that an event that nobody
//! waits for costs nothing, and read again after each change of the rows.
//!
//! **Invariant:** what is kept carries the generation from before it was read, and counts only while that is the present one; until
//! it is read again every event counts as waited for. A change raises the generation after its commit and before its answer, so an
//! event that is told after the answer is not missed. With a remote database nothing is kept.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use pawbase_engine::{Answer, Session, SurrealValue, Tx};

use super::event::matches;
use crate::kernel::{Error, Result};

/// What is known of such rows.
#[derive(Debug)]
pub struct Patterns {
    /// Selects lists of patterns.
    statement: &'static str,
    generation: AtomicU64,
    known: Mutex<Option<(u64, Vec<String>)>>,
}

impl Patterns {
    /// Those that `statement` selects.
    pub fn new(statement: &'static str) -> Self {
        Self { statement, generation: AtomicU64::new(0), known: Mutex::default() }
    }

    /// Says that the rows have changed. Call after the commit and before the answer.
    pub fn changed(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether they name this event, as far as is known; yes when in doubt.
    pub fn name(&self, event: &str) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((generation, patterns)) if *generation == self.generation.load(Ordering::SeqCst) => {
                patterns.iter().any(|pattern| matches(pattern, event))
            }
            _ => true,
        }
    }

    /// Reads them if they have changed.
    pub(super) async fn look_again(&self, session: &Session) -> Result<()> {
        let generation = self.generation.load(Ordering::SeqCst);
        let is_current = |known: &Option<(u64, Vec<String>)>| known.as_ref().is_some_and(|(of, _)| *of == generation);
        if !is_current(&self.known.lock().unwrap_or_else(PoisonError::into_inner)) {
            let patterns = listed(session.read(self.statement, ()).await?)?;
            *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((generation, patterns));
        }
        Ok(())
    }

    /// Reads them in a transaction.
    pub(super) async fn read(&self, tx: &Tx) -> Result<Vec<String>> {
        listed(tx.query(self.statement, ()).await?)
    }
}

/// All patterns of the rows, each once.
fn listed(mut answer: Answer) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for row in answer.rows(0) {
        all.extend(Vec::<String>::from_value(row).map_err(|cause| Error::internal(format!("patterns: {cause}")))?);
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(patterns: &Patterns, names: &[&str]) {
        let generation = patterns.generation.load(Ordering::SeqCst);
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        *patterns.known.lock().expect("a lock") = Some((generation, names));
    }

    #[test]
    fn everything_is_waited_for_until_the_rows_are_read_and_after_each_change() {
        let patterns = Patterns::new("RETURN []");
        assert!(patterns.name("pets.created"));
        known(&patterns, &["user.*"]);
        assert!(patterns.name("user.registered") && !patterns.name("pets.created"));
        patterns.changed();
        assert!(patterns.name("pets.created"));
    }

    #[test]
    fn what_was_read_before_a_change_does_not_count_after_it() {
        let patterns = Patterns::new("RETURN []");
        let before = patterns.generation.load(Ordering::SeqCst);
        patterns.changed();
        *patterns.known.lock().expect("a lock") = Some((before, Vec::new()));
        assert!(patterns.name("pets.created"));
    }
}
