//! Administrators, setup and the command line.

use super::*;
use crate::modules::identity::views::SetUp;
use crate::modules::identity::{disable, list_admins, reset_password, setup, staff};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn set_up(token: &str, email: &str) -> SetUp {
    let (token, email, password) = (token.to_owned(), email.to_owned(), PASSWORD.to_owned());
    SetUp { token, email, password, name: "Root".to_owned(), use_cookies: false }
}

#[test]
fn suspending_counts_on_the_next_request() {
    run(async {
        let bench = Bench::new().await;
        let admin = bench.signed(&bench.staff("adam@example.com", Role::Admin).await).await;
        let customer = bench.sign_up("ann@example.com").await;
        bench.principal(&customer).await.expect("kept");
        let id = customer.user.id.to_string();
        assert_eq!(code(&staff::suspend(&admin, &id, " ").await), "validation_failed");
        let row = staff::suspend(&admin, &id, "spam").await.expect("suspended");
        assert_eq!(row.status.as_str(), "suspended");
        assert_eq!(code(&bench.principal(&customer).await), "unauthenticated");
        assert_eq!(code(&bench.refresh(Audience::Public, customer.refresh.as_str()).await), "refresh_refused");
        assert_eq!(code(&bench.log_in(Audience::Public, "ann@example.com", PASSWORD).await), "forbidden");
        assert_eq!(code(&bench.log_in(Audience::Public, "ann@example.com", "wrong").await), "invalid_credentials");
        staff::reinstate(&admin, &id).await.expect("reinstated");
        assert_eq!(code(&bench.principal(&customer).await), "unauthenticated", "its session stays ended");
        assert_eq!(code(&bench.log_in(Audience::Public, "ann@example.com", PASSWORD).await), "good");
        let text = "RETURN (SELECT VALUE action FROM audit WHERE target = $user AND actor != NONE ORDER BY id)";
        let expected = Value::from_t(names(&["user.suspended", "user.reinstated"]));
        assert_eq!(bench.value(text, customer.user.id).await, expected);
        let text = "SELECT VALUE reason FROM ONLY audit WHERE target = $user AND action = 'user.suspended' LIMIT 1";
        assert_eq!(bench.value(text, customer.user.id).await, Value::from_t("spam"));
    });
}

#[test]
fn roles_count_on_the_next_request() {
    run(async {
        let bench = Bench::new().await;
        let root = bench.signed(&bench.staff("root@example.com", Role::SuperAdmin).await).await;
        let grant = bench.sign_up("ann@example.com").await;
        let id = grant.user.id.to_string();
        assert_eq!(bench.principal(&grant).await.expect("kept").roles, [Role::Customer]);
        staff::replace_roles(&root, &id, &names(&["customer", "courier"])).await.expect("changed");
        assert_eq!(bench.principal(&grant).await.expect("it").roles, [Role::Customer, Role::Courier]);
        staff::replace_roles(&root, &id, &names(&["support"])).await.expect("changed");
        let staff_grant = bench.log_in(Audience::Admin, "ann@example.com", PASSWORD).await.expect("signed in");
        bench.principal(&staff_grant).await.expect("staff");
        staff::replace_roles(&root, &id, &names(&["customer"])).await.expect("changed");
        assert_eq!(code(&bench.principal(&staff_grant).await), "unauthenticated");
        assert_eq!(code(&bench.refresh(Audience::Admin, staff_grant.refresh.as_str()).await), "refresh_refused");
        let text = "SELECT VALUE [before.roles, after.roles] FROM audit WHERE target = $user ORDER BY id LIMIT 1";
        let expected = Value::from_t(vec![vec![names(&["customer"]), names(&["customer", "courier"])]]);
        assert_eq!(bench.value(text, grant.user.id).await, expected);
    });
}

#[test]
fn every_act_needs_its_right() {
    run(async {
        let bench = Bench::new().await;
        let root = bench.staff("root@example.com", Role::SuperAdmin).await;
        let admin = bench.signed(&bench.staff("adam@example.com", Role::Admin).await).await;
        let support = bench.signed(&bench.staff("sue@example.com", Role::Support).await).await;
        let customer = bench.sign_up("ann@example.com").await;
        let (id, root_id) = (customer.user.id.to_string(), root.user.id.to_string());
        assert_eq!(code(&staff::suspend(&support, &id, "x").await), "forbidden");
        assert_eq!(code(&staff::replace_roles(&support, &id, &names(&["courier"])).await), "forbidden");
        assert_eq!(code(&staff::sign_out(&support, &id).await), "forbidden");
        assert_eq!(code(&staff::suspend(&bench.guest(Audience::Admin), &id, "x").await), "unauthenticated");
        assert_eq!(code(&staff::suspend(&bench.signed(&customer).await, &id, "x").await), "forbidden");
        assert_eq!(code(&staff::replace_roles(&admin, &id, &names(&["support"])).await), "forbidden");
        assert_eq!(code(&staff::replace_roles(&admin, &id, &names(&["courier"])).await), "good");
        assert_eq!(code(&staff::suspend(&admin, &root_id, "x").await), "forbidden");
        assert_eq!(code(&staff::sign_out(&admin, &root_id).await), "forbidden");
        for unknown in ["x", &Uuid::nil().to_string()] {
            assert_eq!(code(&staff::suspend(&admin, unknown, "x").await), "not_found");
            assert_eq!(code(&staff::sessions_of(&support, unknown).await), "not_found");
        }
        let (rows, _) = staff::sessions_of(&support, &id).await.expect("listed");
        assert_eq!(rows.len(), 1);
        staff::sign_out(&admin, &id).await.expect("signed out");
        assert_eq!(code(&bench.principal(&customer).await), "unauthenticated");
    });
}

#[test]
fn the_last_super_admin_stays() {
    run(async {
        let bench = Bench::new().await;
        let root = bench.staff("root@example.com", Role::SuperAdmin).await;
        let ctx = bench.signed(&root).await;
        let id = root.user.id.to_string();
        assert_eq!(code(&staff::replace_roles(&ctx, &id, &names(&["admin"])).await), "rule_violated");
        assert_eq!(code(&staff::suspend(&ctx, &id, "x").await), "rule_violated");
        assert_eq!(code(&disable(&bench.platform, "root@example.com").await), "rule_violated");
        assert_eq!(code(&bench.principal(&root).await), "good");
        let second = bench.staff("two@example.com", Role::SuperAdmin).await;
        let other = bench.signed(&second).await;
        // Each takes the other away at once: one must stay.
        for _ in 0..5 {
            let first_id = root.user.id.to_string();
            let second_id = second.user.id.to_string();
            let admin = names(&["admin"]);
            let (one, two) = tokio::join!(
                staff::replace_roles(&ctx, &second_id, &admin),
                staff::replace_roles(&other, &first_id, &admin)
            );
            assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
            let lost = if one.is_ok() { second.user.id } else { root.user.id };
            bench.value("UPDATE $user SET roles = ['super_admin'] RETURN NONE", lost).await;
        }
    });
}

#[test]
fn the_setup_link_works_once() {
    run(async {
        let bench = Bench::new().await;
        let guest = bench.guest(Audience::Admin);
        let token = bench.identity.setup_token(&bench.platform).await.expect("asked").expect("a token");
        assert_eq!(bench.identity.setup_token(&bench.platform).await.expect("asked").as_deref(), Some(token.as_str()));
        let wrong = setup::set_up(&bench.identity, &guest, set_up("wrong", "root@example.com")).await;
        assert_eq!(code(&wrong), "forbidden");
        let bad =
            setup::set_up(&bench.identity, &guest, SetUp { password: "short".into(), ..set_up(&token, "x") }).await;
        assert_eq!(bad.err().map(|error| error.fields().len()), Some(2));
        let (one, two) = tokio::join!(
            setup::set_up(&bench.identity, &guest, set_up(&token, "root@example.com")),
            setup::set_up(&bench.identity, &guest, set_up(&token, "rival@example.com"))
        );
        assert!(one.is_ok() != two.is_ok());
        let grant = one.or(two).expect("made");
        assert_eq!(bench.principal(&grant).await.expect("a principal").roles, [Role::SuperAdmin]);
        let again = setup::set_up(&bench.identity, &guest, set_up(&token, "two@example.com")).await;
        assert_eq!(code(&again), "gone");
        assert_eq!(bench.identity.setup_token(&bench.platform).await.expect("asked"), None);
    });
}

#[test]
fn the_command_line_manages_administrators() {
    run(async {
        let bench = Bench::new().await;
        let grant = bench.staff("sue@example.com", Role::Support).await;
        bench.sign_up("ann@example.com").await;
        let listed: Vec<_> =
            list_admins(&bench.platform).await.expect("listed").into_iter().map(|row| row.email).collect();
        assert_eq!(listed, ["sue@example.com"]);
        let create = |email, password, role| create_admin(&bench.platform, &bench.identity, email, "X", password, role);
        assert_eq!(code(&create("sue@example.com", PASSWORD, Role::Admin).await), "already_exists");
        assert_eq!(code(&create("x@example.com", "vT9#kq2!mZ", Role::Admin).await), "validation_failed");
        assert_eq!(code(&create("x@example.com", PASSWORD, Role::Customer).await), "validation_failed");
        let reset = |email, password| reset_password(&bench.platform, &bench.identity, email, password);
        assert_eq!(code(&reset("nobody@example.com", "another-Secret-7").await), "not_found");
        assert_eq!(code(&reset("sue@example.com", "vT9#kq2!mZ").await), "validation_failed");
        reset("sue@example.com", "another-Secret-7").await.expect("reset");
        assert_eq!(code(&bench.principal(&grant).await), "unauthenticated");
        assert_eq!(code(&bench.log_in(Audience::Admin, "sue@example.com", "another-Secret-7").await), "good");
        disable(&bench.platform, "sue@example.com").await.expect("disabled");
        assert_eq!(code(&bench.log_in(Audience::Admin, "sue@example.com", "another-Secret-7").await), "forbidden");
    });
}
