//! Pictures: made ready to be kept (upright, without what else was in the file) and made smaller, a few at once on threads of their own.
//!
//! Deliberately elsewhere: how a picture is read and written (`picture.rs`), which sizes there are and where they are kept
//! (modules::files).

mod picture;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;

pub use self::picture::Picture;
use crate::config::FileSettings;

/// How long a picture waits for its turn.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// Why there is no picture.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PictureError {
    /// It cannot be read as one.
    #[error("it cannot be read as a picture: {0}")]
    Damaged(String),
    /// It has too many pixels.
    #[error("it has more than {megapixels} megapixels")]
    TooLarge {
        /// How many it may have.
        megapixels: u64,
    },
    /// Others are being made, and it is not our turn.
    #[error("too many pictures are being made ready")]
    Busy,
}

/// Makes pictures ready, a bounded number at once.
#[derive(Debug, Clone)]
pub struct Images {
    megapixels: u64,
    places: Arc<Semaphore>,
}

impl Images {
    /// As the settings say.
    pub fn new(settings: &FileSettings) -> Self {
        Self { megapixels: settings.picture_megapixels, places: Arc::new(Semaphore::new(settings.picture_threads)) }
    }

    /// A JPEG, PNG, GIF or WebP as it is kept; `picture.rs` says what stays of it.
    pub async fn prepare(&self, bytes: Bytes) -> Result<Picture, PictureError> {
        let megapixels = self.megapixels;
        self.on_a_thread(move || picture::prepare(&bytes, megapixels)).await
    }

    /// A kept picture in exactly this size.
    pub async fn scale(&self, bytes: Bytes, width: u32, height: u32) -> Result<Picture, PictureError> {
        let megapixels = self.megapixels;
        self.on_a_thread(move || picture::scale(&bytes, width, height, megapixels)).await
    }

    async fn on_a_thread<F>(&self, work: F) -> Result<Picture, PictureError>
    where
        F: FnOnce() -> Result<Picture, PictureError> + Send + 'static,
    {
        let place = tokio::time::timeout(WAIT_MAX, Arc::clone(&self.places).acquire_owned()).await;
        let Ok(Ok(place)) = place else { return Err(PictureError::Busy) };
        // The place goes along: a caller who leaves does not stop the thread.
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        done.await.unwrap_or_else(|error| Err(PictureError::Damaged(error.to_string())))
    }
}
