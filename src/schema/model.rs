//! Our model of the tables: what the records engine, the OpenAPI document and the console know about them.
//!
//! Read from the database after the schemas are applied, so it always describes what is enforced.

use indexmap::IndexMap;

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

    /// Whether some caller of the public listener could be allowed.
    pub fn is_public(&self) -> bool {
        match self {
            Self::None => false,
            Self::Full => true,
            Self::Where(text) => text.trim() != "$access = 'staff'",
        }
    }
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
    /// Whether the database fills it when it is left out.
    pub has_default: bool,
    /// Whether the database computes it whatever is sent.
    pub is_computed: bool,
    /// Whether an object holds more than its declared fields.
    pub is_flexible: bool,
    /// The ASSERT expression, for documentation.
    pub assertion: Option<String>,
    /// The limits that the ASSERT states, where they are understood.
    pub constraint: Constraint,
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
    /// Indexes.
    pub indexes: Vec<Index>,
}

impl Table {
    /// Whether the table is the program's own and served by no records API.
    pub fn is_private(&self) -> bool {
        self.tags.iter().any(|tag| tag == "private") || self.permissions.select.is_none()
    }

    /// Fields that full text searches.
    pub fn text_fields(&self) -> impl Iterator<Item = &str> {
        self.indexes.iter().filter(|i| i.is_full_text).flat_map(|i| i.fields.iter().map(String::as_str))
    }

    /// Top-level fields.
    pub fn top_fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.values().filter(|f| !f.path.contains('.') && !f.path.contains('['))
    }

    /// Direct children of the object field `path`.
    pub fn children<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a Field> {
        self.fields.values().filter(move |f| {
            f.path.strip_prefix(path).and_then(|rest| rest.strip_prefix('.')).is_some_and(|name| !name.contains('.'))
        })
    }
}

/// All tables by name.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// Tables by name, in alphabetical order.
    pub tables: IndexMap<String, Table>,
}

impl Schema {
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
    use super::split_comment;

    #[test]
    fn tags_are_split_from_words() {
        assert_eq!(split_comment("Date of birth. @date"), ("Date of birth.".into(), vec!["date".into()]));
        assert_eq!(split_comment("A. @x @y"), ("A.".into(), vec!["x".into(), "y".into()]));
        assert_eq!(split_comment("mail me @ home"), ("mail me @ home".into(), vec![]));
        assert_eq!(split_comment("@private"), (String::new(), vec!["private".into()]));
    }
}
