//! The pages that links lead to.

use serde_json::json;

use super::stage::{ADA, NEW};
use crate::support::{TestApp, run};

#[test]
fn opening_a_link_does_nothing() {
    run(async {
        let test = TestApp::start().await;
        test.account(ADA).await;
        let letter = test.forgotten(ADA).await;
        for _ in 0..3 {
            // What a mail scanner does; some even send what stands behind the #.
            test.guest().get(&format!("/account/reset-password?token={}", letter.token())).await.assert(200);
            test.guest().get("/account/reset-password").await.assert(200);
        }
        test.auth("reset_password", json!({ "token": letter.token(), "password": NEW })).await.assert(204);
    });
}

#[test]
fn pages_are_there_where_they_are_needed_and_run_no_foreign_script() {
    run(async {
        let test = TestApp::start().await;
        let (public, admin) = (test.guest(), test.admin_guest());
        for name in ["confirm-email", "confirm-new-email", "undo-email-change"] {
            public.get(&format!("/account/{name}")).await.assert(200);
            admin.get(&format!("/account/{name}")).await.assert(404);
        }
        for name in ["not-me", "reset-password", "forgot-password"] {
            for (client, api) in [(&public, "/api/v1"), (&admin, "/api/admin")] {
                let page = client.get(&format!("/account/{name}")).await.assert(200);
                assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
                let policy = page.header("content-security-policy");
                assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
                assert!(page.text.contains(&format!("data-api=\"{api}\"")), "{}", page.text);
                assert!(
                    !page.text.contains("<script>") && !page.text.contains(" on"),
                    "no inline script: {}",
                    page.text
                );
                assert_eq!(page.header("referrer-policy"), "no-referrer");
            }
        }
        for (file, media_type) in
            [("account.js", "javascript"), ("words.js", "javascript"), ("account.css", "text/css")]
        {
            let reply = public.get(&format!("/account/assets/{file}")).await.assert(200);
            assert!(reply.header("content-type").contains(media_type), "{}", reply.header("content-type"));
        }
        for path in ["/account/", "/account/nothing", "/account/assets/page.html", "/account/assets/../page.html"] {
            public.get(path).await.assert(404);
        }
        public.post("/account/reset-password", json!({})).await.assert_error(405, "method_not_allowed");
    });
}
