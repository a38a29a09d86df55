//! Permissions in plain language, for the owner of a shop. Pure.
//!
//! It knows the forms that our schemas use: who the caller is (`owner = $auth`, memberships, roles, staff) and what the record is
//! (comparisons of its fields), joined by AND and OR. Whatever else there is, the text itself is shown.

use crate::schema::{Permission, parts};

/// Who may, as a sentence without a full stop.
pub fn of(permission: &Permission) -> String {
    match permission {
        Permission::None => "Nobody (only the program itself)".to_owned(),
        Permission::Full => "Everybody".to_owned(),
        // The database writes IN as INSIDE.
        Permission::Where(text) => sentence(&text.replace(" INSIDE ", " IN ")).unwrap_or_else(|| text.clone()),
    }
}

/// One requirement of a condition.
enum Atom {
    /// About the caller: as the subject of a sentence, and as a condition on "they".
    Caller { subject: String, condition: String },
    /// About the record or the new value.
    Record(String),
}

impl Atom {
    fn condition(self) -> String {
        match self {
            Self::Caller { condition, .. } | Self::Record(condition) => condition,
        }
    }
}

fn sentence(text: &str) -> Option<String> {
    let alternatives: Option<Vec<String>> = parts(text, " OR ").into_iter().map(alternative).collect();
    let mut alternatives = alternatives?;
    // The first word of the first alternative stands as it is; the others follow in the middle of the sentence.
    for words in alternatives.iter_mut().skip(1) {
        *words = lowered(words);
    }
    Some(alternatives.join("; or "))
}

/// `a AND b AND c`: who it is, and under which conditions.
fn alternative(text: &str) -> Option<String> {
    let atoms: Option<Vec<Atom>> = parts(text, " AND ").into_iter().map(requirement).collect();
    let mut atoms = atoms?;
    let who = atoms.iter().position(|atom| matches!(atom, Atom::Caller { .. })).map(|at| atoms.remove(at));
    let subject = match who {
        Some(Atom::Caller { subject, .. }) => subject,
        _ => "Everybody".to_owned(),
    };
    let conditions: Vec<String> = atoms.into_iter().map(Atom::condition).collect();
    if conditions.is_empty() { Some(subject) } else { Some(format!("{subject}, if {}", conditions.join(" and "))) }
}

/// One requirement, or several alternatives in brackets.
fn requirement(text: &str) -> Option<Atom> {
    match parts(text, " OR ").as_slice() {
        [_] => atom(unbracketed(text)),
        many => {
            let conditions: Option<Vec<String>> = many.iter().map(|one| joined(one)).collect();
            Some(Atom::Record(conditions?.join(" or ")))
        }
    }
}

/// `a AND b` inside brackets, as conditions.
fn joined(text: &str) -> Option<String> {
    let conditions: Option<Vec<String>> =
        parts(text, " AND ").into_iter().map(|part| Some(atom(unbracketed(part))?.condition())).collect();
    Some(conditions?.join(" and "))
}

fn unbracketed(text: &str) -> &str {
    let text = text.trim();
    let inner = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    inner.filter(|inner| !inner.contains(['(', ')'])).map_or(text, str::trim)
}

fn atom(text: &str) -> Option<Atom> {
    caller(text).or_else(|| record(text).map(Atom::Record))
}

/// What `$session.data` holds of the businesses where the caller works (schemas/access.surql).
const MEMBERS: [(&str, &str, &str); 5] = [
    ("businesses", "Members", "work for"),
    ("owned", "Owners", "own"),
    ("managed", "Owners and managers", "own or manage"),
    ("catalog", "Owners, managers and stock keepers", "keep the stock of, own or manage"),
    ("front_desk", "Owners, managers and receptionists", "receive customers for, own or manage"),
];

fn caller(text: &str) -> Option<Atom> {
    let of = |subject: String, condition: String| Some(Atom::Caller { subject, condition });
    match text {
        "$access = 'staff'" => return of("Staff only".into(), "they are staff".into()),
        "$auth != NONE" => return of("Signed-in users".into(), "they are signed in".into()),
        "id = $auth" => return of("Signed-in users: their own account".into(), "it is their own account".into()),
        _ => {}
    }
    if let Some(field) = text.strip_suffix(" = $auth").filter(|field| is_path(field)) {
        let subject = format!("Signed-in users: their own records ({field})");
        return of(subject, format!("it is their own ({field})"));
    }
    if let Some(list) = text.strip_suffix(" CONTAINS $auth").filter(|list| is_path(list)) {
        return of(format!("Signed-in users who are among its {list}"), format!("they are among its {list}"));
    }
    if let Some(role) = text.strip_suffix(" IN $session.data.roles").and_then(literal) {
        return of(format!("{}s", capital(role)), format!("they are a {role}"));
    }
    let (field, name) = text.split_once(" IN $session.data.")?;
    let (_, subject, verb) = MEMBERS.iter().find(|(known, ..)| *known == name)?;
    if !is_path(field) {
        return None;
    }
    let place = if field == "id" { String::new() } else { format!(" ({field})") };
    of(format!("{subject} of the business{place}"), format!("they {verb} the business{place}"))
}

fn record(text: &str) -> Option<String> {
    if let Some(choices) = text.strip_prefix("$value = ").and_then(value) {
        return Some(format!("it is set to {choices}"));
    }
    if is_path(text) {
        return Some(format!("{} is yes", named(text)));
    }
    if let Some(path) = text.strip_prefix('!').filter(|path| is_path(path)) {
        return Some(format!("{} is no", named(path)));
    }
    let (path, operator, other) = [" NOT IN ", " IN ", " != ", " = "]
        .into_iter()
        .find_map(|operator| text.split_once(operator).map(|(path, other)| (path, operator, other)))?;
    if !is_path(path) {
        return None;
    }
    let field = named(path);
    match (operator, other) {
        (" = ", "NONE") => Some(format!("{field} is empty")),
        (" != ", "NONE") => Some(format!("{field} is given")),
        (" = ", other) => Some(format!("{field} is {}", value(other)?)),
        (" != ", other) => Some(format!("{field} is not {}", value(other)?)),
        (" IN ", other) => Some(format!("{field} is {}", choices(other)?.join(" or "))),
        (_, other) => Some(format!("{field} is not {}", choices(other)?.join(" or "))),
    }
}

/// `['a', 'b']` as its texts.
fn choices(text: &str) -> Option<Vec<&str>> {
    text.strip_prefix('[')?.strip_suffix(']')?.split(',').map(|item| value(item.trim())).collect()
}

/// A text, number or truth value as people read it.
fn value(text: &str) -> Option<&str> {
    match text {
        "true" => Some("yes"),
        "false" => Some("no"),
        text => literal(text).or_else(|| text.parse::<f64>().is_ok().then_some(text)),
    }
}

/// The text between quotes.
fn literal(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    (!inner.contains('\'')).then_some(inner)
}

/// Whether the text is a field, or a field of a linked record.
fn is_path(text: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    text.split('.').all(is_name) && !["true", "false"].contains(&text)
}

/// `post.status` as "the status of its post", `public_profile` as "public profile".
fn named(path: &str) -> String {
    let words = |name: &str| name.replace('_', " ");
    match path.rsplit_once('.') {
        Some((link, field)) => format!("the {} of its {}", words(field), words(&link.replace('.', " "))),
        None => words(path),
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn lowered(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_our_schemas_say_reads_as_a_sentence() {
        for (text, expected) in [
            ("$access = 'staff'", "Staff only"),
            ("owner = $auth", "Signed-in users: their own records (owner)"),
            ("id = $auth", "Signed-in users: their own account"),
            ("business IN $session.data.catalog", "Owners, managers and stock keepers of the business (business)"),
            ("id INSIDE $session.data.businesses", "Members of the business"),
            ("'moderator' IN $session.data.roles", "Moderators"),
            ("$value = 'draft'", "Everybody, if it is set to draft"),
            (
                "status = 'active' OR business IN $session.data.businesses",
                "Everybody, if status is active; or members of the business (business)",
            ),
            (
                "active OR business IN $session.data.businesses",
                "Everybody, if active is yes; or members of the business (business)",
            ),
            (
                "id = $auth OR (public_profile AND status = 'active')",
                "Signed-in users: their own account; or everybody, if public profile is yes and status is active",
            ),
            (
                "business IN $session.data.owned AND role != 'owner'",
                "Owners of the business (business), if role is not owner",
            ),
            (
                "seller = $auth AND status INSIDE ['draft', 'withdrawn'] AND (business = NONE OR business IN $session.data.managed)",
                "Signed-in users: their own records (seller), if status is draft or withdrawn and business is empty or they \
                 own or manage the business (business)",
            ),
            (
                "(status = 'published' AND post.status = 'published') OR author = $auth OR 'moderator' IN $session.data.roles",
                "Everybody, if status is published and the status of its post is published; or signed-in users: their own \
                 records (author); or moderators",
            ),
            (
                "user = $auth OR business IN $session.data.managed",
                "Signed-in users: their own records (user); or owners and managers of the business (business)",
            ),
            ("weight_g NOT INSIDE [1, 2] AND !hidden", "Everybody, if weight g is not 1 or 2 and hidden is no"),
        ] {
            assert_eq!(of(&Permission::Where(text.into())), expected, "{text}");
        }
        assert_eq!(of(&Permission::None), "Nobody (only the program itself)");
        assert_eq!(of(&Permission::Full), "Everybody");
    }

    #[test]
    fn what_is_not_understood_is_shown_as_it_is() {
        for text in [
            "count(lines) > 3",
            "owner = $auth AND time::now() < until",
            "IF $auth THEN true ELSE false END",
            "owner = $auth OR fn::is_friend(owner)",
            "name = ''' OR ''",
            "{ true }",
        ] {
            assert_eq!(of(&Permission::Where(text.into())), text);
        }
    }
}
