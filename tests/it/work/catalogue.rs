//! The catalogue of events is in the repository as people read it.

use pawbase::work::catalogue;

use crate::support::{TestApp, run};

#[test]
fn the_document_of_events_is_current() {
    run(async {
        let test = TestApp::start().await;
        let text = catalogue::document(test.app.platform.schema.told());
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/EVENTS.md");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &text).expect("written");
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(kept == text, "EVENTS.md is out of date; UPDATE=1 cargo test --release writes it anew");
        let served = test.guest().get("/api/docs/events").await.assert(200);
        assert_eq!(served.text, text);
    });
}
