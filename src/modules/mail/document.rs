//! What the OpenAPI document says about the operations beyond their types: formats and samples.

use serde_json::{Value as Json, json};

use crate::modules::Described;

/// The details of this module's operations.
pub fn described() -> Described {
    Described { for_guests: Vec::new(), members: members(), samples: samples() }
}

fn members() -> Json {
    json!({ "QueuedMail": { "id": { "format": "uuid" } } })
}

fn samples() -> Json {
    let template = json!({
        "code": "reset_password", "description": "Somebody asked for a new password.", "locales": ["de", "en"],
        "overridden": ["de"],
    });
    json!({
        "MailPreview": {
            "subject": "A new password", "text": "Hello Jane, …", "html": "<!doctype html><p>Hello Jane, …</p>",
            "is_kept": true, "has_live_links": false,
        },
        "QueuedMail": { "id": "01981c6e-5b7a-7c3e-9f00-0123456789ab" },
        "MailTemplate": template,
        "MailTemplates": { "items": [template] },
    })
}
