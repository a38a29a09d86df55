//! The audit trail: who did what, when, to which record, and how it was before and after.
//!
//! **Invariant:** an entry is written in the transaction of what it tells of, and never changed or deleted afterwards; the
//! database itself refuses that to every session but the system's (schemas/system.surql), and the system has no statement for
//! it. Records and modules both write here. Deliberately elsewhere: what deserves an entry (records, modules).

use pawbase_engine::{Datetime, Object, RecordId, RecordIdKey, Tx, Value, Vars};
use uuid::Uuid;

use super::{Ctx, Platform};
use crate::kernel::Result;
use crate::kernel::time::{Instant, floored};

/// An entry of the trail.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// Key in `audit`.
    pub id: Uuid,
    /// When, in whole seconds.
    pub at: Instant,
    /// Who; None for the system itself.
    pub actor: Option<Uuid>,
    /// What was done, as `domain.action`.
    pub action: &'static str,
    /// To which record.
    pub target: RecordId,
    /// How it was, without what nobody may read.
    pub before: Option<Object>,
    /// How it became, without what nobody may read.
    pub after: Option<Object>,
    /// How many other records were deleted or changed with it.
    pub others: Option<i64>,
    /// Why.
    pub reason: Option<String>,
    /// The request that did it.
    pub request_id: Option<String>,
    /// Where it came from.
    pub ip: Option<String>,
}

impl AuditEntry {
    /// What the caller of `ctx` does to `target`.
    pub fn of_caller(ctx: &Ctx, action: &'static str, target: RecordId) -> Self {
        Self {
            actor: ctx.caller.user(),
            request_id: Some(ctx.request_id.clone()),
            ip: ctx.ip.map(|ip| ip.to_string()),
            ..Self::of_system(&ctx.platform, action, target)
        }
    }

    /// What the system itself does to `target`.
    pub fn of_system(platform: &Platform, action: &'static str, target: RecordId) -> Self {
        let now = platform.clock.now();
        Self {
            id: platform.ids.next(now),
            at: floored(now),
            actor: None,
            action,
            target,
            before: None,
            after: None,
            others: None,
            reason: None,
            request_id: None,
            ip: None,
        }
    }

    fn row(&self) -> Value {
        let mut row = Object::new();
        row.insert("id", Value::RecordId(RecordId::new("audit", RecordIdKey::Uuid(self.id.into()))));
        row.insert("at", Value::Datetime(Datetime::from(self.at)));
        row.insert("action", self.action.to_owned());
        row.insert("target", Value::RecordId(self.target.clone()));
        row.insert("target_table", self.target.table.as_str().to_owned());
        let mut add = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                row.insert(name.to_owned(), value);
            }
        };
        add("actor", self.actor.map(|user| Value::RecordId(user_record(user))));
        add("before", self.before.clone().map(Value::Object));
        add("after", self.after.clone().map(Value::Object));
        add("others", self.others.map(|count| Value::Number(pawbase_engine::Number::Int(count))));
        add("reason", self.reason.clone().map(Value::String));
        add("request_id", self.request_id.clone().map(Value::String));
        add("ip", self.ip.clone().map(Value::String));
        Value::Object(row)
    }
}

/// The account with key `user`.
pub fn user_record(user: Uuid) -> RecordId {
    RecordId::new("users", RecordIdKey::Uuid(user.into()))
}

/// Writes entries, in the transaction of what they tell of: in the system's session or in that of staff who may write.
pub async fn write(tx: &Tx, entries: &[AuditEntry]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = entries.iter().map(AuditEntry::row).collect();
    tx.query("INSERT INTO audit $rows RETURN NONE", Vars::new().with("rows", Value::Array(rows.into()))).await?;
    Ok(())
}
