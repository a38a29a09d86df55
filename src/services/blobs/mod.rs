//! Where the bytes of files are: a folder of this machine, a bucket of S3, or memory where the database is in memory.
//!
//! The key of a blob is made of the file's own key, so no name from outside ever reaches the store. Deliberately elsewhere: which file
//! has which blobs, and who may read them (modules::files); how uploads wait on this machine (`spool.rs`).

mod spool;

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ClientOptions, GetOptions, ObjectStore, ObjectStoreExt, RetryConfig, WriteMultipart};
use tokio::io::AsyncReadExt;
use uuid::Uuid;

pub use self::spool::{Incoming, Spool, Spooled, sha256_hex};
use crate::config::{Config, FileSettings, FilesBackend};
use crate::kernel::error::UNAVAILABLE;
use crate::kernel::{Error, Result};

/// The folder of blobs in the data folder.
const FOLDER: &str = "files";
/// The folder below it in which uploads wait until they are whole. Keys of blobs never begin like this.
const INCOMING: &str = "incoming";
/// Bytes of a part of a large blob: S3 takes no smaller ones.
const PART_BYTES: usize = 8 * 1024 * 1024;
/// Parts of one blob on their way at once.
const PARTS_AT_ONCE: usize = 2;
/// How often and how long a store is tried again before the caller is told.
const RETRIES_MAX: usize = 3;
const RETRY_TIMEOUT: Duration = Duration::from_secs(15);

/// Why there is no store, in words for whoever starts the program.
#[derive(Debug, thiserror::Error)]
pub enum BlobsError {
    /// The folder cannot be made or used.
    #[error("cannot use the folder of files {}: {cause}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        cause: String,
    },
    /// The settings of S3 make no store.
    #[error("the settings of files.s3_… make no store: {0}")]
    Settings(String),
}

/// Names a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlobKey {
    /// What a file holds.
    Original(Uuid),
    /// A picture made smaller, of this width and height.
    Thumbnail(Uuid, u32, u32),
}

impl BlobKey {
    /// Where everything of a file is. Keys in order of time end evenly, so the end spreads them over folders.
    fn folder(id: Uuid) -> String {
        let text = id.to_string();
        let shard = text.get(text.len() - 2..).unwrap_or_default();
        format!("{shard}/{text}")
    }

    fn path(self) -> Path {
        Path::from(match self {
            Self::Original(id) => format!("{}/original", Self::folder(id)),
            Self::Thumbnail(id, width, height) => format!("{}/{width}x{height}", Self::folder(id)),
        })
    }
}

/// The bytes of a blob, as they come.
pub type BlobStream = BoxStream<'static, std::io::Result<Bytes>>;

/// The store of all blobs.
#[derive(Debug)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    spool: Spool,
    /// The folder of this machine, where it is one.
    folder: Option<PathBuf>,
}

impl fmt::Display for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

impl Blobs {
    /// As the settings say. Where the database is in memory, so are the blobs, unless a folder or bucket is named.
    pub fn open(config: &Config) -> std::result::Result<Self, BlobsError> {
        let settings = &config.files;
        let is_memory = config.database.url == "memory";
        let is_named = !settings.folder.as_os_str().is_empty();
        let folder = if is_named { settings.folder.clone() } else { config.server.data.join(FOLDER) };
        let spool = if is_memory && !is_named { Spool::for_a_while() } else { Spool::in_folder(folder.join(INCOMING)) };
        let spool = spool.map_err(|(path, cause)| BlobsError::Folder { path, cause: cause.to_string() })?;
        let (store, folder): (Arc<dyn ObjectStore>, _) = match settings.backend {
            FilesBackend::S3 => (Arc::new(bucket(settings)?), None),
            FilesBackend::Local if is_memory && !is_named => (Arc::new(InMemory::new()), None),
            FilesBackend::Local => {
                let local = LocalFileSystem::new_with_prefix(&folder)
                    .map_err(|cause| BlobsError::Folder { path: folder.clone(), cause: cause.to_string() })?;
                (Arc::new(local.with_automatic_cleanup(true)), Some(folder))
            }
        };
        Ok(Self { store, spool, folder })
    }

    /// Where uploads wait until they are whole.
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// Keeps bytes under `key`: all of them, or none. They are on disk when it returns.
    pub async fn put(&self, key: BlobKey, bytes: Bytes) -> Result<()> {
        self.store.put(&key.path(), bytes.into()).await.map_err(failed)?;
        self.sync(key).await
    }

    /// The store only writes files; that they outlive a loss of power is for us to see to.
    async fn sync(&self, key: BlobKey) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let path = folder.join(key.path().as_ref());
        let synced = tokio::task::spawn_blocking(move || {
            // The file, its folder, and those above that may be new.
            path.ancestors().take(4).try_for_each(|place| std::fs::File::open(place)?.sync_all())
        });
        synced.await.map_err(Error::internal)?.map_err(|cause| unavailable(&cause))
    }

    /// Keeps an upload under `key`, in parts: all of it, or nothing. It is on disk when it returns.
    pub async fn put_spooled(&self, key: BlobKey, spooled: &Spooled) -> Result<()> {
        if spooled.size <= PART_BYTES as u64 {
            return self.put(key, spooled.read_whole().await?).await;
        }
        let mut file = spooled.open().await?;
        let upload = self.store.put_multipart(&key.path()).await.map_err(failed)?;
        let mut parts = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        let mut buffer = vec![0; 256 * 1024];
        let written = async {
            loop {
                let count = file.read(&mut buffer).await.map_err(Error::internal)?;
                if count == 0 {
                    return Ok(());
                }
                parts.wait_for_capacity(PARTS_AT_ONCE).await.map_err(failed)?;
                parts.write(buffer.get(..count).unwrap_or_default());
            }
        }
        .await;
        match written {
            Ok(()) => {
                parts.finish().await.map_err(failed)?;
                self.sync(key).await
            }
            Err(error) => {
                if let Err(cause) = parts.abort().await {
                    tracing::warn!(%cause, "parts of an upload are left in the store");
                }
                Err(error)
            }
        }
    }

    /// The size of a blob in bytes; None where there is none.
    pub async fn size(&self, key: BlobKey) -> Result<Option<u64>> {
        found(self.store.head(&key.path()).await.map(|meta| meta.size))
    }

    /// The bytes of a blob from `range.start` up to, but not with, `range.end`; None where there is no such blob.
    pub async fn read(&self, key: BlobKey, range: Range<u64>) -> Result<Option<BlobStream>> {
        if range.is_empty() {
            return Ok(Some(futures::stream::empty().boxed()));
        }
        let options = GetOptions { range: Some(range.into()), ..GetOptions::default() };
        let result = found(self.store.get_opts(&key.path(), options).await)?;
        Ok(result.map(|result| result.into_stream().map_err(std::io::Error::other).boxed()))
    }

    /// All bytes of a blob; None where there is none.
    pub async fn read_whole(&self, key: BlobKey) -> Result<Option<Bytes>> {
        match found(self.store.get(&key.path()).await)? {
            Some(result) => result.bytes().await.map(Some).map_err(failed),
            None => Ok(None),
        }
    }

    /// Removes everything that is kept of a file. It is no failure when there is nothing.
    pub async fn remove(&self, id: Uuid) -> Result<()> {
        let folder = Path::from(BlobKey::folder(id));
        let blobs: Option<Vec<_>> = found(self.store.list(Some(&folder)).try_collect().await)?;
        for blob in blobs.unwrap_or_default() {
            found(self.store.delete(&blob.location).await)?;
        }
        Ok(())
    }
}

fn bucket(settings: &FileSettings) -> std::result::Result<object_store::aws::AmazonS3, BlobsError> {
    let retry = RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
    let is_plain = settings.s3_endpoint.starts_with("http://");
    let client = ClientOptions::new().with_allow_http(is_plain).with_connect_timeout(Duration::from_secs(5));
    let mut builder = AmazonS3Builder::new()
        .with_region(&settings.s3_region)
        .with_bucket_name(&settings.s3_bucket)
        .with_virtual_hosted_style_request(!settings.s3_path_style)
        .with_client_options(client)
        .with_retry(retry);
    if !settings.s3_endpoint.is_empty() {
        builder = builder.with_endpoint(settings.s3_endpoint.trim_end_matches('/'));
    }
    if !settings.s3_access_key.is_empty() {
        builder =
            builder.with_access_key_id(&settings.s3_access_key).with_secret_access_key(settings.s3_secret_key.reveal());
    }
    builder.build().map_err(|cause| BlobsError::Settings(cause.to_string()))
}

/// What was found; None where there is no such blob.
fn found<T>(result: object_store::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn failed(error: object_store::Error) -> Error {
    unavailable(&error)
}

fn unavailable(cause: &dyn fmt::Display) -> Error {
    Error::new(UNAVAILABLE, "The store of files cannot do this now.").retry_after(5).caused_by(cause)
}

#[cfg(test)]
mod tests;
