//! Mail that the program sends: templates, a log that is also the queue, and what staff do with it.
//!
//! * `letter.rs` is what other modules ask for, with [`post`]; `catalogue.rs` is the one list of templates
//! * `templates.rs` has the templates of the program and of the shop, `links.rs` makes addresses with tokens
//! * `mailer.rs` puts these and a way out together; `sending.rs` is the job that sends
//! * `api.rs` are the operations of the admin listener, `views.rs` what they give, `document.rs` what the OpenAPI document adds,
//!   `commands.rs` what they do, `forget.rs` what is forgotten and when
//! * `store.rs` has the statements
//!
//! **Invariant:** no token is stored. A letter names the row that a link opens; its token is made when the mail is sent, and made anew, the
//! same, when it is tried again. **Invariant:** a mail is a row made in the transaction of what it tells of; it goes out after the
//! commit, at least once, always with the same Message-ID.
//!
//! Deliberately elsewhere: how mails go out (`services::mail`), what they are about (the modules that post them), who does not want
//! any (notifications).

mod api;
mod catalogue;
mod commands;
mod document;
mod forget;
mod letter;
mod links;
mod mailer;
mod sending;
mod store;
mod templates;
mod views;

pub use self::api::MailApi;
pub use self::catalogue::{TEMPLATES, Template};
pub use self::document::described;
pub use self::forget::forget;
pub use self::letter::{Letter, Link, post};
pub use self::mailer::{MailError, Mailer};
pub use self::sending::sending;
pub use self::templates::Rendered;
