//! Our model of the tables: what the records engine, the OpenAPI document and the console know about them.
//!
//! Read from the database after the schemas are applied, so it always describes what is enforced.

use indexmap::IndexMap;

use super::asks::Asks;
use super::constraint::Constraint;
use super::kind::Kind;

/// Fields that the database keeps itself; callers never write them.
pub const SYSTEM_FIELDS: [&str; 3] = ["id", "created_at", "updated_at"];

/// Who may do something, as the schema says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// Nobody, on either listener; only commands.
    None,
    /// Everybody.
    Full,
    /// Callers for whom this SurrealQL expression holds; staff always.
    Where(String),
}

impl Permission {
    /// Whether nobody may.
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }

    /// Whether everybody may.
    pub fn is_full(&self) -> bool {
        *self == Self::Full
    }

    /// Whether a caller who is not signed in could be allowed: some alternative does not ask who the caller is.
    pub fn could_be_guest(&self) -> bool {
        match self {
            Self::None => false,
            Self::Full => true,
            Self::Where(text) if text.contains("$auth = NONE") || text.contains("!$auth") => true,
            Self::Where(text) => {
                let asks_who =
                    |part: &str| ["$auth", "$session", "$access", "$token"].iter().any(|name| part.contains(name));
                !text.split(" OR ").all(asks_who)
            }
        }
    }

    /// Whether whoever passes this one is sure to pass `other`, as far as the texts show: each alternative of this one asks for
    /// something that is by itself an alternative of the other.
    pub fn implies(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, _) | (_, Self::Full) => true,
            (Self::Where(text), Self::Where(wider)) => {
                let wider = parts(wider, " OR ");
                let is_enough = |one: &&str| parts(one, " AND ").iter().any(|part| wider.contains(part));
                wider == [text.as_str()] || parts(text, " OR ").iter().all(|one| wider.contains(one) || is_enough(one))
            }
            _ => false,
        }
    }

    /// Whether some caller of the public listener could be allowed.
    pub fn is_public(&self) -> bool {
        match self {
            Self::None => false,
            Self::Full => true,
            Self::Where(text) => text.trim() != "$access = 'staff'",
        }
    }
}

/// The parts of a condition between `word` (` OR ` or ` AND `), outside of brackets and strings; the whole where more than that
/// would have to be understood.
pub fn parts<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let text = text.trim();
    if ["THEN", "{", "??", "?:", "|"].iter().any(|sign| text.contains(sign)) {
        return vec![text];
    }
    let (mut depth, mut quote, mut start, mut found) = (0_usize, None, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) => quote = (c != open).then_some(open),
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth = depth.saturating_sub(1),
            (None, _) if depth == 0 && at >= start && text[at..].starts_with(word) => {
                found.push(text[start..at].trim());
                start = at + word.len();
            }
            _ => {}
        }
    }
    found.push(text[start..].trim());
    match found.as_slice() {
        [one] if is_bracketed(one) => parts(&one[1..one.len() - 1], word),
        _ => found,
    }
}

/// Whether one pair of brackets is around all of it.
fn is_bracketed(text: &str) -> bool {
    let mut depth = 0_i32;
    let closes_at = text.char_indices().find(|(_, c)| {
        depth += i32::from(*c == '(') - i32::from(*c == ')');
        depth == 0
    });
    text.starts_with('(') && closes_at.is_some_and(|(at, _)| at + 1 == text.len())
}

/// Permissions of a table or field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permissions {
    /// To see it.
    pub select: Permission,
    /// To set it on a new record.
    pub create: Permission,
    /// To change it.
    pub update: Permission,
    /// To delete it; always NONE for fields.
    pub delete: Permission,
}

/// The kind of a table's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// UUIDv7, made by us.
    Uuid,
    /// Readable text, given by the caller.
    Text,
    /// Integer, given by the caller.
    Int,
}

/// What happens to a record when what it links to is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDelete {
    /// The deletion is refused.
    Reject,
    /// Nothing.
    Ignore,
    /// It is deleted too.
    Cascade,
    /// It loses the link.
    Unset,
    /// What an expression of the schema says.
    Custom,
}

/// A field of a table.
#[derive(Debug, Clone)]
pub struct Field {
    /// Dotted path; nested fields of objects have dots.
    pub path: String,
    /// Type.
    pub kind: Kind,
    /// Description from its COMMENT, without tags.
    pub description: String,
    /// Words with an @ in its COMMENT.
    pub tags: Vec<String>,
    /// Who may see, set, change it.
    pub permissions: Permissions,
    /// Set once.
    pub is_read_only: bool,
    /// Whether the database fills it in a new record when it is left out.
    pub has_default: bool,
    /// Whether that default is the caller's own account or a field of it: staff have none in the database.
    pub is_default_caller: bool,
    /// Whether it does so at each change as well: DEFAULT ALWAYS.
    pub is_default_always: bool,
    /// The VALUE expression that makes the stored value of the sent one.
    pub value: Option<String>,
    /// Whether the database computes it whatever is sent.
    pub is_computed: bool,
    /// Whether an object holds more than its declared fields.
    pub is_flexible: bool,
    /// The ASSERT expression, for documentation.
    pub assertion: Option<String>,
    /// The limits that the ASSERT states, where they are understood.
    pub constraint: Constraint,
    /// What happens when the linked record is deleted; None for a link that the database does not watch.
    pub on_delete: Option<OnDelete>,
}

impl Field {
    /// Whether callers never write it.
    pub fn is_system(&self) -> bool {
        self.is_computed || SYSTEM_FIELDS.contains(&self.path.as_str())
    }

    /// Whether the COMMENT has this tag.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|t| t == tag)
    }
}

/// An index of a table.
#[derive(Debug, Clone)]
pub struct Index {
    /// Name.
    pub name: String,
    /// Paths of its fields.
    pub fields: Vec<String>,
    /// Whether values are unique.
    pub is_unique: bool,
    /// Whether it is a full-text index.
    pub is_full_text: bool,
}

/// A table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Name, plural snake_case.
    pub name: String,
    /// Description from its COMMENT, without tags.
    pub description: String,
    /// Words with an @ in its COMMENT.
    pub tags: Vec<String>,
    /// Who may see, make, change, delete records.
    pub permissions: Permissions,
    /// Kind of keys.
    pub key: KeyKind,
    /// Fields by dotted path, parents before children.
    pub fields: IndexMap<String, Field>,
    /// What lists hold, by paths with a `*`: `lines.*` is an item of `lines`, and `lines.*.qty` a field of each item. Not
    /// among `fields`, because a record has no one value there that a query could name.
    pub items: IndexMap<String, Field>,
    /// Indexes.
    pub indexes: Vec<Index>,
}

impl Table {
    /// Whether what is known of a deleted record is enough to bring it back: it could be made and deleted by somebody, and
    /// there is no stored field that nobody may read.
    pub fn can_restore(&self) -> bool {
        let is_lost = |field: &Field| field.permissions.select.is_none() && !field.is_computed;
        !self.permissions.create.is_none()
            && !self.permissions.delete.is_none()
            && !self.fields.values().chain(self.items.values()).any(is_lost)
    }

    /// Whether the table is the program's own and served by no records API.
    pub fn is_private(&self) -> bool {
        self.tags.iter().any(|tag| tag == "private") || self.permissions.select.is_none()
    }

    /// Whether changes of its records are told as events.
    pub fn is_told(&self) -> bool {
        self.tags.iter().any(|tag| tag == "events")
    }

    /// Fields that full text searches.
    pub fn text_fields(&self) -> impl Iterator<Item = &str> {
        self.indexes.iter().filter(|i| i.is_full_text).flat_map(|i| i.fields.iter().map(String::as_str))
    }

    /// Whether a read gives the same until something is written: nothing is computed, and no permission calls a function,
    /// which might ask for the time.
    pub fn is_timeless(&self) -> bool {
        let calls = |text: &str| text.contains("::") || text.contains("rand(");
        let is_steady = |permission: &Permission| !matches!(permission, Permission::Where(text) if calls(text));
        // A VALUE is computed when it is written; COMPUTED, which has none, when it is read.
        let is_computed_on_read = |field: &Field| field.is_computed && field.value.is_none();
        !self.fields.values().chain(self.items.values()).any(is_computed_on_read)
            && self.read_permissions().all(is_steady)
    }

    /// What the permissions to read it ask of the caller.
    pub fn asks_readers(&self) -> Asks {
        let mut asks = Asks::default();
        for permission in self.read_permissions() {
            if let Permission::Where(text) = permission {
                asks.add(text);
            }
        }
        asks
    }

    /// Whether an index begins with the field at `path`, so that it could serve a condition on it.
    pub fn has_index_on(&self, path: &str) -> bool {
        self.indexes.iter().any(|index| index.fields.first().is_some_and(|first| first == path))
    }

    fn read_permissions(&self) -> impl Iterator<Item = &Permission> {
        let fields = self.fields.values().chain(self.items.values());
        std::iter::once(&self.permissions.select).chain(fields.map(|field| &field.permissions.select))
    }

    /// Top-level fields.
    pub fn top_fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.values().filter(|f| !f.path.contains('.') && !f.path.contains('['))
    }

    /// The field at `path`, be it of the record or of the items of a list.
    pub fn field(&self, path: &str) -> Option<&Field> {
        self.fields.get(path).or_else(|| self.items.get(path))
    }

    /// Direct children of the object at `path`.
    pub fn children<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a Field> {
        let is_child = |name: &str| name != "*" && !name.contains('.');
        self.fields
            .values()
            .chain(self.items.values())
            .filter(move |f| f.path.strip_prefix(path).and_then(|rest| rest.strip_prefix('.')).is_some_and(is_child))
    }
}

/// All tables by name.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// Tables by name, in alphabetical order.
    pub tables: IndexMap<String, Table>,
}

impl Schema {
    /// The links to `table` whose records change when what they link to is deleted.
    pub fn followers<'a>(&'a self, table: &'a str) -> impl Iterator<Item = (&'a Table, &'a Field)> {
        let follows =
            |field: &&Field| matches!(field.on_delete, Some(OnDelete::Cascade | OnDelete::Unset | OnDelete::Custom));
        let fields = self.tables.values().flat_map(|one| one.fields.values().map(move |field| (one, field)));
        fields.filter(move |(_, field)| follows(field) && field.kind.links_to(table))
    }

    /// Tables whose changes are told as events, with their descriptions.
    pub fn told(&self) -> impl Iterator<Item = (&str, &str)> {
        let told = self.tables.values().filter(|table| table.is_told());
        told.map(|table| (table.name.as_str(), table.description.as_str()))
    }

    /// The table of that name if a records API serves it.
    pub fn served(&self, name: &str) -> Option<&Table> {
        self.tables.get(name).filter(|table| !table.is_private())
    }
}

/// Splits a COMMENT into its words for people and its tags.
pub fn split_comment(comment: &str) -> (String, Vec<String>) {
    let mut words = comment.trim_end();
    let mut tags = Vec::new();
    while let Some(at) =
        words.rfind(char::is_whitespace).map_or_else(|| words.starts_with('@').then_some(0), |i| Some(i + 1))
    {
        let Some(tag) = words[at..].strip_prefix('@') else { break };
        tags.push(tag.to_owned());
        words = words[..at].trim_end();
    }
    tags.reverse();
    (words.to_owned(), tags)
}

#[cfg(test)]
mod tests {
    use super::{Permission, split_comment};

    #[test]
    fn permissions_imply_others_only_where_it_is_sure() {
        let implies = |one: &str, other: &str| Permission::Where(one.into()).implies(&Permission::Where(other.into()));
        for (one, other) in [
            ("owner = $auth", "owner = $auth"),
            ("owner = $auth AND open", "public OR owner = $auth"),
            ("(owner = $auth AND (a = 1 OR b)) OR 'x' IN $y", "public OR owner = $auth OR 'x' IN $y"),
            ("a OR b", "(a OR b OR c)"),
        ] {
            assert!(implies(one, other), "{one} -> {other}");
        }
        for (one, other) in [
            ("owner = $auth", "owner = $auth AND open"),
            ("owner = $auth OR open", "owner = $auth"),
            ("owner = $auth", "x AND (open OR owner = $auth OR y)"),
            ("owner = $auth", "IF x THEN open OR owner = $auth OR y ELSE false END"),
            ("a", "name = ' OR a OR '"),
            ("a", "(b OR c) AND (d OR a)"),
        ] {
            assert!(!implies(one, other), "{one} -> {other}");
        }
        assert!(
            Permission::Full.implies(&Permission::Full) && !Permission::Full.implies(&Permission::Where("a".into()))
        );
        assert!(!Permission::Where("a".into()).implies(&Permission::None));
    }

    #[test]
    fn tags_are_split_from_words() {
        assert_eq!(split_comment("Date of birth. @date"), ("Date of birth.".into(), vec!["date".into()]));
        assert_eq!(split_comment("A. @x @y"), ("A.".into(), vec!["x".into(), "y".into()]));
        assert_eq!(split_comment("mail me @ home"), ("mail me @ home".into(), vec![]));
        assert_eq!(split_comment("@private"), (String::new(), vec!["private".into()]));
    }
}
