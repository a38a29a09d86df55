//! What the operations of the console answer.

use poem_openapi::Object;

/// The installation at a glance.
#[derive(Object, Debug)]
pub struct Overview {
    /// Version of the program.
    pub version: String,
    /// When this process opened the database.
    pub started_at: String,
    /// Seconds since then.
    pub uptime_s: i64,
    /// Bytes that the database takes on disk; 0 when it is in memory or on another machine.
    pub database_bytes: i64,
    /// All tables that staff may read, in alphabetical order.
    pub tables: Vec<TableCount>,
    /// The newest records, newest first, at most ten.
    pub latest: Vec<LatestRecord>,
}

/// How much there is of a table.
#[derive(Object, Debug)]
pub struct TableCount {
    /// Name.
    pub name: String,
    /// What it holds.
    pub description: String,
    /// How many records.
    pub rows: i64,
}

/// A new record.
#[derive(Object, Debug)]
pub struct LatestRecord {
    /// Its table.
    pub table: String,
    /// Its key.
    pub id: String,
    /// What people call it; its key where it has no such field.
    pub label: String,
    /// When it was made.
    pub created_at: String,
}

/// The tables as they are in force.
#[derive(Object, Debug)]
pub struct SchemaDescription {
    /// All tables that staff may read, in alphabetical order.
    pub tables: Vec<TableDescription>,
}

/// A table.
#[derive(Object, Debug)]
pub struct TableDescription {
    /// Name.
    pub name: String,
    /// What it holds.
    pub description: String,
    /// What its keys are: uuid (made by the server), text or int (given by the caller).
    pub key: String,
    /// The field by which people know a record; null where there is none.
    pub label_field: Option<String>,
    /// Whether `q` searches it.
    pub has_text_search: bool,
    /// What the caller may do to its records.
    pub is_writable: Writable,
    /// Whether a deleted record can be brought back.
    pub can_restore: bool,
    /// Who may do what.
    pub permissions: TablePermissions,
    /// Fields by path; those inside objects after their object, those of the items of lists with a `*` in the path.
    pub fields: Vec<FieldDescription>,
    /// Indexes.
    pub indexes: Vec<IndexDescription>,
}

/// What the caller may do to records.
#[derive(Object, Debug)]
pub struct Writable {
    /// Make them.
    pub create: bool,
    /// Change them.
    pub update: bool,
    /// Delete them.
    pub delete: bool,
}

/// Who may do what to records.
#[derive(Object, Debug)]
pub struct TablePermissions {
    /// See them.
    pub select: PermissionDescription,
    /// Make them.
    pub create: PermissionDescription,
    /// Change them.
    pub update: PermissionDescription,
    /// Delete them.
    pub delete: PermissionDescription,
}

/// Who may do what to a field.
#[derive(Object, Debug)]
pub struct FieldPermissions {
    /// See it.
    pub select: PermissionDescription,
    /// Set it in a new record.
    pub create: PermissionDescription,
    /// Change it.
    pub update: PermissionDescription,
}

/// Who may do one thing.
#[derive(Object, Debug)]
pub struct PermissionDescription {
    /// none (nobody), full (everybody), or where (callers for whom the text holds; staff always).
    pub rule: String,
    /// The condition as the schema has it; null for none and full.
    pub text: Option<String>,
    /// The same in plain language; the text itself where it is not understood.
    pub words: String,
}

/// A field.
#[derive(Object, Debug)]
pub struct FieldDescription {
    /// Dotted path.
    pub path: String,
    /// What its values are, or the items of its list.
    #[oai(rename = "type")]
    pub kind: String,
    /// Whether it may be absent.
    pub is_optional: bool,
    /// Whether it holds a list of such values.
    pub is_list: bool,
    /// What an enum chooses from; null for other types.
    pub values: Option<Vec<String>>,
    /// Tables that a link leads to, none meaning any; null for other types.
    pub links: Option<Vec<String>>,
    /// What it means.
    pub description: String,
    /// Words with an @ in the schema's comment, such as money or date.
    pub tags: Vec<String>,
    /// Whether it is set once, with the new record.
    pub is_read_only: bool,
    /// Whether the database keeps it, so that nobody writes it.
    pub is_system: bool,
    /// Whether it is filled in when staff leave it out of a new record.
    pub has_default: bool,
    /// Whether lists can be sorted by it.
    pub is_sortable: bool,
    /// Whether lists can be narrowed by its values.
    pub is_filterable: bool,
    /// What its values may be; left out where there is no limit.
    #[oai(skip_serializing_if_is_none)]
    pub limits: Option<ValueLimits>,
    /// Who may do what to it.
    pub permissions: FieldPermissions,
}

/// Limits of values.
#[derive(Object, Debug)]
#[oai(skip_serializing_if_is_none)]
pub struct ValueLimits {
    /// Smallest number.
    pub min: Option<f64>,
    /// Largest number.
    pub max: Option<f64>,
    /// Fewest characters of a text, or items of a list.
    pub min_length: Option<i64>,
    /// Most characters of a text, or items of a list.
    pub max_length: Option<i64>,
    /// Pattern of a text.
    pub pattern: Option<String>,
}

/// An index.
#[derive(Object, Debug)]
pub struct IndexDescription {
    /// Name.
    pub name: String,
    /// Paths of its fields.
    pub fields: Vec<String>,
    /// Whether no two records share its values.
    pub is_unique: bool,
    /// Whether it is for text search.
    pub is_full_text: bool,
}
