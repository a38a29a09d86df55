//! The one list of what the program does about events, and of the jobs that come again and again. Adding a reaction is a function in
//! its module and a line here; `CONTRIBUTING.md` shows one.

use crate::modules::webhooks;
use crate::records::idempotency;
use crate::work::{Attempted, Kind, Registry, Turn, sweep};

/// Everything that the program does of itself.
pub fn reactions() -> Registry {
    webhooks::reactions(Registry::new())
        .every("17 * * * *", "UTC", "forget_answers", Kind::effect("records.forget_answers", forget_answers))
        .every("41 3 * * *", "UTC", "forget_work", Kind::effect("work.forget", sweep))
}

/// Answers to requests that will not be repeated any more.
async fn forget_answers(turn: &Turn<'_>) -> Attempted {
    Ok(idempotency::sweep(&turn.ctx.platform).await?)
}
