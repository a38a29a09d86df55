//! The operation below `/uploads/` in the document: what files hold. It is no command, since it answers bytes, and no record.

use serde_json::{Map, Value as Json, json};

use crate::context::Audience;
use crate::modules::files::media_types;

/// Text that a header may hold.
const HEADER_TEXT: &str = "^[!-~]([ -~]*[!-~])?$";

/// The path's item on the listener of `audience`: that of staff gives nothing to whoever is not signed in, but by a signed address.
pub(super) fn item(audience: Audience) -> Json {
    let media = json!({ "schema": { "type": "string", "format": "binary" }, "example": "(bytes)" });
    let bytes: Map<String, Json> = media_types().map(|mime| (mime.to_owned(), media.clone())).collect();
    let header = |name: &str| json!({ "$ref": format!("#/components/headers/{name}") });
    let sent = |description: &str, more: &[(&str, &str)]| {
        let mut headers = json!({ "ETag": header("ETag"), "Content-Disposition": header("ContentDisposition") });
        for (name, component) in more {
            headers[*name] = header(component);
        }
        json!({ "description": description, "headers": headers, "content": bytes })
    };
    json!({ "get": {
        "operationId": "read_file",
        "summary": "Read what a file holds",
        "description": "For who may read the file's record, or has a signed address of it; the name is for people. One range of bytes may be \
                        asked for. A public file may be kept for ever by everybody, since what is under one key never changes. 400 for a \
                        `thumb` that is no size, or of what is no picture.",
        "tags": ["Files"],
        "security": if audience == Audience::Public { "anybody" } else { "signed in" },
        "parameters": parameters(),
        "responses": {
            "200": sent("All of it.", &[]),
            "206": sent("The range that was asked for.", &[("Content-Range", "ContentRange")]),
            "304": { "description": "You have it.", "headers": { "ETag": header("ETag") } },
            "400": null, "404": null, "416": null,
        },
    } })
}

fn parameters() -> Json {
    let text = |name: &str, place: &str, description: &str, schema: Json| json!({ "name": name, "in": place, "required": place == "path", "description": description, "schema": schema });
    json!([
        text("id", "path", "Key of the file.", json!({ "type": "string", "format": "uuid" })),
        text(
            "name",
            "path",
            "Any name.",
            json!({ "type": "string", "pattern": "^[A-Za-z0-9_.-]+$", "maxLength": 100 })
        ),
        text(
            "thumb",
            "query",
            "A picture in a size that fits into this box, and is rounded up to steps.",
            json!({ "type": "string", "pattern": "^[1-9][0-9]{0,3}x[1-9][0-9]{0,3}$" })
        ),
        text("expires", "query", "From a signed address.", json!({ "type": "string", "pattern": "^[0-9]{1,12}$" })),
        text(
            "signature",
            "query",
            "From a signed address.",
            json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{43}$" })
        ),
        text(
            "Range",
            "header",
            "One range of bytes, such as bytes=0-999.",
            json!({ "type": "string", "pattern": HEADER_TEXT })
        ),
        text(
            "If-Range",
            "header",
            "ETag of the file that the range is of.",
            json!({ "type": "string", "pattern": HEADER_TEXT })
        ),
        text("If-None-Match", "header", "ETags that you have.", json!({ "type": "string", "pattern": HEADER_TEXT })),
    ])
}
