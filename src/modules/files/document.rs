//! What the OpenAPI document says about the operations beyond their types: formats, samples, who may call.

use serde_json::{Value as Json, json};

use super::model::Visibility;
use super::purposes::PURPOSES;
use crate::context::Audience;
use crate::modules::Described;

/// The key in samples.
const KEY: &str = "01981c6e-5b7a-7c3e-9f00-0123456789ab";

/// The details of this module's operations on the listener of `audience`.
pub fn described(audience: Audience) -> Described {
    let for_guests = if audience == Audience::Public { vec!["get_file_url"] } else { Vec::new() };
    Described { for_guests, members: members(), samples: samples() }
}

fn members() -> Json {
    let (time, key) = (json!({ "format": "date-time" }), json!({ "format": "uuid" }));
    let purposes: Vec<&str> = PURPOSES.iter().map(|purpose| purpose.name).collect();
    let visibilities: Vec<&str> = Visibility::ALL.iter().map(|one| one.as_str()).collect();
    let count = json!({ "format": "int64", "minimum": 1 });
    let side = json!({ "format": "int64", "minimum": 1 });
    json!({
        "UploadedFile": { "id": key, "owner": key, "business": key, "purpose": { "enum": purposes },
            "visibility": { "enum": visibilities }, "size": count, "width": side, "height": side,
            "sha256": { "pattern": "^[0-9a-f]{64}$" }, "created_at": time },
        "FileAddress": { "expires_at": time },
    })
}

fn samples() -> Json {
    let url = format!("/uploads/{KEY}/rex.jpg");
    json!({
        "UploadedFile": {
            "id": KEY, "owner": KEY, "purpose": "pet_photo", "name": "rex.jpg", "mime": "image/jpeg", "size": 245_760,
            "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "width": 1600, "height": 1200,
            "visibility": "private", "url": url, "created_at": "2026-05-01T10:00:00Z",
        },
        "upload_file": { "purpose": "pet_photo", "visibility": "public", "file": "(bytes)" },
        "FileAddress": {
            "url": format!("{url}?expires=1777633200&signature=3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            "expires_at": "2026-05-01T11:00:00Z",
        },
    })
}
