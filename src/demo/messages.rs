//! The tables `conversations`, `messages` and `participants`: a few talks between the named accounts, so that each of them finds
//! something to read.

use serde_json::{Value, json};
use uuid::Uuid;

use super::businesses::Business;
use super::dates::instant;
use super::ids::Ids;
use super::listings::Listing;
use super::people::Person;
use super::rows::{Row, row};
use super::source::Fields;

const MESSAGES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/messages.txt"));

/// The rows of the three tables.
#[derive(Default)]
pub struct Talks {
    pub conversations: Vec<Row>,
    pub messages: Vec<Row>,
    pub participants: Vec<Row>,
}

/// Who and what talks can be about.
pub struct Cast<'a> {
    pub people: &'a [Person<'a>],
    pub businesses: &'a [Business<'a>],
    pub listings: &'a [Listing],
}

/// What a conversation is about.
#[derive(Default)]
struct Topic {
    about: Option<String>,
    subject: Option<String>,
    business: Option<Uuid>,
}

/// One conversation as the file has it.
struct Draft<'a> {
    kind: &'static str,
    topic: Topic,
    /// Who talks, in the order of the numbers.
    people: Vec<&'a Person<'a>>,
    /// Number of who speaks, from 1, and the words.
    lines: Vec<(usize, &'static str)>,
    /// How many of the last messages only their senders have read.
    unread: usize,
}

/// All conversations, in the order of the file.
pub fn talks(cast: &Cast, ids: &mut Ids) -> Talks {
    let mut talks = Talks::default();
    for draft in MESSAGES.split("\n\n").filter_map(|block| draft(block, cast)) {
        draft.write(&mut talks, ids);
    }
    talks
}

fn draft<'a>(block: &'static str, cast: &Cast<'a>) -> Option<Draft<'a>> {
    let mut lines = block.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let head = Fields::of(lines.next()?, '|');
    let named = |email: &str| cast.people.iter().find(|person| person.email == email);
    let emails = std::iter::once(head.text(2)).chain(head.text(3).split(' '));
    let (mut said, mut unread) = (Vec::new(), 0);
    for line in lines {
        match line.strip_prefix('=') {
            Some(count) => unread = count.parse().unwrap_or_default(),
            None => said.extend(line.split_once(' ').and_then(|(who, words)| Some((who.parse().ok()?, words)))),
        }
    }
    let people = emails.map(named).collect::<Option<Vec<_>>>()?;
    Some(Draft { kind: head.text(0), topic: topic(head.text(1), cast)?, people, lines: said, unread })
}

fn topic(text: &'static str, cast: &Cast) -> Option<Topic> {
    let name = |row: &Row, field: &str| row.get(field).and_then(Value::as_str).map(str::to_owned);
    let (kind, rest) = text.split_at(text.len().min(1));
    match kind {
        "b" => {
            let business = cast.businesses.iter().find(|business| business.number.to_string() == rest)?;
            let about = Some(format!("businesses:{}", business.id));
            Some(Topic { about, subject: name(&business.row, "name"), business: Some(business.id) })
        }
        "l" => {
            let is_meant =
                |listing: &&Listing| name(&listing.row, "title").is_some_and(|title| title.starts_with(rest));
            let listing = cast.listings.iter().find(is_meant)?;
            let about = Some(format!("listings:{}", listing.id));
            Some(Topic { about, subject: name(&listing.row, "title"), business: None })
        }
        "s" => Some(Topic { subject: Some(rest.to_owned()), ..Topic::default() }),
        _ => Some(Topic::default()),
    }
}

impl Draft<'_> {
    /// As what somebody is in it, by their number from 0.
    fn role(&self, at: usize) -> &'static str {
        match (self.kind, at) {
            ("group", 0) => "owner",
            ("support", 1..) => "staff",
            (_, 1..) if self.topic.business.is_some() => "business",
            _ => "member",
        }
    }

    /// The name under which whoever began it finds it again, as the program itself gives it.
    fn once(&self) -> Option<String> {
        let (table, key) = self.topic.about.as_deref()?.split_once(':')?;
        Some(format!("{} {table}:u'{key}'", self.people.first()?.id))
    }

    fn write(&self, talks: &mut Talks, ids: &mut Ids) {
        let (id, begun_s) = (ids.next(), ids.now_s());
        let mut sent: Vec<(Uuid, usize)> = Vec::new();
        for (who, words) in &self.lines {
            let Some(sender) = self.people.get(who - 1) else { continue };
            let message = ids.next();
            sent.push((message, who - 1));
            talks.messages.push(row(json!({
                "id": message, "conversation": id, "sender": sender.id, "content": words, "client_id": message,
            })));
        }
        let is_member = |at: &usize| matches!(self.role(*at), "owner" | "member");
        let members: Vec<Uuid> = (0..self.people.len()).filter(is_member).map(|at| self.people[at].id).collect();
        talks.conversations.push(row(json!({
            "id": id, "kind": self.kind, "subject": self.topic.subject, "about": self.topic.about,
            "business": self.topic.business, "members": members, "created_by": self.people.first().map(|one| one.id),
            "once": self.once(),
            "last_message": sent.last().map(|(message, _)| message), "last_message_at": instant(ids.now_s()),
        })));
        for (at, person) in self.people.iter().enumerate() {
            let seen = sent.len().saturating_sub(self.unread);
            let own = sent.iter().rposition(|(_, who)| *who == at).map_or(0, |last| last + 1);
            let last_read = sent[..seen.max(own)].last().map(|(message, _)| message);
            talks.participants.push(row(json!({
                "id": ids.next(), "conversation": id, "user": person.id, "role": self.role(at), "last_read": last_read,
                "joined_at": instant(begun_s),
            })));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_of_the_file_is_a_conversation_whose_lines_are_all_said() {
        let data = crate::demo::dataset();
        let table = |name: &str| &data.tables.iter().find(|(table, _)| *table == name).expect("the table").1;
        assert_eq!(table("conversations").len(), MESSAGES.split("\n\n").count());
        let is_line = |line: &&str| line.starts_with(|c: char| c.is_ascii_digit());
        assert_eq!(table("messages").len(), MESSAGES.lines().filter(is_line).count());
        for conversation in table("conversations") {
            let own: Vec<&Row> =
                table("messages").iter().filter(|message| message["conversation"] == conversation["id"]).collect();
            assert_eq!(own.last().expect("a message")["id"], conversation["last_message"]);
            let is_in = |user: &Value| {
                table("participants")
                    .iter()
                    .any(|one| one["conversation"] == conversation["id"] && one["user"] == *user)
            };
            assert!(own.iter().all(|message| is_in(&message["sender"])), "{conversation:?}");
            assert!(conversation["members"].as_array().expect("members").iter().all(is_in));
        }
    }
}
