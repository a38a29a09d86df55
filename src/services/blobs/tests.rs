//! Tests of the store in memory and in a folder. S3 is tested against a server (tests/it/files).

use std::path::Path as FilePath;

use super::*;

/// What is kept of the beginning of an upload.
const HEAD: usize = 8 * 1024;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn settings(folder: Option<&FilePath>) -> Config {
    let mut config = Config::default();
    config.database.url = "memory".into();
    config.files.folder = folder.map(FilePath::to_owned).unwrap_or_default();
    config
}

async fn collected(stream: Option<BlobStream>) -> Vec<u8> {
    stream.expect("a blob").try_collect::<Vec<Bytes>>().await.expect("bytes").concat()
}

/// Everything below a folder, relative to it.
fn tree(folder: &FilePath) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            found.push(path.strip_prefix(folder).expect("below").display().to_string());
        }
    }
    found.sort();
    found
}

async fn keeps_and_removes(blobs: &Blobs) {
    let id = Uuid::from_u128(7);
    let (original, thumbnail) = (BlobKey::Original(id), BlobKey::Thumbnail(id, 3, 4));
    assert_eq!(blobs.size(original).await.expect("asked"), None);
    assert!(blobs.read(original, 0..1).await.expect("asked").is_none());
    blobs.put(original, Bytes::from_static(b"0123456789")).await.expect("kept");
    blobs.put(thumbnail, Bytes::from_static(b"small")).await.expect("kept");
    assert_eq!(blobs.size(original).await.expect("asked"), Some(10));
    assert_eq!(collected(blobs.read(original, 2..5).await.expect("read")).await, b"234");
    assert_eq!(collected(blobs.read(original, 5..5).await.expect("read")).await, b"");
    assert_eq!(blobs.read_whole(thumbnail).await.expect("read").as_deref(), Some(&b"small"[..]));
    blobs.remove(Uuid::from_u128(8)).await.expect("nothing to remove");
    assert_eq!(blobs.size(original).await.expect("asked"), Some(10));
    blobs.remove(id).await.expect("removed");
    assert_eq!((blobs.size(original).await.expect("asked"), blobs.size(thumbnail).await.expect("asked")), (None, None));
}

#[tokio::test]
async fn blobs_are_kept_in_memory() {
    keeps_and_removes(&Blobs::open(&settings(None)).expect("opens")).await;
}

#[tokio::test]
async fn blobs_are_kept_in_a_folder_of_their_owner_and_leave_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let blobs = Blobs::open(&settings(Some(folder.path()))).expect("opens");
    keeps_and_removes(&blobs).await;
    assert_eq!(tree(folder.path()), [INCOMING]);
    let mode = std::fs::metadata(folder.path().join(INCOMING)).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn keys_are_made_of_the_files_own_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let blobs = Blobs::open(&settings(Some(folder.path()))).expect("opens");
    let id = Uuid::from_u128(0xab);
    blobs.put(BlobKey::Thumbnail(id, 80, 60), Bytes::from_static(b"x")).await.expect("kept");
    assert_eq!(tree(folder.path())[..3], ["ab".to_owned(), format!("ab/{id}"), format!("ab/{id}/80x60")]);
}

#[tokio::test]
async fn a_large_upload_is_kept_in_parts() {
    let folder = tempfile::tempdir().expect("a folder");
    let blobs = Blobs::open(&settings(Some(folder.path()))).expect("opens");
    let id = Uuid::from_u128(9);
    let mut incoming = blobs.spool().begin(id).await.expect("begun");
    let chunk: Vec<u8> = (0..=255).cycle().take(1024 * 1024).collect();
    for _ in 0..20 {
        incoming.write(&chunk).await.expect("written");
    }
    let spooled = incoming.finish().await.expect("whole");
    assert_eq!((spooled.size, spooled.head.len()), (20 * 1024 * 1024, HEAD));
    blobs.put_spooled(BlobKey::Original(id), &spooled).await.expect("kept");
    let kept = blobs.read_whole(BlobKey::Original(id)).await.expect("read").expect("a blob");
    assert_eq!(spool::sha256_hex(&kept), spooled.sha256);
    drop(spooled);
    assert!(!tree(folder.path()).iter().any(|path| path.starts_with("incoming/")), "{:?}", tree(folder.path()));
}

#[tokio::test]
async fn an_upload_that_breaks_off_is_gone_and_only_old_left_overs_are_swept() {
    let folder = tempfile::tempdir().expect("a folder");
    let blobs = Blobs::open(&settings(Some(folder.path()))).expect("opens");
    let mut incoming = blobs.spool().begin(Uuid::from_u128(1)).await.expect("begun");
    incoming.write(b"half").await.expect("written");
    let (old, new) = (folder.path().join("incoming/old"), folder.path().join("incoming/new"));
    for path in [&old, &new] {
        std::fs::write(path, "left over").expect("written");
    }
    let written = std::fs::metadata(&new).expect("there").modified().expect("a time");
    let of_old = std::fs::File::options().write(true).open(&old).expect("opened");
    of_old.set_modified(written - 2 * DAY).expect("set");
    blobs.spool().sweep(written.into()).await.expect("swept");
    drop(incoming);
    assert_eq!(tree(folder.path()), ["incoming", "incoming/new"]);
}

#[test]
fn settings_make_a_store_or_say_why_not() {
    let mut config = settings(None);
    config.files.backend = FilesBackend::S3;
    config.files.s3_endpoint = "http://127.0.0.1:9".into();
    config.files.s3_bucket = "paws".into();
    config.files.s3_access_key = "key".into();
    assert!(Blobs::open(&config).expect("opens").to_string().contains("paws"));
    let file = tempfile::NamedTempFile::new().expect("a file");
    let refused = Blobs::open(&settings(Some(file.path()))).expect_err("no folder").to_string();
    assert!(refused.contains(&file.path().display().to_string()), "{refused}");
}
