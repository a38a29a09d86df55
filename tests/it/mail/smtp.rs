//! Mail over SMTP to a few lines of a server that say what a test wants. A real server is in `server.rs`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use chrono::Duration;
use pawbase::config::{MailTransport, SmtpTls};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::delivery::{letter, posted};
use crate::support::{TestApp, run, settings};

/// What a server has got, and what it answers instead of 250.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    answers: HashMap<&'static str, &'static str>,
    mails: Vec<String>,
}

impl Server {
    async fn start() -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let server = Self::default();
        let shared = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = shared.clone();
                tokio::spawn(async move { server.talk(stream).await });
            }
        });
        (server, port)
    }

    fn answer(&self, command: &'static str, with: Option<&'static str>) {
        let mut state = self.0.lock().expect("a lock");
        match with {
            Some(text) => state.answers.insert(command, text),
            None => state.answers.remove(command),
        };
    }

    fn mails(&self) -> Vec<String> {
        self.0.lock().expect("a lock").mails.clone()
    }

    async fn talk(&self, stream: TcpStream) {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let _ = write.write_all(b"220 test\r\n").await;
        while let Ok(Some(line)) = lines.next_line().await {
            let word = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
            let special = self.0.lock().expect("a lock").answers.get(word.as_str()).copied();
            let answer = match (word.as_str(), special) {
                (_, Some(answer)) => answer,
                ("DATA", None) => {
                    let _ = write.write_all(b"354 go on\r\n").await;
                    let mut mail = String::new();
                    while let Ok(Some(line)) = lines.next_line().await {
                        if line == "." {
                            break;
                        }
                        mail.push_str(&line);
                        mail.push('\n');
                    }
                    self.0.lock().expect("a lock").mails.push(mail);
                    "250 kept"
                }
                ("QUIT", None) => "221 bye",
                _ => "250 fine",
            };
            if write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

async fn with(port: u16) -> TestApp {
    let mut config = settings();
    config.mail.transport = MailTransport::Smtp;
    config.mail.smtp_host = "127.0.0.1".into();
    config.mail.smtp_port = port.into();
    config.mail.smtp_tls = SmtpTls::None;
    config.mail.from = "Happy Paws <shop@shop.example>".into();
    config.mail.reply_to = "help@shop.example".into();
    TestApp::with(config).await
}

async fn outcomes(test: &TestApp) -> Vec<String> {
    test.settle().await;
    test.texts("SELECT VALUE state + ' ' + <string> attempts + ' ' + (error ?? '') FROM mails ORDER BY id").await
}

#[test]
fn a_mail_goes_to_the_server() {
    run(async {
        let (server, port) = Server::start().await;
        let test = with(port).await;
        for n in 0..3 {
            posted(&test, letter(&format!("jane{n}@test.example"))).await;
        }
        assert_eq!(outcomes(&test).await, ["sent 1 "; 3]);
        let mails = server.mails();
        assert_eq!(mails.len(), 3);
        for part in ["From: \"Happy Paws\" <shop@shop.example>", "Reply-To: help@shop.example", "@shop.example>"] {
            assert!(mails[0].contains(part), "{part}: {}", mails[0]);
        }
    });
}

#[test]
fn answers_of_the_server_decide_what_follows() {
    run(async {
        let (server, port) = Server::start().await;
        let test = with(port).await;
        server.answer("RCPT", Some("550 5.1.1 no such mailbox"));
        posted(&test, letter("nobody@test.example")).await;
        let outcome = outcomes(&test).await.remove(0);
        assert!(outcome.starts_with("failed 1") && outcome.contains("no such mailbox"), "{outcome}");
        let told = format!("{:?}", test.rows("SELECT VALUE payload.is_bad_address FROM events").await);
        assert_eq!(told, "[Bool(true)]");
        server.answer("RCPT", Some("451 4.7.1 come again"));
        posted(&test, letter("later@test.example")).await;
        let outcome = outcomes(&test).await.remove(1);
        assert!(outcome.starts_with("queued 1") && outcome.contains("come again"), "{outcome}");
        server.answer("RCPT", None);
        test.clock.advance(Duration::minutes(1));
        assert_eq!(outcomes(&test).await[1], "sent 2 ");
        // A mail that is too large says nothing about the address.
        server.answer("MAIL", Some("552 5.3.4 too large"));
        posted(&test, letter("jane@test.example")).await;
        assert!(outcomes(&test).await[2].starts_with("failed 1"));
        let told = format!("{:?}", test.rows("SELECT VALUE payload.is_bad_address FROM events ORDER BY id").await);
        assert_eq!(told, "[Bool(true), Bool(false)]");
        // What the server has against us is no mail's fault.
        server.answer("MAIL", Some("530 5.7.0 Authentication required"));
        posted(&test, letter("jane@test.example")).await;
        assert!(outcomes(&test).await[3].starts_with("queued 1"));
        server.answer("MAIL", None);
        test.clock.advance(Duration::minutes(1));
        assert_eq!(outcomes(&test).await[3], "sent 2 ");
        assert_eq!(server.mails().len(), 2);
    });
}

#[test]
fn a_server_that_does_not_offer_tls_gets_no_mail_that_demands_it() {
    run(async {
        let (server, port) = Server::start().await;
        let mut config = settings();
        config.mail.transport = MailTransport::Smtp;
        config.mail.smtp_host = "127.0.0.1".into();
        config.mail.smtp_port = port.into();
        let test = TestApp::with(config).await;
        posted(&test, letter("jane@test.example")).await;
        let outcome = outcomes(&test).await.remove(0);
        assert!(outcome.starts_with("queued 1"), "{outcome}");
        assert_eq!(server.mails().len(), 0);
        test.expect_jobs(&["mail.send"]);
    });
}
