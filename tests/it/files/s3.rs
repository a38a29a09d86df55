//! Files in a bucket of a real S3-compatible server, moto. `.ci/tools` installs it outside the repository.

use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use chrono::Duration as Span;
use image::ImageFormat;
use pawbase::config::{Config, FilesBackend};
use tempfile::TempDir;

use crate::support::files::{PDF, picture};
use crate::support::{TestApp, run, settings};
use crate::tools::Tools;

/// Set where the tools are installed: then they must be there.
const SWITCH: &str = "PAWBASE_CONTRACT";
const BUCKET: &str = "paws";

/// A running server. It ends with its owner.
struct Server {
    child: Child,
    endpoint: String,
    _tools: Tools,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// With an empty bucket.
    async fn start(tools: Tools) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let mut command = tools.python("moto_server");
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("a server");
        let server = Self { child, endpoint: format!("http://127.0.0.1:{port}"), _tools: tools };
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let began = Instant::now();
        // It makes a bucket for whoever asks, whatever the signature.
        let put = || {
            http.put(format!("{}/{BUCKET}", server.endpoint)).header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=k/20260504/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x",
            )
        };
        while !put().send().await.is_ok_and(|reply| reply.status().is_success()) {
            assert!(began.elapsed() < Duration::from_secs(60), "the server does not start");
        }
        server
    }

    fn config(&self) -> Config {
        let mut config = settings();
        config.files.backend = FilesBackend::S3;
        config.files.s3_endpoint = self.endpoint.clone();
        config.files.s3_bucket = BUCKET.into();
        config.files.s3_access_key = "key".into();
        config.files.s3_secret_key = "a secret".to_owned().into();
        config
    }

    /// Keys in the bucket.
    async fn keys(&self) -> Vec<String> {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let text = http
            .get(format!("{}/{BUCKET}?list-type=2", self.endpoint))
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("text");
        text.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next()).map(str::to_owned).collect()
    }
}

#[test]
fn files_are_kept_in_a_bucket() {
    let Some(tools) = Tools::open(SWITCH) else { return };
    run(async {
        let server = Server::start(tools).await;
        let test = TestApp::with(server.config()).await;
        let owner = test.customer().await;
        let made = owner.upload("product_photo", "a.jpg", &picture(900, 600, ImageFormat::Jpeg)).await.assert(201);
        let folder = format!("{}/{}", &made.id()[34..], made.id());
        assert_eq!(server.keys().await, [format!("{folder}/original")]);
        let whole = test.guest().get(&made.url()).await.assert(200);
        assert_eq!(made.json["size"], whole.bytes.len());
        let part = test.guest().with("range", "bytes=10-19").get(&made.url()).await.assert(206);
        assert_eq!(part.bytes, whole.bytes[10..20]);
        let small = test.guest().get(&format!("{}?thumb=160x160", made.url())).await.assert(200);
        assert_eq!(image::load_from_memory(&small.bytes).expect("a picture").width(), 160);
        assert_eq!(server.keys().await, [format!("{folder}/160x107"), format!("{folder}/original")]);
        owner.delete(&format!("/api/v1/files/{}", made.id())).await.assert(204);
        test.settle().await;
        assert_eq!(server.keys().await, Vec::<String>::new());
    });
}

#[test]
fn a_large_file_goes_in_parts_and_a_broken_store_is_told() {
    let Some(tools) = Tools::open(SWITCH) else { return };
    run(async {
        let server = Server::start(tools).await;
        let test = TestApp::with(server.config()).await;
        let owner = test.customer().await;
        // More than two parts, each byte in its place.
        let text: Vec<u8> =
            (0..18 * 1024 * 1024_u32).map(|at| b'a' + u8::try_from(at / 1024 % 26).expect("a letter")).collect();
        let made = owner.upload("document", "long.txt", &text).await.assert(201);
        assert!(owner.get(&made.url()).await.assert(200).bytes == text);
        let at = 17 * 1024 * 1024;
        let part = owner.with("range", &format!("bytes={at}-{}", at + 4)).get(&made.url()).await.assert(206);
        assert_eq!(part.bytes, text[at..at + 5]);
        let mut config = server.config();
        config.files.s3_bucket = "nowhere".into();
        let lost = TestApp::with(config).await;
        let owner = lost.customer().await;
        owner.upload("document", "a.pdf", PDF).await.assert_error(503, "unavailable");
        // Whether the store has kept something nobody knows now, so the row stays for the sweep.
        let rows = |table: &'static str| lost.rows(table);
        assert_eq!(rows("SELECT id FROM files").await.len(), 0);
        assert_eq!(rows("SELECT id FROM file_uploads").await.len(), 1);
    });
}

#[test]
fn a_sweep_empties_the_bucket() {
    let Some(tools) = Tools::open(SWITCH) else { return };
    run(async {
        let server = Server::start(tools).await;
        let folder = TempDir::new().expect("a folder");
        let mut config = server.config();
        config.files.folder = folder.path().to_owned();
        let test = TestApp::with(config).await;
        let owner = test.customer().await;
        owner.upload("document", "a.pdf", PDF).await.assert(201);
        assert_eq!(server.keys().await.len(), 1);
        for _ in 0..2 {
            test.clock.advance(Span::hours(24));
            test.settle().await;
        }
        assert_eq!(server.keys().await, Vec::<String>::new());
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing but the folder of uploads");
    });
}
