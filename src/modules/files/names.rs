//! Names of files: what people read, and what stands in addresses and headers. None of them ever names a place in a store. Pure.

use unicode_normalization::UnicodeNormalization;

use super::sniff;

/// Characters of a name that people read.
const NAME_LENGTH_MAX: usize = 120;
/// Characters of a name in an address, without its ending.
const STEM_LENGTH_MAX: usize = 60;
/// The name of what has none.
const NAMELESS: &str = "file";

/// What an uploader called a file, as people may read it: the last part of a path, on one line, without marks that turn the direction
/// of writing around.
pub fn shown(given: Option<&str>) -> String {
    let last = given.unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let is_mark =
        |c: char| matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}');
    let kept: String = last.nfc().filter(|c| !c.is_control() && !is_mark(*c)).take(NAME_LENGTH_MAX).collect();
    let kept = kept.trim().trim_start_matches('.').trim_start();
    if kept.is_empty() { NAMELESS.to_owned() } else { kept.to_owned() }
}

/// The name as the last part of an address, with the ending of what the file really is.
pub fn in_address(name: &str, mime: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let mut plain = String::new();
    for c in stem.chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            plain.push(c);
        } else if !plain.is_empty() && !plain.ends_with('-') {
            plain.push('-');
        }
    }
    plain.truncate(STEM_LENGTH_MAX);
    let plain = plain.trim_end_matches('-');
    let stem = if plain.is_empty() { NAMELESS } else { plain };
    format!("{stem}.{}", sniff::extension(mime).unwrap_or("bin"))
}

/// How a browser is to take it, and under which name it saves it (RFC 6266).
pub fn disposition(name: &str, mime: &str) -> String {
    let way = if sniff::is_inline(mime) { "inline" } else { "attachment" };
    let plain = in_address(name, mime);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let whole = format!("{stem}.{}", sniff::extension(mime).unwrap_or("bin"));
    let encoded = percent_encoding::utf8_percent_encode(&whole, percent_encoding::NON_ALPHANUMERIC);
    format!("{way}; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_last_part_of_what_was_given() {
        for (given, expected) in [
            (Some("rex.jpg"), "rex.jpg"),
            (Some("../../etc/passwd"), "passwd"),
            (Some("C:\\Users\\ada\\rex.jpg"), "rex.jpg"),
            (Some("/"), "file"),
            (Some(".."), "file"),
            (Some(".htaccess"), "htaccess"),
            (Some("a\r\nSet-Cookie: x=1"), "aSet-Cookie: x=1"),
            (Some("photo\u{202E}gpj.exe"), "photogpj.exe"),
            (Some("Cafe\u{301}.png"), "Café.png"),
            (Some(" \0 "), "file"),
            (None, "file"),
        ] {
            assert_eq!(shown(given), expected, "{given:?}");
        }
        assert_eq!(shown(Some(&"ü".repeat(500))).chars().count(), NAME_LENGTH_MAX);
    }

    #[test]
    fn addresses_have_plain_names_and_true_endings() {
        for (name, mime, expected) in [
            ("rex.jpg", "image/jpeg", "rex.jpg"),
            ("Rex im Schnee (2).HEIC", "image/jpeg", "Rex-im-Schnee-2.jpg"),
            ("evil.html", "image/png", "evil.png"),
            ("größe.pdf", "application/pdf", "gr-e.pdf"),
            ("写真", "image/png", "file.png"),
            ("", "video/mp4", "file.mp4"),
            ("..%2f..", "text/plain", "2f.txt"),
        ] {
            assert_eq!(in_address(name, mime), expected, "{name}");
        }
    }

    #[test]
    fn headers_hold_nothing_that_ends_them() {
        let header = disposition("a\"b\\ü;x.png", "image/png");
        assert_eq!(header, "inline; filename=\"a-b-x.png\"; filename*=UTF-8''a%22b%5C%C3%BC%3Bx%2Epng");
        assert!(disposition("note.txt", "text/plain").starts_with("attachment; "));
    }
}
