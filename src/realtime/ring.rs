//! The latest changes of a table, for those who come back after their connection broke off.
//!
//! What is kept are the changes, not the messages: rights are those of the time of the replay.

use std::collections::VecDeque;
use std::sync::Arc;

use pawbase_engine::{Change, LiveAction, Value};

/// The latest changes of one table.
#[derive(Debug)]
pub struct Ring {
    /// The place in the sequence after which every change of the table is here.
    since: u64,
    changes: VecDeque<(u64, Arc<Change>)>,
    most: usize,
}

impl Ring {
    /// An empty ring for at most `most` changes after place `since`.
    pub fn new(most: usize, since: u64) -> Self {
        Self { since, changes: VecDeque::new(), most }
    }

    /// Keeps a change that was told of at place `n`.
    pub fn keep(&mut self, n: u64, change: Arc<Change>) {
        self.changes.push_back((n, change));
        while self.changes.len() > self.most {
            if let Some((gone, _)) = self.changes.pop_front() {
                self.since = gone;
            }
        }
    }

    /// Every record's change since place `last`, from how it was then to how it is, in the order of the last of each; None when not all of
    /// them are known.
    pub fn since(&self, last: u64) -> Option<Vec<(u64, Change)>> {
        if last < self.since {
            return None;
        }
        let mut found: Vec<(u64, Change)> = Vec::new();
        for (n, change) in self.changes.iter().filter(|(n, _)| *n > last) {
            match found.iter().position(|(_, earlier)| earlier.id == change.id) {
                Some(at) => {
                    let (_, earlier) = found.remove(at);
                    found.push((*n, merged(earlier, change)));
                }
                None => found.push((*n, Change::clone(change))),
            }
        }
        Some(found)
    }
}

/// Two changes of one record as one.
fn merged(earlier: Change, later: &Change) -> Change {
    let action = match (later.action, &earlier.before) {
        (LiveAction::Deleted, _) => LiveAction::Deleted,
        (_, Value::None) => LiveAction::Created,
        _ => LiveAction::Updated,
    };
    Change { id: earlier.id, action, before: earlier.before, after: later.after.clone() }
}

#[cfg(test)]
mod tests {
    use pawbase_engine::{Number, Object, RecordId};

    use super::*;

    fn row(value: i64) -> Value {
        if value == 0 {
            return Value::None;
        }
        let mut row = Object::new();
        row.insert("v", Value::Number(Number::Int(value)));
        Value::Object(row)
    }

    fn change(id: i64, before: i64, after: i64) -> Arc<Change> {
        let action = match (before, after) {
            (0, _) => LiveAction::Created,
            (_, 0) => LiveAction::Deleted,
            _ => LiveAction::Updated,
        };
        Arc::new(Change { id: RecordId::new("t", id), action, before: row(before), after: row(after) })
    }

    #[test]
    fn changes_of_one_record_are_one_and_what_is_forgotten_is_known_to_be() {
        let mut ring = Ring::new(4, 10);
        assert!(ring.since(9).is_none());
        assert_eq!(ring.since(10).expect("known").len(), 0);
        for (n, change) in [(11, change(1, 0, 1)), (12, change(2, 5, 6)), (14, change(1, 1, 2)), (15, change(2, 6, 0))]
        {
            ring.keep(n, change);
        }
        let found = ring.since(10).expect("known");
        let told: Vec<_> = found.iter().map(|(n, c)| (*n, c.action, c.before.clone(), c.after.clone())).collect();
        assert_eq!(told, [(14, LiveAction::Created, row(0), row(2)), (15, LiveAction::Deleted, row(5), row(0))]);
        assert_eq!(ring.since(14).expect("known").len(), 1);
        ring.keep(16, change(3, 0, 1));
        assert!(ring.since(10).is_none(), "the change at 11 is gone");
        assert_eq!(ring.since(11).expect("known").len(), 3);
    }
}
