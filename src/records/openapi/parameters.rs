//! Query parameters: paging, sort, selection, expansion, conditions, groups and measures.

use serde_json::{Map, Value as Json, json};

use super::values::{PLAIN_TEXT, UUID};
use super::{Described, TableView, reference};
use crate::records::expand;
use crate::records::filter_text::LENGTH_MAX as FILTER_LENGTH_MAX;
use crate::records::limits::{DECIMAL, DURATION};
use crate::records::query::{GROUP_FIELDS_MAX, MEASURES_MAX, SEARCH_LENGTH_MAX, SORT_KEYS_MAX};
use crate::schema::{Field, KeyKind, Kind};

/// Most paths of links that are spelled out.
const EXPANSIONS_MAX: usize = 300;

impl TableView<'_> {
    /// Adds the enums of what a query of the table may name.
    pub(super) fn add_names(&self, name: &str, described: &mut Described) {
        let paths: Vec<String> =
            std::iter::once("id".to_owned()).chain(self.readable().map(|f| f.path.clone())).collect();
        let sortable: Vec<&String> = paths.iter().filter(|path| self.is_sortable(path)).collect();
        let both: Vec<String> = sortable.iter().flat_map(|path| [(*path).clone(), format!("-{path}")]).collect();
        let mut add = |suffix: &str, values: Json, words: &str| {
            let schema = json!({ "type": "string", "enum": values, "description": words });
            described.schemas.insert(format!("{name}{suffix}"), schema);
        };
        add("Field", json!(paths), "A field that could be read.");
        add("Sort", json!(both), "A field that records can be put in order by; with - in descending order.");
        add("Group", json!(sortable), "A field that records can be grouped by.");
        add("Measure", json!(self.measures(&paths)), "A function of a group.");
        let links = self.expansions();
        if !links.is_empty() {
            add("Link", json!(links), "A link, or a way over several, that can be expanded.");
        }
    }

    fn is_sortable(&self, path: &str) -> bool {
        path == "id" || self.table.fields.get(path).is_some_and(|field| field.kind.is_sortable())
    }

    fn measures(&self, paths: &[String]) -> Vec<String> {
        let mut found = vec!["count".to_owned()];
        found.extend(paths.iter().map(|path| format!("count({path})")));
        for field in self.readable() {
            let functions: &[&str] = match field.kind.required() {
                Kind::Int | Kind::Float | Kind::Decimal | Kind::Number => &["sum", "avg", "min", "max"],
                Kind::Datetime => &["min", "max"],
                _ => &[],
            };
            found.extend(functions.iter().map(|function| format!("{function}({})", field.path)));
        }
        found
    }

    /// Ways over links, as deep as the settings allow and as many as a reader can take in.
    fn expansions(&self) -> Vec<String> {
        let mut depth = self.limits.expand_depth_max;
        while depth > 0 {
            let mut found = Vec::new();
            self.collect_expansions("", depth, &mut found);
            if found.len() <= EXPANSIONS_MAX || depth == 1 {
                found.sort();
                found.dedup();
                return found;
            }
            depth -= 1;
        }
        Vec::new()
    }

    fn collect_expansions(&self, before: &str, depth: usize, found: &mut Vec<String>) {
        for field in self.readable().filter(|field| !field.path.contains('.')) {
            for table in expand::targets(&field.kind).iter().filter_map(|name| self.readable_table(name)) {
                let path = format!("{before}{}", field.path);
                if depth > 1 && found.len() <= EXPANSIONS_MAX {
                    table.collect_expansions(&format!("{path}."), depth - 1, found);
                }
                found.push(path);
            }
        }
    }

    pub(super) fn list_parameters(&self, name: &str) -> Vec<Json> {
        let limits = self.limits;
        let mut parameters = vec![
            json!({ "name": "limit", "in": "query", "description": "Records per page.",
                "schema": { "type": "integer", "minimum": 1, "maximum": limits.page_max,
                    "default": limits.page_default.min(limits.page_max) } }),
            json!({ "name": "cursor", "in": "query",
                "description": "`next_cursor` of the page before; goes with the same sort and conditions, and without offset.",
                "schema": { "type": "string" } }),
            json!({ "name": "offset", "in": "query", "description": "Records to skip; cursor is faster.",
                "schema": { "type": "integer", "minimum": 0, "maximum": limits.offset_max, "default": 0 } }),
            json!({ "name": "count", "in": "query", "description": "Whether to add `total`.",
                "schema": { "type": "boolean", "default": false } }),
            list_parameter(
                "sort",
                "Order; the id decides between equals.",
                &format!("{name}Sort"),
                Some(SORT_KEYS_MAX),
            ),
        ];
        parameters.extend(self.view_parameters(name));
        parameters.extend(self.condition_parameters());
        parameters
    }

    /// Which records of a whole list, in which order, and what of them.
    pub(super) fn whole_list_parameters(&self, name: &str) -> Vec<Json> {
        let of_pages = ["limit", "cursor", "offset", "count", "expand"];
        let is_of_whole = |parameter: &Json| !of_pages.iter().any(|page| parameter["name"] == *page);
        self.list_parameters(name).into_iter().filter(is_of_whole).collect()
    }

    /// What of a record to show.
    pub(super) fn view_parameters(&self, name: &str) -> Vec<Json> {
        let mut parameters =
            vec![list_parameter("fields", "Wanted fields; all if left out.", &format!("{name}Field"), None)];
        if !self.expansions().is_empty() {
            parameters.push(list_parameter("expand", "Links to expand.", &format!("{name}Link"), None));
        }
        parameters
    }

    pub(super) fn aggregate_parameters(&self, name: &str) -> Vec<Json> {
        let mut parameters = vec![
            list_parameter("group_by", "Fields to group by.", &format!("{name}Group"), Some(GROUP_FIELDS_MAX)),
            list_parameter(
                "measures",
                "Functions; count if left out. Of nothing, count and sum are 0, the others null.",
                &format!("{name}Measure"),
                Some(MEASURES_MAX),
            ),
        ];
        parameters.extend(self.condition_parameters());
        parameters
    }

    fn condition_parameters(&self) -> Vec<Json> {
        let mut parameters = vec![json!({ "name": "filter", "in": "query",
            "description": "Condition with and, or, not and brackets; operators are = != < <= > >= in contains starts; \
                            texts stand in quotes; null means absent.",
            "schema": { "type": "string", "format": "filter", "minLength": 1, "maxLength": FILTER_LENGTH_MAX },
            "example": self.filter_example() })];
        if self.table.text_fields().any(|path| self.table.field(path).is_some_and(|field| self.is_readable(field))) {
            parameters.push(json!({ "name": "q", "in": "query", "description": "Words to search for.",
                "schema": { "type": "string", "minLength": 1, "maxLength": SEARCH_LENGTH_MAX, "pattern": "\\S" },
                "example": "brown" }));
        }
        parameters.push(self.condition("id", "Key of the record.", self.key_filter(&self.table.name)));
        for field in self.readable() {
            parameters.push(self.condition(&field.path, &field.description, self.field_filter(field)));
        }
        parameters
    }

    fn condition(&self, path: &str, words: &str, schema: Json) -> Json {
        let words = if words.is_empty() { String::new() } else { format!("{words} ") };
        let description = format!("{words}Condition on {path}: `{path}[eq]=…` and so on; `{path}=…` is short for eq.");
        json!({ "name": path, "in": "query", "style": "deepObject", "explode": true, "description": description,
            "schema": schema })
    }

    /// What may be asked of a field.
    fn field_filter(&self, field: &Field) -> Json {
        match field.kind.required() {
            Kind::Bool => reference("BooleanFilter"),
            Kind::Int => reference("IntegerFilter"),
            Kind::Float | Kind::Number => reference("NumberFilter"),
            Kind::Decimal => reference("DecimalFilter"),
            Kind::String => reference("TextFilter"),
            Kind::Datetime => reference("DateTimeFilter"),
            Kind::Duration => reference("DurationFilter"),
            Kind::Uuid => reference("UuidFilter"),
            Kind::Enum(values) => choice_filter(values),
            Kind::Record(tables) => self.link_filter(tables),
            Kind::Array(item) | Kind::Set(item) => self.item_filter(item),
            Kind::Bytes | Kind::Object | Kind::Geometry(_) | Kind::Any | Kind::Either(_) | Kind::Option(_) => {
                reference("PresenceFilter")
            }
        }
    }

    fn key_filter(&self, table: &str) -> Json {
        match self.schema.tables.get(table).map(|table| table.key) {
            Some(KeyKind::Uuid) => reference("UuidFilter"),
            Some(KeyKind::Int) => reference("IntegerFilter"),
            _ => reference("KeyFilter"),
        }
    }

    /// Links to several tables are written `table:key`.
    fn link_filter(&self, tables: &[String]) -> Json {
        if let [table] = tables {
            return self.key_filter(table);
        }
        let one = self.link_pattern(tables);
        let link = json!({ "type": "string", "pattern": format!("^{one}$") });
        let list = json!({ "type": "string", "pattern": format!("^{one}(,{one})*$") });
        filter("A link, as table:key.", &[("eq", &link), ("ne", &link), ("in", &list)])
    }

    fn link_pattern(&self, tables: &[String]) -> String {
        let key = |table: &str| match self.schema.tables.get(table).map(|table| table.key) {
            Some(KeyKind::Uuid) => UUID,
            Some(KeyKind::Int) => "[1-9][0-9]{0,17}",
            _ => "[^,\\u0000]{1,64}",
        };
        let known = self.schema.tables.values().filter(|table| !table.is_private()).map(|table| table.name.as_str());
        let names: Vec<&str> =
            if tables.is_empty() { known.collect() } else { tables.iter().map(String::as_str).collect() };
        let each: Vec<String> = names.into_iter().map(|name| format!("{name}:{}", key(name))).collect();
        format!("({})", each.join("|"))
    }

    /// Lists: whether they have an item, or are there at all.
    fn item_filter(&self, item: &Kind) -> Json {
        let item = match item.required() {
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::Int => json!({ "type": "integer", "format": "int64" }),
            Kind::Float | Kind::Number => json!({ "type": "number" }),
            Kind::String => json!({ "type": "string", "pattern": PLAIN_TEXT }),
            Kind::Enum(values) => json!({ "type": "string", "enum": values }),
            Kind::Datetime => json!({ "type": "string", "format": "date-time" }),
            Kind::Uuid => json!({ "type": "string", "format": "uuid" }),
            Kind::Record(tables) if tables.len() == 1 => self.key_schema(&tables[0]),
            Kind::Record(tables) => json!({ "type": "string", "pattern": format!("^{}$", self.link_pattern(tables)) }),
            _ => return reference("PresenceFilter"),
        };
        filter("A list.", &[("contains", &item)])
    }
}

fn list_parameter(name: &str, words: &str, item: &str, most: Option<usize>) -> Json {
    let mut schema = json!({ "type": "array", "items": reference(item), "minItems": 1, "uniqueItems": true });
    if let Some(most) = most {
        schema["maxItems"] = json!(most);
    }
    json!({ "name": name, "in": "query", "style": "form", "explode": false,
        "description": format!("{words} Separated by commas."), "schema": schema })
}

fn filter(words: &str, operators: &[(&str, &Json)]) -> Json {
    let mut properties: Map<String, Json> =
        operators.iter().map(|(name, schema)| ((*name).to_owned(), (*schema).clone())).collect();
    properties.insert("null".into(), json!({ "type": "boolean", "description": "Absent, or present." }));
    json!({ "type": "object", "description": words, "additionalProperties": false, "properties": properties })
}

fn ordered(words: &str, value: &Json, more: &[(&str, &Json)]) -> Json {
    let order = ["eq", "ne", "lt", "lte", "gt", "gte"].map(|name| (name, value));
    filter(words, &[&order, more].concat())
}

fn choice_filter(values: &[String]) -> Json {
    let choice = json!({ "type": "string", "enum": values });
    let one = values.iter().map(|value| regex::escape(value)).collect::<Vec<_>>().join("|");
    let list = json!({ "type": "string", "pattern": format!("^({one})(,({one}))*$") });
    filter("One of several texts.", &[("eq", &choice), ("ne", &choice), ("in", &list)])
}

/// What may be asked of a field of each kind; `in` takes a list with commas.
pub(super) fn filter_schemas() -> Map<String, Json> {
    let pattern = |one: &str| json!({ "type": "string", "pattern": format!("^{one}(,{one})*$") });
    let text = json!({ "type": "string", "pattern": PLAIN_TEXT });
    let key = json!({ "type": "string", "minLength": 1, "maxLength": 64, "pattern": PLAIN_TEXT });
    let keys = pattern("[^,\\u0000]{1,64}");
    let integer = json!({ "type": "integer", "format": "int64" });
    let integers = pattern("(0|-?[1-9][0-9]{0,17})");
    let number = json!({ "type": "number" });
    let decimal = json!({ "type": "string", "pattern": DECIMAL });
    let time = json!({ "type": "string", "format": "date-time" });
    let duration = json!({ "type": "string", "pattern": DURATION });
    let uuid = json!({ "type": "string", "format": "uuid" });
    let uuids = pattern(UUID);
    let flag = json!({ "type": "boolean" });
    let schemas = [
        ("TextFilter", ordered("A text.", &text, &[("in", &text), ("contains", &text), ("starts", &text)])),
        ("KeyFilter", filter("A readable key.", &[("eq", &key), ("ne", &key), ("in", &keys)])),
        ("IntegerFilter", ordered("An integer.", &integer, &[("in", &integers)])),
        ("NumberFilter", ordered("A number.", &number, &[])),
        ("DecimalFilter", ordered("A decimal number.", &decimal, &[])),
        ("DateTimeFilter", ordered("An instant, in whole seconds.", &time, &[])),
        ("DurationFilter", ordered("A span of time.", &duration, &[])),
        ("UuidFilter", ordered("A UUID, such as the key of a record.", &uuid, &[("in", &uuids)])),
        ("BooleanFilter", filter("True or false.", &[("eq", &flag), ("ne", &flag)])),
        ("PresenceFilter", filter("Whether it is there.", &[])),
    ];
    schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}
