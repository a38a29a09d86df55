//! The one list of events, and its written form for the documents. Events of records have names made from their tables.

use super::event::EventKind;

macro_rules! catalogue {
    ($($constant:ident = $name:literal, $version:literal, about $about:literal, $description:literal, {
        $($member:literal: $meaning:literal),* $(,)?
    };)*) => {
        $(#[doc = $description] pub static $constant: EventKind = EventKind {
            name: $name,
            version: $version,
            description: $description,
            about: $about,
            members: &[$(($member, $meaning)),*],
        };)*
        /// Every event that commands emit, in the order of the document.
        pub static CATALOGUE: &[&EventKind] = &[$(&$constant),*];
    };
}

catalogue! {
    USER_REGISTERED = "user.registered", 1, about "users", "Somebody made an account, or was given one.", {
        "email": "Sign-in address",
        "name": "Name shown to others",
        "locale": "Language of mails and pages",
        "roles": "Platform roles",
    };
    USER_LOGGED_IN = "user.logged_in", 1, about "users", "Somebody signed in with a password.", {
        "session": "Key of the session",
        "audience": "Which listener: public or admin",
        "ip": "Address of the client",
        "user_agent": "The client program's own words about itself",
    };
    USER_PASSWORD_CHANGED = "user.password_changed", 1, about "users", "A password was replaced; other sessions have ended.", {
        "by": "self, link (in a mail), or command_line",
    };
    USER_EMAIL_VERIFIED = "user.email_verified", 1, about "users", "Somebody showed that an account's address is theirs.", {
        "email": "That address",
    };
    USER_EMAIL_CHANGED = "user.email_changed", 1, about "users", "An account has another address, or its old one back.", {
        "before": "Address until now",
        "after": "Address from now on",
    };
    USER_LOCKED = "user.locked", 1, about "users", "Too many wrong passwords have locked an account for a while.", {
        "until": "When the lock ends by itself",
        "audience": "Which listener: public or admin",
        "ip": "Address of the client that failed last",
    };
    USER_TAKEN_BACK = "user.taken_back", 1, about "users",
        "An account's owner said by a link in a mail that something was not them: nobody is signed in, and the password is void.", {
        "by": "Which link: not_me, or undo_email",
    };
    USER_ROLE_CHANGED = "user.role_changed", 1, about "users", "An administrator replaced the platform roles of an account.", {
        "before": "Roles until now",
        "after": "Roles from now on",
    };
    USER_SUSPENDED = "user.suspended", 1, about "users", "An administrator suspended an account; its sessions have ended.", {
        "reason": "Why, in the administrator's words",
    };
    USER_REINSTATED = "user.reinstated", 1, about "users", "An administrator ended a suspension.", {};
    USER_SIGNED_OUT = "user.signed_out", 1, about "users", "An administrator ended all sessions of an account.", {};
    WEBHOOK_DISABLED = "webhook.disabled", 1, about "webhook_endpoints", "An endpoint failed for too long, or said that it is gone; it is told of nothing more.", {
        "host": "Host of its address",
        "reason": "Why",
        "failing_since": "Since when every attempt had failed",
    };
    WEBHOOK_RECEIVED = "webhook.received", 1, about "inbound_webhooks", "Somebody sent us a webhook, signed as agreed. Not sent on to webhooks.", {
        "source": "Key of the source",
        "external_id": "What the sender calls it",
    };
    CONVERSATION_CREATED = "conversation.created", 1, about "conversations", "Somebody began a conversation.", {
        "kind": "inquiry, group or support",
        "business": "Key of the business that is written to",
    };
    MESSAGE_SENT = "message.sent", 1, about "conversations", "Somebody wrote in a conversation. What they wrote is not told.", {
        "message": "Key of the message",
        "sender": "Key of who wrote it",
    };
    MAIL_FAILED = "mail.failed", 1, about "mails", "A mail was given up: refused, or tried too often.", {
        "to": "Address that it was to go to",
        "user": "Key of the account whose address that is",
        "template": "Which mail it was",
        "error": "Why, in words for staff",
        "is_bad_address": "Whether the mail server says that the address is no good",
    };
    JOB_DIED = "job.died", 1, about "jobs", "A job was given up. Not told of jobs that are about another job, such as reactions to this event.", {
        "kind": "Which work",
        "attempts": "How often it was begun",
        "error": "Why the last attempt failed",
    };
}

/// What events of records carry.
pub const RECORD_MEMBERS: &[(&str, &str)] = &[
    ("id", "Bare key of the record"),
    ("changed", "Names of the fields that an update wrote"),
    ("record", "The record as staff see it, after the change; before it where it was deleted"),
];

/// The catalogue as a document in Markdown. `tables` are those whose changes are told, with their descriptions.
pub fn document<'a>(tables: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::from(HEAD);
    for kind in CATALOGUE {
        text.push_str(&format!("\n### `{}`\n\n{} ", kind.name, kind.description));
        text.push_str(&format!("About a record of `{}`. Version {}.\n", kind.about, kind.version));
        list(&mut text, kind.members);
    }
    text.push_str(RECORDS);
    for (name, description) in tables {
        text.push_str(&format!("- `{name}.created`, `{name}.updated`, `{name}.deleted`: {description}\n"));
    }
    text.push_str("\nTheir payload, version 1:\n");
    list(&mut text, RECORD_MEMBERS);
    text
}

fn list(text: &mut String, members: &[(&str, &str)]) {
    if members.is_empty() {
        text.push_str("\nNo payload.\n");
        return;
    }
    text.push('\n');
    for (name, meaning) in members {
        text.push_str(&format!("- `{name}`: {meaning}\n"));
    }
}

const HEAD: &str = "# Events

What Pawbase tells when something has happened. An event is kept in the transaction of what it tells of, so there is none without
the other. Reactions inside the program and webhooks get each event at least once, and those about one record in order.

Each event has `id` (a UUID in order of time), `name`, `version` (of its payload), `at`, `actor` (the user who did it; absent for
guests and the program itself), `about` (the record that it is about) and `payload`. A member of a payload that has no value is absent.
New members and new events may come at any time; a change of meaning raises the version.

This file is made from the code and the schemas: `UPDATE=1 cargo test --release` writes it anew.

## Commands
";

const RECORDS: &str = "
## Records

A table whose COMMENT ends with `@events` tells of every change through the records API. A shop's own tables can do the same. Here:

";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::CATALOGUE;

    #[test]
    fn names_are_a_domain_and_an_action_and_none_is_there_twice() {
        let names: BTreeSet<&str> = CATALOGUE.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), CATALOGUE.len());
        for kind in CATALOGUE {
            let parts: Vec<&str> = kind.name.split('.').collect();
            let is_word = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            assert!(parts.len() == 2 && parts.iter().all(is_word), "{}", kind.name);
        }
    }
}
