//! What a file holds, for who may read it: found, and in the size that was asked for. How it is sent is the business of http.
//!
//! **Invariant:** a caller gets what a file holds only if the file is public, or its record is visible in the caller's own session, or the
//! address has a seal of ours that has not expired.

use std::ops::Range;

use uuid::Uuid;

use super::addresses;
use super::model::{File, Visibility};
use super::thumbnails::Fit;
use super::{Files, names, store};
use crate::context::{Audience, Caller, Ctx};
use crate::kernel::error::UNAVAILABLE;
use crate::kernel::time::Instant;
use crate::kernel::{Error, Result};
use crate::services::blobs::{BlobKey, BlobStream};
use crate::services::images::PictureError;

/// Which file is asked for, and how.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Key of the file, as the address has it.
    pub id: String,
    /// Until when the address is good, as it says itself.
    pub expires: Option<String>,
    /// The seal of the address.
    pub signature: Option<String>,
    /// The box that a picture is to fit in, as `WxH`.
    pub thumb: Option<String>,
}

/// By which right a file is read; it says who else may keep the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Everybody has it.
    Public,
    /// Whoever has the address, until then.
    Until(Instant),
    /// The caller alone.
    Own,
}

/// A file that may be read.
#[derive(Debug, Clone)]
pub struct Found {
    key: BlobKey,
    /// Media type of what is sent.
    pub mime: String,
    /// Its strong ETag.
    pub etag: String,
    /// By which right.
    pub right: Right,
    /// Value of Content-Disposition.
    pub disposition: String,
    file: File,
}

impl Files {
    /// Finds what is asked for. Fails with NOT_FOUND where the caller may not read it, and with INVALID_QUERY for a `thumb` that is none.
    pub async fn find(&self, ctx: &Ctx, asked: &Asked) -> Result<Found> {
        let id = Uuid::try_parse(&asked.id).map_err(|_| Error::not_found())?;
        let (file, right) = self.permitted(ctx, id, asked).await?;
        let (mut key, mut etag) = (BlobKey::Original(id), format!("\"{}\"", file.sha256));
        if let Some(text) = &asked.thumb {
            let fit = Fit::parse(text).ok_or_else(|| Error::query("thumb", "thumb is a size such as 320x240."))?;
            let (width, height) = file.pixels.ok_or_else(|| Error::query("thumb", "thumb is for pictures only."))?;
            if let Some((width, height)) = fit.of(width, height) {
                key = BlobKey::Thumbnail(id, width, height);
                etag = format!("\"{}-{width}x{height}\"", file.sha256);
            }
        }
        let disposition = names::disposition(&file.name, &file.mime);
        Ok(Found { key, mime: file.mime.clone(), etag, right, disposition, file })
    }

    async fn permitted(&self, ctx: &Ctx, id: Uuid, asked: &Asked) -> Result<(File, Right)> {
        if let (Some(expires), Some(signature)) = (&asked.expires, &asked.signature) {
            let until =
                addresses::opened(&self.keys, id, expires, signature, ctx.now()).ok_or_else(Error::not_found)?;
            let file = store::file(ctx.system(), id).await?.ok_or_else(Error::not_found)?;
            let right = if file.visibility == Visibility::Public { Right::Public } else { Right::Until(until) };
            return Ok((file, right));
        }
        if ctx.audience == Audience::Admin && matches!(ctx.caller, Caller::Guest) {
            return Err(Error::unauthenticated());
        }
        let file = store::file(ctx.session(), id).await?.ok_or_else(Error::not_found)?;
        let right = if file.visibility == Visibility::Public { Right::Public } else { Right::Own };
        Ok((file, right))
    }

    /// Size in bytes of what was found; a picture that is not there yet in its size is made.
    pub async fn size(&self, ctx: &Ctx, found: &Found) -> Result<u64> {
        match found.key {
            BlobKey::Original(_) => Ok(found.file.size),
            BlobKey::Thumbnail(id, width, height) => {
                if let Some(size) = self.blobs.size(found.key).await? {
                    return Ok(size);
                }
                // Whoever comes meanwhile waits, and finds it.
                let turn = self.turn(found.key);
                let _guard = turn.lock().await;
                match self.blobs.size(found.key).await? {
                    Some(size) => Ok(size),
                    None => self.make_thumbnail(ctx, id, width, height).await,
                }
            }
        }
    }

    /// The bytes of a range of what was found.
    pub async fn read(&self, found: &Found, range: Range<u64>) -> Result<BlobStream> {
        self.blobs.read(found.key, range).await?.ok_or_else(|| lost(found.file.id))
    }

    async fn make_thumbnail(&self, ctx: &Ctx, id: Uuid, width: u32, height: u32) -> Result<u64> {
        let bytes = self.blobs.read_whole(BlobKey::Original(id)).await?.ok_or_else(|| lost(id))?;
        let picture = self.images.scale(bytes, width, height).await.map_err(|error| match error {
            PictureError::Busy => Error::new(UNAVAILABLE, "Too many pictures at once.").retry_after(5),
            other => Error::internal(format!("file {id}: {other}")),
        })?;
        let size = picture.bytes.len() as u64;
        self.blobs.put(BlobKey::Thumbnail(id, width, height), picture.bytes).await?;
        self.thumbnails_made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // Deleted meanwhile: what the deletion did not find must go too.
        if store::file(ctx.system(), id).await?.is_none() {
            self.blobs.remove(id).await?;
            return Err(Error::not_found());
        }
        Ok(size)
    }
}

/// There is a record, and nothing in the store: somebody took it out by hand.
fn lost(id: Uuid) -> Error {
    tracing::error!(%id, "a file is not in the store");
    Error::not_found()
}
