//! Notifications: what people are told of what has happened, on which way, and what they want to be told.
//!
//! * `catalogue.rs` is the one list of what people are told, `news.rs` finds out from an event who is told and what, `texts.rs` has the
//!   words
//! * `jobs.rs` is what the program does of itself; which events lead to it is in `app/reactions.rs`
//! * `email.rs` is the way by e-mail, `unsubscribe.rs` with `unsubscribe_api.rs` the way out of it
//! * `api.rs` are the operations of both listeners and `commands.rs` what they do; `admin_api.rs` and `staff.rs` are those of staff;
//!   `views.rs` is what they take and give, `document.rs` what the OpenAPI document adds
//! * `rules.rs` decides, `model.rs` is what is passed on, `store.rs` has the statements
//!
//! **Invariant:** whose notifications are read, marked or chosen comes from the token alone. **Invariant:** nobody is told the same
//! twice (`jobs.rs`). Deliberately elsewhere: the list, which is the records API over `notifications`.

mod admin_api;
mod api;
mod catalogue;
mod commands;
mod document;
mod email;
mod jobs;
mod model;
mod news;
mod rules;
#[cfg(test)]
mod rules_tests;
mod staff;
mod store;
mod texts;
mod unsubscribe;
mod unsubscribe_api;
mod views;

pub use self::admin_api::StaffNotificationsApi;
pub use self::api::NotificationsApi;
pub use self::catalogue::*;
pub use self::document::described;
pub use self::email::{SEND, mail_failed, send_waiting};
pub use self::jobs::{forget, tell, tell_person};
pub use self::unsubscribe_api::UnsubscribeApi;
