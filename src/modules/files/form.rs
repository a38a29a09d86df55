//! Reads the form of an upload as it comes: the words first, then the file, straight to this machine's disk. Nothing is held in memory but
//! what has just arrived, and nothing is read any more once the upload is refused.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use futures::stream::BoxStream;
use multer::{Field, Multipart};
use uuid::Uuid;

use crate::kernel::error::{MALFORMED, PAYLOAD_TOO_LARGE};
use crate::kernel::{Error, FieldError, Result};
use crate::services::blobs::{Spool, Spooled};

/// Words that a form may have.
const FIELDS: [&str; 3] = ["purpose", "visibility", "business"];
/// Bytes of a word.
const WORD_BYTES_MAX: usize = 200;
/// What may come besides the file: words, heads of parts, and what is read ahead.
const BESIDES_BYTES_MAX: u64 = 1024 * 1024;
/// The parser takes what is there before it looks at it, so the stream pauses after this much.
const PAUSE_BYTES: usize = 128 * 1024;

/// The body of an upload, and what separates its parts.
pub struct Sent {
    /// The boundary that the Content-Type names.
    pub boundary: String,
    /// The body as it comes.
    pub body: BoxStream<'static, std::io::Result<Bytes>>,
}

/// What stands in a form before the file.
#[derive(Debug, Default)]
pub struct Words {
    /// What the file is for.
    pub purpose: Option<String>,
    /// Who may read it.
    pub visibility: Option<String>,
    /// In whose name.
    pub business: Option<String>,
}

/// How many more bytes may come.
#[derive(Debug, Clone)]
struct Allowance(Arc<AtomicU64>);

/// A body that ends with a failure once more came than is allowed.
struct Bounded {
    body: BoxStream<'static, std::io::Result<Bytes>>,
    allowance: Allowance,
    since_pause: usize,
}

impl Stream for Bounded {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.since_pause >= PAUSE_BYTES {
            self.since_pause = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = self.body.as_mut().poll_next(cx);
        if let Poll::Ready(Some(Ok(bytes))) = &next {
            self.since_pause += bytes.len();
            let length = bytes.len() as u64;
            let take = |left: u64| left.checked_sub(length);
            if self.allowance.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
                self.allowance.0.store(0, Ordering::Relaxed);
                return Poll::Ready(Some(Err(std::io::Error::other("more than was allowed"))));
            }
        }
        next
    }
}

/// A form that is being read.
pub struct Form {
    parts: Multipart<'static>,
    allowance: Allowance,
}

/// The part with the file, not read yet.
pub struct FilePart(Field<'static>);

impl FilePart {
    /// What the sender calls it.
    pub fn name(&self) -> Option<&str> {
        self.0.file_name()
    }
}

impl Form {
    /// Begins.
    pub fn new(sent: Sent) -> Self {
        let allowance = Allowance(Arc::new(AtomicU64::new(BESIDES_BYTES_MAX)));
        let body = Bounded { body: sent.body, allowance: allowance.clone(), since_pause: 0 };
        Self { parts: Multipart::new(body, sent.boundary), allowance }
    }

    /// The words that come before the file, and the file's part. Fails with MALFORMED, or with VALIDATION_FAILED for what is no word of
    /// this form or a form without a file.
    pub async fn words(&mut self) -> Result<(Words, FilePart)> {
        let mut words = Words::default();
        let mut seen: Vec<String> = Vec::new();
        while let Some(part) = self.parts.next_field().await.map_err(broken)? {
            let name = part.name().unwrap_or_default().to_owned();
            if name == "file" {
                return Ok((words, FilePart(part)));
            }
            if !FIELDS.contains(&name.as_str()) || seen.contains(&name) {
                return Err(stray(&name, seen.contains(&name)));
            }
            let word = word(part, &name).await?;
            match name.as_str() {
                "purpose" => words.purpose = Some(word),
                "visibility" => words.visibility = Some(word),
                _ => words.business = Some(word),
            }
            seen.push(name);
        }
        Err(Error::invalid(vec![FieldError::new("/file", "required", "is required")]))
    }

    /// Takes the file of at most `bytes_max` bytes onto the disk, and sees that the form ends behind it. Fails with PAYLOAD_TOO_LARGE as
    /// soon as there is more.
    pub async fn file(&mut self, part: FilePart, spool: &Spool, id: Uuid, bytes_max: u64) -> Result<Spooled> {
        self.allowance.0.fetch_add(bytes_max, Ordering::Relaxed);
        let too_large = || {
            let words = format!("The file has more than {} bytes.", bytes_max);
            Error::new(PAYLOAD_TOO_LARGE, words).at("/file", "length", format!("has at most {bytes_max} bytes"))
        };
        let mut incoming = spool.begin(id).await?;
        let FilePart(mut part) = part;
        while let Some(bytes) = part.chunk().await.map_err(broken)? {
            if incoming.size() + bytes.len() as u64 > bytes_max {
                return Err(too_large());
            }
            incoming.write(&bytes).await?;
        }
        drop(part);
        match self.parts.next_field().await.map_err(broken)? {
            None => incoming.finish().await,
            Some(after) => {
                let name = after.name().unwrap_or_default();
                let message = "must stand before the file";
                Err(Error::invalid(vec![FieldError::new(FieldError::pointer("", name), "rule", message)]))
            }
        }
    }
}

/// A part that is no part of this form, or for the second time.
fn stray(name: &str, is_again: bool) -> Error {
    let (code, message) = if is_again { ("rule", "is there twice") } else { ("unknown", "is not a field here") };
    Error::invalid(vec![FieldError::new(FieldError::pointer("", name), code, message)])
}

async fn word(mut part: Field<'static>, name: &str) -> Result<String> {
    let mut bytes = Vec::new();
    while let Some(more) = part.chunk().await.map_err(broken)? {
        bytes.extend_from_slice(&more);
        if bytes.len() > WORD_BYTES_MAX {
            let message = format!("has at most {WORD_BYTES_MAX} bytes");
            return Err(Error::invalid(vec![FieldError::new(FieldError::pointer("", name), "length", message)]));
        }
    }
    String::from_utf8(bytes).map_err(|cause| Error::new(MALFORMED, "The form is not in UTF-8.").caused_by(cause))
}

/// The form breaks off, or is none.
fn broken(cause: multer::Error) -> Error {
    Error::new(MALFORMED, "The form broke off, or is no multipart/form-data.").caused_by(cause)
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, stream};

    use super::*;

    fn form(parts: &[(&str, &str)], end: &str) -> Form {
        let part = |(name, text): &(&str, &str)| {
            let file = if *name == "file" { "; filename=\"a.txt\"" } else { "" };
            format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{text}\r\n")
        };
        of_text(parts.iter().map(part).collect::<String>() + end)
    }

    /// In small pieces, as a slow sender sends them.
    fn of_text(text: String) -> Form {
        let pieces: Vec<_> = text.into_bytes().chunks(7).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        Form::new(Sent { boundary: "B".into(), body: stream::iter(pieces).boxed() })
    }

    async fn spooled(form: &mut Form, bytes_max: u64) -> Result<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = crate::config::Config::default();
        config.database.url = "memory".into();
        config.files.folder = folder.path().to_owned();
        let blobs = crate::services::blobs::Blobs::open(&config).expect("opens");
        let (_, part) = form.words().await?;
        let spooled = form.file(part, blobs.spool(), Uuid::from_u128(1), bytes_max).await?;
        Ok(String::from_utf8(spooled.read_whole().await?.to_vec()).expect("text"))
    }

    fn pointers(error: &Error) -> Vec<(&str, &str)> {
        error.fields().iter().map(|field| (field.pointer.as_str(), field.code)).collect()
    }

    #[tokio::test]
    async fn words_come_first_and_the_file_as_it_is() {
        let mut form =
            form(&[("purpose", "document"), ("visibility", "private"), ("file", "--B is no end\r\n")], "--B--\r\n");
        let (words, part) = form.words().await.expect("words");
        assert_eq!((words.purpose.as_deref(), words.visibility.as_deref()), (Some("document"), Some("private")));
        assert_eq!((words.business, part.name()), (None, Some("a.txt")));
    }

    #[tokio::test]
    async fn a_file_is_taken_up_to_its_limit() {
        let whole = || form(&[("file", "0123456789")], "--B--\r\n");
        assert_eq!(spooled(&mut whole(), 10).await.expect("taken"), "0123456789");
        let error = spooled(&mut whole(), 9).await.expect_err("too large");
        assert_eq!((error.entry(), pointers(&error)), (PAYLOAD_TOO_LARGE, vec![("/file", "length")]));
    }

    #[tokio::test]
    async fn a_form_that_breaks_off_is_refused() {
        for end in ["", "--B", "--"] {
            let error = spooled(&mut form(&[("file", "0123456789")], end), 100).await.expect_err(end);
            assert_eq!(error.entry(), MALFORMED, "{end:?}");
        }
        let error = spooled(&mut of_text("no form at all".into()), 100).await.expect_err("no form");
        assert_eq!(error.entry(), MALFORMED);
    }

    #[tokio::test]
    async fn what_does_not_belong_is_named() {
        let long = "x".repeat(WORD_BYTES_MAX + 1);
        for (parts, expected) in [
            (vec![("nope", "1"), ("file", "x")], ("/nope", "unknown")),
            (vec![("purpose", "a"), ("purpose", "b"), ("file", "x")], ("/purpose", "rule")),
            (vec![("purpose", long.as_str()), ("file", "x")], ("/purpose", "length")),
            (vec![("purpose", "a")], ("/file", "required")),
            (vec![("file", "x"), ("purpose", "a")], ("/purpose", "rule")),
        ] {
            let error = spooled(&mut form(&parts, "--B--\r\n"), 100).await.expect_err("refused");
            assert_eq!(pointers(&error), [expected], "{parts:?}");
        }
    }

    #[tokio::test]
    async fn a_head_without_end_is_not_read_for_ever() {
        let head = stream::once(async { Ok(Bytes::from_static(b"--B\r\nX: ")) });
        let seen = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&seen);
        let rest = stream::repeat_with(move || {
            count.fetch_add(64 * 1024, Ordering::Relaxed);
            Ok(Bytes::from(vec![b'x'; 64 * 1024]))
        });
        let mut form = Form::new(Sent { boundary: "B".into(), body: head.chain(rest).boxed() });
        assert_eq!(form.words().await.err().map(|error| error.entry()), Some(MALFORMED));
        assert!(seen.load(Ordering::Relaxed) <= 2 * BESIDES_BYTES_MAX);
    }
}
