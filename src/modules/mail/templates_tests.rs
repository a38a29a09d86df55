//! Templates: those of the program are whole, and those of a shop are checked.

use tempfile::TempDir;

use super::*;

fn shop(files: &[(&str, &str)]) -> (TempDir, Result<Templates, TemplateError>) {
    let folder = TempDir::new().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }
    let loaded = Templates::load(folder.path());
    (folder, loaded)
}

fn own() -> Templates {
    shop(&[]).1.expect("loaded")
}

fn find(code: &str) -> &'static Template {
    TEMPLATES.iter().find(|template| template.code == code).expect("a template")
}

#[test]
fn every_mail_is_whole_in_every_language() {
    let templates = own();
    for template in TEMPLATES {
        assert_eq!(templates.languages_of(template.code).collect::<Vec<_>>(), ["de", "en"], "{}", template.code);
        for language in ["de", "en"] {
            for is_full in [true, false] {
                let words = templates.sample_in(template, language, is_full).expect(template.code);
                assert!(!words.subject.is_empty() && !words.subject.contains('\n'), "{words:?}");
                assert!(words.html.contains(&format!("<html lang=\"{language}\">")), "{}", words.html);
                // The engine escapes slashes, too.
                for half in [&words.text, &words.html.replace("&#x2f;", "/")] {
                    let has_link = half.contains("/account/sample#token=sample");
                    assert_eq!(has_link, template.has_link, "{} {language}: {half}", template.code);
                    let has_unsubscribe = half.contains("/unsubscribe?token=sample");
                    assert_eq!(has_unsubscribe, is_full && !template.has_link, "{}: {half}", template.code);
                    assert!(!half.contains("{{") && !half.contains("{%"), "{half}");
                }
            }
        }
    }
}

#[test]
fn every_file_is_a_part_of_a_mail() {
    for name in Embedded::iter() {
        let is_footer = OF_LANGUAGE.iter().any(|file| name.ends_with(&format!("/{file}")));
        assert!(SHARED.contains(&&*name) || is_footer || mail_of(&name).is_some(), "{name}");
    }
    let mut codes: Vec<&str> = TEMPLATES.iter().map(|template| template.code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes, TEMPLATES.iter().map(|template| template.code).collect::<Vec<_>>(), "in order, each once");
}

#[test]
fn a_language_falls_back_to_itself_without_region_then_to_english() {
    let templates = own();
    for (locale, language) in [("de-AT", "de"), ("de", "de"), ("en-GB", "en"), ("fr", "en"), ("", "en"), ("../x", "en")]
    {
        assert_eq!(templates.language("test", locale), language, "{locale}");
    }
}

#[test]
fn html_is_escaped_and_text_is_not() {
    let data = serde_json::json!({ "name": "<script>alert(1)</script>", "title": "A & B", "body": "<b>x</b>\ny" });
    let filling = Filling { shop: "\"S\"", data: &data, link: None, unsubscribe: None };
    let words = own().render("notification", "en", filling).expect("words");
    assert_eq!(words.subject, "A & B");
    assert!(words.text.contains("<b>x</b>\ny"), "{}", words.text);
    for unescaped in ["<script", "<b>", "A & B"] {
        assert!(!words.html.contains(unescaped), "{}", words.html);
    }
    assert!(words.html.contains("&lt;b&gt;x"), "{}", words.html);
}

#[test]
fn what_nothing_fills_in_is_an_error() {
    let data = serde_json::json!({ "name": "Jane" });
    let filling = Filling { shop: "S", data: &data, link: None, unsubscribe: None };
    assert!(own().render("notification", "en", filling).is_err());
    assert!(own().render("no_such_mail", "en", filling).is_err());
}

#[test]
fn times_are_told_on_the_receivers_clock() {
    assert_eq!(moment("2026-05-04T10:00:00Z", "Europe/Berlin").expect("told"), "2026-05-04 12:00 (Europe/Berlin)");
    assert!(moment("soon", "UTC").is_err());
    assert!(moment("2026-05-04T10:00:00Z", "Moon/Crater").is_err());
}

#[test]
fn the_shop_replaces_files_and_adds_languages() {
    let (_folder, loaded) = shop(&[
        ("en/test.subject.txt", "Hello from {{ shop }}"),
        ("fr/test.subject.txt", "Bonjour"),
        ("fr/test.txt", "{% extends \"layout.txt\" %}{% block body %}Bonjour {{ name }}{% endblock %}"),
        ("fr/test.html", "{% extends \"layout.html\" %}{% block body %}<p>Bonjour {{ name }}{% endblock %}"),
        (".hidden", "x"),
    ]);
    let templates = loaded.expect("loaded");
    let words = |locale: &str| templates.sample(find("test"), locale).expect("words");
    assert_eq!(words("en").subject, "Hello from Happy Paws");
    assert!(words("fr-CH").text.contains("Bonjour Jane"));
    assert!(
        words("fr").text.contains("This mail was written by a program."),
        "the footer is English until there is one"
    );
    assert_eq!(templates.replaced_of(find("test")), ["en", "fr"]);
    assert!(templates.replaced_of(find("reset_password")).is_empty());
    assert_eq!(templates.language("reset_password", "fr"), "en");
}

#[test]
fn a_broken_file_of_the_shop_is_named_with_its_line() {
    for (name, text, words) in [
        ("en/test.txt", "a\n{{ name", "line 2"),
        ("en/test.txt", "a\nb {{ nmae }}", "line 2"),
        ("en/test.html", "{% extends \"no.html\" %}", "en/test.html"),
        ("layout.html", "{{ nothing }}", "layout.html"),
        ("en/tset.txt", "x", "is no file of a mail"),
        ("fr/test.txt", "x", "fr/test.subject.txt"),
        ("german/test.txt", "x", "named like"),
        ("notes.md", "x", "is no file of a mail"),
    ] {
        let (_folder, loaded) = shop(&[(name, text)]);
        let error = loaded.expect_err(name).to_string();
        assert!(error.contains(name) && error.contains(words), "{name}: {error}");
    }
}
