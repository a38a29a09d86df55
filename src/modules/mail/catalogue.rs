//! The one list of templates, each with a sample of what it fills in. The texts are in `assets/mail/<locale>/<code>`.

/// A kind of mail.
#[derive(Debug, PartialEq, Eq)]
pub struct Template {
    /// Its code: the name of its files.
    pub code: &'static str,
    /// When it is sent.
    pub description: &'static str,
    /// What it fills in, as JSON; a letter has these members.
    pub sample: &'static str,
    /// Whether it has a link.
    pub has_link: bool,
}

/// Every kind of mail, by code.
pub static TEMPLATES: &[Template] = &[
    Template {
        code: "account_locked",
        description: "An account was locked after too many wrong passwords.",
        sample: r#"{ "name": "Jane", "until": "2026-05-04T10:30:00Z", "timezone": "Europe/Berlin" }"#,
        has_link: true,
    },
    Template {
        code: "confirm_email",
        description: "Somebody made an account, or asked for this mail again: is the address theirs?",
        sample: r#"{ "name": "Jane", "hours": 48 }"#,
        has_link: true,
    },
    Template {
        code: "confirm_new_email",
        description: "Somebody wants this to be the address of their account.",
        sample: r#"{ "name": "Jane", "hours": 48 }"#,
        has_link: true,
    },
    Template {
        code: "email_change_notice",
        description: "The address of an account is to be another one; goes to the old one, with a way to undo it.",
        sample: r#"{ "name": "Jane", "new_email": "jane@new.example", "days": 7 }"#,
        has_link: true,
    },
    Template {
        code: "email_in_use",
        description: "Somebody wanted the address of this account for another one. Nothing was changed.",
        sample: r#"{ "name": "Jane" }"#,
        has_link: false,
    },
    Template {
        code: "new_sign_in",
        description: "Somebody signed in with a program and from a place that are new for the account.",
        sample: r#"{ "name": "Jane", "at": "2026-05-04T10:00:00Z", "timezone": "Europe/Berlin", "ip": "192.0.2.1",
            "program": "Example/1.0", "days": 7 }"#,
        has_link: true,
    },
    Template {
        code: "notification",
        description: "A notification of any kind, by mail.",
        sample: r#"{ "name": "Jane", "title": "You now work at Happy Paws",
            "body": "Max has added you as a receptionist.\nYou will see it at your next sign-in." }"#,
        has_link: false,
    },
    Template {
        code: "password_changed",
        description: "The password of an account was changed.",
        sample: r#"{ "name": "Jane", "at": "2026-05-04T10:00:00Z", "timezone": "Europe/Berlin", "days": 7 }"#,
        has_link: true,
    },
    Template {
        code: "reset_password",
        description: "Somebody asked for a new password.",
        sample: r#"{ "name": "Jane", "minutes": 60 }"#,
        has_link: true,
    },
    Template {
        code: "test",
        description: "Staff try whether mail goes out.",
        sample: r#"{ "name": "Jane", "at": "2026-05-04T10:00:00Z", "timezone": "Europe/Berlin" }"#,
        has_link: false,
    },
];

/// The template with this code.
pub fn find(code: &str) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.code == code)
}
