//! Recipes for the operations on files, and files to look at.

use super::requests::Ask;
use super::stage::Stage;
use crate::support::client::Reply;
use crate::support::files::{PDF, form};

/// More than a file may have here.
const TOO_MUCH: usize = 1024 * 1024 + 1;
/// The Content-Type of the forms of the test support.
const FORM: &str = "multipart/form-data; boundary=pawbase-test-boundary";

/// The answer with `status`; None where there is no such way.
pub async fn answer<'a>(stage: &'a Stage, ask: impl Fn() -> Ask<'a>, id: &str, status: u16) -> Option<Reply> {
    let upload = |bytes: &[u8]| ask().raw(FORM, form(&[("purpose", "document")], "a.txt", bytes));
    let ask = match (id, status) {
        ("get_file_url", 200) => ask().on(&file(stage).await),
        ("read_file", 200) => ask().on(&file(stage).await),
        ("read_file", 206) => ask().on(&file(stage).await).with("range", "bytes=0-3"),
        ("read_file", 304) => ask().on(&file(stage).await).with("if-none-match", "*"),
        ("read_file", 400) => ask().on(&file(stage).await).query("thumb=large"),
        ("read_file", 416) => ask().on(&file(stage).await).with("range", "bytes=999-"),
        ("upload_file", 201) => upload(PDF),
        ("upload_file", 400) => ask().raw(FORM, "no form"),
        ("upload_file", 413) => upload(&vec![b'x'; TOO_MUCH]),
        ("upload_file", 415) => ask().raw("text/plain", "words"),
        ("upload_file", 422) => upload(b"<html>"),
        _ => return None,
    };
    Some(ask.send().await)
}

/// A new file of the person's; answers its key.
pub async fn file(stage: &Stage) -> String {
    stage.person.upload("document", "a.pdf", PDF).await.assert(201).id()
}

/// A file to look at: nobody makes one by the records API.
pub async fn furnish(stage: &Stage) {
    file(stage).await;
}
