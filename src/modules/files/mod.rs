//! Files: uploaded, kept, given to those who may read them, removed when nothing needs them any more.
//!
//! * `upload_api.rs` is the operation that takes a file, `api.rs` that which gives its address, `views.rs` what they answer, `document.rs`
//!   what the OpenAPI document adds. Records are listed, read and deleted by the records API
//! * `purposes.rs` is the one list of what files are for; `rules.rs`, `sniff.rs`, `names.rs` and `thumbnails.rs` decide (pure)
//! * `form.rs` reads an upload, `places.rs` counts those of one person, `upload.rs` keeps it; `download.rs` finds what is asked for, `addresses.rs` signs
//! * `holders.rs` knows which records link to a file, `sweep.rs` removes what none links to, `removal.rs` empties the store
//! * `model.rs` is a file, `store.rs` has the statements
//!
//! **Invariant:** names and types from outside are words for people. What a file is comes from its bytes, where it is from its key.
//! Deliberately elsewhere: the store and pictures (`services`), headers and ranges of a download (`http`).

mod addresses;
mod api;
mod document;
mod download;
mod form;
mod holders;
mod model;
mod names;
mod places;
mod purposes;
mod removal;
mod rules;
mod sniff;
mod store;
mod sweep;
mod thumbnails;
mod upload;
mod upload_api;
mod views;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use tokio::sync::Mutex as Turn;
use uuid::Uuid;

pub use self::api::FilesApi;
pub use self::document::described;
pub use self::download::{Asked, Found, Right};
use self::places::Places;
pub use self::removal::removing;
pub use self::sniff::media_types;
pub use self::sweep::sweep;
pub use self::upload_api::{UploadApi, is_form};
use crate::config::Config;
use crate::kernel::Result;
use crate::services::blobs::{BlobKey, Blobs, BlobsError};
use crate::services::images::Images;
use crate::services::keys::Keys;

/// What files need beside the platform: a store, a place for pictures, keys for addresses.
#[derive(Debug)]
pub struct Files {
    blobs: Blobs,
    images: Images,
    keys: Arc<Keys>,
    /// Pictures that are being made smaller: whoever wants the same waits here.
    making: Mutex<HashMap<BlobKey, Weak<Turn<()>>>>,
    thumbnails_made: AtomicU64,
    places: Arc<Places>,
}

impl Files {
    /// As the settings say.
    pub fn open(config: &Config, keys: Arc<Keys>) -> std::result::Result<Self, BlobsError> {
        Ok(Self {
            blobs: Blobs::open(config)?,
            images: Images::new(&config.files),
            keys,
            making: Mutex::default(),
            thumbnails_made: AtomicU64::new(0),
            places: Arc::default(),
        })
    }

    /// How many pictures were made smaller since the start.
    pub fn thumbnails_made(&self) -> u64 {
        self.thumbnails_made.load(Ordering::Relaxed)
    }

    /// The bytes of a file, for the program itself and for tests; None where there are none.
    pub async fn content(&self, id: Uuid) -> Result<Option<Bytes>> {
        self.blobs.read_whole(BlobKey::Original(id)).await
    }

    /// Keeps bytes of a file whose record the program itself writes, such as the demo.
    pub async fn put(&self, id: Uuid, bytes: Bytes) -> Result<()> {
        self.blobs.put(BlobKey::Original(id), bytes).await
    }

    /// Removes everything that is kept of a file.
    pub async fn remove(&self, id: Uuid) -> Result<()> {
        self.blobs.remove(id).await
    }

    /// Removes what killed processes have left on this machine. Other failures than a missing folder are in the log.
    pub async fn tidy(&self, now: crate::kernel::time::Instant) {
        if let Err(error) = self.blobs.spool().sweep(now).await {
            tracing::warn!(%error, "the folder of uploads cannot be swept");
        }
    }

    /// The turn of whoever makes a picture smaller; it is forgotten when nobody has it any more.
    fn turn(&self, key: BlobKey) -> Arc<Turn<()>> {
        let mut making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = making.get(&key).and_then(Weak::upgrade) {
            return turn;
        }
        making.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::new(Turn::new(()));
        making.insert(key, Arc::downgrade(&turn));
        turn
    }
}
