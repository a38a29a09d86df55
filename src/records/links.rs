//! Links of records that are written: they must lead to records that the caller may see.

use pawbase_engine::{RecordId, Tx, Value, Vars};

use super::input::NamedLink;
use super::write::named;
use crate::kernel::{Error, FieldError, Result};
use crate::schema::Table;

/// Links of what is written. They must lead to records that the caller may see.
pub(super) struct Links {
    links: Vec<NamedLink>,
    wanted: Vec<Value>,
}

impl Links {
    /// Of these links, in any order and with repetitions.
    pub(super) fn new(links: Vec<NamedLink>) -> Self {
        let mut wanted: Vec<RecordId> = links.iter().map(|link| link.id.clone()).collect();
        wanted.sort();
        wanted.dedup();
        let wanted = wanted.into_iter().map(Value::RecordId).collect();
        Self { links, wanted }
    }

    /// Runs `text` and checks the links, in one go; answers the rows of `text`. A link that leads nowhere is told before whatever else
    /// is wrong.
    pub(super) async fn beside(&self, tx: &Tx, table: &Table, text: &str, vars: Vars) -> Result<Vec<Value>> {
        if self.wanted.is_empty() {
            return Ok(tx.query(text, vars).await.map_err(|e| named(e, table))?.rows(0));
        }
        let both = format!("SELECT VALUE id FROM $ids; {text}");
        let vars = vars.with("ids", Value::Array(self.wanted.clone().into()));
        match tx.look_up(&both, vars).await {
            Ok(mut answer) => {
                self.check(&answer.rows(0))?;
                Ok(answer.rows(1))
            }
            Err(error) if error.is_conflict() => Err(error.into()),
            Err(error) => {
                let vars = Vars::new().with("ids", Value::Array(self.wanted.clone().into()));
                self.check(&tx.look_up("SELECT VALUE id FROM $ids", vars).await?.rows(0))?;
                Err(named(error, table))
            }
        }
    }

    fn check(&self, found: &[Value]) -> Result<()> {
        let mut seen: Vec<&RecordId> =
            found.iter().filter_map(|id| if let Value::RecordId(id) = id { Some(id) } else { None }).collect();
        seen.sort();
        let is_missing = |link: &&NamedLink| seen.binary_search(&&link.id).is_err();
        let missing = |link: &NamedLink| {
            FieldError::new(&*link.pointer, "reference", format!("there is no such record of {}", link.id.table))
        };
        let problems: Vec<FieldError> = self.links.iter().filter(is_missing).map(missing).collect();
        if problems.is_empty() { Ok(()) } else { Err(Error::invalid(problems)) }
    }
}
