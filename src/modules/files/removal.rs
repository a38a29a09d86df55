//! Removes what a deleted file held from the store: a reaction to the deletion, and a job for uploads that never came to their end.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::Files;
use crate::context::Ctx;
use crate::work::{Attempted, Job, Kind, Outside};

/// The kind of the jobs that remove.
pub const REMOVE: &str = "files.remove";

/// The kind of job that removes from the store of `files`. Its payload, or that of its event, has the file's `id`.
pub fn removing(files: Arc<Files>) -> Kind {
    Kind::outside(REMOVE, Removing(files))
}

struct Removing(Arc<Files>);

#[derive(Deserialize)]
struct Gone {
    id: Uuid,
}

#[async_trait]
impl Outside for Removing {
    fn service(&self, _: &Job) -> String {
        "files".to_owned()
    }

    async fn call(&self, _: &Ctx, job: &Job) -> Attempted<Json> {
        let Gone { id } = job.read()?;
        self.0.blobs.remove(id).await?;
        Ok(json!({}))
    }
}
