//! PAWBASE: counts under a table's permission from index entries alone.
//!
//! With a permission for each record the other ways read every record that matches. Where the permission reads nothing but columns of
//! the index that serves the WHERE clause, its verdict is in the entry's key already, and entries that agree on all columns agree on it.
//! They lie side by side: the verdict is found once for each such group, and the rest is counting keys.

use std::borrow::Cow;
use std::sync::Arc;

use crate::catalog::{DatabaseId, FieldDefinition, IndexDefinition, NamespaceId, Permission};
use crate::err::EngineError;
use crate::exec::index::access_path::{BTreeAccess, IndexRef};
use crate::exec::index::iterator::btree::bitmap_scan_range;
use crate::exec::permission::{PhysicalPermission, check_permission_for_value};
use crate::exec::{ControlFlowExt, ExecutionContext};
use crate::expr::literal::Literal;
use crate::expr::part::Part;
use crate::expr::{BinaryOperator, ControlFlow, Expr, Idiom, Kind, KindLiteral, PrefixOperator};
use crate::key::KVKeyDecode;
use crate::key::KVSubspace;
use crate::key::schema::{EntryFdPrefix, EntryKey};
use crate::kvs::{Direction, NORMAL_BATCH_SIZE, Transaction};
use crate::val::{Object, Value};

/// Parameters that stand for the record, or for what a clause is evaluated about.
const RECORD_PARAMS: [&str; 8] = ["this", "self", "parent", "value", "before", "after", "input", "event"];

/// Whether the verdict of `permission` is in the key of each entry of the index: it has one entry for each record, and the permission
/// reads nothing but its columns.
pub(crate) fn covers_permission(
	ix: &IndexDefinition,
	fields: &[FieldDefinition],
	permission: &Permission,
) -> bool {
	let is_plain = matches!(ix.index, crate::catalog::Index::Idx)
		&& ix.cols.iter().all(|col| {
			fields.iter().any(|field| {
				field.name == *col
					&& field.computed.is_none()
					&& field.field_kind.as_ref().is_some_and(is_one_value)
			})
		});
	match permission {
		Permission::Specific(expr) => is_plain && reads_only(expr, &ix.cols),
		Permission::Full | Permission::None => false,
	}
}

/// The same entries by an index whose entries tell the verdict of `permission`: one that begins with the columns whose values `access`
/// says.
pub(crate) fn covered_access(
	index_ref: &IndexRef,
	access: &BTreeAccess,
	fields: &[FieldDefinition],
	permission: &Permission,
) -> Option<(IndexRef, BTreeAccess)> {
	let said: Vec<Value> = match access {
		BTreeAccess::Equality(value) if index_ref.cols.len() == 1 => vec![value.clone()],
		BTreeAccess::Compound {
			prefix,
			range: None,
		} => prefix.clone(),
		_ => return None,
	};
	let cols = index_ref.cols.get(..said.len())?;
	let at = index_ref.indexes.iter().position(|ix| {
		!ix.prepare_remove && ix.cols.starts_with(cols) && covers_permission(ix, fields, permission)
	})?;
	let access = BTreeAccess::Compound {
		prefix: said,
		range: None,
	};
	Some((IndexRef::new(Arc::clone(&index_ref.indexes), at), access))
}

/// Whether a value of this kind is always there, is no array, and comes back from a key as it was.
fn is_one_value(kind: &Kind) -> bool {
	match kind {
		Kind::Bool | Kind::Datetime | Kind::Int | Kind::String | Kind::Uuid => true,
		Kind::Record(tables) => !tables.is_empty(),
		Kind::Literal(KindLiteral::String(_) | KindLiteral::Integer(_) | KindLiteral::Bool(_)) => true,
		Kind::Either(kinds) => kinds.iter().all(is_one_value),
		_ => false,
	}
}

/// Whether an expression reads nothing of the record but these columns.
fn reads_only(expr: &Expr, cols: &[Idiom]) -> bool {
	match expr {
		Expr::Literal(literal) => is_constant(literal, cols),
		Expr::Param(param) => !RECORD_PARAMS.contains(&param.as_str()),
		Expr::Idiom(idiom) => match idiom.0.first() {
			Some(Part::Field(_)) => idiom.0.len() == 1 && cols.contains(idiom),
			Some(Part::Start(start)) => {
				matches!(start, Expr::Param(_))
					&& reads_only(start, cols)
					&& idiom.0[1..].iter().all(|part| matches!(part, Part::Field(_)))
			}
			_ => false,
		},
		Expr::Prefix {
			op: PrefixOperator::Not,
			expr,
		} => reads_only(expr, cols),
		Expr::Binary {
			left,
			op,
			right,
		} => is_comparison(op) && reads_only(left, cols) && reads_only(right, cols),
		_ => false,
	}
}

fn is_constant(literal: &Literal, cols: &[Idiom]) -> bool {
	match literal {
		Literal::None | Literal::Null | Literal::Bool(_) | Literal::Integer(_) | Literal::String(_) => true,
		Literal::Array(items) => items.iter().all(|item| reads_only(item, cols)),
		_ => false,
	}
}

fn is_comparison(op: &BinaryOperator) -> bool {
	matches!(
		op,
		BinaryOperator::And
			| BinaryOperator::Or
			| BinaryOperator::Equal
			| BinaryOperator::NotEqual
			| BinaryOperator::LessThan
			| BinaryOperator::LessThanEqual
			| BinaryOperator::MoreThan
			| BinaryOperator::MoreThanEqual
			| BinaryOperator::Inside
			| BinaryOperator::NotInside
			| BinaryOperator::Contain
			| BinaryOperator::NotContain
	)
}

/// How many entries of the access the permission lets pass. Only for indexes that [`covers_permission`].
pub(crate) async fn count(
	ctx: &ExecutionContext,
	txn: &Transaction,
	ns: NamespaceId,
	db: DatabaseId,
	index_ref: &IndexRef,
	access: &BTreeAccess,
	permission: &PhysicalPermission,
) -> Result<usize, ControlFlow> {
	let ix = index_ref.definition();
	let range = bitmap_scan_range(ns, db, ix, access).context("Failed to compute the range of a count")?;
	let mut cursor = txn
		.open_keys_cursor(range, Direction::Forward, 0, None)
		.await
		.context("Failed to open a cursor over index keys")?;
	let mut count = 0;
	// What the keys of the group begin with, and its verdict.
	let mut group: Vec<u8> = Vec::new();
	let mut passes = false;
	loop {
		if ctx.cancellation().is_cancelled() {
			return Err(ControlFlow::Err(anyhow::anyhow!(EngineError::QueryCancelled)));
		}
		let batch = cursor.next_batch(NORMAL_BATCH_SIZE).await.context("Failed to scan index keys")?;
		if batch.is_empty() {
			return Ok(count);
		}
		for key in &batch {
			if group.is_empty() || !key.starts_with(&group) {
				let entry = EntryKey::decode_key(key).context("Failed to decode an index key")?;
				let record = columns(&ix.cols, &entry.fd);
				passes = check_permission_for_value(permission, &record, None, ctx)
					.await
					.map_err(ControlFlow::Err)?;
				group = EntryFdPrefix::new(ns, db, Cow::Borrowed(&ix.table_name), ix.index_id, entry.fd)
					.encode_bound()
					.context("Failed to encode an index key")?
					.to_vec();
			}
			count += usize::from(passes);
		}
	}
}

/// The part of a record that is in the columns of an index.
fn columns(cols: &[Idiom], values: &[Value]) -> Value {
	let mut record = Object::default();
	for (col, value) in cols.iter().zip(values) {
		if let [Part::Field(name)] = col.0.as_slice() {
			record.insert(name.clone(), value.clone());
		}
	}
	Value::Object(record)
}
