//! The one list of what the program does about events, and of the jobs that come again and again. Adding a reaction is a function in
//! its module and a line here; `CONTRIBUTING.md` shows one.

use std::sync::Arc;

use crate::modules::identity;
use crate::modules::mail::{self, Mailer};
use crate::records::idempotency;
use crate::work::{Attempted, Kind, Registry, Turn, sweep};

/// Everything that the program does of itself.
pub fn reactions() -> Registry {
    Registry::new()
        .every("17 * * * *", "UTC", "forget_answers", Kind::effect("records.forget_answers", forget_answers))
        .every("41 3 * * *", "UTC", "forget_work", Kind::effect("work.forget", sweep))
        .every("29 3 * * *", "UTC", "forget_mails", Kind::effect("mail.forget", mail::forget))
        .on("user.locked", "identity.tell_locked", identity::tell_locked)
        .on("user.password_changed", "identity.tell_password_changed", identity::tell_password_changed)
        .job(Kind::effect(identity::SEND_CONFIRMATION, identity::send_confirmation))
        .job(Kind::effect(identity::SEND_RESET, identity::send_reset))
        .job(Kind::effect(identity::BEGIN_EMAIL_CHANGE, identity::begin_email_change))
        .every(
            "53 3 * * *",
            "UTC",
            "forget_account_links",
            Kind::effect("identity.forget_links", identity::forget_links),
        )
}

/// The same with what works by services that are opened at start.
pub fn by_services(registry: Registry, mailer: &Arc<Mailer>) -> Registry {
    registry.job(mail::sending(Arc::clone(mailer)))
}

/// Answers to requests that will not be repeated any more.
async fn forget_answers(turn: &Turn<'_>) -> Attempted {
    Ok(idempotency::sweep(&turn.ctx.platform).await?)
}
