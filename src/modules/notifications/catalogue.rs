//! The one list of what people are told, and how each kind of news comes if nobody chose otherwise.
//!
//! Deliberately elsewhere: which events lead to it (`app/reactions.rs`), who is told and what (`news.rs`), the words
//! (`assets/notifications/<language>/<name>.txt`: the title, an empty line, the body).

use super::news::{self, News};
use crate::context::Audience;

/// A kind of news.
#[derive(Debug)]
pub struct NotificationType {
    /// Stable name; rows and preferences carry it.
    pub name: &'static str,
    /// What it is called in lists of preferences.
    pub title: &'static str,
    /// When it comes, for people.
    pub description: &'static str,
    /// For whom: everybody, or staff alone.
    pub audience: Audience,
    /// Whether it is sent whatever somebody chose, because they must know it.
    pub is_required: bool,
    /// Whether its e-mail does not wait for the end of quiet hours.
    pub is_urgent: bool,
    /// Whether it is put into the list, if nobody chose otherwise.
    pub in_app: bool,
    /// Whether it is sent by e-mail, if nobody chose otherwise.
    pub email: bool,
    /// Days for which it is kept.
    pub days: i64,
    /// Finds out from an event who is told, and what.
    pub news: News,
    /// The words by language; the first is for everybody else.
    pub texts: [(&'static str, &'static str); 2],
    /// Values for the words, as JSON, for tests and test sends.
    pub sample: &'static str,
}

macro_rules! catalogue {
    ($($constant:ident = $name:literal, $title:literal, $description:literal, {
        $($member:ident: $value:expr),* $(,)?
    };)*) => {
        $(#[doc = $description] pub static $constant: NotificationType = NotificationType {
            name: $name,
            title: $title,
            description: $description,
            texts: [
                ("en", include_str!(concat!("../../../assets/notifications/en/", $name, ".txt"))),
                ("de", include_str!(concat!("../../../assets/notifications/de/", $name, ".txt"))),
            ],
            $($member: $value,)*
            ..USUAL
        };)*
        /// Everything that people are told, in the order of lists.
        pub static CATALOGUE: &[&NotificationType] = &[$(&$constant),*];
    };
}

/// What most kinds of news have in common.
const USUAL: NotificationType = NotificationType {
    name: "",
    title: "",
    description: "",
    audience: Audience::Public,
    is_required: false,
    is_urgent: false,
    in_app: true,
    email: true,
    days: 90,
    news: news::about_user,
    texts: [("en", ""), ("de", "")],
    sample: "{}",
};

catalogue! {
    MEMBERSHIP_ADDED = "membership_added", "Added to a business", "Somebody made you a member of a business.", {
        news: news::membership_added,
        sample: r#"{ "business": "Happy Paws", "role": "groomer" }"#,
    };
    MEMBERSHIP_CHANGED = "membership_changed", "Role in a business changed", "Your role in a business was changed.", {
        news: news::membership_changed,
        sample: r#"{ "business": "Happy Paws", "role": "manager" }"#,
    };
    MEMBERSHIP_ENDED = "membership_ended", "Membership in a business ended", "You do not work in a business any more.", {
        news: news::membership_ended,
        sample: r#"{ "business": "Happy Paws", "role": "groomer" }"#,
    };
    ACCOUNT_SUSPENDED = "account_suspended", "Account suspended", "Your account was suspended.", {
        is_required: true,
        is_urgent: true,
        sample: r#"{ "reason": "Sold what is not theirs." }"#,
    };
    ACCOUNT_REINSTATED = "account_reinstated", "Account reinstated", "The suspension of your account has ended.", {
        is_required: true,
    };
    MESSAGE = "message", "New message", "Somebody wrote to you and you have not read it. Once, until you do.", {
        days: 30,
        news: news::told_by_its_module,
        sample: r#"{ "from": "Jane Doe", "subject": "Beagle puppies" }"#,
    };
    JOB_DIED = "job_died", "Job given up", "A job failed too often. Once an hour for each kind of job.", {
        audience: Audience::Admin,
        days: 30,
        news: news::job_died,
        sample: r#"{ "kind": "images.shrink", "error": "The file is damaged.", "attempts": 12 }"#,
    };
    WEBHOOK_DISABLED = "webhook_disabled", "Webhook disabled", "An endpoint of a webhook failed for too long.", {
        audience: Audience::Admin,
        days: 30,
        news: news::for_administrators,
        sample: r#"{ "host": "hooks.example.com", "reason": "Every attempt has failed since five days." }"#,
    };
}

/// The type of that name.
pub fn find(name: &str) -> Option<&'static NotificationType> {
    CATALOGUE.iter().copied().find(|kind| kind.name == name)
}

/// The types that a listener shows somebody: staff see all of them.
pub fn shown_on(audience: Audience) -> impl Iterator<Item = &'static NotificationType> {
    CATALOGUE.iter().copied().filter(move |kind| audience == Audience::Admin || kind.audience == Audience::Public)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_words_and_none_is_there_twice() {
        let names: BTreeSet<&str> = CATALOGUE.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), CATALOGUE.len());
        assert!(names.iter().all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_')));
    }

    #[test]
    fn customers_are_not_shown_what_is_for_staff() {
        assert!(shown_on(Audience::Public).all(|kind| kind.audience == Audience::Public));
        assert_eq!(shown_on(Audience::Admin).count(), CATALOGUE.len());
        assert!(find("job_died").is_some() && find("nonsense").is_none());
    }
}
