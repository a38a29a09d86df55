//! The OpenAPI description of the served tables, from their model and the limits in force alone.
//!
//! A failure is named by its status only (`null` in `responses`), and who may call by a word (`security`); `http::spec` puts in
//! what they look like, and what all answers have in common. Here: which paths and operations there are. `operations.rs` has
//! the operations, `transfer.rs` those on whole files, `schemas.rs` has bodies and answers, `values.rs` single values,
//! `parameters.rs` queries, `examples.rs` sample values.

mod batch;
mod examples;
mod operations;
mod parameters;
mod schemas;
mod transfer;
mod values;

use serde_json::{Map, Value as Json, json};

use super::fields;
use crate::config::LimitSettings;
use crate::schema::{Field, Permission, Schema, Table};

/// What the document says about the tables.
#[derive(Debug, Default)]
pub struct Described {
    /// Path items by full path.
    pub paths: Map<String, Json>,
    /// Component schemas.
    pub schemas: Map<String, Json>,
    /// Component examples.
    pub examples: Map<String, Json>,
    /// Tags, one for each table.
    pub tags: Vec<Json>,
}

/// Describes the tables that a listener serves below `base`: the public one, or that of staff.
pub fn describe(schema: &Schema, limits: &LimitSettings, is_staff: bool, base: &str) -> Described {
    let mut described = Described { schemas: parameters::filter_schemas(), ..Described::default() };
    described.schemas.extend(transfer::report_schemas());
    let view = |table| TableView { table, schema, limits, is_staff };
    let offered: Vec<TableView> =
        schema.tables.values().filter(|table| !table.is_private()).map(view).filter(TableView::is_offered).collect();
    for table in &offered {
        table.describe(base, &mut described);
    }
    described.tags.push(json!({ "name": "batch", "description": "Several records at once." }));
    described.schemas.insert("BatchOperation".into(), batch::operation_schema(&offered));
    described.paths.insert(format!("{base}/batch"), json!({ "post": batch::operation(&offered, limits) }));
    described
}

/// A table as callers of one listener know it.
struct TableView<'a> {
    table: &'a Table,
    schema: &'a Schema,
    limits: &'a LimitSettings,
    is_staff: bool,
}

/// `product_categories` as `ProductCategories`.
pub fn type_name(table: &str) -> String {
    let capital =
        |word: &str| word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect::<String>();
    table.split('_').map(capital).collect()
}

/// A reference to a component schema.
fn reference(name: &str) -> Json {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

impl<'a> TableView<'a> {
    /// Whether some caller of this listener could pass.
    fn could(&self, permission: &Permission) -> bool {
        if self.is_staff { !permission.is_none() } else { permission.is_public() }
    }

    fn is_offered(&self) -> bool {
        let permissions = &self.table.permissions;
        [&permissions.select, &permissions.create, &permissions.update, &permissions.delete]
            .into_iter()
            .any(|permission| self.could(permission))
    }

    /// The table `name` on the same listener, if its records can be read there.
    fn readable_table(&self, name: &str) -> Option<TableView<'a>> {
        let table = self.schema.served(name)?;
        let view = TableView { table, schema: self.schema, limits: self.limits, is_staff: self.is_staff };
        view.could(&table.permissions.select).then_some(view)
    }

    /// Whether the field and the objects around it could ever be read.
    fn is_readable(&self, field: &Field) -> bool {
        fields::lineage(self.table, &field.path).all(|part| self.could(&part.permissions.select))
    }

    /// All fields that could be read, but the id, with those inside objects.
    fn readable(&self) -> impl Iterator<Item = &'a Field> {
        self.table.fields.values().filter(|field| field.path != "id" && self.is_readable(field))
    }

    /// Whether the field could be written, in a new record or in a change of one.
    fn is_writable(&self, field: &Field, is_create: bool) -> bool {
        let permission = if is_create { &field.permissions.create } else { &field.permissions.update };
        let is_frozen = !is_create && field.is_read_only;
        !field.is_system() && !is_frozen && self.could(permission) && self.is_readable(field)
    }

    fn describe(&self, base: &str, described: &mut Described) {
        let name = type_name(&self.table.name);
        self.describe_schemas(&name, described);
        described.tags.push(json!({ "name": self.table.name, "description": self.description() }));
        let path = format!("{base}/{}", self.table.name);
        let (collection, record) = self.operations(&name);
        if !collection.is_empty() {
            described.paths.insert(path.clone(), Json::Object(collection));
        }
        if !record.is_empty() {
            let mut item = Map::from_iter([("parameters".to_owned(), json!([self.key_parameter()]))]);
            item.extend(record);
            described.paths.insert(format!("{path}/{{id}}"), Json::Object(item));
        }
        if self.could(&self.table.permissions.select) {
            described.paths.insert(format!("{path}/aggregate"), json!({ "get": self.aggregate_operation(&name) }));
            described.paths.insert(format!("{path}/export"), json!({ "get": self.export_operation(&name) }));
        }
        if self.is_staff && self.could(&self.table.permissions.create) {
            described.schemas.insert(format!("{name}Import"), self.import_schema());
            described.paths.insert(format!("{path}/import"), json!({ "post": self.import_operation(&name) }));
        }
        if self.is_staff && self.table.can_restore() {
            let item = json!({ "parameters": [self.key_parameter()], "post": self.restore_operation(&name) });
            described.paths.insert(format!("{path}/{{id}}/restore"), item);
        }
    }

    /// The table's COMMENT, or words in its place.
    fn description(&self) -> String {
        match self.table.description.as_str() {
            "" => format!("Records of {}.", self.table.name),
            text => text.to_owned(),
        }
    }
}
