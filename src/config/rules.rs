//! What type and range of one value cannot say: the form of a text, and rules between settings.
//!
//! Deliberately elsewhere: ranges of numbers (`list.rs`), and whether a folder exists or an address is free (start-up).

use std::collections::HashSet;

use lettre::message::Mailbox;

use super::list::Config;
use super::value::{FilesBackend, MailTransport, SmtpTls};

/// A rule that the settings break.
#[derive(Debug)]
pub(super) struct Broken {
    /// The settings it is about; the first of them that somebody set is named in the error.
    pub(super) keys: &'static [&'static str],
    /// What is wrong, true of whichever of the settings is named.
    pub(super) message: String,
}

type Verdict = Result<(), Broken>;

/// All rules, in the order in which they are checked.
pub(super) const RULES: &[fn(&Config) -> Verdict] = &[
    public_origins_are_origins,
    admin_origins_are_origins,
    base_url_is_http,
    admin_base_url_is_http,
    roles_are_few_and_different,
    data_is_named,
    database_url_is_known,
    remote_database_has_password,
    page_default_fits,
    argon2_has_memory,
    mail_from_is_an_address,
    mail_reply_to_is_an_address,
    mail_server_is_named,
    mail_password_is_not_sent_in_the_clear,
    s3_has_a_bucket,
    s3_endpoint_is_http,
    s3_key_has_its_secret,
];

fn check(holds: bool, keys: &'static [&'static str], message: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(Broken { keys, message: message() }) }
}

/// Whether a browser could send this as its `Origin` (RFC 6454, section 6.2): a scheme, a host, perhaps a port.
fn is_origin(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, host)| {
        !scheme.is_empty() && !host.is_empty() && !text.contains(char::is_whitespace) && !host.contains(['/', '*', '@'])
    })
}

fn origins_are_origins(origins: &[String], keys: &'static [&'static str]) -> Verdict {
    let wrong = origins.iter().find(|origin| *origin != "*" && !is_origin(origin));
    wrong.map_or(Ok(()), |wrong| {
        let message = format!("must be \"*\" or like \"https://host:port\" without a path, found {wrong:?}");
        Err(Broken { keys, message })
    })
}

fn public_origins_are_origins(config: &Config) -> Verdict {
    origins_are_origins(&config.public.cors_origins, &["public.cors_origins"])
}

fn admin_origins_are_origins(config: &Config) -> Verdict {
    origins_are_origins(&config.admin.cors_origins, &["admin.cors_origins"])
}

fn is_base_url(url: &str, keys: &'static [&'static str]) -> Verdict {
    let holds = url.is_empty() || url.starts_with("http://") || url.starts_with("https://");
    check(holds, keys, || format!("must be empty or start with \"http://\" or \"https://\", found {url:?}"))
}

fn base_url_is_http(config: &Config) -> Verdict {
    is_base_url(&config.public.base_url, &["public.base_url"])
}

fn admin_base_url_is_http(config: &Config) -> Verdict {
    is_base_url(&config.admin.base_url, &["admin.base_url"])
}

fn is_mailbox(text: &str, keys: &'static [&'static str]) -> Verdict {
    check(text.parse::<Mailbox>().is_ok(), keys, || {
        format!("must be like \"shop@shop.example\" or \"My Shop <shop@shop.example>\", found {text:?}")
    })
}

fn mail_from_is_an_address(config: &Config) -> Verdict {
    is_mailbox(&config.mail.from, &["mail.from"])
}

fn mail_reply_to_is_an_address(config: &Config) -> Verdict {
    let reply_to = &config.mail.reply_to;
    if reply_to.is_empty() { Ok(()) } else { is_mailbox(reply_to, &["mail.reply_to"]) }
}

fn mail_server_is_named(config: &Config) -> Verdict {
    let holds = config.mail.transport != MailTransport::Smtp || !config.mail.smtp_host.is_empty();
    check(holds, &["mail.smtp_host"], || "must name the mail server".to_owned())
}

/// A password goes in the clear over this machine's own network at most.
fn mail_password_is_not_sent_in_the_clear(config: &Config) -> Verdict {
    let mail = &config.mail;
    let is_here = ["localhost", "127.0.0.1", "::1"].contains(&mail.smtp_host.as_str());
    let holds = mail.smtp_tls != SmtpTls::None || mail.smtp_user.is_empty() || is_here;
    check(holds, &["mail.smtp_tls", "mail.smtp_user", "mail.smtp_host"], || {
        "would send mail.smtp_password in the clear; set mail.smtp_tls to \"starttls\" or \"tls\"".to_owned()
    })
}

fn s3_has_a_bucket(config: &Config) -> Verdict {
    let holds = config.files.backend != FilesBackend::S3 || !config.files.s3_bucket.is_empty();
    check(holds, &["files.s3_bucket", "files.backend"], || "must name the bucket, or not be \"s3\"".to_owned())
}

fn s3_endpoint_is_http(config: &Config) -> Verdict {
    is_base_url(&config.files.s3_endpoint, &["files.s3_endpoint"])
}

fn s3_key_has_its_secret(config: &Config) -> Verdict {
    let files = &config.files;
    let holds = files.s3_access_key.is_empty() == files.s3_secret_key.reveal().is_empty();
    check(holds, &["files.s3_access_key", "files.s3_secret_key"], || {
        "goes together: files.s3_access_key and files.s3_secret_key".to_owned()
    })
}

fn roles_are_few_and_different(config: &Config) -> Verdict {
    let roles = &config.server.roles;
    let different: HashSet<_> = roles.iter().collect();
    check(!roles.is_empty(), &["server.roles"], || "must name at least one role".to_owned())?;
    check(different.len() == roles.len(), &["server.roles"], || "must not name a role twice".to_owned())
}

fn data_is_named(config: &Config) -> Verdict {
    check(!config.server.data.as_os_str().is_empty(), &["server.data"], || "must not be empty".to_owned())
}

/// A password inside the address would be shown wherever the address is, so it is refused and not repeated here.
fn database_url_is_known(config: &Config) -> Verdict {
    let url = &config.database.url;
    let holds = url.is_empty() || url == "memory" || is_remote(url);
    check(!url.contains('@'), &["database.url"], || {
        "must not hold a user or password; set database.username and database.password".to_owned()
    })?;
    check(holds, &["database.url"], || {
        format!("must be empty, \"memory\" or start with \"ws://\" or \"wss://\", found {url:?}")
    })
}

fn remote_database_has_password(config: &Config) -> Verdict {
    let holds = !is_remote(&config.database.url) || !config.database.password.reveal().is_empty();
    check(holds, &["database.url"], || "needs database.password".to_owned())
}

fn is_remote(url: &str) -> bool {
    url.starts_with("ws://") || url.starts_with("wss://")
}

fn page_default_fits(config: &Config) -> Verdict {
    let (default, max) = (config.limits.page_default, config.limits.page_max);
    check(default <= max, &["limits.page_default", "limits.page_max"], || {
        format!("page_default ({default}) must not exceed page_max ({max})")
    })
}

/// RFC 9106, section 3.1: memory is at least 8 KB for each lane.
fn argon2_has_memory(config: &Config) -> Verdict {
    let (memory_kb, lanes) = (config.auth.argon2_memory_kb, config.auth.argon2_parallelism);
    check(memory_kb / 8 >= lanes, &["auth.argon2_memory_kb", "auth.argon2_parallelism"], || {
        format!("argon2_memory_kb ({memory_kb}) must be at least 8 times argon2_parallelism ({lanes})")
    })
}
