//! What a file is, from its first bytes alone: what its name or its sender says counts for nothing. Pure.
//!
//! Only types on this list are known; everything else is nothing, HTML and SVG among it, since a browser would run them.

/// A type that we know.
struct Known {
    mime: &'static str,
    /// How the library calls it, where that is another name.
    found_as: &'static str,
    extension: &'static str,
    /// Whether a browser may show it in place: it has no script that could run in our name.
    is_inline: bool,
}

const fn known(mime: &'static str, extension: &'static str, is_inline: bool) -> Known {
    Known { mime, found_as: mime, extension, is_inline }
}

const TEXT: &str = "text/plain";
const PDF: &str = "application/pdf";

const KNOWN: [Known; 15] = [
    known("image/jpeg", "jpg", true),
    known("image/png", "png", true),
    known("image/gif", "gif", true),
    known("image/webp", "webp", true),
    known(PDF, "pdf", true),
    known(TEXT, "txt", false),
    known("audio/mpeg", "mp3", true),
    Known { found_as: "audio/m4a", ..known("audio/mp4", "m4a", true) },
    known("audio/ogg", "ogg", true),
    Known { found_as: "audio/opus", ..known("audio/ogg", "ogg", true) },
    Known { found_as: "audio/x-wav", ..known("audio/wav", "wav", true) },
    known("video/mp4", "mp4", true),
    Known { found_as: "video/x-m4v", ..known("video/mp4", "mp4", true) },
    known("video/webm", "webm", true),
    known("video/quicktime", "mov", false),
];

/// The media type of what begins like this; None where it is nothing that we know.
pub fn media_type(head: &[u8]) -> Option<&'static str> {
    let Some(found) = infer::get(head) else { return is_text(head).then_some(TEXT) };
    let known = KNOWN.iter().find(|known| known.found_as == found.mime_type())?.mime;
    // The library takes a PDF that begins later in the file: that is a file of two kinds.
    (known != PDF || head.starts_with(b"%PDF-")).then_some(known)
}

/// All types that files may have, each once.
pub fn media_types() -> impl Iterator<Item = &'static str> {
    let is_first = |(at, known): &(usize, &Known)| KNOWN.iter().position(|one| one.mime == known.mime) == Some(*at);
    KNOWN.iter().enumerate().filter(is_first).map(|(_, known)| known.mime)
}

/// The ending of names of files of this type; None for a type that we do not know.
pub fn extension(mime: &str) -> Option<&'static str> {
    KNOWN.iter().find(|known| known.mime == mime).map(|known| known.extension)
}

/// Whether a browser may show it in place.
pub fn is_inline(mime: &str) -> bool {
    KNOWN.iter().any(|known| known.mime == mime && known.is_inline)
}

/// Whether it is text in UTF-8 that is no markup.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The last character may be cut in two.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(head.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default()
        }
        Err(_) => return false,
    };
    let words = text.trim_start_matches('\u{FEFF}').trim_start();
    let is_plain = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    !words.is_empty() && !words.starts_with('<') && text.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_by_what_is_there() {
        let wav = [&b"RIFF\x24\0\0\0WAVEfmt "[..], &[0; 16]].concat();
        let mp4 = [&b"\0\0\0\x18ftypisom"[..], &[0; 24]].concat();
        let mov = [&b"\0\0\0\x14ftypqt  "[..], &[0; 24]].concat();
        let m4a = [&b"\0\0\0\x18ftypM4A "[..], &[0; 24]].concat();
        for (head, mime) in [
            (&b"\xFF\xD8\xFF\xE0\0\x10JFIF"[..], "image/jpeg"),
            (b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR", "image/png"),
            (b"GIF89a\x01\0\x01\0", "image/gif"),
            (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
            (b"%PDF-1.7\n%\xE2\xE3\xCF\xD3", "application/pdf"),
            (b"ID3\x03\0\0\0\0", "audio/mpeg"),
            (b"OggS\0\x02\0\0\0\0\0\0\0\0", "audio/ogg"),
            (&wav, "audio/wav"),
            (&mp4, "video/mp4"),
            (&mov, "video/quicktime"),
            (&m4a, "audio/mp4"),
            ("Grüße,\n\tRex".as_bytes(), "text/plain"),
            ("\u{FEFF}a;b".as_bytes(), "text/plain"),
        ] {
            assert_eq!(media_type(head), Some(mime), "{}", String::from_utf8_lossy(head));
        }
        // A character that the end of what we look at cuts in two.
        assert_eq!(media_type(&"Grü".as_bytes()[..3]), Some("text/plain"));
    }

    #[test]
    fn what_a_browser_would_run_is_nothing() {
        for head in [
            &b"<!DOCTYPE html><script>alert(1)</script>"[..],
            b"<html><body onload=alert(1)>",
            b"  \n<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
            b"<?xml version='1.0'?><svg/>",
            "\u{FEFF}<svg/>".as_bytes(),
            b"<script>%PDF-1.4",
            b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xFF\xFF",
            b"PK\x03\x04\x14\0\0\0",
            b"\0\x01\x02\x03",
            b"words and\0more",
            b"",
        ] {
            assert_eq!(media_type(head), None, "{}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn what_is_shown_in_place_is_what_has_no_script() {
        for (mime, is) in [("image/png", true), ("application/pdf", true), ("text/plain", false), ("text/html", false)]
        {
            assert_eq!(is_inline(mime), is, "{mime}");
        }
        assert_eq!((extension("video/mp4"), extension("text/html")), (Some("mp4"), None));
    }
}
