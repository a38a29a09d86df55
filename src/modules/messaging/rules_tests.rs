//! Tables of the rules of messaging.

use chrono::DateTime;
use uuid::Uuid;

use super::model::{Conversation, ConversationKind, Draft, Pace, Part, Participant, Standing};
use super::rules::*;
use crate::kernel::time::Instant;

fn key(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn at(seconds: i64) -> Instant {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).expect("a time")
}

fn conversation(kind: ConversationKind, members: &[u128], business: Option<u128>) -> Conversation {
    Conversation {
        id: key(1000),
        kind,
        subject: None,
        about: None,
        business: business.map(key),
        members: members.iter().copied().map(key).collect(),
        created_by: key(1),
        last_message: None,
        last_message_at: None,
        created_at: at(0),
    }
}

fn participant(user: u128, part: Part, has_left: bool) -> Participant {
    Participant {
        id: key(100 + user),
        user: key(user),
        part,
        last_read: None,
        is_muted: false,
        pace: Pace::default(),
        has_left,
    }
}

fn bad(content: &str, client_id: Option<&str>, files: &[u128]) -> Vec<String> {
    let files = files.iter().copied().map(key).collect();
    let draft = Draft { content: content.into(), client_id: client_id.map(str::to_owned), files };
    let error = check_draft(&draft).err();
    error.iter().flat_map(|error| error.fields()).map(|field| field.pointer.clone()).collect()
}

#[test]
fn a_message_says_something_and_not_too_much() {
    assert!(bad("Hello\n\tyou 🐾", Some("a-1"), &[]).is_empty());
    assert!(bad(&"🐾".repeat(CONTENT_MAX), None, &[]).is_empty());
    for content in ["", " \n ", &"x".repeat(CONTENT_MAX + 1), "bell\u{7}"] {
        assert_eq!(bad(content, None, &[]), ["/content"], "{content:?}");
    }
    for name in ["", " ", &"x".repeat(CLIENT_ID_MAX + 1), "a\nb"] {
        assert_eq!(bad("x", Some(name), &[]), ["/client_id"], "{name:?}");
    }
    assert!(bad("", None, &[1]).is_empty(), "a picture says enough");
    assert_eq!(bad(" ", None, &[1]), ["/content"]);
    assert_eq!(bad("", Some(""), &[]), ["/content", "/client_id"]);
    assert_eq!(bad("x", None, &(0..=FILES_MAX as u128).collect::<Vec<_>>()), ["/files"]);
}

#[test]
fn a_subject_is_a_line() {
    assert!(refuses_subject("Puppies").is_none());
    for subject in [" ", "a\nb", &"x".repeat(SUBJECT_MAX + 1)] {
        assert!(refuses_subject(subject).is_some(), "{subject:?}");
    }
}

#[test]
fn who_sees_a_conversation_and_as_what() {
    let inquiry = conversation(ConversationKind::Inquiry, &[1], Some(9));
    assert_eq!(standing(&inquiry, key(1), false, false), Some(Standing::Member));
    assert_eq!(standing(&inquiry, key(1), true, true), Some(Standing::Member), "whatever else they are");
    assert_eq!(standing(&inquiry, key(2), true, false), Some(Standing::Business));
    assert_eq!(standing(&inquiry, key(2), false, true), Some(Standing::Staff));
    assert_eq!(standing(&inquiry, key(2), false, false), None);
}

#[test]
fn staff_take_part_in_support_only() {
    for kind in ConversationKind::ALL {
        let conversation = conversation(kind, &[1], None);
        let is_support = kind == ConversationKind::Support;
        assert_eq!(check_takes_part(&conversation, Standing::Staff).is_ok(), is_support, "{kind:?}");
        assert!(check_takes_part(&conversation, Standing::Member).is_ok());
    }
}

#[test]
fn a_block_counts_between_two_people() {
    let group = |members: &[u128], business| conversation(ConversationKind::Group, members, business);
    assert_eq!(only_other(&group(&[1, 2], None), key(1)), Some(key(2)));
    assert_eq!(only_other(&group(&[1, 2, 3], None), key(1)), None);
    assert_eq!(only_other(&group(&[1], None), key(1)), None);
    assert_eq!(only_other(&group(&[1], Some(9)), key(2)), None, "who works there writes for the business");
}

#[test]
fn nobody_floods_a_conversation() {
    let mut pace = Pace::default();
    for second in 0..MESSAGES_PER_MINUTE {
        pace = quicker(pace, at(second / 2)).expect("not too fast");
    }
    let refusal = quicker(pace, at(50)).expect_err("too fast");
    assert_eq!((refusal.entry().code, refusal.retry_after_s()), ("too_many_requests", Some(10)));
    assert_eq!(quicker(pace, at(60)).expect("a new minute"), Pace { since: Some(at(60)), sent: 1 });
    assert!(check_begun(BEGUN_PER_HOUR - 1).is_ok() && check_begun(BEGUN_PER_HOUR).is_err());
}

#[test]
fn owners_of_groups_let_people_in_and_out() {
    let group = conversation(ConversationKind::Group, &[1, 2], None);
    let code = |caller: Option<&Participant>| check_lets_in(&group, caller).err().map(|error| error.entry().code);
    assert_eq!(code(Some(&participant(1, Part::Owner, false))), None);
    assert_eq!(code(Some(&participant(2, Part::Member, false))), Some("forbidden"));
    assert_eq!(code(Some(&participant(1, Part::Owner, true))), Some("forbidden"));
    assert_eq!(code(None), Some("forbidden"));
    let inquiry = conversation(ConversationKind::Inquiry, &[1], None);
    let refusal = check_lets_in(&inquiry, Some(&participant(1, Part::Owner, false))).expect_err("no group");
    assert_eq!(refusal.entry().code, "conflict");
    assert!(check_room(MEMBERS_MAX).is_ok() && check_room(MEMBERS_MAX + 1).is_err());
}

#[test]
fn a_group_keeps_an_owner() {
    let next = |people: &[Participant]| next_owner(people).map(|one| one.user);
    let (gone, owner) = (participant(1, Part::Owner, true), participant(2, Part::Owner, false));
    let (second, third) = (participant(3, Part::Member, false), participant(4, Part::Member, false));
    assert_eq!(next(&[gone.clone(), owner, second.clone()]), None);
    assert_eq!(next(&[gone.clone(), second, third]), Some(key(3)));
    assert_eq!(next(&[gone, participant(5, Part::Staff, false)]), None);
}

#[test]
fn who_has_left_has_nothing_to_read() {
    let reader = |read: Option<u128>, has_left| Participant {
        last_read: read.map(key),
        ..participant(1, Part::Member, has_left)
    };
    assert!(is_behind(&reader(None, false), key(5)) && is_behind(&reader(Some(4), false), key(5)));
    assert!(!is_behind(&reader(Some(5), false), key(5)) && !is_behind(&reader(Some(4), true), key(5)));
}
