//! Mail to a real server, aiosmtpd: TLS in both ways, sign-in, refusals, and what a mail program makes of our mails. The server is
//! `tests/contract/mail_server.py`; `.ci/tools` installs what it needs outside the repository.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use chrono::Duration;
use pawbase::config::{MailTransport, SmtpTls};
use pawbase::modules::mail::Link;
use serde_json::{Value, json};
use uuid::Uuid;

use super::delivery::{letter, posted};
use crate::support::people::PASSWORD;
use crate::support::{TestApp, run, settings};
use crate::tools::Tools;

/// Set where the tools are installed: then they must be there.
const SWITCH: &str = "PAWBASE_CONTRACT";

/// A running server. It ends when its input does.
struct Server {
    child: Child,
    tools: Tools,
    /// For STARTTLS, and for TLS from the first byte.
    ports: [u32; 2],
}

impl Server {
    fn start(tools: Tools) -> Self {
        for name in ["mail_server.py", "mail_server_certificate.pem", "mail_server_key.pem"] {
            tools.copy(&format!("tests/contract/{name}"));
        }
        let mut command = tools.python("python");
        command.arg("mail_server.py").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("a server");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let ports = serde_json::from_str(&line).unwrap_or_else(|error| panic!("no ports: {line:?} {error}"));
        Self { child, tools, ports }
    }

    fn certificate(&self) -> std::path::PathBuf {
        self.tools.folder().join("mail_server_certificate.pem")
    }

    /// The mails that it has kept, in order.
    fn mails(&self) -> Vec<Value> {
        let path = |n: usize| self.tools.folder().join(format!("mails/{n}.json"));
        let read = |path: &Path| serde_json::from_slice(&std::fs::read(path).expect("a mail")).expect("JSON");
        (1..).map(path).take_while(|path| path.exists()).map(|path| read(&path)).collect()
    }

    async fn app(&self, tls: SmtpTls, password: &str) -> TestApp {
        let mut config = settings();
        config.mail.transport = MailTransport::Smtp;
        config.mail.smtp_host = "localhost".into();
        config.mail.smtp_port = self.ports[usize::from(tls == SmtpTls::Tls)];
        config.mail.smtp_tls = tls;
        config.mail.smtp_ca_file = self.certificate();
        config.mail.smtp_user = "pawbase".into();
        config.mail.smtp_password = password.to_owned().into();
        config.mail.from = "Glückliche Pfoten <shop@shop.example>".into();
        TestApp::with(config).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

async fn states(test: &TestApp) -> Vec<String> {
    test.settle().await;
    test.texts("SELECT VALUE state + ' ' + <string> attempts FROM mails ORDER BY id").await
}

#[test]
fn a_real_server_gets_whole_mails_over_tls() {
    let Some(tools) = Tools::open(SWITCH) else { return };
    run(async {
        let server = Server::start(tools);
        for (n, tls) in [SmtpTls::Starttls, SmtpTls::Tls].into_iter().enumerate() {
            let test = server.app(tls, "a mail password").await;
            let body =
                json!({ "email": "ada@test.example", "password": PASSWORD, "name": "Ada Müßig 🐾", "locale": "de" });
            test.guest().post("/api/v1/auth/signup", body).await.assert(201);
            let link = Link::new("/unsubscribe", "test", Uuid::from_u128(1));
            posted(&test, letter("jane@test.example").unsubscribe(link)).await;
            assert_eq!(states(&test).await, ["sent 1", "sent 1"]);
            let mails = server.mails();
            assert_eq!(mails.len(), 2 * (n + 1));
            let (first, second) = (&mails[2 * n], &mails[2 * n + 1]);
            assert_eq!(
                (&first["has_tls"], &first["user"], &first["defects"]),
                (&json!(true), &json!("pawbase"), &json!([]))
            );
            assert_eq!((&first["from"], &first["to"]), (&json!("shop@shop.example"), &json!(["ada@test.example"])));
            assert_eq!(first["headers"]["From"], "Glückliche Pfoten <shop@shop.example>");
            assert_eq!(first["headers"]["Subject"], "Bitte bestätigen Sie Ihre E-Mail-Adresse");
            for half in ["text", "html"] {
                let text = first[half].as_str().expect("a half");
                assert!(
                    text.contains("Ada Müßig 🐾") && text.contains("account") && text.contains("#token="),
                    "{text}"
                );
            }
            assert_eq!(second["headers"]["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
            let listed = second["headers"]["List-Unsubscribe"].as_str().expect("a header");
            assert!(
                listed.starts_with("<http://127.0.0.1:3000/unsubscribe?token=") && listed.ends_with('>'),
                "{listed}"
            );
        }
    });
}

#[test]
fn a_real_server_refuses_for_ever_for_a_while_and_without_the_password() {
    let Some(tools) = Tools::open(SWITCH) else { return };
    run(async {
        let server = Server::start(tools);
        let test = server.app(SmtpTls::Starttls, "a mail password").await;
        posted(&test, letter("nobody@test.example")).await;
        posted(&test, letter("later@test.example")).await;
        assert_eq!(states(&test).await, ["failed 1", "queued 1"]);
        test.clock.advance(Duration::minutes(1));
        assert_eq!(states(&test).await, ["failed 1", "sent 2"]);
        let intruder = server.app(SmtpTls::Starttls, "a wrong password").await;
        posted(&intruder, letter("jane@test.example")).await;
        assert_eq!(states(&intruder).await, ["queued 1"], "it is no fault of the mail");
        intruder.expect_jobs(&["mail.send"]);
        // Without its authority's certificate the server is not to be trusted.
        let mut config = settings();
        config.mail.transport = MailTransport::Smtp;
        config.mail.smtp_port = server.ports[1];
        config.mail.smtp_tls = SmtpTls::Tls;
        let careful = TestApp::with(config).await;
        posted(&careful, letter("jane@test.example")).await;
        assert_eq!(states(&careful).await, ["queued 1"]);
        careful.expect_jobs(&["mail.send"]);
        assert_eq!(server.mails().len(), 1);
    });
}
