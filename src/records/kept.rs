//! Whether the database kept the values it was sent. It drops what a field's permission does not allow without a word, and puts
//! back what was there before; a caller who was told "done" would never know.
//!
//! Only values whose permission depends on the record are looked at. What is stored need not be what was sent: a list of
//! objects gets defaults, a set loses doubles, and a VALUE clause makes a value of its own.

use pawbase_engine::{RecordId, Tx, Value, Vars};

use super::input::Input;
use super::read::pick;
use crate::context::failure::pointer;
use crate::kernel::{Error, FieldError, Result};
use crate::schema::{Field, Kind, Table};

/// Values to look for after a write.
#[derive(Debug, Default)]
pub struct Sent(Vec<(String, Value)>);

/// A value that may have been dropped or may be what a VALUE clause made of the sent one: the database must say which.
struct Doubt<'a> {
    /// Where the sent value stood, by its path among the sent ones.
    path: &'a str,
    expression: &'a str,
    sent: &'a Value,
    before: Value,
    stored: Value,
}

impl Sent {
    /// The values of `input` whose permission depends on the record.
    pub fn of(input: &Input) -> Self {
        Self(input.values.iter().filter(|(path, _)| input.conditional.contains(path)).cloned().collect())
    }

    /// Whether the record as it was before must be known to tell: some VALUE clause has a say in what is stored.
    pub fn needs_before(&self, table: &Table) -> bool {
        let is_inside = |path: &str, outer: &str| path == outer || path.starts_with(&format!("{outer}."));
        let mut fields = table.fields.values().chain(table.items.values()).filter(|field| field.value.is_some());
        fields.any(|field| self.0.iter().any(|(path, _)| is_inside(&field.path, path)))
    }

    /// Refuses a create whose record the caller cannot see, if it could have lost something on the way.
    pub fn must_be_nothing(&self) -> Result<()> {
        refuse(self.0.iter().map(|(path, _)| path.as_str()).collect())
    }

    /// Refuses values that are not in `row`, the record `id` after the write; `before` is the one before it.
    pub async fn must_be_kept(&self, tx: &Tx, table: &Table, before: &Value, row: &Value) -> Result<()> {
        let (mut dropped, mut doubts) = (Vec::new(), Vec::new());
        for (path, sent) in &self.0 {
            let place = Place { table, path: path.clone() };
            if !place.is_kept(path, sent, &pick(before, path), &pick(row, path), &mut doubts) {
                dropped.push(path.as_str());
            }
        }
        if let (false, Value::RecordId(id)) = (doubts.is_empty(), pick(row, "id")) {
            for doubt in doubts {
                if !doubt.is_resolved(tx, &id).await? {
                    dropped.push(doubt.path);
                }
            }
        }
        refuse(dropped)
    }
}

fn refuse(dropped: Vec<&str>) -> Result<()> {
    if dropped.is_empty() {
        return Ok(());
    }
    let fields =
        dropped.into_iter().map(|path| FieldError::new(pointer(path), "read_only", "you may not write this field"));
    Err(Error::forbidden().rephrased("You may not write some of the fields.".into(), fields.collect()))
}

/// A place in records of a table, by a path with `*` for items of lists.
struct Place<'a> {
    table: &'a Table,
    path: String,
}

impl<'a> Place<'a> {
    fn within(&self, name: &str) -> Self {
        Self { table: self.table, path: format!("{}.{name}", self.path) }
    }

    fn field(&self) -> Option<&'a Field> {
        self.table.field(&self.path)
    }

    /// Whether `stored` is what becomes of `sent`; what only the database can tell goes to `doubts`.
    fn is_kept(
        &self,
        top: &'a str,
        sent: &'a Value,
        before: &Value,
        stored: &Value,
        doubts: &mut Vec<Doubt<'a>>,
    ) -> bool {
        if sent == stored {
            return true;
        }
        if let Some(expression) = self.field().and_then(|field| field.value.as_deref()) {
            if stored == before {
                let (before, stored) = (before.clone(), stored.clone());
                doubts.push(Doubt { path: top, expression, sent, before, stored });
            }
            return true;
        }
        match (sent, stored) {
            (Value::Array(sent), Value::Array(stored)) => {
                let place = self.within("*");
                let before = |at: usize| match before {
                    Value::Array(items) => items.get(at).cloned().unwrap_or_default(),
                    _ => Value::None,
                };
                let mut pairs = sent.iter().zip(stored.iter()).enumerate();
                sent.len() == stored.len()
                    && pairs.all(|(at, (sent, stored))| place.is_kept(top, sent, &before(at), stored, doubts))
            }
            (Value::Array(sent), Value::Set(stored)) => {
                sent.iter().all(|item| stored.iter().any(|kept| kept == item))
                    && stored.iter().all(|item| sent.iter().any(|given| given == item))
            }
            (Value::Object(sent), Value::Object(stored)) if self.is_closed_object() => {
                sent.iter().all(|(name, sent)| {
                    let stored = stored.get(name).cloned().unwrap_or_default();
                    self.within(name).is_kept(top, sent, &pick(before, name), &stored, doubts)
                })
            }
            _ => false,
        }
    }

    /// Whether the value is an object of declared fields, to which the database adds those with defaults.
    fn is_closed_object(&self) -> bool {
        self.field().is_some_and(|field| *field.kind.required() == Kind::Object && !field.is_flexible)
    }
}

impl Doubt<'_> {
    /// Whether the VALUE clause makes the stored value of the sent one.
    async fn is_resolved(&self, tx: &Tx, id: &RecordId) -> Result<bool> {
        let vars = Vars::new()
            .with("id", id.clone())
            .with("value", self.sent.clone())
            .with("input", self.sent.clone())
            .with("before", self.before.clone());
        // The text is the schema's own, and runs as the caller.
        let made = tx.query(&format!("SELECT VALUE ({}) FROM ONLY $id", self.expression), vars).await?.take(0);
        Ok(made == self.stored)
    }
}
