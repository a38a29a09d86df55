//! The one error of the product: a public half that callers act on, and an internal half for the log.
//!
//! Every failure names an entry of [`CATALOGUE`], the single source for HTTP statuses, documentation and tests.

use std::fmt;

/// A result of the product.
pub type Result<T> = std::result::Result<T, Error>;

/// One kind of failure: a stable code with its status and words.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Stable machine code, the `error` member of a problem.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Short human title, the same for every occurrence.
    pub title: &'static str,
    /// What a client should do about it.
    pub advice: &'static str,
}

macro_rules! catalogue {
    ($($name:ident = $status:literal, $code:literal, $title:literal, $advice:literal;)*) => {
        $(#[doc = $title] pub const $name: &Entry =
            &Entry { code: $code, status: $status, title: $title, advice: $advice };)*
        /// Every failure a caller can meet, by status.
        pub const CATALOGUE: &[&Entry] = &[$($name),*];
    };
}

catalogue! {
    MALFORMED = 400, "malformed", "Malformed request", "Mend the syntax of the request; the detail says where.";
    INVALID_QUERY = 400, "invalid_query", "Invalid query parameter", "Mend the named parameters.";
    INVALID_CURSOR = 400, "invalid_cursor", "Invalid cursor", "Start again from the first page, with the same sort and filter.";
    UNAUTHENTICATED = 401, "unauthenticated", "Sign-in required", "Send a valid access token.";
    TOKEN_EXPIRED = 401, "token_expired", "Access token expired", "Refresh the token and try again.";
    INVALID_CREDENTIALS = 401, "invalid_credentials", "Wrong e-mail or password", "Check both, or reset the password.";
    SIGNATURE_REFUSED = 401, "signature_refused", "Signature refused", "Sign with the secret that was agreed, at the time of sending.";
    REFRESH_REFUSED = 401, "refresh_refused", "Refresh token refused", "Sign in again.";
    FORBIDDEN = 403, "forbidden", "Not allowed", "The account lacks the right; ask its administrator.";
    EMAIL_UNCONFIRMED = 403, "email_unconfirmed", "E-mail address not confirmed", "Follow the link in the mail, or ask for another one.";
    CSRF_FAILED = 403, "csrf_failed", "Missing or wrong CSRF token", "Send the csrf cookie's value in X-CSRF-Token.";
    NOT_FOUND = 404, "not_found", "Not found", "It does not exist, or you may not see it.";
    METHOD_NOT_ALLOWED = 405, "method_not_allowed", "Method not allowed", "Use a method named in the Allow header.";
    NOT_ACCEPTABLE = 406, "not_acceptable", "Not acceptable", "Accept application/json.";
    REQUEST_TIMEOUT = 408, "request_timeout", "Request took too long", "Send the request faster, or a smaller one.";
    CONFLICT = 409, "conflict", "Conflict with the present state", "Read again and decide anew.";
    ALREADY_EXISTS = 409, "already_exists", "Already exists", "Use another value for the named fields.";
    STILL_REFERENCED = 409, "still_referenced", "Still in use", "Remove what refers to it first.";
    GONE = 410, "gone", "No longer valid", "Start the procedure again.";
    STALE = 412, "stale", "Changed in the meantime", "Read again, merge and send with the new ETag.";
    PAYLOAD_TOO_LARGE = 413, "payload_too_large", "Body too large", "Send less at once.";
    URI_TOO_LONG = 414, "uri_too_long", "Address too long", "Send a shorter query.";
    UNSUPPORTED_MEDIA_TYPE = 415, "unsupported_media_type", "Unsupported media type", "Send application/json.";
    RANGE_NOT_SATISFIABLE = 416, "range_not_satisfiable", "No such part of the file", "Ask for a range within the size in Content-Range.";
    VALIDATION_FAILED = 422, "validation_failed", "Some fields are not valid", "Mend every field listed in errors.";
    RULE_VIOLATED = 422, "rule_violated", "Not possible by a rule", "The detail says which rule.";
    IDEMPOTENCY_MISMATCH = 422, "idempotency_mismatch", "Idempotency-Key used for another request", "Use a fresh key for a new request.";
    QUERY_TOO_COSTLY = 422, "query_too_costly", "Query too costly", "Use fewer or simpler conditions.";
    TOO_MANY_REQUESTS = 429, "too_many_requests", "Too many requests", "Wait for the seconds in Retry-After.";
    ACCOUNT_LOCKED = 429, "account_locked", "Too many failed sign-ins", "Wait for the seconds in Retry-After.";
    HEADERS_TOO_LARGE = 431, "headers_too_large", "Headers too large", "Send fewer or smaller headers.";
    INTERNAL = 500, "internal", "Something failed on our side", "Try again; if it stays, report the request_id.";
    UNAVAILABLE = 503, "unavailable", "Temporarily unavailable", "Try again after the seconds in Retry-After.";
}

/// One bad field of an input, with a JSON pointer to it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// RFC 6901 pointer into the body, or `?name` for a query parameter.
    pub pointer: String,
    /// Stable code: required, unknown, read_only, type, format, range, length, enum, unique, reference, rule.
    pub code: &'static str,
    /// Words for a person.
    pub message: String,
}

impl FieldError {
    /// A bad field at `pointer`.
    pub fn new(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, message: message.into() }
    }

    /// The pointer to member `name` of what `parent` points to, escaped as RFC 6901 has it.
    pub fn pointer(parent: &str, name: &str) -> String {
        format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
    }
}

/// A failure: what the caller is told, and apart from it what only the log may know.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    entry: &'static Entry,
    message: String,
    fields: Vec<FieldError>,
    retry_after_s: Option<u64>,
    allow: Option<String>,
    cause: Option<String>,
    is_retryable: bool,
}

impl Error {
    /// A failure of the catalogue's kind `entry`, with a message for the caller.
    pub fn new(entry: &'static Entry, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            entry,
            message: message.into(),
            fields: Vec::new(),
            retry_after_s: None,
            allow: None,
            cause: None,
            is_retryable: false,
        }))
    }

    /// The row is not there, or the caller may not see it.
    pub fn not_found() -> Self {
        Self::new(NOT_FOUND, "No such record or path.")
    }

    /// The caller lacks the right.
    pub fn forbidden() -> Self {
        Self::new(FORBIDDEN, "You are not allowed to do this.")
    }

    /// The caller must sign in first.
    pub fn unauthenticated() -> Self {
        Self::new(UNAUTHENTICATED, "Sign in to do this.")
    }

    /// Something failed on our side; `cause` goes to the log only.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::new(INTERNAL, "Something failed on our side.").caused_by(cause)
    }

    /// All bad fields of an input.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let message = match fields.as_slice() {
            [one] => one.message.clone(),
            many => format!("{} fields are not valid.", many.len()),
        };
        Self::new(VALIDATION_FAILED, "").rephrased(message, fields)
    }

    /// A bad query parameter.
    pub fn query(parameter: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self::new(INVALID_QUERY, message.clone()).at(format!("?{parameter}"), "format", message)
    }

    /// Adds a bad field.
    pub fn at(mut self, pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        self.0.fields.push(FieldError::new(pointer, code, message));
        self
    }

    /// The same failure in other words, with other bad fields.
    pub fn rephrased(mut self, message: String, fields: Vec<FieldError>) -> Self {
        self.0.message = message;
        self.0.fields = fields;
        self
    }

    /// Says after how many seconds to try again.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_s = Some(seconds.max(1));
        self
    }

    /// Says which methods are allowed.
    pub fn allow(mut self, methods: impl Into<String>) -> Self {
        self.0.allow = Some(methods.into());
        self
    }

    /// Keeps the cause for the log.
    pub fn caused_by(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Marks that the whole transaction may be run again.
    pub fn retryable(mut self) -> Self {
        self.0.is_retryable = true;
        self
    }

    /// The entry of the catalogue.
    pub fn entry(&self) -> &'static Entry {
        self.0.entry
    }

    /// Words for the caller.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The bad fields.
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// Seconds to wait, if known.
    pub fn retry_after_s(&self) -> Option<u64> {
        self.0.retry_after_s
    }

    /// Value of the Allow header.
    pub fn allowed_methods(&self) -> Option<&str> {
        self.0.allow.as_deref()
    }

    /// What only the log may know.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// Whether the whole transaction may be run again.
    pub fn is_retryable(&self) -> bool {
        self.0.is_retryable
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Error {}
