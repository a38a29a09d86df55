//! Work that a client's hanging up must not stop half way, and changes of rights that must count from the next request on.

use std::future::Future;
use std::sync::Arc;

use super::Platform;
use crate::kernel::{Error, Result};

/// Runs `work` in a task of its own, so that it comes to its end even when the request that waits for it is dropped.
pub async fn uninterrupted<T, F>(work: F) -> Result<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    tokio::spawn(work).await.unwrap_or_else(|error| Err(Error::internal(error)))
}

/// Runs `work`, which changes somebody's rights, to its end, and raises the generation of the kept principals once it has
/// succeeded: after its commit and before the answer. Refused work raises nothing.
pub async fn changing_rights<T, F>(platform: &Arc<Platform>, work: F) -> Result<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let platform = Arc::clone(platform);
    uninterrupted(async move {
        let done = work.await?;
        platform.principals.rights_changed();
        Ok(done)
    })
    .await
}

/// As [`changing_rights`], for work of more than one transaction: the generation is raised whatever comes of it, since some of
/// them may have been committed before the failure.
pub async fn perhaps_changing_rights<T, F>(platform: &Arc<Platform>, work: F) -> Result<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let platform = Arc::clone(platform);
    uninterrupted(async move {
        let outcome = work.await;
        platform.principals.rights_changed();
        outcome
    })
    .await
}
