//! Mails kept as files, for development: `<data>/outbox/<key>.eml`, whole and as they would have gone out. Any mail program opens them.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tokio::fs;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::{Outgoing, SendFailure, Transport};

/// A folder of mails.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder at `path`, made when the first mail comes.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Forgets mails that were kept.
    pub async fn forget(&self, ids: &[Uuid]) {
        for id in ids {
            // It may be gone, or never have been here.
            let _ = fs::remove_file(self.path(*id)).await;
        }
    }

    fn path(&self, id: Uuid) -> PathBuf {
        self.0.join(format!("{id}.eml"))
    }
}

#[async_trait]
impl Transport for Folder {
    async fn send(&self, mail: &Outgoing) -> Result<(), SendFailure> {
        let path = self.path(mail.id);
        keep(&self.0, &path, &mail.bytes)
            .await
            .map_err(|cause| SendFailure::Later(format!("The mail cannot be kept in {}: {cause}.", self.0.display())))
    }

    async fn kept(&self, id: Uuid) -> Option<Vec<u8>> {
        fs::read(self.path(id)).await.ok()
    }
}

/// Writes a file whole or not at all, for its owner alone: it may hold links that open an account.
async fn keep(folder: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = folder.to_owned();
    let make = move || std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    tokio::task::spawn_blocking(make).await.map_err(std::io::Error::other)??;
    let unfinished = path.with_extension("new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished).await?;
    file.write_all(bytes).await?;
    file.sync_all().await?;
    fs::rename(&unfinished, path).await
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use lettre::address::Envelope;

    use super::*;

    #[tokio::test]
    async fn a_mail_is_one_whole_file_for_its_owner_alone() {
        let data = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(data.path().join("outbox"));
        let to = vec!["jane@example.com".parse().expect("an address")];
        let envelope = Envelope::new(None, to).expect("an envelope");
        let mail = Outgoing { id: Uuid::nil(), envelope, bytes: b"Subject: x\r\n\r\ny".to_vec() };
        for _ in 0..2 {
            folder.send(&mail).await.expect("kept");
        }
        let entries: Vec<_> = std::fs::read_dir(data.path().join("outbox")).expect("a folder").collect();
        assert_eq!(entries.len(), 1, "sent twice, it is one file, and nothing unfinished is left");
        let mode = entries[0].as_ref().expect("a file").metadata().expect("it").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(folder.kept(mail.id).await.as_deref(), Some(mail.bytes.as_slice()));
        folder.forget(&[mail.id, mail.id]).await;
        assert_eq!(folder.kept(mail.id).await, None);
    }
}
