//! The one list of settings. Structs, defaults, ranges, `config.toml` and the environment's names all come from it.
//!
//! A line is `name: Type = default, least..=greatest;` below one line on what it is for. Sizes counted in things are
//! `usize`; times and bytes are `u64`; what a library wants as `u32` is `u32`.
//! Deliberately elsewhere: the form of a text and rules between settings (`rules.rs`).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

use super::setting::{Section, Setting, settings};
use super::value::{FilesBackend, LogFormat, MailTransport, Secret, ServerRole, SettingValue, SmtpTls};

settings! {
    /// The listener for customers and apps.
    [public] PublicSettings {
        /// IP address and port to listen on.
        bind: SocketAddr = loopback(3000);
        /// Web origins that may call, such as `https://shop.example`; "*" means any origin, without credentials.
        cors_origins: Vec<String> = Vec::new();
        /// Address by which the outside reaches this listener, used in links, such as `https://api.shop.example`.
        base_url: String = String::new();
    }

    /// The listener for the people who run the shop, and the console.
    [admin] AdminSettings {
        /// IP address and port to listen on.
        bind: SocketAddr = loopback(3001);
        /// Web origins that may call; "*" means any origin, without credentials.
        cors_origins: Vec<String> = Vec::new();
        /// Address by which staff reach this listener, used in links, such as `https://admin.shop.example`.
        base_url: String = String::new();
    }

    /// The process.
    [server] ServerSettings {
        /// What this process does: any of "public", "admin", "worker".
        roles: Vec<ServerRole> = vec![ServerRole::Public, ServerRole::Admin, ServerRole::Worker];
        /// Folder that holds everything of this installation.
        data: PathBuf = PathBuf::from("./data");
        /// Folder of the shop's own schema files; empty means "schemas" in the data folder, if it exists.
        schemas: PathBuf = PathBuf::new();
        /// How long running requests may finish after a stop signal, in seconds.
        shutdown_timeout_s: u64 = 20, 1..=600;
        /// Threads that answer requests; 0 means one per core.
        threads: usize = 0, 0..=256;
        /// Memory for the answers of reads, kept until something is written, in MB; 0 keeps none.
        answers_mb: u64 = 32, 0..=65_536;
        /// Whether a demo, whose passwords are known, may listen beyond this machine.
        allow_public_demo: bool = false;
        /// Networks of the proxies whose word on the caller's address is taken, such as "10.0.0.0/8".
        trusted_proxies: Vec<IpNet> = Vec::new();
    }

    /// Where records are kept.
    [database] DatabaseSettings {
        /// Empty means the data folder, "memory" means nothing is kept, ws:// or wss:// a SurrealDB server.
        url: String = String::new();
        /// User at the SurrealDB server.
        username: String = "root".to_owned();
        /// Password at the SurrealDB server; better set by the environment.
        password: Secret = Secret::default();
        /// Memory of the embedded engine for blocks read from disk, in MB.
        block_cache_mb: u64 = 64, 8..=1_048_576;
        /// Memory of the embedded engine for each table of recent writes, in MB.
        memtable_mb: u64 = 64, 4..=4096;
        /// How long one query may take, in seconds.
        query_timeout_s: u64 = 10, 1..=600;
    }

    /// What one caller may ask for.
    [limits] LimitSettings {
        /// Whether requests per minute are limited at all.
        rate_limit: bool = true;
        /// Requests per minute of an address that is not signed in.
        guest_per_minute: u32 = 100, 1..=1_000_000;
        /// Requests per minute of a signed-in caller.
        signed_per_minute: u32 = 600, 1..=1_000_000;
        /// Requests per minute of an address to sign-in, sign-up and the like.
        auth_per_minute: u32 = 20, 1..=1_000_000;
        /// Files that an address may ask for in a minute.
        download_per_minute: u32 = 1200, 1..=1_000_000;
        /// Size of a request's body, in KB.
        body_kb: u64 = 1024, 1..=1_048_576;
        /// Size of a file to import, in MB.
        import_mb: u64 = 32, 1..=1024;
        /// Rows of a file to import.
        import_rows_max: usize = 50_000, 1..=1_000_000;
        /// How long an import may take, in seconds.
        import_timeout_s: u64 = 300, 1..=3600;
        /// Size of a request's headers, in KB.
        header_kb: u64 = 32, 4..=1024;
        /// Length of a request's address, in KB.
        uri_kb: u64 = 8, 1..=64;
        /// Connections open at once.
        connections: usize = 4096, 1..=1_000_000;
        /// How long a client may take nothing of what is sent to it before its connection is closed, in seconds.
        stalled_s: u64 = 60, 1..=3600;
        /// How long a request may take, in seconds.
        request_timeout_s: u64 = 30, 1..=600;
        /// Records on a page when the caller does not say; at most page_max.
        page_default: usize = 20, 1..=1000;
        /// Records on a page at most.
        page_max: usize = 100, 1..=1000;
        /// Records a caller may skip.
        offset_max: usize = 10_000, 0..=1_000_000;
        /// Cost of a filter at most.
        filter_cost_max: usize = 100, 1..=10_000;
        /// Operations in a batch at most.
        batch_max: usize = 100, 1..=1000;
        /// How many links deep an answer may expand; 0 means not at all.
        expand_depth_max: usize = 3, 0..=5;
        /// Groups in an aggregate at most.
        aggregate_groups_max: usize = 1000, 1..=100_000;
        /// Signed-in callers kept ready in memory.
        principals: usize = 10_000, 10..=1_000_000;
    }

    /// Signing in.
    [auth] AuthSettings {
        /// How long an access token is valid, in minutes.
        access_token_minutes: u64 = 15, 1..=1440;
        /// How long a refresh token is valid, in days.
        refresh_token_days: u64 = 30, 1..=365;
        /// Failed sign-ins before an account is locked.
        lockout_failures: u32 = 5, 1..=100;
        /// How long it stays locked, in minutes.
        lockout_minutes: u64 = 30, 1..=10_080;
        /// Characters of a password at least.
        password_min: usize = 10, 8..=128;
        /// Memory to hash one password, in KB; the default is OWASP's. At least 8 for each argon2_parallelism.
        argon2_memory_kb: u32 = 19_456, 8..=4_194_304;
        /// Passes over that memory.
        argon2_iterations: u32 = 2, 1..=100;
        /// Lanes of that memory.
        argon2_parallelism: u32 = 1, 1..=64;
        /// Passwords hashed at once; each takes argon2_memory_kb.
        hashing_threads: usize = 2, 1..=64;
        /// Whether cookies are sent over HTTPS only; set it in production.
        secure_cookies: bool = false;
        /// Whether guests may sign up.
        signup: bool = true;
        /// Whether an account can be used only once its e-mail address was confirmed.
        require_verified_email: bool = false;
        /// How long a link that confirms an e-mail address is good, in hours.
        confirm_link_hours: u64 = 48, 1..=720;
        /// How long a link that resets a password is good, in minutes.
        reset_link_minutes: u64 = 60, 5..=1440;
        /// How long a change of address, or an unknown sign-in, can be undone by mail, in days.
        undo_link_days: u64 = 7, 1..=60;
        /// How long the answer to an Idempotency-Key is kept, in hours.
        idempotency_hours: u64 = 24, 1..=720;
    }

    /// Mail that the program sends.
    [mail] MailSettings {
        /// "file" keeps mails in the folder "outbox" of the data folder, "smtp" sends them, "off" does neither.
        transport: MailTransport = MailTransport::File;
        /// Who sends: a name, which is the shop's in all mails, and an address.
        from: String = "Pawbase <pawbase@localhost>".to_owned();
        /// Address for answers; empty means the sender's.
        reply_to: String = String::new();
        /// Host name of the mail server.
        smtp_host: String = "localhost".to_owned();
        /// Port of the mail server: 587 with "starttls", 465 with "tls".
        smtp_port: u32 = 587, 1..=65_535;
        /// How the connection is secured: "starttls", "tls" or "none".
        smtp_tls: SmtpTls = SmtpTls::Starttls;
        /// Certificate of the mail server's own authority, as a PEM file; empty means those of the system.
        smtp_ca_file: PathBuf = PathBuf::new();
        /// User at the mail server; empty means without sign-in.
        smtp_user: String = String::new();
        /// Password at the mail server; better set by the environment.
        smtp_password: Secret = Secret::default();
        /// Connections to the mail server at once.
        smtp_connections: u32 = 4, 1..=100;
        /// How long the mail server may take for an answer, in seconds.
        smtp_timeout_s: u64 = 20, 1..=50;
        /// How long the log of mails is kept, in days.
        keep_days: u64 = 90, 1..=3650;
    }

    /// Events and jobs.
    [work] WorkSettings {
        /// How often a worker looks of itself for what other processes left to be done, in seconds.
        poll_s: u64 = 5, 1..=3600;
        /// How long events are kept, in days; longer than any job may take.
        event_days: u64 = 30, 1..=3650;
        /// How long done and dropped jobs are kept, in days.
        job_days: u64 = 7, 1..=3650;
        /// How long jobs that were given up are kept, in days.
        dead_job_days: u64 = 90, 1..=3650;
    }

    /// Webhooks: telling others of events, and being told.
    [webhooks] WebhookSettings {
        /// Networks of this house that may be called, such as "10.0.0.0/8"; others that are not public never are.
        allow_private: Vec<IpNet> = Vec::new();
        /// Whether addresses may begin with http:// instead of https://.
        allow_http: bool = false;
        /// How long an endpoint may take to answer, in seconds.
        timeout_s: u64 = 20, 1..=50;
        /// After how many days of nothing but failures an endpoint is disabled.
        disable_days: u64 = 5, 1..=365;
        /// How long deliveries and received webhooks are kept, in days.
        log_days: u64 = 30, 1..=3650;
    }

    /// Changes as they happen, by WebSocket and SSE.
    [realtime] RealtimeSettings {
        /// Connections open at once; fewer than limits.connections, so that requests still find a place.
        connections: usize = 3500, 1..=1_000_000;
        /// Connections of one signed-in user at once.
        connections_per_user: usize = 50, 1..=1_000_000;
        /// Connections of guests from one address at once.
        connections_per_address: usize = 100, 1..=1_000_000;
        /// Subscriptions of one connection.
        subscriptions: usize = 2000, 1..=100_000;
        /// Messages that wait for a connection at most; one that falls behind further is told so and closed.
        queue_messages: usize = 4000, 10..=1_000_000;
        /// Size of the messages that wait for a connection at most, in KB.
        queue_kb: u64 = 1024, 16..=1_048_576;
        /// Frames that a connection may send per second; for a moment ten times as many.
        frames_per_s: u32 = 100, 1..=100_000;
        /// Size of a frame that a client sends, in KB.
        frame_kb: u64 = 64, 1..=4096;
        /// After how long without a message a connection is shown that it is still there, in seconds.
        heartbeat_s: u64 = 25, 1..=600;
        /// Changes of each table kept for those who come back.
        replay: usize = 1000, 0..=100_000;
        /// How long the changes of a table are still followed after its last subscriber has left, in seconds.
        linger_s: u64 = 60, 0..=3600;
    }

    /// Files that people upload.
    [files] FileSettings {
        /// "local" keeps them in a folder, "s3" in a bucket.
        backend: FilesBackend = FilesBackend::Local;
        /// Folder of the files, and of uploads that are not whole yet; empty means "files" in the data folder.
        folder: PathBuf = PathBuf::new();
        /// Size of a file, in MB, whatever it is for.
        max_mb: u64 = 100, 1..=5000;
        /// Size of all files that one person has uploaded, in MB; staff are not limited.
        quota_mb: u64 = 1024, 1..=1_048_576;
        /// How long an upload may take, in seconds.
        upload_timeout_s: u64 = 300, 1..=3600;
        /// Megapixels of a picture; while it is made ready it takes up to 8 MB for each.
        picture_megapixels: u64 = 50, 1..=500;
        /// Pictures made ready at once.
        picture_threads: usize = 2, 1..=64;
        /// How long the signed address of a private file is good, in minutes.
        url_minutes: u64 = 60, 1..=10_080;
        /// How long a file is kept that no record links to, in hours.
        unlinked_hours: u64 = 24, 1..=8760;
        /// Address of the S3 server, such as `https://s3.shop.example`; empty means that of AWS.
        s3_endpoint: String = String::new();
        /// Region of the bucket.
        s3_region: String = "us-east-1".to_owned();
        /// Name of the bucket; it must be there.
        s3_bucket: String = String::new();
        /// Access key of the bucket; empty means what the machine itself has at AWS.
        s3_access_key: String = String::new();
        /// Secret of the access key; better set by the environment.
        s3_secret_key: Secret = Secret::default();
        /// Whether the bucket stands in the path of an address (true), or in front of its host (false).
        s3_path_style: bool = true;
    }

    /// What is written to the log.
    [log] LogSettings {
        /// "text" for people, "json" for machines.
        format: LogFormat = LogFormat::Text;
        /// How much: error, warn, info, debug, trace, or by part such as "info,pawbase=debug".
        level: String = "info".to_owned();
    }
}

/// A port of this machine only.
const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}
