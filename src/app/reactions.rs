//! The one list of what the program does about events, and of the jobs that come again and again. Adding a reaction is a function in
//! its module and a line here; `CONTRIBUTING.md` shows one.

use std::sync::Arc;

use crate::modules::files::{self, Files};
use crate::modules::identity;
use crate::modules::mail::{self, Mailer};
use crate::modules::messaging;
use crate::modules::notifications::{self, tell};
use crate::modules::webhooks;
use crate::records::idempotency;
use crate::work::{Attempted, Kind, Registry, Turn, sweep};

/// Everything that the program does of itself.
pub fn reactions() -> Registry {
    webhooks::reactions(Registry::new())
        .every("17 * * * *", "UTC", "forget_answers", Kind::effect("records.forget_answers", forget_answers))
        .every("41 3 * * *", "UTC", "forget_work", Kind::effect("work.forget", sweep))
        .on("memberships.created", "notifications.membership_created", tell([&notifications::MEMBERSHIP_ADDED]))
        .on(
            "memberships.updated",
            "notifications.membership_updated",
            tell([
                &notifications::MEMBERSHIP_ADDED,
                &notifications::MEMBERSHIP_CHANGED,
                &notifications::MEMBERSHIP_ENDED,
            ]),
        )
        .on("memberships.deleted", "notifications.membership_deleted", tell([&notifications::MEMBERSHIP_ENDED]))
        .on("user.suspended", "notifications.user_suspended", tell([&notifications::ACCOUNT_SUSPENDED]))
        .on("user.reinstated", "notifications.user_reinstated", tell([&notifications::ACCOUNT_REINSTATED]))
        .on("job.died", "notifications.job_died", tell([&notifications::JOB_DIED]))
        .on("webhook.disabled", "notifications.webhook_disabled", tell([&notifications::WEBHOOK_DISABLED]))
        .on("mail.failed", "notifications.mail_failed", notifications::mail_failed)
        .job(Kind::effect(notifications::SEND, notifications::send_waiting))
        .every("35 3 * * *", "UTC", "forget_notifications", Kind::effect("notifications.forget", notifications::forget))
        .every("29 3 * * *", "UTC", "forget_mails", Kind::effect("mail.forget", mail::forget))
        .job(Kind::effect(messaging::TELL, messaging::tell_unread))
        .every("13 4 * * *", "UTC", "sweep_files", Kind::effect("files.sweep", files::sweep))
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
pub fn by_services(registry: Registry, mailer: &Arc<Mailer>, files: &Arc<Files>) -> Registry {
    registry.job(mail::sending(Arc::clone(mailer))).reaction("files.deleted", files::removing(Arc::clone(files)))
}

/// Answers to requests that will not be repeated any more.
async fn forget_answers(turn: &Turn<'_>) -> Attempted {
    Ok(idempotency::sweep(&turn.ctx.platform).await?)
}
