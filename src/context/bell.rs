//! The bell that wakes the workers of this process: rung after the commit of a transaction that leaves work to be done.
//!
//! It only saves time. What is to be done stands in the database, where workers also look of themselves now and then, since
//! other processes cannot ring it.

use pawbase_engine::Tx;
use tokio::sync::watch;

/// Rings when there may be work. Cheap to clone; all clones ring the same bell.
#[derive(Debug, Clone, Default)]
pub struct Bell(watch::Sender<u64>);

impl Bell {
    /// Rings now.
    pub fn ring(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Rings once `tx` is committed.
    pub fn ring_after(&self, tx: &Tx) {
        let bell = self.clone();
        tx.after_commit(move || bell.ring());
    }

    /// Hears every ring from now on; rings between two looks are heard as one.
    pub fn listen(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}
