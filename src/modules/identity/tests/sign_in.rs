//! Signing up and in, tokens, locks, refreshing.

use chrono::Duration;

use super::*;
use crate::modules::identity::tokens::{self, AccessClaims};

#[test]
fn signing_up_makes_an_account_that_can_sign_in() {
    run(async {
        let bench = Bench::new().await;
        let grant = bench.sign_up(" Ann@Example.COM ").await;
        assert_eq!(
            (grant.user.email.as_str(), grant.user.roles.as_slice()),
            ("ann@example.com", &[Role::Customer][..])
        );
        assert_eq!(grant.user.created_at, crate::kernel::time::floored(bench.clock.now()));
        let principal = bench.principal(&grant).await.expect("a principal");
        assert_eq!((principal.user, principal.session_id), (grant.user.id, grant.session));
        let again = bench.log_in(Audience::Public, "ANN@example.com", PASSWORD).await.expect("signed in");
        assert_ne!(again.session, grant.session);
        let stored = bench.value("SELECT VALUE password_hash FROM ONLY $user", grant.user.id).await;
        assert!(matches!(stored, Value::String(hash) if hash.starts_with("$argon2id$")));
    });
}

#[test]
fn signing_up_is_refused_with_reasons() {
    run(async {
        let bench = Bench::new().await;
        bench.sign_up("ann@example.com").await;
        let guest = bench.guest(Audience::Public);
        let taken = signing::sign_up(&bench.identity, &guest, sign_up("ANN@example.com")).await.err().expect("refused");
        assert_eq!((taken.entry().code, taken.fields()[0].pointer.as_str()), ("already_exists", "/email"));
        let bad = SignUp { email: "x".into(), password: "x".into(), name: "".into(), ..sign_up("") };
        let bad = signing::sign_up(&bench.identity, &guest, bad).await.err().expect("refused");
        assert_eq!((bad.entry().code, bad.fields().len()), ("validation_failed", 3));
        let closed = Bench::with(|config| config.auth.signup = false).await;
        let outcome = signing::sign_up(&closed.identity, &closed.guest(Audience::Public), sign_up("a@b.co")).await;
        assert_eq!(code(&outcome), "forbidden");
    });
}

#[test]
fn two_who_sign_up_with_one_address_at_once_make_one_account() {
    run(async {
        let bench = Bench::new().await;
        let guest = bench.guest(Audience::Public);
        let tries = (0..4).map(|_| signing::sign_up(&bench.identity, &guest, sign_up("ann@example.com")));
        let outcomes = futures::future::join_all(tries).await;
        let mut codes: Vec<_> = outcomes.iter().map(code).collect();
        codes.sort_unstable();
        assert_eq!(codes, ["already_exists", "already_exists", "already_exists", "good"]);
    });
}

#[test]
fn unknown_addresses_and_wrong_passwords_look_alike_until_and_beyond_the_lock() {
    run(async {
        let bench = Bench::new().await;
        let grant = bench.sign_up("ann@example.com").await;
        for attempt in 1..=7 {
            let known = bench.log_in(Audience::Public, "ann@example.com", "wrong").await.err().expect("refused");
            let unknown = bench.log_in(Audience::Public, "bob@example.com", "wrong").await.err().expect("refused");
            assert_eq!(shown(&known), shown(&unknown));
            let expected = if attempt <= 5 { "invalid_credentials" } else { "account_locked" };
            assert_eq!(known.entry().code, expected, "attempt {attempt}");
        }
        assert_eq!(code(&bench.log_in(Audience::Public, "ann@example.com", PASSWORD).await), "account_locked");
        assert!(bench.principal(&grant).await.is_ok(), "a lock ends no session");
        bench.clock.advance(Duration::minutes(30));
        for _ in 0..2 {
            let known = bench.log_in(Audience::Public, "ann@example.com", "wrong").await;
            let unknown = bench.log_in(Audience::Public, "BOB@example.com", "wrong").await;
            assert_eq!((code(&known), code(&unknown)), ("invalid_credentials", "invalid_credentials"));
        }
        assert_eq!(code(&bench.log_in(Audience::Public, "ann@example.com", PASSWORD).await), "good");
        assert_eq!(bench.value("SELECT VALUE failed_logins FROM ONLY $user", grant.user.id).await, Value::from_t(0i64));
    });
}

#[test]
fn failures_at_once_are_all_counted() {
    run(async {
        let bench = Bench::with(|config| config.auth.lockout_failures = 100).await;
        let grant = bench.sign_up("ann@example.com").await;
        let tries = (0..8).map(|_| bench.log_in(Audience::Public, "ann@example.com", "wrong"));
        futures::future::join_all(tries).await;
        assert_eq!(bench.value("SELECT VALUE failed_logins FROM ONLY $user", grant.user.id).await, Value::from_t(8i64));
    });
}

#[test]
fn a_text_that_is_no_address_is_an_unknown_one() {
    run(async {
        let bench = Bench::new().await;
        let outcome = bench.log_in(Audience::Public, "no address", "wrong").await;
        assert_eq!(code(&outcome), "invalid_credentials");
    });
}

#[test]
fn passwords_are_hashed_anew_when_the_settings_change() {
    run(async {
        let bench = Bench::new().await;
        let grant = bench.sign_up("ann@example.com").await;
        let mut config = bench.platform.config.clone();
        config.auth.argon2_memory_kb = 16;
        let dear = Bench {
            identity: Arc::new(Identity::new(Arc::new(Keys::open(None).expect("keys")), &config).expect("identity")),
            platform: Arc::clone(&bench.platform),
            clock: Arc::clone(&bench.clock),
        };
        dear.log_in(Audience::Public, "ann@example.com", PASSWORD).await.expect("signed in");
        let stored = bench.value("SELECT VALUE password_hash FROM ONLY $user", grant.user.id).await;
        assert!(matches!(stored, Value::String(hash) if hash.contains("m=16,")));
        assert_eq!(code(&bench.log_in(Audience::Public, "ann@example.com", PASSWORD).await), "good");
    });
}

#[test]
fn each_listener_takes_its_own_tokens_and_people_only() {
    run(async {
        let bench = Bench::new().await;
        let customer = bench.sign_up("ann@example.com").await;
        let staff = bench.staff("sue@example.com", Role::Support).await;
        let swapped = authenticate(&bench.identity, &bench.platform, Audience::Admin, &customer.access).await;
        assert_eq!(code(&swapped), "unauthenticated");
        bench.principal(&staff).await.expect("kept");
        let swapped = authenticate(&bench.identity, &bench.platform, Audience::Public, &staff.access).await;
        assert_eq!(code(&swapped), "unauthenticated");
        assert_eq!(code(&bench.refresh(Audience::Public, staff.refresh.as_str()).await), "refresh_refused");
        let customer = bench.log_in(Audience::Admin, "ann@example.com", PASSWORD).await.err().expect("refused");
        let unknown = bench.log_in(Audience::Admin, "bob@example.com", PASSWORD).await.err().expect("refused");
        assert_eq!(shown(&customer), shown(&unknown));
    });
}

#[test]
fn access_tokens_end() {
    run(async {
        let bench = Bench::new().await;
        let grant = bench.sign_up("ann@example.com").await;
        bench.principal(&grant).await.expect("a principal");
        bench.clock.advance(Duration::minutes(15));
        assert_eq!(code(&bench.principal(&grant).await), "token_expired");
    });
}

#[test]
fn forged_tokens_are_nothing() {
    run(async {
        let bench = Bench::new().await;
        let grant = bench.sign_up("ann@example.com").await;
        let foreign = Keys::open(None).expect("keys");
        let (now, id) = (bench.clock.now(), Uuid::nil());
        let end = now + Duration::hours(1);
        let claims = AccessClaims::new(grant.user.id, grant.session, Audience::Public, id, now, end);
        let forged = tokens::sign(foreign.signing(Audience::Public), &claims).expect("signed");
        // Genuine, but of another user's session.
        let claims = AccessClaims::new(Uuid::nil(), grant.session, Audience::Public, id, now, end);
        let mixed = tokens::sign(bench.identity.keys().signing(Audience::Public), &claims).expect("signed");
        for token in [forged.as_str(), &mixed, "x", &grant.access[..grant.access.len() - 4]] {
            let outcome = authenticate(&bench.identity, &bench.platform, Audience::Public, token).await;
            assert_eq!(code(&outcome), "unauthenticated", "{token}");
        }
    });
}

#[test]
fn refreshing_exchanges_both_tokens_and_prolongs_the_session() {
    run(async {
        let bench = Bench::new().await;
        let mut grant = bench.sign_up("ann@example.com").await;
        for _ in 0..3 {
            bench.clock.advance(Duration::days(29));
            let next = bench.refresh(Audience::Public, grant.refresh.as_str()).await.expect("refreshed");
            assert_eq!((next.session, next.user.id), (grant.session, grant.user.id));
            assert_ne!(next.refresh.as_str(), grant.refresh.as_str());
            bench.principal(&next).await.expect("a principal");
            grant = next;
        }
        bench.clock.advance(Duration::days(30));
        assert_eq!(code(&bench.refresh(Audience::Public, grant.refresh.as_str()).await), "refresh_refused");
    });
}

#[test]
fn a_spent_refresh_token_ends_the_family() {
    run(async {
        let bench = Bench::new().await;
        let first = bench.sign_up("ann@example.com").await;
        let second = bench.refresh(Audience::Public, first.refresh.as_str()).await.expect("refreshed");
        let third = bench.refresh(Audience::Public, second.refresh.as_str()).await.expect("refreshed");
        bench.principal(&third).await.expect("a principal");
        assert_eq!(code(&bench.refresh(Audience::Public, first.refresh.as_str()).await), "refresh_refused");
        assert_eq!(code(&bench.principal(&third).await), "unauthenticated");
        assert_eq!(code(&bench.refresh(Audience::Public, third.refresh.as_str()).await), "refresh_refused");
    });
}

#[test]
fn of_refreshes_at_once_exactly_one_wins() {
    run(async {
        let bench = Bench::new().await;
        for round in 0..10 {
            let grant = bench.sign_up(&format!("ann{round}@example.com")).await;
            let tries = (0..4).map(|_| bench.refresh(Audience::Public, grant.refresh.as_str()));
            let outcomes = futures::future::join_all(tries).await;
            assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
            assert!(outcomes.iter().all(|outcome| matches!(code(outcome), "good" | "refresh_refused")));
        }
    });
}

#[test]
fn the_memory_of_spent_tokens_is_bounded() {
    run(async {
        let bench = Bench::new().await;
        let mut grant = bench.sign_up("ann@example.com").await;
        for _ in 0..55 {
            grant = bench.refresh(Audience::Public, grant.refresh.as_str()).await.expect("refreshed");
        }
        let text = "RETURN array::len((SELECT VALUE used_hashes FROM sessions WHERE user = $user)[0])";
        assert_eq!(bench.value(text, grant.user.id).await, Value::from_t(50i64));
    });
}

#[test]
fn refresh_tokens_that_were_never_issued_end_nothing() {
    run(async {
        let bench = Bench::new().await;
        let grant = bench.sign_up("ann@example.com").await;
        let guessed = format!("{}.guess", grant.session);
        for token in ["", "x", guessed.as_str(), &format!("{}.x", Uuid::nil())] {
            assert_eq!(code(&bench.refresh(Audience::Public, token).await), "refresh_refused");
        }
        assert_eq!(code(&bench.refresh(Audience::Public, grant.refresh.as_str()).await), "good");
    });
}
