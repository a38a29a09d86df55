//! Failures as RFC 9457 problems: the only place that turns an [`Error`] into a response.

use poem::Response;
use poem::error::ResponseError;
use poem::http::{HeaderValue, StatusCode, header};
use serde_json::{Value as Json, json};

use crate::kernel::Error;
use crate::kernel::error::{
    Entry, INTERNAL, INVALID_QUERY, MALFORMED, METHOD_NOT_ALLOWED, NOT_ACCEPTABLE, NOT_FOUND, PAYLOAD_TOO_LARGE,
    REQUEST_TIMEOUT, UNAUTHENTICATED, UNAVAILABLE, UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED,
};

/// Media type of problems.
pub const MEDIA_TYPE: &str = "application/problem+json";

impl ResponseError for Error {
    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.entry().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn as_response(&self) -> Response {
        respond(self, "")
    }
}

/// The problem as a JSON body.
pub fn body(error: &Error, request_id: &str) -> Json {
    let entry = error.entry();
    let mut body = json!({
        "type": format!("/api/docs/errors#{}", entry.code),
        "title": entry.title,
        "status": entry.status,
        "detail": error.message(),
        "error": entry.code,
        "message": error.message(),
        "success": false,
        "request_id": request_id,
    });
    if !error.fields().is_empty() {
        body["errors"] = json!(error.fields());
    }
    body
}

/// The problem as a response.
pub fn respond(error: &Error, request_id: &str) -> Response {
    with_body(error, &body(error, request_id))
}

/// The problem as a response with this body, which may say more than [`body`].
pub fn with_body(error: &Error, body: &Json) -> Response {
    let entry = error.entry();
    let mut response = Response::builder()
        .status(error.status())
        .content_type(MEDIA_TYPE)
        .header(header::CACHE_CONTROL, "no-store")
        .body(body.to_string());
    let headers = response.headers_mut();
    if let Some(seconds) = error.retry_after_s() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(value) = error.allowed_methods().and_then(|methods| HeaderValue::from_str(methods).ok()) {
        headers.insert(header::ALLOW, value);
    }
    if entry.status == 401 {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// Any failure of the framework or of ours as our error. Statuses below 400 are not failures and come back as they are.
pub fn translate(error: poem::Error) -> std::result::Result<Error, Box<Response>> {
    if error.is::<Error>() {
        return error.downcast::<Error>().map_err(|other| Box::new(other.into_response()));
    }
    let status = error.status();
    if status.as_u16() < 400 {
        return Err(Box::new(error.into_response()));
    }
    let text = error.to_string();
    let entry: &'static Entry = match status.as_u16() {
        400 if text.contains("parameter") => INVALID_QUERY,
        400 if text.contains("verification failed") || text.contains("failed to parse \"string") => VALIDATION_FAILED,
        400 => MALFORMED,
        401 => UNAUTHENTICATED,
        404 => NOT_FOUND,
        405 => METHOD_NOT_ALLOWED,
        406 => NOT_ACCEPTABLE,
        408 => REQUEST_TIMEOUT,
        413 => PAYLOAD_TOO_LARGE,
        415 => UNSUPPORTED_MEDIA_TYPE,
        422 => VALIDATION_FAILED,
        503 => UNAVAILABLE,
        _ => INTERNAL,
    };
    let message = match entry.status {
        404 => "No such record or path.".to_owned(),
        400 | 422 => text.clone(),
        _ => entry.title.to_owned(),
    };
    Ok(Error::new(entry, message).caused_by(text))
}
