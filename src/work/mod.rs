//! Events and jobs: what has happened, and what is still to be done about it.
//!
//! * `event.rs` is what happens and how it is told, `catalogue.rs` the one list of it
//! * `registry.rs` is what the program does about it: reactions, kinds of jobs, schedules; `policy.rs` how often and how long
//! * `emit.rs` and `enqueue.rs` write events and jobs in the transaction of whoever calls, `lanes.rs` keeps them in line
//! * `relay.rs` turns events into jobs, `schedule.rs` ticks into jobs, `claim.rs` takes jobs that are due, `attempt.rs` runs
//!   one and `close.rs` ends it
//! * `worker.rs` puts these together, in a loop of its own or step by step in a test's hands
//! * `patterns.rs` knows which events a reaction waits for where the database says so, `load.rs` how much a service is given at once
//! * `backoff.rs` and `breaker.rs` decide when to try again, `control.rs` is what staff do by hand, `overview.rs` what they see,
//!   `sweep.rs` forgets what is old, `store/` has the statements
//!
//! **Invariant:** an event is written in the transaction of what it tells of, and a job is closed in the transaction of its
//! effect; between the two everything is found by its state, never by a cursor. **Invariant:** events of one record reach each
//! reaction in the order in which they were committed, one after the other. A dead job does not hold up those behind it.
//!
//! Deliberately elsewhere: what is done (modules), the list of it (`app/reactions.rs`), who may look (modules::operations).

mod attempt;
mod backoff;
mod breaker;
pub mod catalogue;
mod claim;
mod close;
mod control;
mod emit;
mod enqueue;
mod event;
mod job;
mod load;
mod overview;
mod patterns;
mod policy;
mod registry;
mod relay;
mod run;
mod schedule;
mod store;
mod sweep;
mod turn;
mod worker;

pub use self::control::{drop_job, pause_schedule, retry_job, run_job, run_schedule};
pub use self::emit::emit;
pub use self::enqueue::{NewJob, enqueue, is_open};
pub use self::event::{Event, EventKind, NewEvent, RecordChange, matches};
pub use self::job::{Job, State};
pub use self::overview::{KindCounts, Overview, Service};
pub use self::policy::Policy;
pub use self::registry::{Effect, Kind, Outside, Reaction, Registry, Schedule};
pub use self::run::Running;
pub use self::store::{Row, StoredSchedule, forget_before, uuid_key};
pub use self::sweep::sweep;
pub use self::turn::{Attempted, Failure, Turn};
pub use self::worker::{Settled, Worker};
