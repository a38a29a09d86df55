//! Takes an upload in: onto this machine's disk, looked at, made ready, into the store, and only then into the database.
//!
//! **Invariant:** nothing is in the store without a row: one of `file_uploads` from before the first byte gets there, in whose place the
//! transaction that keeps the file puts the one of `files`. What fails on the way is taken back; what a killed process leaves is found by
//! its row (`sweep.rs`). An upload that breaks off never gets to the store.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use pawbase_engine::{Datetime, Object, Tx, Value};
use uuid::Uuid;

use super::form::{Form, Sent};
use super::model::{File, record};
use super::purposes::PICTURES;
use super::rules::{self, Plan};
use super::{Files, names, sniff, store};
use crate::context::{AuditEntry, Ctx, Role, audit, uninterrupted};
use crate::kernel::error::{REQUEST_TIMEOUT, UNAVAILABLE};
use crate::kernel::time::floored;
use crate::kernel::{Error, FieldError, Result};
use crate::services::blobs::{BlobKey, Spooled, sha256_hex};
use crate::services::images::PictureError;
use crate::work::{NewEvent, RecordChange, emit};

/// Takes the file of a form; answers its record. Fails with MALFORMED, VALIDATION_FAILED (also for a type that the purpose does not take,
/// and for the quota), PAYLOAD_TOO_LARGE, REQUEST_TIMEOUT, TOO_MANY_REQUESTS, FORBIDDEN for staff who only look; and then keeps nothing.
pub async fn upload(ctx: &Ctx, files: &Arc<Files>, sent: Sent) -> Result<File> {
    let principal = ctx.require_signed()?;
    if ctx.caller.is_staff() {
        ctx.require_role(&Role::ADMINS)?;
    }
    let owner = principal.user;
    let _place = if ctx.caller.is_staff() { None } else { Some(files.places.take(owner)?) };
    let id = ctx.new_id();
    let time_out = Duration::from_secs(ctx.platform.config.files.upload_timeout_s);
    let received = tokio::time::timeout(time_out, receive(ctx, files, sent, id)).await;
    let (plan, name, spooled) =
        received.unwrap_or_else(|_| Err(Error::new(REQUEST_TIMEOUT, "The file did not arrive in time.")))?;
    let mime = rules::check_type(plan.purpose, sniff::media_type(&spooled.head))?;
    let ready = ready(files, spooled, mime).await?;
    let file = File {
        id,
        owner: Some(owner),
        business: plan.business,
        purpose: plan.purpose.name.to_owned(),
        name,
        mime: ready.mime.to_owned(),
        size: ready.size(),
        sha256: ready.sha256().to_owned(),
        pixels: ready.pixels,
        visibility: plan.visibility,
        created_at: floored(ctx.now()),
    };
    let (ctx, files) = (ctx.clone(), Arc::clone(files));
    uninterrupted(async move { keep(&ctx, &files, file, ready).await }).await
}

/// The form as it comes; the file only once the words before it are good.
async fn receive(ctx: &Ctx, files: &Files, sent: Sent, id: Uuid) -> Result<(Plan, String, Spooled)> {
    let mut form = Form::new(sent);
    let (words, part) = form.words().await?;
    let plan = rules::plan(&words, ctx.caller.is_staff())?;
    check_business(ctx, &plan).await?;
    let name = names::shown(part.name());
    let bytes_max = rules::bytes_max(plan.purpose, ctx.platform.config.files.max_mb);
    let spooled = form.file(part, files.blobs.spool(), id, bytes_max).await?;
    if spooled.size == 0 {
        return Err(Error::invalid(vec![FieldError::new("/file", "length", "is empty")]));
    }
    Ok((plan, name, spooled))
}

/// Staff upload in the name of any business, others of those they work in.
async fn check_business(ctx: &Ctx, plan: &Plan) -> Result<()> {
    let Some(business) = plan.business else { return Ok(()) };
    let may = if ctx.caller.is_staff() {
        store::is_business(ctx.session(), business).await?
    } else {
        store::is_member(ctx.session(), business).await?
    };
    let message = "there is no such record of businesses that you work in";
    if may { Ok(()) } else { Err(Error::invalid(vec![FieldError::new("/business", "reference", message)])) }
}

/// What is to be kept: a picture that was written anew, or the upload as it came.
struct Ready {
    mime: &'static str,
    pixels: Option<(u32, u32)>,
    content: Content,
}

enum Content {
    Written { bytes: Bytes, sha256: String },
    AsItCame(Spooled),
}

impl Ready {
    fn size(&self) -> u64 {
        match &self.content {
            Content::Written { bytes, .. } => bytes.len() as u64,
            Content::AsItCame(spooled) => spooled.size,
        }
    }

    fn sha256(&self) -> &str {
        match &self.content {
            Content::Written { sha256, .. } => sha256,
            Content::AsItCame(spooled) => &spooled.sha256,
        }
    }
}

async fn ready(files: &Files, spooled: Spooled, mime: &'static str) -> Result<Ready> {
    if !PICTURES.contains(&mime) {
        return Ok(Ready { mime, pixels: None, content: Content::AsItCame(spooled) });
    }
    let picture = files.images.prepare(spooled.read_whole().await?).await.map_err(no_picture)?;
    let sha256 = sha256_hex(&picture.bytes);
    let content = Content::Written { bytes: picture.bytes, sha256 };
    Ok(Ready { mime: picture.mime, pixels: Some((picture.width, picture.height)), content })
}

/// Why there is no picture, as a failure of the field.
fn no_picture(error: PictureError) -> Error {
    let code = match error {
        PictureError::Busy => return Error::new(UNAVAILABLE, "Too many pictures at once.").retry_after(5),
        PictureError::Damaged(_) => "type",
        PictureError::TooLarge { .. } => "range",
    };
    Error::invalid(vec![FieldError::new("/file", code, error.to_string())])
}

/// Keeps what is ready: the row that tells of it, the bytes, the record.
async fn keep(ctx: &Ctx, files: &Files, file: File, ready: Ready) -> Result<File> {
    begin(ctx, &file).await?;
    let key = BlobKey::Original(file.id);
    let stored = match ready.content {
        Content::Written { bytes, .. } => files.blobs.put(key, bytes).await,
        Content::AsItCame(spooled) => files.blobs.put_spooled(key, &spooled).await,
    };
    let kept = match stored {
        Ok(()) => finish(ctx, &file).await,
        Err(error) => Err(error),
    };
    match kept {
        Ok(()) => Ok(file),
        Err(error) => {
            take_back(ctx, files, file.id).await;
            Err(error)
        }
    }
}

/// Notes the upload, if the owner may have so much. Staff may.
async fn begin(ctx: &Ctx, file: &File) -> Result<()> {
    let quota_mb = (!ctx.caller.is_staff()).then_some(ctx.platform.config.files.quota_mb);
    let now = floored(ctx.now());
    let Some(owner) = file.owner else { return Ok(()) };
    let (id, size) = (file.id, file.size);
    ctx.system()
        .transact(|tx: &Tx| -> BoxFuture<'_, Result<()>> {
            Box::pin(async move {
                if let Some(quota_mb) = quota_mb {
                    rules::check_quota(store::used_bytes(tx, owner).await?, size, quota_mb)?;
                }
                store::begin_upload(tx, id, owner, size, now).await
            })
        })
        .await
}

async fn finish(ctx: &Ctx, file: &File) -> Result<()> {
    let shared = Arc::new((ctx.clone(), file.clone()));
    ctx.system()
        .transact(|tx: &Tx| -> BoxFuture<'_, Result<()>> {
            let shared = Arc::clone(&shared);
            Box::pin(async move {
                let (ctx, file) = &*shared;
                store::end_upload(tx, file.id).await?;
                store::insert(tx, file).await?;
                emit(tx, ctx, told(RecordChange::Created, file)).await?;
                if ctx.caller.is_staff() {
                    let entry = AuditEntry::of_caller(ctx, "file.uploaded", record(file.id));
                    audit::write(tx, &[AuditEntry { after: Some(image(file)), ..entry }]).await?;
                }
                Ok(())
            })
        })
        .await
}

/// The event of a change of a file.
pub(super) fn told(change: RecordChange, file: &File) -> NewEvent {
    let mut payload = serde_json::Map::new();
    payload.insert("id".to_owned(), serde_json::json!(file.id));
    payload.insert("record".to_owned(), serde_json::Value::Object(file.told()));
    NewEvent::of_record(change, record(file.id), payload)
}

/// A file as the audit trail keeps it.
fn image(file: &File) -> Object {
    let mut image = Object::new();
    image.insert("purpose", file.purpose.clone());
    image.insert("name", file.name.clone());
    image.insert("mime", file.mime.clone());
    image.insert("sha256", file.sha256.clone());
    image.insert("visibility", file.visibility.as_str().to_owned());
    image.insert("created_at", Value::Datetime(Datetime::from(file.created_at)));
    image
}

/// Leaves nothing of an upload that failed. Where that fails too, the sweep finds it by its row.
async fn take_back(ctx: &Ctx, files: &Files, id: Uuid) {
    let removed = match files.blobs.remove(id).await {
        Ok(()) => {
            ctx.system()
                .transact(|tx: &Tx| -> BoxFuture<'_, Result<()>> {
                    Box::pin(async move { store::end_upload(tx, id).await })
                })
                .await
        }
        failed => failed,
    };
    if let Err(error) = removed {
        tracing::warn!(%id, cause = error.cause().unwrap_or("-"), "an upload that failed is left to the sweep");
    }
}
