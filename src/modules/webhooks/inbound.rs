//! Takes in what others send us: verified before anything is kept, kept once, and told in the same transaction.

use std::sync::Arc;

use pawbase_engine::Tx;
use serde_json::json;

use super::model::{Received, Source};
use super::scheme::{self, Message, Refused};
use super::{store, transact};
use crate::context::Ctx;
use crate::kernel::error::{ALREADY_EXISTS, MALFORMED, SIGNATURE_REFUSED};
use crate::kernel::time::floored;
use crate::kernel::{Error, Result};
use crate::work::{NewEvent, catalogue, emit};

/// Headers that are not kept: they let somebody in.
const CREDENTIALS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// What was sent.
#[derive(Debug)]
pub struct Sent {
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
}

/// Takes a webhook of the source `id`; answers what is kept of it. A repeat is answered as the first. Fails with NOT_FOUND,
/// MALFORMED or SIGNATURE_REFUSED, and then keeps nothing.
pub async fn receive(ctx: &Ctx, id: &str, sent: Sent) -> Result<Received> {
    let source = store::source(ctx.system(), id).await?.ok_or_else(Error::not_found)?;
    let external_id = verified(ctx, &source, &sent)?;
    let body = String::from_utf8(sent.body)
        .map_err(|cause| Error::new(MALFORMED, "The body must be text in UTF-8.").caused_by(cause))?;
    let is_kept = |(name, _): &(String, String)| !CREDENTIALS.contains(&name.as_str());
    let headers: Vec<_> = sent.headers.into_iter().filter(is_kept).collect();
    let shared = Arc::new((source.id, external_id, headers, body));
    transact(ctx, move |tx, ctx| {
        let shared = Arc::clone(&shared);
        Box::pin(async move {
            let (source, external_id, headers, body) = &*shared;
            if let Some(known) = store::received(tx, source, external_id).await? {
                return Ok(known);
            }
            let received = Received { id: ctx.new_id(), received_at: floored(ctx.now()) };
            let kept = store::insert_received(tx, &received, source, external_id, headers, body).await;
            // Somebody else was faster: run again, it is found then.
            kept.map_err(|error| if error.entry() == ALREADY_EXISTS { error.retryable() } else { error })?;
            tell(tx, ctx, &received, source, external_id).await?;
            Ok(received)
        })
    })
    .await
}

/// What the sender calls it, if it is signed as agreed.
fn verified(ctx: &Ctx, source: &Source, sent: &Sent) -> Result<String> {
    let scheme = scheme::named(&source.scheme)
        .ok_or_else(|| Error::internal(format!("the scheme {} is not known", source.scheme)))?;
    let message = Message { headers: &sent.headers, body: &sent.body };
    scheme.verify(source.secret.reveal(), message, ctx.now()).map_err(|refused| match refused {
        Refused::Malformed(words) => Error::new(MALFORMED, words),
        Refused::Unverified => {
            Error::new(SIGNATURE_REFUSED, "The signature is wrong, or its time is too far from ours.")
        }
    })
}

async fn tell(tx: &Tx, ctx: &Ctx, received: &Received, source: &str, external_id: &str) -> Result<()> {
    let payload = json!({ "source": source, "external_id": external_id });
    let about = store::received_record(received.id);
    emit(tx, ctx, NewEvent::new(&catalogue::WEBHOOK_RECEIVED, about, payload)?).await
}
