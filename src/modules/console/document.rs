//! What the OpenAPI document says about the console's operations beyond their types.

use serde_json::json;

use super::description::TYPES;
use crate::modules::Described;

/// The details of this module's operations.
pub fn described() -> Described {
    let count = json!({ "minimum": 0 });
    let time = json!({ "format": "date-time" });
    let text_or_null = json!({ "type": ["string", "null"] });
    let list_or_null = json!({ "type": ["array", "null"] });
    let everybody = json!({ "rule": "full", "text": null, "words": "Everybody" });
    let staff = json!({ "rule": "where", "text": "$access = 'staff'", "words": "Staff only" });
    let field = json!({
        "path": "name", "type": "text", "is_optional": false, "is_list": false, "values": null, "links": null,
        "description": "Name in English.", "tags": [], "is_read_only": false, "is_system": false, "has_default": false,
        "is_sortable": true, "is_filterable": true, "limits": { "min_length": 1, "max_length": 100 },
        "permissions": { "select": everybody, "create": everybody, "update": everybody },
    });
    let table = json!({
        "name": "species", "description": "Kinds of animals. Reference data.", "key": "text", "label_field": "name",
        "has_text_search": false, "is_writable": { "create": true, "update": true, "delete": true }, "can_restore": true,
        "permissions": { "select": everybody, "create": staff, "update": staff, "delete": staff },
        "fields": [field], "indexes": [],
    });
    let latest = json!({ "table": "pets", "id": "01981c6e-5b7a-7c3e-9f00-0123456789ab", "label": "Rex",
        "created_at": "2026-05-01T10:00:00Z" });
    Described {
        for_guests: Vec::new(),
        members: json!({
            "Overview": { "started_at": time, "uptime_s": count, "database_bytes": count },
            "TableCount": { "rows": count },
            "LatestRecord": { "created_at": time },
            "TableDescription": { "key": { "enum": ["uuid", "text", "int"] }, "label_field": text_or_null },
            "PermissionDescription": { "rule": { "enum": ["none", "full", "where"] }, "text": text_or_null },
            "FieldDescription": { "type": { "enum": TYPES }, "values": list_or_null, "links": list_or_null },
        }),
        samples: json!({
            "Overview": { "version": env!("CARGO_PKG_VERSION"), "started_at": "2026-05-01T08:00:00Z", "uptime_s": 7200,
                "database_bytes": 1_048_576, "tables": [{ "name": "pets", "description": "An animal of a user.", "rows": 3 }],
                "latest": [latest] },
            "SchemaDescription": { "tables": [table] },
        }),
    }
}
