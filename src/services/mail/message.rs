//! The bytes of a mail: headers, a plain and an HTML half.
//!
//! **Invariant:** nothing from outside becomes a header as it is. Addresses are parsed, the subject loses its control characters and
//! is encoded, a link is an address of the web without blanks. So nobody can add a header, or a receiver.

use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use uuid::Uuid;

use super::SendFailure;
use crate::kernel::time::Instant;

/// Characters of a subject at most.
const SUBJECT_MAX: usize = 200;

/// What a mail is made of.
#[derive(Debug)]
pub struct Draft<'a> {
    /// Key of the mail.
    pub id: Uuid,
    /// When it is sent.
    pub at: Instant,
    /// Its Message-ID, in angle brackets; the same each time it is tried.
    pub message_id: &'a str,
    /// Who sends it.
    pub from: &'a Mailbox,
    /// Who gets answers.
    pub reply_to: Option<&'a Mailbox>,
    /// Who gets it.
    pub to: &'a str,
    /// What it is about.
    pub subject: &'a str,
    /// The plain half.
    pub text: &'a str,
    /// The HTML half.
    pub html: &'a str,
    /// Where one click unsubscribes (RFC 8058).
    pub unsubscribe: Option<&'a str>,
}

/// A mail, ready to go.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Key of the mail.
    pub id: Uuid,
    /// From whom, to whom.
    pub envelope: Envelope,
    /// Headers and body (RFC 5322).
    pub bytes: Vec<u8>,
}

/// Makes a mail of a draft. An address that is none is refused.
pub fn compose(draft: &Draft<'_>) -> Result<Outgoing, SendFailure> {
    let to: Address = draft.to.parse().map_err(|cause| SendFailure::Refused {
        message: format!("The address cannot be written to: {cause}."),
        is_bad_address: true,
    })?;
    let mut builder = Message::builder()
        .from(draft.from.clone())
        .to(Mailbox::new(None, to))
        .subject(one_line(draft.subject))
        .date(draft.at.into())
        .message_id(Some(draft.message_id.to_owned()))
        // RFC 3834: nobody's absence note answers it.
        .raw_header(header("Auto-Submitted", "auto-generated"));
    if let Some(reply_to) = draft.reply_to {
        builder = builder.reply_to(reply_to.clone());
    }
    if let Some(link) = draft.unsubscribe.filter(|link| is_web_address(link)) {
        builder = builder
            .raw_header(header("List-Unsubscribe", &format!("<{link}>")))
            .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
    }
    let halves = MultiPart::alternative_plain_html(draft.text.to_owned(), draft.html.to_owned());
    let message = builder.multipart(halves).map_err(|cause| SendFailure::Refused {
        message: format!("The mail cannot be written: {cause}."),
        is_bad_address: false,
    })?;
    Ok(Outgoing { id: draft.id, envelope: message.envelope().clone(), bytes: message.formatted() })
}

/// A header of printable ASCII, unfolded: a link must not be broken in two.
fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), value.to_owned(), value.to_owned())
}

/// Whether `text` is an address of the web in printable ASCII, as it may stand in a header.
fn is_web_address(text: &str) -> bool {
    let is_http = text.starts_with("https://") || text.starts_with("http://");
    is_http && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"".contains(&byte))
}

/// A subject on one line: control characters and runs of blanks are one blank.
fn one_line(subject: &str) -> String {
    let words = subject.split(|symbol: char| symbol.is_whitespace() || symbol.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.chars().take(SUBJECT_MAX).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    static FROM: LazyLock<Mailbox> = LazyLock::new(|| "\"Paws & Co\" <shop@example.com>".parse().expect("a mailbox"));

    fn composed<'a>(change: impl FnOnce(&mut Draft<'a>)) -> Result<String, SendFailure> {
        let mut draft = Draft {
            id: Uuid::nil(),
            at: chrono::DateTime::from_timestamp(1_700_000_000, 0).expect("a time"),
            message_id: "<1@example.com>",
            from: &FROM,
            reply_to: None,
            to: "jane@example.com",
            subject: "Grüße",
            text: "Hello",
            html: "<p>Hello</p>",
            unsubscribe: None,
        };
        change(&mut draft);
        compose(&draft).map(|mail| String::from_utf8(mail.bytes).expect("text"))
    }

    fn headers(text: &str) -> Vec<&str> {
        let head = text.split("\r\n\r\n").next().expect("a head");
        head.split("\r\n").filter(|line| !line.starts_with([' ', '\t'])).collect()
    }

    #[test]
    fn a_mail_has_two_halves_and_says_that_a_program_wrote_it() {
        let text = composed(|_| {}).expect("composed");
        for part in [
            "Message-ID: <1@example.com>",
            "Auto-Submitted: auto-generated",
            "To: jane@example.com",
            "text/plain",
            "text/html",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.contains("Date: Tue, 14 Nov 2023"), "{text}");
        assert!(!text.contains("List-Unsubscribe"));
    }

    #[test]
    fn an_unsubscribe_link_has_both_headers_of_rfc_8058() {
        let link = format!("https://example.com/unsubscribe?token={}", "a".repeat(200));
        let text = composed(|draft| draft.unsubscribe = Some(&link)).expect("composed");
        assert!(text.contains(&format!("List-Unsubscribe: <{link}>\r\n")), "{text}");
        assert!(text.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
    }

    #[test]
    fn nothing_from_outside_becomes_a_header() {
        let plain = headers(&composed(|_| {}).expect("composed")).len();
        for subject in
            ["a\r\nBcc: eve@example.com", "a\nBcc: eve@example.com", "a\rX: y", "a\u{85}X: y", "a\u{2028}X: y"]
        {
            let text = composed(|draft| draft.subject = subject).expect("composed");
            assert_eq!(headers(&text).len(), plain, "{subject:?}: {text}");
            assert!(!headers(&text).iter().any(|line| line.starts_with("Bcc") || line.starts_with("X:")), "{text}");
        }
        for to in ["a@example.com\r\nBcc: eve@example.com", "a@example.com, eve@example.com", "", "a", "a@b c"] {
            let refused = composed(|draft| draft.to = to).expect_err("refused");
            assert!(matches!(refused, SendFailure::Refused { is_bad_address: true, .. }), "{to:?}");
        }
        for link in ["https://example.com/\r\nBcc: eve@example.com", "javascript:alert(1)", "https://a b", "https://a>"]
        {
            let text = composed(|draft| draft.unsubscribe = Some(link)).expect("composed");
            assert!(!text.contains("List-Unsubscribe"), "{link}");
        }
    }

    #[test]
    fn a_long_subject_is_cut() {
        assert_eq!(one_line(&"ä".repeat(500)).chars().count(), SUBJECT_MAX);
        assert_eq!(one_line("  a\t\n b  "), "a b");
    }
}
