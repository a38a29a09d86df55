//! Mails by an SMTP server (RFC 5321): a pool of connections, time-outs, TLS.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{Error, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::{Outgoing, SendFailure, Transport};
use crate::config::{MailSettings, SmtpTls};

/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(30);
/// Answers of the server that say nothing about the mail: it wants another sign-in, or TLS (RFC 4954, RFC 3207).
const ABOUT_US: [u16; 6] = [421, 530, 534, 535, 538, 454];
/// Answers that say that the address is no good (RFC 5321, section 4.2.3).
const BAD_ADDRESS: [u16; 4] = [550, 551, 553, 501];

/// A mail server.
pub struct Smtp {
    pool: AsyncSmtpTransport<Tokio1Executor>,
    host: String,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smtp").field("host", &self.host).finish_non_exhaustive()
    }
}

impl Smtp {
    /// The server of the settings; it is not called yet. Fails with words when the certificate of its authority cannot be used.
    pub fn new(settings: &MailSettings) -> Result<Self, String> {
        let host = settings.smtp_host.clone();
        let tls = match settings.smtp_tls {
            SmtpTls::None => Tls::None,
            SmtpTls::Starttls => Tls::Required(parameters(settings)?),
            SmtpTls::Tls => Tls::Wrapper(parameters(settings)?),
        };
        let port = u16::try_from(settings.smtp_port).map_err(|_| "mail.smtp_port is no port".to_owned())?;
        let pool = PoolConfig::new().max_size(settings.smtp_connections).idle_timeout(IDLE);
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&host)
            .port(port)
            .tls(tls)
            .timeout(Some(Duration::from_secs(settings.smtp_timeout_s)))
            .pool_config(pool);
        if !settings.smtp_user.is_empty() {
            let password = settings.smtp_password.reveal().to_owned();
            builder = builder.credentials(Credentials::new(settings.smtp_user.clone(), password));
        }
        Ok(Self { pool: builder.build(), host })
    }
}

fn parameters(settings: &MailSettings) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(settings.smtp_host.clone());
    let path: &Path = &settings.smtp_ca_file;
    if !path.as_os_str().is_empty() {
        let pem = std::fs::read(path).map_err(|cause| format!("mail.smtp_ca_file {}: {cause}", path.display()))?;
        let certificate =
            Certificate::from_pem(&pem).map_err(|cause| format!("mail.smtp_ca_file {}: {cause}", path.display()))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().map_err(|cause| format!("mail.smtp_tls: {cause}"))
}

#[async_trait]
impl Transport for Smtp {
    async fn send(&self, mail: &Outgoing) -> Result<(), SendFailure> {
        match self.pool.send_raw(&mail.envelope, &mail.bytes).await {
            Ok(_) => Ok(()),
            Err(error) => Err(failure(&error)),
        }
    }
}

fn failure(error: &Error) -> SendFailure {
    let status = error.status().map(u16::from);
    let message = format!("The mail server says: {}.", words(error));
    match status {
        Some(code) if error.is_permanent() && !ABOUT_US.contains(&code) => {
            SendFailure::Refused { message, is_bad_address: BAD_ADDRESS.contains(&code) }
        }
        Some(_) => SendFailure::Later(message),
        None => SendFailure::Later(format!("The mail server cannot be reached: {}.", words(error))),
    }
}

/// An error and what led to it, in one line.
fn words(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = cause.source();
    }
    text.trim_end_matches('.').chars().take(500).collect()
}
