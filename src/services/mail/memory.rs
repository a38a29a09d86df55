//! Mails kept in memory: where the database is in memory as well, and in tests, which can make it fail.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use uuid::Uuid;

use super::{Outgoing, SendFailure, Transport};

/// Mails kept; the oldest is forgotten first.
const KEPT_MAX: usize = 1000;

/// Mails in memory.
#[derive(Debug, Default)]
pub struct Memory(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    kept: VecDeque<Outgoing>,
    attempts: usize,
    trouble: Option<SendFailure>,
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails from now on in this way; None: works again.
    pub fn fail_with(&self, trouble: Option<SendFailure>) {
        self.state().trouble = trouble;
    }

    /// How often a mail was to be sent.
    pub fn attempts(&self) -> usize {
        self.state().attempts
    }

    /// The mails that were sent, the oldest first.
    pub fn mails(&self) -> Vec<Outgoing> {
        self.state().kept.iter().cloned().collect()
    }
}

#[async_trait]
impl Transport for Memory {
    async fn send(&self, mail: &Outgoing) -> Result<(), SendFailure> {
        let mut state = self.state();
        state.attempts += 1;
        if let Some(trouble) = &state.trouble {
            return Err(trouble.clone());
        }
        if state.kept.len() >= KEPT_MAX {
            state.kept.pop_front();
        }
        state.kept.push_back(mail.clone());
        Ok(())
    }

    async fn kept(&self, id: Uuid) -> Option<Vec<u8>> {
        self.state().kept.iter().find(|mail| mail.id == id).map(|mail| mail.bytes.clone())
    }
}
