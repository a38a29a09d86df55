//! Files in tests: forms, pictures that are drawn here, and uploads.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::Method;

use super::Client;
use super::client::Reply;

/// Separates the parts of a form.
pub const BOUNDARY: &str = "pawbase-test-boundary";
/// A small PDF, as far as anybody looks.
pub const PDF: &[u8] = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n";

/// The Content-Type of a form.
pub fn form_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

/// The beginning of a form: words, and the head of the file's part.
pub fn form_head(words: &[(&str, &str)], name: &str) -> Vec<u8> {
    let mut form = String::new();
    for (word, value) in words {
        form += &format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{word}\"\r\n\r\n{value}\r\n");
    }
    // What the sender says of the type is a lie in every test.
    form += &format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/html\r\n\r\n"
    );
    form.into_bytes()
}

/// A whole form.
pub fn form(words: &[(&str, &str)], name: &str, bytes: &[u8]) -> Vec<u8> {
    [&form_head(words, name), bytes, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat()
}

/// A picture, red above and blue below.
pub fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let half = height / 2;
    let flag = |_, y| if y < half { Rgb([220, 20, 20]) } else { Rgb([20, 20, 220]) };
    let image: DynamicImage = RgbImage::from_fn(width, height, flag).into();
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("written");
    bytes.into_inner()
}

impl Client {
    /// Uploads a file with these words; `path` is that of the listener's API, such as `/api/v1`.
    pub async fn upload_at(&self, prefix: &str, words: &[(&str, &str)], name: &str, bytes: &[u8]) -> Reply {
        self.raw(Method::POST, &format!("{prefix}/files"), &form_type(), form(words, name, bytes)).await
    }

    /// Uploads a file for a purpose on the public listener.
    pub async fn upload(&self, purpose: &str, name: &str, bytes: &[u8]) -> Reply {
        self.upload_at("/api/v1", &[("purpose", purpose)], name, bytes).await
    }

    /// Asks for the head of an answer.
    pub async fn head(&self, path: &str) -> Reply {
        self.send(Method::HEAD, path, None).await
    }
}

impl Reply {
    /// Path of what an uploaded file holds.
    #[track_caller]
    pub fn url(&self) -> String {
        self.json["url"].as_str().unwrap_or_else(|| panic!("no url: {}", self.text)).to_owned()
    }
}
