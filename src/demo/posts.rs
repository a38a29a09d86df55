//! The tables `posts` and `comments`: questions, tips, notices and events, with answers that belong to them. A text may
//! speak of a pet of its author and of the author's town.

use std::collections::HashSet;

use serde_json::json;
use uuid::Uuid;

use super::ids::Ids;
use super::people::Person;
use super::pets::Pet;
use super::random::Random;
use super::rows::{Row, row};
use super::source::Fields;
use super::wording::Wording;

const POSTS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/posts.txt"));

/// Which pets a post can be about, beyond the species.
#[derive(Debug, Clone, Default, PartialEq)]
struct Subject {
    /// Least and greatest age in days.
    age_days: Option<(i64, i64)>,
    /// Parts of the names of breeds; none for any.
    breeds: Vec<&'static str>,
}

/// One post as the file has it, with the comments of one use.
#[derive(Clone)]
struct Draft {
    kind: &'static str,
    species: Option<&'static str>,
    subject: Subject,
    tags: Vec<&'static str>,
    author: &'static str,
    title: &'static str,
    content: &'static str,
    comments: Vec<&'static str>,
}

impl Draft {
    fn is_hidden(&self) -> bool {
        self.author == "hidden"
    }

    /// Whether it is for the neighbours of the author.
    fn is_local(&self) -> bool {
        matches!(self.kind, "lost_found" | "looking_for" | "event") || self.mentions("{city}")
    }

    fn mentions(&self, placeholder: &str) -> bool {
        std::iter::once(&self.title).chain([&self.content]).chain(&self.comments).any(|text| text.contains(placeholder))
    }
}

/// The rows of both tables.
pub struct Community {
    pub posts: Vec<Row>,
    pub comments: Vec<Row>,
}

/// Writes posts in the name of people.
struct Writer<'a> {
    people: &'a [Person<'a>],
    pets: &'a [Pet],
    random: Random,
    authors: HashSet<usize>,
}

/// A post that has its author: what its comments need.
struct Written<'a> {
    id: Uuid,
    author: usize,
    draft: &'a Draft,
    wording: Wording,
}

/// All posts in a mixed order, and their comments.
pub fn community(people: &[Person], pets: &[Pet], ids: &mut Ids) -> Community {
    let mut writer = Writer { people, pets, random: Random::for_table("posts"), authors: HashSet::new() };
    let mut drafts: Vec<Draft> = POSTS.split("\n\n").flat_map(drafts).collect();
    writer.random.shuffle(&mut drafts);
    let (written, posts): (Vec<Written>, Vec<Row>) =
        drafts.iter().filter_map(|draft| writer.post(draft, ids.next())).unzip();
    let comments = written.iter().flat_map(|post| writer.comments(post, ids)).collect();
    Community { posts, comments }
}

/// The uses of one block of the file; a line `=` parts the comments of two uses.
fn drafts(block: &'static str) -> Vec<Draft> {
    let mut lines = block.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let (Some(head), Some(title), Some(content)) = (lines.next(), lines.next(), lines.next()) else {
        return Vec::new();
    };
    let head = Fields::of(head, '|');
    let (species, subject) = species_and_subject(head.text(1));
    let comments: Vec<&str> = lines.collect();
    comments
        .split(|line| *line == "=")
        .map(|comments| Draft {
            kind: head.text(0),
            species: Some(species).filter(|species| *species != "-"),
            subject: subject.clone(),
            tags: head.list(2),
            author: head.text(4),
            title,
            content,
            comments: comments.to_vec(),
        })
        .collect()
}

/// Reads `dog`, `dog>9`, `dog<4` (years) or `dog~Whippet,Boxer`: a species, and which pets of it.
fn species_and_subject(text: &'static str) -> (&'static str, Subject) {
    let Some((species, rule)) = text.find(['>', '<', '~']).map(|at| text.split_at(at)) else {
        return (text, Subject::default());
    };
    let (kind, value) = rule.split_at(1);
    let days = value.parse::<i64>().unwrap_or_default() * 365;
    let subject = match kind {
        ">" => Subject { age_days: Some((days, i64::MAX)), ..Subject::default() },
        "<" => Subject { age_days: Some((0, days)), ..Subject::default() },
        _ => Subject { breeds: value.split(',').collect(), ..Subject::default() },
    };
    (species, subject)
}

impl Subject {
    fn includes(&self, pet: &Pet) -> bool {
        let is_breed = |breed: &str| self.breeds.iter().any(|part| breed.contains(part));
        self.age_days.is_none_or(|(least, greatest)| (least..=greatest).contains(&pet.age_days))
            && (self.breeds.is_empty() || pet.breed.is_some_and(is_breed))
    }
}

impl<'a> Writer<'a> {
    fn post<'d>(&mut self, draft: &'d Draft, id: Uuid) -> Option<(Written<'d>, Row)> {
        let (author, pet) = self.author(draft)?;
        self.authors.insert(author);
        let person = self.people.get(author)?;
        let wording = Wording::new(person.place, pet, &mut self.random);
        let tells_city = draft.is_local() || draft.kind == "adoption";
        let row = row(json!({
            "id": id,
            "author": person.id,
            "kind": draft.kind,
            "title": wording.fill(draft.title),
            "content": wording.fill(draft.content),
            "species": draft.species,
            "city": tells_city.then_some(person.place.city),
            "tags": draft.tags,
            "status": if draft.is_hidden() { "hidden" } else { "published" },
        }));
        Some((Written { id, author, draft, wording }, row))
    }

    /// Who writes: the one the file names, somebody with a fitting pet, or anybody; somebody new if possible.
    fn author(&mut self, draft: &Draft) -> Option<(usize, Option<&'a Pet>)> {
        let mut candidates: Vec<(usize, Option<&Pet>)> = if draft.mentions("{pet}") || draft.mentions("{breed}") {
            self.pets.iter().filter(|pet| is_about(draft, pet)).map(|pet| (pet.owner, Some(pet))).collect()
        } else {
            (0..self.people.len()).map(|person| (person, None)).collect()
        };
        candidates.retain(|(person, _)| self.people.get(*person).is_some_and(|person| may_write(draft, person)));
        let fresh: Vec<_> = candidates.iter().copied().filter(|(person, _)| !self.authors.contains(person)).collect();
        let pool = if fresh.is_empty() { candidates } else { fresh };
        self.random.choose(&pool).copied()
    }

    fn comments(&mut self, post: &Written, ids: &mut Ids) -> Vec<Row> {
        let mut voices = vec![post.author];
        let mut rows = Vec::new();
        for line in &post.draft.comments {
            let Some((mark, text)) = line.split_once(' ') else { continue };
            let author = if mark == ">" { Some(post.author) } else { self.voice(post, &voices) };
            let Some((author, person)) = author.and_then(|author| Some((author, self.people.get(author)?))) else {
                continue;
            };
            voices.push(author);
            rows.push(row(json!({
                "id": ids.next(),
                "post": post.id,
                "author": person.id,
                "content": post.wording.fill(text),
                "status": if mark == "x" { "hidden" } else { "published" },
            })));
        }
        rows
    }

    /// Somebody who answers: a neighbour for what is local, and nobody twice.
    fn voice(&mut self, post: &Written, voices: &[usize]) -> Option<usize> {
        let home = self.people.get(post.author)?.place.key;
        let free: Vec<usize> = (0..self.people.len())
            .filter(|index| !voices.contains(index))
            .filter(|index| self.people.get(*index).is_some_and(|person| !person.is_suspended && !is_office(person)))
            .collect();
        let near: Vec<usize> = free
            .iter()
            .copied()
            .filter(|index| self.people.get(*index).is_some_and(|other| other.place.key == home))
            .collect();
        let pool = if post.draft.is_local() && !near.is_empty() { near } else { free };
        self.random.choose(&pool).copied()
    }
}

fn is_about(draft: &Draft, pet: &Pet) -> bool {
    pet.is_active
        && draft.species.is_none_or(|species| species == pet.species)
        && draft.subject.includes(pet)
        && (pet.breed.is_some() || !draft.mentions("breed}"))
}

/// What breaks the rules comes from those who were suspended for it.
fn may_write(draft: &Draft, person: &Person) -> bool {
    match draft.author {
        "" => !person.is_suspended && !is_office(person),
        "hidden" => person.is_suspended,
        email => person.email == email,
    }
}

/// Whether the account is for work on the platform only.
fn is_office(person: &Person) -> bool {
    person.roles.iter().any(|role| matches!(*role, "support" | "super_admin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_read() {
        assert_eq!(species_and_subject("dog"), ("dog", Subject::default()));
        assert_eq!(species_and_subject("dog>2").1.age_days, Some((730, i64::MAX)));
        assert_eq!(species_and_subject("cat<4"), ("cat", Subject { age_days: Some((0, 1_460)), breeds: Vec::new() }));
        assert_eq!(species_and_subject("dog~Boxer,Jack Russell").1.breeds, ["Boxer", "Jack Russell"]);
    }

    #[test]
    fn a_block_used_twice_has_two_drafts() {
        let drafts = drafts("tip|-|a;b|2|\nTitle\nText\n- one\n=\n- two");
        assert_eq!(drafts.len(), 2);
        assert_eq!(drafts[1].comments, ["- two"]);
        assert_eq!(drafts[0].species, None);
    }
}
