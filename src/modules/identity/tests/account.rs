//! The own account, password and sessions.

use poem_openapi::types::MaybeUndefined;

use super::*;
use crate::modules::identity::account;
use crate::modules::identity::views::{ChangePassword, ChangeProfile};

fn passwords(current: &str, new: &str) -> ChangePassword {
    ChangePassword { current_password: current.to_owned(), new_password: new.to_owned() }
}

#[test]
fn the_profile_is_read_and_patched_as_the_caller() {
    run(async {
        let bench = Bench::new().await;
        let staff = bench.staff("sue@example.com", Role::Support).await;
        for grant in [bench.sign_up("ann@example.com").await, staff] {
            let ctx = bench.signed(&grant).await;
            let mut input = ChangeProfile {
                name: MaybeUndefined::Value(" Anna ".into()),
                phone: MaybeUndefined::Value("+4930123456".into()),
                timezone: MaybeUndefined::Value("Europe/Berlin".into()),
                public_profile: MaybeUndefined::Value(false),
                ..ChangeProfile::default()
            };
            let row = account::change_profile(&ctx, &input).await.expect("changed");
            assert_eq!((row.name.as_str(), row.phone.as_deref()), ("Anna", Some("+4930123456")));
            assert_eq!((row.timezone.as_str(), row.is_profile_public), ("Europe/Berlin", false));
            input = ChangeProfile { phone: MaybeUndefined::Null, ..ChangeProfile::default() };
            let row = account::change_profile(&ctx, &input).await.expect("changed");
            assert_eq!((row.phone, row.name.as_str()), (None, "Anna"));
            let row = account::change_profile(&ctx, &ChangeProfile::default()).await.expect("unchanged");
            assert_eq!(row.name, "Anna");
        }
        assert_eq!(code(&account::me(&bench.guest(Audience::Public)).await), "unauthenticated");
    });
}

#[test]
fn a_new_password_ends_the_other_sessions() {
    run(async {
        let bench = Bench::new().await;
        let other = bench.sign_up("ann@example.com").await;
        let current = bench.log_in(Audience::Public, "ann@example.com", PASSWORD).await.expect("signed in");
        bench.principal(&other).await.expect("kept");
        let ctx = bench.signed(&current).await;
        let change = passwords(PASSWORD, "another-Secret-7");
        account::change_password(&bench.identity, &ctx, &change).await.expect("changed");
        assert_eq!(code(&bench.principal(&other).await), "unauthenticated");
        assert_eq!(code(&bench.refresh(Audience::Public, other.refresh.as_str()).await), "refresh_refused");
        assert_eq!(code(&bench.principal(&current).await), "good");
        assert_eq!(code(&bench.log_in(Audience::Public, "ann@example.com", PASSWORD).await), "invalid_credentials");
        assert_eq!(code(&bench.log_in(Audience::Public, "ann@example.com", "another-Secret-7").await), "good");
    });
}

#[test]
fn a_password_change_needs_the_current_one_and_a_good_new_one() {
    run(async {
        let bench = Bench::new().await;
        let ctx = bench.signed(&bench.sign_up("ann@example.com").await).await;
        let short = account::change_password(&bench.identity, &ctx, &passwords(PASSWORD, "short")).await;
        assert_eq!(short.expect_err("refused").fields()[0].pointer, "/new_password");
        for _ in 0..5 {
            let wrong = account::change_password(&bench.identity, &ctx, &passwords("wrong", "another-Secret-7")).await;
            let wrong = wrong.expect_err("refused");
            assert_eq!(
                (wrong.entry().code, wrong.fields()[0].pointer.as_str()),
                ("validation_failed", "/current_password")
            );
        }
        let locked = account::change_password(&bench.identity, &ctx, &passwords(PASSWORD, "another-Secret-7")).await;
        assert_eq!(code(&locked), "account_locked");
    });
}

#[test]
fn sessions_are_listed_and_ended() {
    run(async {
        let bench = Bench::new().await;
        let stranger = bench.sign_up("bob@example.com").await;
        let first = bench.sign_up("ann@example.com").await;
        let second = bench.log_in(Audience::Public, "ann@example.com", PASSWORD).await.expect("signed in");
        let third = bench.log_in(Audience::Public, "ann@example.com", PASSWORD).await.expect("signed in");
        let ctx = bench.signed(&third).await;
        let (rows, current) = account::own_sessions(&ctx).await.expect("listed");
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        assert_eq!((ids, current), (vec![third.session, second.session, first.session], third.session));
        assert_eq!(
            (rows[0].ip.as_deref(), rows[0].user_agent.as_ref().map(String::len)),
            (Some("127.0.0.1"), Some(300))
        );
        bench.principal(&first).await.expect("kept");
        account::end_own_session(&ctx, &first.session.to_string()).await.expect("ended");
        assert_eq!(code(&bench.principal(&first).await), "unauthenticated");
        for id in [first.session.to_string(), stranger.session.to_string(), "x".to_owned()] {
            assert_eq!(code(&account::end_own_session(&ctx, &id).await), "not_found");
        }
        account::end_other_sessions(&ctx).await.expect("ended");
        assert_eq!(code(&bench.principal(&second).await), "unauthenticated");
        assert_eq!(code(&bench.principal(&third).await), "good");
        account::log_out(&ctx).await.expect("signed out");
        assert_eq!(code(&bench.principal(&third).await), "unauthenticated");
        assert_eq!(code(&bench.principal(&stranger).await), "good");
    });
}
