//! PAWBASE: which record a document number stands for.
//!
//! A number is given to one record and to no other ever after, so what was read once holds for as long as the process lives. A search
//! has numbers and needs records: thousands of look-ups in the store for a word that many records have, which this spares.

use std::collections::HashMap;

use parking_lot::RwLock;
use surrealdb_catalog::{DatabaseId, NamespaceId, TableId};
use surrealdb_expr::val::{RecordIdKey, Uuid};

/// Numbers kept in all; with more they are forgotten and read again. One takes some 40 bytes.
const MOST: usize = 250_000;

/// A table as it was defined: one that is removed and defined again is another.
pub type TableOfDocs = (NamespaceId, DatabaseId, TableId);

/// The records of document numbers, for tables whose keys are UUIDs.
#[derive(Default)]
pub struct DocKeys {
	tables: RwLock<HashMap<TableOfDocs, HashMap<u64, Uuid>>>,
}

impl DocKeys {
	/// The keys of those numbers that are known.
	pub fn look_up(&self, table: TableOfDocs, numbers: &[u64]) -> Vec<Option<RecordIdKey>> {
		let tables = self.tables.read();
		match tables.get(&table) {
			Some(known) => {
				numbers.iter().map(|number| known.get(number).map(|key| RecordIdKey::Uuid(*key))).collect()
			}
			None => vec![None; numbers.len()],
		}
	}

	/// Keeps what was read from the store.
	pub fn learn<'a>(&self, table: TableOfDocs, found: impl Iterator<Item = (u64, &'a RecordIdKey)>) {
		let mut tables = self.tables.write();
		if tables.values().map(HashMap::len).sum::<usize>() >= MOST {
			tables.clear();
		}
		let known = tables.entry(table).or_default();
		for (number, key) in found {
			if let RecordIdKey::Uuid(key) = key {
				known.insert(number, *key);
			}
		}
	}
}
