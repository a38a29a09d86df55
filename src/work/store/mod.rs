//! The statements of this module, one or a few per function. Deliberately elsewhere: every decision.

mod events;
mod forget;
mod jobs;
mod overview;
mod queue;
mod row;
mod schedules;

pub(super) use events::*;
pub use forget::forget_before;
pub(super) use jobs::*;
pub(super) use overview::*;
pub(super) use queue::*;
pub use row::Row;
pub use row::uuid_key;
pub use schedules::StoredSchedule;
pub(super) use schedules::*;
