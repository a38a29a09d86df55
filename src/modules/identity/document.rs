//! What the OpenAPI document says about the auth operations beyond their types: limits, formats, samples, who may call.
//!
//! The rules (`rules.rs`, `email.rs`) enforce the limits; the contract tests compare.

use serde_json::{Value as Json, json};

use super::Identity;
use super::rules::{BIO_MAX, NAME_MAX, PASSWORD_MAX, PasswordPolicy, REASON_MAX};
use crate::context::{Audience, Role};
use crate::modules::Described;

/// Operations of both listeners that need no sign-in.
const FOR_GUESTS: [&str; 16] = [
    "create_account",
    "create_first_admin",
    "create_session",
    "create_admin_session",
    "refresh_session",
    "refresh_admin_session",
    "request_email_confirmation",
    "confirm_email",
    "request_password_reset",
    "request_admin_password_reset",
    "reset_password",
    "reset_admin_password",
    "confirm_email_change",
    "undo_email_change",
    "report_sign_in",
    "report_admin_sign_in",
];
/// Text without control characters other than line feed and tab.
const TEXT: &str = "^[^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]*$";
/// The same, with something to see.
const WORDS: &str = "^[^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]*$";
/// The key in samples.
const KEY: &str = "01981c6e-5b7a-7c3e-9f00-0123456789ab";

impl Identity {
    /// The details of this module's operations on the listener of `audience`.
    pub fn described(&self, audience: Audience) -> Described {
        let roles: &[Role] = if audience == Audience::Admin { &Role::STAFF } else { &[] };
        let least = PasswordPolicy::new(self.settings(), roles).least();
        Described { for_guests: FOR_GUESTS.to_vec(), members: members(least), samples: samples() }
    }
}

fn members(password_min: usize) -> Json {
    let roles: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    let email = json!({ "format": "email", "maxLength": 254 });
    let password = json!({ "format": "password", "minLength": password_min, "maxLength": PASSWORD_MAX });
    let name = json!({ "minLength": 1, "maxLength": NAME_MAX, "pattern": WORDS });
    let locale = json!({ "pattern": "^[a-z]{2}(-[A-Z]{2})?$" });
    let timezone = json!({ "format": "timezone" });
    let time = json!({ "format": "date-time" });
    let key = json!({ "format": "uuid" });
    let secret = json!({ "format": "password" });
    // With null it is as if it were left out.
    let flag = json!({ "type": ["boolean", "null"] });
    let or_null = |schema: &Json| {
        let mut schema = schema.clone();
        schema["type"] = json!(["string", "null"]);
        schema
    };
    let phone = json!({ "pattern": "^\\+[1-9][0-9]{6,14}$" });
    let birthday = json!({ "format": "date" });
    let bio = json!({ "maxLength": BIO_MAX, "pattern": TEXT });
    let city = json!({ "maxLength": NAME_MAX, "pattern": TEXT });
    json!({
           "SignUp": { "email": email, "password": password, "name": name, "locale": or_null(&locale), "timezone": or_null(&timezone), "use_cookies": flag },
           "SetUp": { "use_cookies": flag, "email": email, "password": password, "name": name, "token": secret },
           "Login": { "password": secret, "use_cookies": flag },
           "Refresh": { "refresh_token": or_null(&secret) },
           "ChangePassword": { "current_password": secret, "new_password": password },
           "ChangeProfile": { "name": name, "phone": or_null(&phone), "birthday": or_null(&birthday), "bio": or_null(&bio),
               "city": or_null(&city), "locale": locale, "timezone": timezone },
    "AskByEmail": { "email": email }, "FollowLink": { "token": secret },
           "ResetPassword": { "token": secret, "password": password },
           "ChangeEmail": { "email": email, "current_password": secret },
           "SuspendUser": { "reason": { "minLength": 1, "maxLength": REASON_MAX, "pattern": WORDS } },
           "ReplaceRoles": { "roles": { "minItems": 1, "items": { "type": "string", "enum": roles } } },
           "Account": { "id": key, "email": { "format": "email" }, "birthday": birthday, "created_at": time,
               "email_verified_at": time, "status": { "enum": ["active", "suspended", "deleted"] },
               "roles": { "items": { "type": "string", "enum": roles } } },
           "SignedIn": { "token_type": { "const": "Bearer" }, "expires_in": { "format": "int64", "minimum": 1 } },
           "SignInSession": { "id": key, "created_at": time, "used_at": time, "expires_at": time },
       })
}

fn samples() -> Json {
    let (email, password) = ("jane@example.com", "correct horse battery");
    let account = json!({
        "id": KEY, "email": email, "name": "Jane", "locale": "en", "timezone": "Europe/Berlin", "public_profile": true,
        "roles": ["customer"], "status": "active", "created_at": "2026-05-01T10:00:00Z",
    });
    let session = json!({
        "id": KEY, "created_at": "2026-05-01T10:00:00Z", "used_at": "2026-05-01T10:00:00Z",
        "expires_at": "2026-05-31T10:00:00Z", "ip": "192.0.2.1", "user_agent": "Example/1.0", "is_current": true,
    });
    json!({
        "SignUp": { "email": email, "password": password, "name": "Jane", "timezone": "Europe/Berlin" },
        "SetUp": { "token": "o9vkAngV34J5", "email": email, "name": "Jane", "password": password },
        "Login": { "email": email, "password": password },
        "Refresh": { "refresh_token": "01981c6e-5b7a-7c3e-9f00-0123456789ab.secret" },
        "ChangePassword": { "current_password": password, "new_password": "even more correct horses" },
        "ChangeProfile": { "city": "Lisbon", "phone": null },
        "AskByEmail": { "email": email },
        "FollowLink": { "token": "AZgcbltKfD6fAAEjRWeJqw.c2VhbA" },
        "ResetPassword": { "token": "AZgcbltKfD6fAAEjRWeJqw.c2VhbA", "password": "even more correct horses" },
        "ChangeEmail": { "email": "jane@new.example", "current_password": password },
        "SuspendUser": { "reason": "Sold what is not theirs." },
        "ReplaceRoles": { "roles": ["customer", "courier"] },
        "Account": account,
        "SignedIn": { "user": account, "access_token": "eyJhbGciOiJFZERTQSJ9.e30.c2ln", "token_type": "Bearer",
            "expires_in": 900, "refresh_token": "01981c6e-5b7a-7c3e-9f00-0123456789ab.secret" },
        "SignInSession": session,
        "SignInSessions": { "items": [session] },
    })
}
