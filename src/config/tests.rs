//! Tests of the whole module: every kind of error with its exact text, the order of sources, and the files.

use std::fs;
use std::path::{Path, PathBuf};

use super::rules::RULES;
use super::value::Kind;
use super::{Config, FilesBackend, LogFormat, Secret, ServerRole, reference, render_default_file};

type Variables<'a> = &'a [(&'a str, &'a str)];

fn owned(variables: Variables<'_>) -> impl Iterator<Item = (String, String)> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
}

/// Loads a file of this text; an error as its one line.
fn load(text: &str, variables: Variables<'_>) -> Result<Config, String> {
    Config::load_text(Path::new("config.toml"), text, owned(variables)).map_err(|error| error.to_string())
}

fn assert_refused(text: &str, variables: Variables<'_>, expected: &str) {
    let message = load(text, variables).expect_err(text);
    assert_eq!(message, expected, "of {text:?} with {variables:?}");
}

/// A file of the test's own, removed with it.
struct TestFile(PathBuf);

impl TestFile {
    fn new(name: &str, content: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("pawbase-config-{}-{name}.toml", std::process::id()));
        fs::write(&path, content).expect("the temporary folder takes a file");
        Self(path)
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

#[test]
fn defaults_are_the_documented_ones_and_pass_their_own_checks() {
    let config = load("", &[]).expect("defaults are valid");
    assert_eq!(config.public.bind.to_string(), "127.0.0.1:3000");
    assert_eq!(config.admin.bind.to_string(), "127.0.0.1:3001");
    assert_eq!(config.server.roles, [ServerRole::Public, ServerRole::Admin, ServerRole::Worker]);
    assert_eq!(config.server.data, Path::new("./data"));
    assert_eq!(config.log.format, LogFormat::Text);
    assert_eq!(config.to_toml(), Config::default().to_toml());
    for setting in reference() {
        let is_number = setting.kind == Kind::Number;
        assert_eq!(setting.range.is_some(), is_number, "{}: numbers have a range, others none", setting.key);
        let mut config = Config::default();
        setting.assign(&mut config, &(setting.get)(&Config::default())).expect(setting.key);
    }
}

#[test]
fn a_file_sets_every_kind_of_value() {
    let config = load(
        r#"
            admin.bind = "[::1]:80"
            log = { format = "json", level = "pawbase=debug" }
            [public]
            cors_origins = ["*", "https://shop.example:8443", "capacitor://localhost"]
            [server]
            roles = ["worker"]
            data = '/var/lib/pawbase'
            allow_public_demo = true
            trusted_proxies = ["10.0.0.0/8", "fd00::/8"]
            [database]
            url = "wss://db.example"
            password = "hunter2"
            [limits]
            page_max = 1000
            offset_max = 0
        "#,
        &[],
    )
    .expect("valid");
    assert_eq!(config.admin.bind.to_string(), "[::1]:80");
    assert_eq!(config.public.cors_origins.len(), 3);
    assert_eq!(config.server.roles, [ServerRole::Worker]);
    assert_eq!(config.server.data, Path::new("/var/lib/pawbase"));
    assert!(config.server.allow_public_demo);
    assert_eq!(config.server.trusted_proxies.len(), 2);
    assert_eq!(config.database.password.reveal(), "hunter2");
    assert_eq!((config.limits.page_max, config.limits.offset_max), (1000, 0));
    assert_eq!((config.log.format, config.log.level.as_str()), (LogFormat::Json, "pawbase=debug"));
}

#[test]
fn a_wrong_file_is_refused_with_line_and_key() {
    for (text, expected) in [
        ("\n\n[shop]\nname = 1\n", "config.toml:3: shop: unknown section"),
        ("bind = \"127.0.0.1:1\"", "config.toml:1: bind: unknown section"),
        ("limits = 5", "config.toml:1: limits: must be a section, found integer"),
        ("[[limits]]\npage_max = 5", "config.toml:1: limits: must be a section, found array of tables"),
        ("[limits]\n# x\npage_maxx = 5", "config.toml:3: limits.page_maxx: unknown setting"),
        ("[limits]\r\n\r\npage_maxx = 5", "config.toml:3: limits.page_maxx: unknown setting"),
        ("limits.\"a\\nb\" = 5", "config.toml:1: limits.a\\nb: unknown setting"),
        ("[limits]\nbody_kb = \"5\"", "config.toml:2: limits.body_kb: must be a whole number, found string"),
        ("[limits]\nbody_kb = 5.0", "config.toml:2: limits.body_kb: must be a whole number, found float"),
        ("[limits.body_kb]\nx = 5", "config.toml:1: limits.body_kb: must be a whole number, found table"),
        ("[limits]\nrate_limit = 1", "config.toml:2: limits.rate_limit: must be true or false, found integer"),
        ("[log]\nlevel = 3", "config.toml:2: log.level: must be text in quotes, found integer"),
        ("[server]\ndata = []", "config.toml:2: server.data: must be a path in quotes, found array"),
        ("[server]\nroles = \"public\"", "config.toml:2: server.roles: must be a list in brackets, found string"),
        (
            "[public]\nbind = 3000",
            "config.toml:2: public.bind: must be an address (host:port) in quotes, found integer",
        ),
        ("[public]\n\nbind = \"x\"", "config.toml:3: public.bind: not an address (host:port): \"x\""),
        (
            "[public]\nbind = \"localhost:1\"",
            "config.toml:2: public.bind: not an address (host:port): \"localhost:1\"; \
             the host must be an IP address such as 127.0.0.1",
        ),
        (
            "[server]\ntrusted_proxies = [\n  \"10.0.0.0/8\",\n  \"10.0.0.0/33\",\n]",
            "config.toml:4: server.trusted_proxies: not a network (such as 10.0.0.0/8): \"10.0.0.0/33\"",
        ),
        (
            "[server]\nroles = [\n\"public\",\n\"cook\"]",
            "config.toml:4: server.roles: must be one of \"public\", \"admin\", \"worker\", found \"cook\"",
        ),
        ("[log]\nformat = \"a\\nb\"", "config.toml:2: log.format: must be one of \"text\", \"json\", found \"a\\nb\""),
        ("[database]\npassword = 12345678", "config.toml:2: database.password: must be text in quotes, found integer"),
    ] {
        assert_refused(text, &[], expected);
    }
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_its_line() {
    for (text, line) in
        [("[limits]\npage_max = ", 2), ("[limits\n", 1), ("\n\n[log]\nlevel = info", 4), ("a = 1\na = 2", 2)]
    {
        let message = load(text, &[]).expect_err(text);
        assert!(message.starts_with(&format!("config.toml:{line}: not valid TOML: ")), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
    let message = load("[database]\npassword = \"hunter2", &[]).expect_err("unclosed");
    assert!(!message.contains("hunter2"), "a syntax error must not show the line: {message}");
}

#[test]
fn every_number_is_refused_outside_its_range_and_taken_at_its_ends() {
    for setting in reference() {
        let Some(range) = &setting.range else { continue };
        let (least, greatest) = (*range.start(), *range.end());
        let (section, name) = setting.key.split_once('.').expect("dotted");
        for number in [least - 1, greatest + 1, i64::MIN, i64::MAX] {
            let told = format!("must be between {least} and {greatest}, found {number}");
            let text = format!("[{section}]\n\n{name} = {number}");
            assert_refused(&text, &[], &format!("config.toml:3: {}: {told}", setting.key));
            let variable = setting.environment_name();
            let expected = format!("environment {variable}: {told}");
            assert_refused("", &[(&variable, &number.to_string())], &expected);
        }
        for number in [least, greatest] {
            let mut config = Config::default();
            setting.assign(&mut config, &number.into()).expect(setting.key);
            assert_eq!(setting.shown(&config), number.to_string(), "{}", setting.key);
        }
    }
}

#[test]
fn a_broken_rule_is_refused_where_it_was_set() {
    let origins = "must be \"*\" or like \"https://host:port\" without a path, found";
    let password_inside = "must not hold a user or password; set database.username and database.password";
    let url = "must be empty, \"memory\" or start with \"ws://\" or \"wss://\", found";
    for (text, expected) in [
        ("[public]\ncors_origins = [\"shop.example\"]", format!("public.cors_origins: {origins} \"shop.example\"")),
        ("[public]\ncors_origins = [\"https://a/\"]", format!("public.cors_origins: {origins} \"https://a/\"")),
        ("[admin]\ncors_origins = [\"https://*.a\"]", format!("admin.cors_origins: {origins} \"https://*.a\"")),
        (
            "[public]\nbase_url = \"shop.example\"",
            "public.base_url: must be empty or start with \"http://\" or \"https://\", found \"shop.example\"".into(),
        ),
        ("[server]\nroles = []", "server.roles: must name at least one role".into()),
        ("[server]\nroles = [\"admin\", \"admin\"]", "server.roles: must not name a role twice".into()),
        ("[server]\ndata = \"\"", "server.data: must not be empty".into()),
        ("[database]\nurl = \"http://a\"", format!("database.url: {url} \"http://a\"")),
        ("[database]\nurl = \"ws://root:hunter2@a\"", format!("database.url: {password_inside}")),
        ("[database]\nurl = \"ws://a\"", "database.url: needs database.password".into()),
        ("[database]\nurl = \"wss://a\"", "database.url: needs database.password".into()),
        (
            "[limits]\npage_default = 200",
            "limits.page_default: page_default (200) must not exceed page_max (100)".into(),
        ),
        ("[limits]\npage_max = 10", "limits.page_max: page_default (20) must not exceed page_max (10)".into()),
        (
            "[auth]\nargon2_memory_kb = 15\nargon2_parallelism = 2",
            "auth.argon2_memory_kb: argon2_memory_kb (15) must be at least 8 times argon2_parallelism (2)".into(),
        ),
        ("[files]\nbackend = \"s3\"", "files.backend: must name the bucket, or not be \"s3\"".into()),
        (
            "[files]\ns3_endpoint = \"s3.shop.example\"",
            "files.s3_endpoint: must be empty or start with \"http://\" or \"https://\", found \"s3.shop.example\""
                .into(),
        ),
        (
            "[files]\ns3_access_key = \"x\"",
            "files.s3_access_key: goes together: files.s3_access_key and files.s3_secret_key".into(),
        ),
    ] {
        assert_refused(text, &[], &format!("config.toml:2: {expected}"));
    }
    let expected = "environment PAWBASE_LIMITS__PAGE_MAX: page_default (20) must not exceed page_max (5)";
    assert_refused("", &[("PAWBASE_LIMITS__PAGE_MAX", "5")], expected);
    let fits = "[limits]\npage_default = 100\n[auth]\nargon2_memory_kb = 16\nargon2_parallelism = 2";
    assert!(load(fits, &[("PAWBASE_DATABASE__URL", "memory")]).is_ok());
}

#[test]
fn rules_name_settings_that_exist() {
    let mut config = Config::default();
    config.public.cors_origins = vec![String::new()];
    config.admin.cors_origins = vec![String::new()];
    config.public.base_url = "x".to_owned();
    config.server.roles = vec![];
    config.server.data = PathBuf::new();
    config.database.url = "x".to_owned();
    config.limits.page_max = 0;
    config.auth.argon2_memory_kb = 0;
    config.files.backend = FilesBackend::S3;
    config.files.s3_endpoint = "x".to_owned();
    config.files.s3_access_key = "x".to_owned();
    let mut broken: Vec<_> = RULES.iter().filter_map(|rule| rule(&config).err()).collect();
    config.database.url = "ws://x".to_owned();
    broken.extend(RULES.iter().filter_map(|rule| rule(&config).err()));
    let named: Vec<_> = broken.iter().flat_map(|broken| broken.keys).collect();
    assert!(named.len() >= RULES.len());
    for key in named {
        assert!(reference().any(|setting| setting.key == *key), "{key}");
    }
}

#[test]
fn the_environment_overrides_the_file() {
    let text = "[server]\nroles = [\"admin\"]\ntrusted_proxies = [\"10.0.0.0/8\"]\n[limits]\npage_max = 50\n";
    let config = load(
        text,
        &[
            ("PATH", "/bin"),
            ("PAWBASE_TOKEN", "no double underscore, so not a setting"),
            ("OTHER__NAME", "x"),
            ("PAWBASE_SERVER__ROLES", "public, worker"),
            ("PAWBASE_SERVER__TRUSTED_PROXIES", ""),
            ("PAWBASE_SERVER__ALLOW_PUBLIC_DEMO", "true"),
            ("PAWBASE_DATABASE__PASSWORD", "a, b \"c\""),
            ("PAWBASE_LIMITS__PAGE_DEFAULT", "50"),
            ("PAWBASE_LOG__FORMAT", "json"),
        ],
    )
    .expect("valid");
    assert_eq!(config.server.roles, [ServerRole::Public, ServerRole::Worker]);
    assert!(config.server.trusted_proxies.is_empty());
    assert!(config.server.allow_public_demo);
    assert_eq!(config.database.password.reveal(), "a, b \"c\"");
    assert_eq!((config.limits.page_default, config.limits.page_max), (50, 50));
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn a_wrong_variable_is_refused_with_its_name() {
    for (name, value, expected) in [
        ("PAWBASE_PUBLIC__BIND", "x", "not an address (host:port): \"x\""),
        ("PAWBASE_PUBLIC__BIND", "", "not an address (host:port): \"\""),
        ("PAWBASE_PUBLIC__PORT", "1", "unknown setting"),
        ("PAWBASE_SHOP__NAME", "1", "unknown setting"),
        ("PAWBASE_public__bind", "127.0.0.1:1", "unknown setting"),
        ("PAWBASE__BIND", "127.0.0.1:1", "unknown setting"),
        ("PAWBASE_LIMITS__BODY_KB", "many", "must be a whole number, found \"many\""),
        ("PAWBASE_LIMITS__RATE_LIMIT", "yes", "must be true or false, found \"yes\""),
        ("PAWBASE_SERVER__ROLES", "public,", "must be one of \"public\", \"admin\", \"worker\", found \"\""),
        ("PAWBASE_SERVER__ROLES", "", "must name at least one role"),
        ("PAWBASE_SERVER__TRUSTED_PROXIES", "10.0.0.1", "not a network (such as 10.0.0.0/8): \"10.0.0.1\""),
        ("PAWBASE_DATABASE__URL", "ws://a", "needs database.password"),
    ] {
        assert_refused("", &[(name, value)], &format!("environment {name}: {expected}"));
    }
}

#[test]
fn a_named_file_must_exist_and_be_text() {
    let load = |path: &Path| Config::load(Some(path), owned(&[])).map_err(|error| error.to_string());
    let missing = load(Path::new("/nowhere/config.toml")).expect_err("missing");
    assert!(missing.starts_with("/nowhere/config.toml: cannot be read: "), "{missing}");
    let binary = TestFile::new("binary", b"\xff\xfe");
    assert!(load(&binary.0).expect_err("binary").contains("cannot be read: "));
    let good = TestFile::new("good", b"\xef\xbb\xbf[limits]\npage_max = 77\n");
    assert_eq!(load(&good.0).expect("good, with a byte order mark").limits.page_max, 77);
    let wrong = TestFile::new("wrong", b"[limits]\npage_max = 0\n");
    let expected = format!("{}:2: limits.page_max: must be between 1 and 1000, found 0", wrong.0.display());
    assert_eq!(load(&wrong.0).expect_err("wrong"), expected);
}

#[test]
fn what_is_printed_loads_to_the_same_settings() {
    let variables =
        [("PAWBASE_SERVER__DATA", "C:\\it's \"here\"\n"), ("PAWBASE_ADMIN__CORS_ORIGINS", "https://a,https://b")];
    let config = load("[limits]\npage_max = 55\n[server]\ntrusted_proxies = [\"::1/128\"]", &variables).expect("valid");
    let again = load(&config.to_toml(), &[]).expect("what is printed is valid");
    assert_eq!(format!("{again:?}"), format!("{config:?}"));
}

#[test]
fn secrets_are_never_shown() {
    let config = load("", &[("PAWBASE_DATABASE__PASSWORD", "hunter2")]).expect("valid");
    for shown in [config.to_toml(), format!("{config:?}"), config.database.password.to_string()] {
        assert!(!shown.contains("hunter2") && shown.contains("***"), "{shown}");
    }
    assert!(Config::default().to_toml().contains("password = \"\"\n"), "an empty secret is seen to be empty");
    assert_eq!(Secret::from("hunter2".to_owned()).reveal(), "hunter2");
    let secrets: Vec<_> = reference().filter(|setting| setting.is_secret()).map(|setting| setting.key).collect();
    assert_eq!(secrets, ["database.password", "mail.smtp_password", "files.s3_secret_key"]);
}

#[test]
fn the_default_file_is_up_to_date_and_sets_nothing() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml");
    let rendered = render_default_file();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &rendered).expect("config.toml can be written");
    }
    let file = fs::read_to_string(&path).expect("config.toml is there");
    assert_eq!(file, rendered, "config.toml is stale: run `UPDATE=1 cargo test`");
    assert!(file.lines().all(|line| line.len() <= 120), "a line of config.toml is too long");
    let config = Config::load(Some(&path), owned(&[])).expect("config.toml is valid");
    assert_eq!(config.to_toml(), Config::default().to_toml());
}
