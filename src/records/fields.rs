//! What a caller may name: resolving dotted paths to fields the caller could read.

use crate::context::Ctx;
use crate::kernel::{Error, Result};
use crate::schema::{Field, Kind, Permission, Table};

/// A field that a query names, with the condition under which this caller may read it.
#[derive(Debug, Clone)]
pub struct FieldRef {
    /// Dotted path from our schema model.
    pub path: String,
    /// Type.
    pub kind: Kind,
    /// SurrealQL conditions that must hold for the value to be visible; empty when it always is.
    pub guards: Vec<String>,
}

/// Whether `ctx`'s caller could ever see values with this permission. Staff pass every condition; NONE binds everybody.
pub fn could_pass(ctx: &Ctx, permission: &Permission) -> bool {
    if ctx.caller.is_staff() { !permission.is_none() } else { permission.is_public() }
}

/// Whether `field` and the objects around it could ever be seen by the caller.
pub fn is_visible(ctx: &Ctx, table: &Table, field: &Field) -> bool {
    lineage(table, &field.path).all(|part| could_pass(ctx, &part.permissions.select))
}

/// Whether staff see `field` and the objects around it.
pub fn is_visible_to_staff(table: &Table, field: &Field) -> bool {
    lineage(table, &field.path).all(|part| !part.permissions.select.is_none())
}

/// The fields from the outermost object or list down to `path`.
pub(super) fn lineage<'a>(table: &'a Table, path: &'a str) -> impl Iterator<Item = &'a Field> {
    let ends = path.match_indices('.').map(|(at, _)| at).chain(std::iter::once(path.len()));
    ends.filter_map(move |end| table.field(&path[..end]))
}

/// The field at `path` that the caller could read; names of fields that nobody may read do not exist.
pub fn resolve(ctx: &Ctx, table: &Table, path: &str, parameter: &str) -> Result<FieldRef> {
    let unknown = || Error::query(parameter, format!("{} has no field {path:?} that you could read.", table.name));
    if path == "id" {
        // Whatever the key is made of, the database compares whole record ids.
        let kind = Kind::Record(vec![table.name.clone()]);
        return Ok(FieldRef { path: "id".into(), kind, guards: Vec::new() });
    }
    let field = table.fields.get(path).filter(|field| !field.path.contains('[')).ok_or_else(unknown)?;
    if !is_visible(ctx, table, field) {
        return Err(unknown());
    }
    let mut guards = Vec::new();
    if !ctx.caller.is_staff() {
        for part in lineage(table, path) {
            if let Permission::Where(text) = &part.permissions.select
                && !guards.contains(text)
            {
                guards.push(text.clone());
            }
        }
    }
    Ok(FieldRef { path: field.path.clone(), kind: field.kind.clone(), guards })
}

impl FieldRef {
    /// Whether records can be put in order by it.
    pub fn is_sortable(&self) -> bool {
        self.kind.is_sortable()
    }

    /// Whether the value may be absent for this caller.
    pub fn is_optional(&self) -> bool {
        self.kind.is_optional() || !self.guards.is_empty() || self.path.contains('.')
    }

    /// The field's value as SurrealQL; absent where the caller may not read it, so that nothing can be guessed from it.
    pub fn expression(&self) -> String {
        let path = quoted(&self.path);
        if self.guards.is_empty() {
            return path;
        }
        let guard = self.guards.iter().map(|g| format!("({g})")).collect::<Vec<_>>().join(" AND ");
        format!("(IF {guard} THEN {path} ELSE NONE END)")
    }
}

/// A dotted path from our schema model, quoted segment by segment.
pub fn quoted(path: &str) -> String {
    path.split('.').map(|segment| format!("`{segment}`")).collect::<Vec<_>>().join(".")
}
