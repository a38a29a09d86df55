//! Every status that an operation declares is provoked, and every answer on the way is compared with what is declared.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::commands;
use super::document::{Kind, Operation};
use super::records::Recipes;
use super::requests::any;
use super::stage::Stage;
use crate::support::client::Reply;
use crate::support::run;

/// A declared status that no test can provoke.
struct Exempt {
    /// The operations: the first word of their ids, or `*`.
    verb: &'static str,
    status: u16,
    because: &'static str,
}

/// Writers that meet on one record are run again twelve times before one of them is told.
const LOST_RACES: &str = "of tables without unique values it needs a dozen lost races in a row";

/// What cannot be provoked, and why. An entry that is not needed any more fails the test.
const EXEMPT: [Exempt; 6] = [
    Exempt { verb: "*", status: 500, because: "it would be a defect" },
    Exempt {
        verb: "*",
        status: 503,
        because: "the database would have to fail, or a thread for passwords to be missing",
    },
    Exempt { verb: "create", status: 409, because: LOST_RACES },
    Exempt { verb: "update", status: 409, because: LOST_RACES },
    Exempt { verb: "import", status: 409, because: LOST_RACES },
    Exempt {
        verb: "delete",
        status: 409,
        because: "what nothing holds by a link can only lose a dozen races in a row",
    },
];

impl Exempt {
    fn covers(&self, operation: &str, status: u16) -> bool {
        self.status == status && (self.verb == "*" || operation.split('_').next() == Some(self.verb))
    }
}

/// The answer with `status`; None where there is no recipe.
async fn answer(stage: &Stage, operation: &Operation<'_>, faults: &Mutex<Vec<String>>, status: u16) -> Option<Reply> {
    let special = match operation.kind {
        Kind::Command => commands::answer(stage, operation, faults, status).await,
        _ => Recipes { stage, operation, faults }.answer(status).await,
    };
    match special {
        Some(reply) => Some(reply),
        None => any(stage, operation, faults, status).await,
    }
}

#[test]
fn every_declared_status_is_answered_as_documented_and_no_other() {
    run(async {
        let stage = Stage::open().await;
        let faults = Mutex::new(Vec::new());
        let (mut declared, mut needed) = (0, BTreeSet::new());
        for operation in &stage.operations() {
            for status in operation.responses().into_keys() {
                declared += 1;
                let fault = match answer(&stage, operation, &faults, status).await {
                    Some(reply) if reply.status == status => continue,
                    Some(reply) => format!("is {} instead: {}", reply.status, reply.text),
                    None => match EXEMPT.iter().position(|exempt| exempt.covers(operation.id, status)) {
                        Some(at) => {
                            needed.insert(at);
                            continue;
                        }
                        None => "is declared, but nothing provokes it".to_owned(),
                    },
                };
                faults.lock().expect("a lock").push(format!("{}: {status} {fault}", operation.name()));
            }
        }
        let mut faults = faults.into_inner().expect("the faults");
        for (at, exempt) in EXEMPT.iter().enumerate().filter(|(at, _)| !needed.contains(at)) {
            faults.push(format!("exempt {at} ({} {}: {}) is not needed", exempt.verb, exempt.status, exempt.because));
        }
        assert!(declared > 300, "only {declared} statuses were tried");
        faults.sort();
        faults.dedup();
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    });
}

#[test]
fn operation_ids_are_unique() {
    run(async {
        let stage = Stage::open().await;
        for document in [&stage.public, &stage.admin] {
            let mut ids: Vec<String> = document.operations(&stage.test).iter().map(|one| one.id.to_owned()).collect();
            let count = ids.len();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), count, "an operationId stands for two operations");
        }
    });
}
