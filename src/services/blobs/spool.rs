//! Uploads wait here, on this machine, until they are whole and found good. One that breaks off leaves nothing: whoever holds it
//! removes it when it is dropped. What a killed process has left is removed by [`Spool::sweep`].

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use chrono::{DateTime, Duration, Utc};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use crate::kernel::error::UNAVAILABLE;
use crate::kernel::time::Instant;
use crate::kernel::{Error, Result};

/// How much of the beginning is kept at hand, to find out what it is.
const HEAD_BYTES: usize = 8 * 1024;
/// No upload takes so long; older files here belong to nobody.
const LEFT_OVER: Duration = Duration::hours(24);

/// The folder in which uploads wait.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    /// Whether it is for this process alone, and goes with it.
    is_own: bool,
}

/// A folder that cannot be made.
type NotMade = (PathBuf, std::io::Error);

/// Numbers for folders of this process.
static COUNT: AtomicU64 = AtomicU64::new(0);

impl Drop for Spool {
    fn drop(&mut self) {
        if self.is_own
            && let Err(error) = std::fs::remove_dir_all(&self.folder)
        {
            tracing::warn!(%error, folder = %self.folder.display(), "a folder of uploads is left over");
        }
    }
}

/// A file that is removed when nobody holds it any more.
#[derive(Debug)]
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!(%error, "an upload is left over until it is swept away");
        }
    }
}

/// An upload that is coming in.
#[derive(Debug)]
pub struct Incoming {
    path: Temporary,
    file: File,
    digest: Sha256,
    head: Vec<u8>,
    size: u64,
}

/// An upload that is here as a whole.
#[derive(Debug)]
pub struct Spooled {
    path: Temporary,
    /// Its first bytes.
    pub head: Vec<u8>,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

/// The system does not let us write, for want of space for one.
fn failed(error: std::io::Error) -> Error {
    Error::new(UNAVAILABLE, "Uploads cannot be taken now.").retry_after(60).caused_by(error)
}

/// SHA-256 in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Spool {
    /// In this folder, which is made for the owner of the process alone.
    pub(super) fn in_folder(folder: PathBuf) -> std::result::Result<Self, NotMade> {
        match DirBuilder::new().recursive(true).mode(0o700).create(&folder) {
            Ok(()) => Ok(Self { folder, is_own: false }),
            Err(cause) => Err((folder, cause)),
        }
    }

    /// In a folder of the system's for what is not to stay. It is a new one, so that nobody else has a hand in it.
    pub(super) fn for_a_while() -> std::result::Result<Self, NotMade> {
        loop {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let folder = std::env::temp_dir().join(format!("pawbase-{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&folder) {
                Ok(()) => return Ok(Self { folder, is_own: true }),
                // One of a killed process that had our number.
                Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {}
                Err(cause) => return Err((folder, cause)),
            }
        }
    }

    /// Begins with the upload `id`.
    pub async fn begin(&self, id: Uuid) -> Result<Incoming> {
        let path = self.folder.join(id.to_string());
        let file = tokio::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).await;
        let file = file.map_err(failed)?;
        Ok(Incoming { path: Temporary(path), file, digest: Sha256::new(), head: Vec::new(), size: 0 })
    }

    /// Removes what killed processes have left.
    pub async fn sweep(&self, now: Instant) -> std::io::Result<()> {
        let mut entries = tokio::fs::read_dir(&self.folder).await?;
        while let Some(entry) = entries.next_entry().await? {
            let written: DateTime<Utc> = entry.metadata().await?.modified()?.into();
            if now - written > LEFT_OVER {
                tokio::fs::remove_file(entry.path()).await?;
            }
        }
        Ok(())
    }
}

impl Incoming {
    /// Takes the next bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).await.map_err(failed)?;
        self.digest.update(bytes);
        let missing = HEAD_BYTES.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(bytes.get(..missing).unwrap_or_default());
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// How many bytes came so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// It is here as a whole.
    pub async fn finish(mut self) -> Result<Spooled> {
        self.file.flush().await.map_err(failed)?;
        Ok(Spooled { path: self.path, head: self.head, size: self.size, sha256: hex(&self.digest.finalize()) })
    }
}

impl Spooled {
    /// To be read from its beginning.
    pub(super) async fn open(&self) -> Result<File> {
        File::open(&self.path.0).await.map_err(failed)
    }

    /// All of it; only for what has a small limit.
    pub async fn read_whole(&self) -> Result<Bytes> {
        tokio::fs::read(&self.path.0).await.map(Bytes::from).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_for_a_while_is_new_and_goes_with_its_owner() {
        let next = COUNT.load(Ordering::Relaxed);
        let taken = std::env::temp_dir().join(format!("pawbase-{}-{next}", std::process::id()));
        // Unless another test has it already.
        let is_ours = std::fs::create_dir(&taken).is_ok();
        let (one, other) = (Spool::for_a_while().expect("made"), Spool::for_a_while().expect("made"));
        assert!(one.folder != other.folder && one.folder != taken);
        let mut incoming = one.begin(Uuid::from_u128(1)).await.expect("begun");
        incoming.write(b"so far").await.expect("written");
        let folders = [one.folder.clone(), other.folder.clone()];
        assert!(folders.iter().all(|folder| folder.is_dir()));
        drop((incoming, one, other));
        assert!(folders.iter().all(|folder| !folder.exists()));
        if is_ours {
            std::fs::remove_dir(&taken).expect("still there");
        }
    }
}
