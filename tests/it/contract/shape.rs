//! Whether a JSON value has the shape that a schema documents: the part of JSON Schema that our documents use.

use serde_json::Value;

/// Keywords that say nothing about the shape, or that are for inputs.
const SILENT: [&str; 17] = [
    "contentEncoding",
    "default",
    "description",
    "example",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "pattern",
    "title",
    "x-link",
];

/// The schema that `schema` refers to, or itself.
pub fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let Some(path) = schema.get("$ref").and_then(Value::as_str) else { return schema };
    let pointer = path.strip_prefix('#').unwrap_or_else(|| panic!("a reference to elsewhere: {path}"));
    resolve(document, document.pointer(pointer).unwrap_or_else(|| panic!("no {path} in the document")))
}

/// What is wrong with `value`, with the place of each fault.
pub fn faults(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(document, schema, value, "", &mut found);
    found
}

fn check(document: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let schema = resolve(document, schema);
    let Some(keywords) = schema.as_object() else { return };
    for (keyword, rule) in keywords {
        let inner = |schema: &Value| {
            let mut found = Vec::new();
            check(document, schema, value, place, &mut found);
            found
        };
        let parts = || rule.as_array().into_iter().flatten();
        let fault = match keyword.as_str() {
            "type" => (!has_type(rule, value)).then(|| format!("is not of type {rule}")),
            "const" => (rule != value).then(|| format!("is not {rule}")),
            "enum" => (!parts().any(|choice| choice == value)).then(|| format!("is none of {rule}")),
            "allOf" => {
                found.extend(parts().flat_map(inner));
                None
            }
            "anyOf" => (!parts().any(|part| inner(part).is_empty())).then(|| "fits none of anyOf".to_owned()),
            "oneOf" => match parts().filter(|part| inner(part).is_empty()).count() {
                1 => None,
                many => Some(format!("fits {many} of oneOf")),
            },
            "required" => {
                let is_absent =
                    |name: &&Value| value.is_object() && value.get(name.as_str().expect("a name")).is_none();
                let missing: Vec<&Value> = parts().filter(is_absent).collect();
                (!missing.is_empty()).then(|| format!("lacks {missing:?}"))
            }
            "properties" => {
                members(document, rule, keywords.get("additionalProperties"), value, place, found);
                None
            }
            "items" => {
                for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(document, rule, item, &format!("{place}/{at}"), found);
                }
                None
            }
            "prefixItems" => {
                for (at, (schema, item)) in parts().zip(value.as_array().into_iter().flatten()).enumerate() {
                    check(document, schema, item, &format!("{place}/{at}"), found);
                }
                None
            }
            "additionalProperties" => None,
            other if SILENT.contains(&other) => None,
            other => Some(format!("a keyword that this test does not know: {other}")),
        };
        found.extend(fault.map(|fault| format!("{place}: {value} {fault}")));
    }
}

fn members(document: &Value, known: &Value, rest: Option<&Value>, value: &Value, place: &str, found: &mut Vec<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let place = format!("{place}/{name}");
        match (known.get(name), rest) {
            (Some(schema), _) => check(document, schema, value, &place, found),
            (None, Some(Value::Bool(false))) => found.push(format!("{place}: is not documented")),
            (None, Some(schema @ Value::Object(_))) => check(document, schema, value, &place, found),
            (None, _) => {}
        }
    }
}

fn has_type(types: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("null") => value.is_null(),
        _ => panic!("not a type: {name}"),
    };
    types.as_array().map_or_else(|| is(types), |names| names.iter().any(is))
}

#[test]
fn faults_are_found_and_nothing_else() {
    let document = serde_json::json!({ "components": { "schemas": { "Pet": {
        "type": "object", "required": ["id"], "additionalProperties": false, "properties": {
            "id": { "type": "string" }, "sex": { "enum": ["female", "male"] }, "note": { "type": ["string", "null"] },
            "weights": { "type": "array", "items": { "oneOf": [{ "type": "integer" }, { "type": "string" }] } } } } } } });
    let schema = serde_json::json!({ "allOf": [{ "$ref": "#/components/schemas/Pet" }, { "description": "One." }] });
    let faults = |value: Value| faults(&document, &schema, &value).len();
    assert_eq!(faults(serde_json::json!({ "id": "1", "sex": "male", "note": null, "weights": [1, "2"] })), 0);
    for wrong in [
        serde_json::json!({}),
        serde_json::json!([]),
        serde_json::json!({ "id": 1 }),
        serde_json::json!({ "id": "1", "sex": "both" }),
        serde_json::json!({ "id": "1", "note": 2 }),
        serde_json::json!({ "id": "1", "weights": [1.5] }),
        serde_json::json!({ "id": "1", "wings": 2 }),
    ] {
        assert_eq!(faults(wrong.clone()), 1, "{wrong}");
    }
}
