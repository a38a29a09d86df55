//! The job that sends a mail.

use std::sync::Arc;

use async_trait::async_trait;
use pawbase_engine::RecordId;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::mailer::Mailer;
use super::store::{self, MailRow, State};
use crate::context::Ctx;
use crate::kernel::time::floored;
use crate::kernel::{Error, Result};
use crate::services::mail::SendFailure;
use crate::work::{Attempted, Failure, Job, Kind, NewEvent, Outside, Turn, catalogue, emit};

/// The kind of the jobs that send.
pub const KIND: &str = "mail.send";

/// The kind of job that sends mails by `mailer`.
pub fn sending(mailer: Arc<Mailer>) -> Kind {
    Kind::outside(KIND, Sending(mailer))
}

struct Sending(Arc<Mailer>);

#[derive(Deserialize)]
struct Payload {
    mail: Uuid,
}

/// What came of a call.
#[derive(Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Outcome {
    Sent {
        subject: String,
    },
    /// The mail is no good. The server is, so that the job is done.
    Refused {
        error: String,
        is_bad_address: bool,
    },
    /// There is nothing to send.
    Nothing,
}

#[async_trait]
impl Outside for Sending {
    fn service(&self, _: &Job) -> String {
        "mail".to_owned()
    }

    async fn call(&self, ctx: &Ctx, job: &Job) -> Attempted<Json> {
        let Payload { mail } = job.read()?;
        let found = store::mail(ctx.system(), mail).await?.filter(|row| row.state == State::Queued);
        let outcome = match &found {
            Some(row) => self.deliver(ctx, row).await?,
            None => Outcome::Nothing,
        };
        Ok(serde_json::to_value(outcome).map_err(Error::internal)?)
    }

    async fn keep(&self, turn: &Turn<'_>, outcome: std::result::Result<&Json, &Failure>) -> Result<()> {
        let Ok(Payload { mail }) = turn.job.read() else { return Ok(()) };
        let attempt = turn.job.attempt;
        match outcome {
            Ok(answer) => match Outcome::deserialize(answer).map_err(Error::internal)? {
                Outcome::Sent { subject } => {
                    store::sent(turn.tx, mail, &subject, attempt, floored(turn.ctx.now())).await
                }
                Outcome::Refused { error, is_bad_address } => fail(turn, mail, &error, is_bad_address).await,
                Outcome::Nothing => Ok(()),
            },
            Err(failure) if turn.job.is_last_attempt || failure.is_last() => {
                fail(turn, mail, failure.message(), false).await
            }
            Err(failure) => store::not_sent(turn.tx, mail, failure.message(), attempt, false).await,
        }
    }
}

impl Sending {
    async fn deliver(&self, ctx: &Ctx, row: &MailRow) -> Attempted<Outcome> {
        let sent = match self.0.write(row, ctx.now()) {
            Ok(written) => self.0.send(&written.mail).await.map(|()| written.words.subject),
            Err(failure) => Err(failure),
        };
        match sent {
            Ok(subject) => Ok(Outcome::Sent { subject }),
            Err(SendFailure::Refused { message, is_bad_address }) => {
                Ok(Outcome::Refused { error: message, is_bad_address })
            }
            Err(SendFailure::Later(message)) => Err(Failure::retry(message)),
        }
    }
}

/// Gives a mail up, and tells it.
async fn fail(turn: &Turn<'_>, mail: Uuid, error: &str, is_bad_address: bool) -> Result<()> {
    let Some(row) = store::mail_within(turn.tx, mail).await? else { return Ok(()) };
    store::not_sent(turn.tx, mail, error, turn.job.attempt, true).await?;
    tracing::warn!(mail = %mail, template = row.template, "a mail was given up: {error}");
    let about: RecordId = store::record(mail);
    let payload = json!({
        "to": row.to, "user": row.user, "template": row.template, "error": error, "is_bad_address": is_bad_address,
    });
    emit(turn.tx, turn.ctx, NewEvent::new(&catalogue::MAIL_FAILED, about, payload)?.by(None)).await
}
