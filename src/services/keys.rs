//! The secrets of an installation: made at first start, read afterwards, never shown.
//!
//! One file each in the keys folder (folder 0700, files 0600). A file appears whole or not at all, and an existing one is
//! never written over: two processes that start at once end up with the same keys. Deliberately elsewhere: what is signed
//! with them (modules::identity) and the engine that takes its password from here.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use aws_lc_rs::rand;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::context::Audience;

/// Bytes of a secret.
const SECRET_BYTES: usize = 32;

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file or folder cannot be read or made.
    #[error("cannot use key file {}: {cause}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A file is not what this program wrote. Restore it from a backup: a new key would end every sign-in, and the
    /// database would refuse a new password.
    #[error("key file {} is damaged ({reason}); restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it; never its content.
        reason: &'static str,
    },
    /// The system gives no random bytes, or a key pair cannot be made.
    #[error("cannot make a key: {0}")]
    NotMade(&'static str),
}

/// `count` random bytes of the operating system's generator, as base64url. The one place secrets come from.
pub fn random_text(count: usize) -> Result<String, KeysError> {
    let mut bytes = vec![0u8; count];
    rand::fill(&mut bytes).map_err(|_| KeysError::NotMade("no random bytes"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A key pair that signs access tokens of one audience (EdDSA with Ed25519).
pub struct SigningKey {
    kid: String,
    public: [u8; 32],
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl SigningKey {
    /// Reads a PKCS#8 key in PEM form; the reason when it is not one.
    fn from_pem(pem: &str) -> Result<Self, &'static str> {
        let encoding = EncodingKey::from_ed_pem(pem.as_bytes()).map_err(|_| "not an Ed25519 key in PEM form")?;
        let pair = Ed25519KeyPair::from_pkcs8(encoding.inner()).map_err(|_| "not an Ed25519 key")?;
        let public: [u8; 32] = pair.public_key().as_ref().try_into().map_err(|_| "not an Ed25519 key")?;
        let decoding = DecodingKey::from_ed_der(&public);
        Ok(Self { kid: thumbprint(&public), public, encoding, decoding })
    }

    /// Its name: the RFC 7638 thumbprint of the public key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The half that signs.
    pub fn encoding(&self) -> &EncodingKey {
        &self.encoding
    }

    /// The half that verifies.
    pub fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }

    /// The public half as a JSON Web Key (RFC 8037).
    fn jwk(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.public);
        json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.kid, "x": x })
    }
}

/// The thumbprint of RFC 7638: SHA-256 over the required members in order, as base64url.
fn thumbprint(public: &[u8; 32]) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, URL_SAFE_NO_PAD.encode(public));
    URL_SAFE_NO_PAD.encode(Sha256::digest(members))
}

/// All keys of an installation.
pub struct Keys {
    engine_root_password: String,
    engine_session_key: String,
    csrf: String,
    links: String,
    public: SigningKey,
    admin: SigningKey,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("public", &self.public.kid).field("admin", &self.admin.kid).finish_non_exhaustive()
    }
}

impl Keys {
    /// Reads the keys in `folder`, making what is missing; without a folder, fresh keys that end with the process.
    pub fn open(folder: Option<&Path>) -> Result<Self, KeysError> {
        if let Some(folder) = folder {
            make_folder(folder).map_err(|cause| KeysError::Io { path: folder.to_owned(), cause })?;
        }
        Ok(Self {
            engine_root_password: secret(folder, "engine-root.key")?,
            engine_session_key: secret(folder, "engine-session.key")?,
            csrf: secret(folder, "csrf.key")?,
            links: secret(folder, "links.key")?,
            public: signing_key(folder, "public-signing.pem")?,
            admin: signing_key(folder, "admin-signing.pem")?,
        })
    }

    /// Password of the embedded engine's root user.
    pub fn engine_root_password(&self) -> &str {
        &self.engine_root_password
    }

    /// Key of the access methods by which callers enter the database.
    pub fn engine_session_key(&self) -> &str {
        &self.engine_session_key
    }

    /// Key of the CSRF tokens.
    pub fn csrf_key(&self) -> &str {
        &self.csrf
    }

    /// The token of a link in a mail: the key of the row that it opens, and a seal for this purpose alone. It is the same each time it
    /// is made, so that none needs to be stored; the row says until when and how often it works.
    pub fn link_token(&self, purpose: &str, id: Uuid) -> String {
        format!("{}.{}", URL_SAFE_NO_PAD.encode(id.as_bytes()), self.seal(purpose, id))
    }

    /// What shows that we said `purpose` of `id`. It is the same each time it is made.
    pub fn seal(&self, purpose: &str, id: Uuid) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.link_key(), &sealed(purpose, id)).as_ref())
    }

    /// Whether `seal` is ours for this purpose and `id`. In constant time.
    pub fn is_sealed(&self, purpose: &str, id: Uuid, seal: &str) -> bool {
        let seal = URL_SAFE_NO_PAD.decode(seal);
        seal.is_ok_and(|seal| hmac::verify(&self.link_key(), &sealed(purpose, id), &seal).is_ok())
    }

    /// The row that a link's token opens; None when it was not made here, or for another purpose. In constant time.
    pub fn open_link(&self, purpose: &str, token: &str) -> Option<Uuid> {
        let (id, seal) = token.split_once('.')?;
        let id = Uuid::from_slice(&URL_SAFE_NO_PAD.decode(id).ok()?).ok()?;
        self.is_sealed(purpose, id, seal).then_some(id)
    }

    fn link_key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.links.as_bytes())
    }

    /// The key that signs access tokens of `audience`.
    pub fn signing(&self, audience: Audience) -> &SigningKey {
        match audience {
            Audience::Public => &self.public,
            Audience::Admin => &self.admin,
        }
    }

    /// The published public keys of `audience`, as a JSON Web Key Set (RFC 7517).
    pub fn jwks(&self, audience: Audience) -> Value {
        json!({ "keys": [self.signing(audience).jwk()] })
    }
}

/// What a link's seal is over. Keys have one length, so no two pairs are the same bytes.
fn sealed(purpose: &str, id: Uuid) -> Vec<u8> {
    [id.as_bytes(), purpose.as_bytes()].concat()
}

fn secret(folder: Option<&Path>, name: &str) -> Result<String, KeysError> {
    stored(
        folder,
        name,
        || random_text(SECRET_BYTES),
        |text| {
            let text = text.trim_end();
            let is_whole = URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == SECRET_BYTES);
            if is_whole { Ok(text.to_owned()) } else { Err("not 32 bytes of base64url") }
        },
    )
}

fn signing_key(folder: Option<&Path>, name: &str) -> Result<SigningKey, KeysError> {
    stored(folder, name, new_pem, SigningKey::from_pem)
}

/// A new Ed25519 key pair as PKCS#8 in PEM form (RFC 7468).
fn new_pem() -> Result<String, KeysError> {
    let pair = Ed25519KeyPair::generate().map_err(|_| KeysError::NotMade("no key pair"))?;
    let der = pair.to_pkcs8v1().map_err(|_| KeysError::NotMade("no key pair"))?;
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", STANDARD.encode(der.as_ref())))
}

/// The key in the file `name`, after making the file if it is missing.
fn stored<T>(
    folder: Option<&Path>,
    name: &str,
    make: impl Fn() -> Result<String, KeysError>,
    parse: impl Fn(&str) -> Result<T, &'static str>,
) -> Result<T, KeysError> {
    let Some(folder) = folder else {
        return parse(&make()?).map_err(KeysError::NotMade);
    };
    let path = folder.join(name);
    let text = read_or_make(&path, make)?;
    parse(&text).map_err(|reason| KeysError::Damaged { path, reason })
}

fn read_or_make(path: &Path, make: impl Fn() -> Result<String, KeysError>) -> Result<String, KeysError> {
    let failed = |cause| KeysError::Io { path: path.to_owned(), cause };
    match fs::read(path) {
        Ok(bytes) => return as_text(path, bytes),
        Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(failed(cause)),
        Err(_) => {}
    }
    write_once(path, &make()?).map_err(failed)?;
    // Read back: another process may have been first, and its key counts.
    as_text(path, fs::read(path).map_err(failed)?)
}

fn as_text(path: &Path, bytes: Vec<u8>) -> Result<String, KeysError> {
    String::from_utf8(bytes).map_err(|_| KeysError::Damaged { path: path.to_owned(), reason: "not text" })
}

fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Puts `text` into a new file, whole, durable and readable by its owner only. Leaves an existing file as it is.
fn write_once(path: &Path, text: &str) -> std::io::Result<()> {
    let unfinished = path.with_extension(format!("{}.new", std::process::id()));
    let written = write_synced(&unfinished, text).and_then(|()| match fs::hard_link(&unfinished, path) {
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Ok(()),
        // Some file systems have no hard links; there, a rename is as good unless two processes start at once.
        Err(_) => fs::rename(&unfinished, path),
        Ok(()) => Ok(()),
    });
    match fs::remove_file(&unfinished) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => return written.and(Err(cause)),
        _ => written?,
    }
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn write_synced(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_read_afterwards() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("data/keys");
        let first = Keys::open(Some(&path)).expect("made");
        let second = Keys::open(Some(&path)).expect("read");
        assert_eq!(first.engine_root_password(), second.engine_root_password());
        assert_eq!(first.engine_session_key(), second.engine_session_key());
        assert_eq!(first.csrf_key(), second.csrf_key());
        assert_eq!(first.jwks(Audience::Public), second.jwks(Audience::Public));
        assert_ne!(first.jwks(Audience::Public), first.jwks(Audience::Admin));
        assert_eq!(fs::read_dir(&path).expect("a folder").count(), 6, "nothing unfinished is left");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_them() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys");
        Keys::open(Some(&path)).expect("made");
        assert_eq!(fs::metadata(&path).expect("it").permissions().mode() & 0o777, 0o700);
        for entry in fs::read_dir(&path).expect("a folder") {
            let mode = entry.expect("a file").metadata().expect("it").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_file_is_a_clear_error() {
        for (name, content) in
            [("engine-root.key", ""), ("engine-session.key", "abc"), ("csrf.key", "\u{0}"), ("admin-signing.pem", "x")]
        {
            let folder = tempfile::tempdir().expect("a folder");
            Keys::open(Some(folder.path())).expect("made");
            fs::write(folder.path().join(name), content).expect("written");
            let error = Keys::open(Some(folder.path())).expect_err("refused").to_string();
            assert!(error.contains(name) && error.contains("damaged"), "{error}");
        }
    }

    #[test]
    fn keys_in_memory_differ_each_time() {
        let (one, other) = (Keys::open(None).expect("made"), Keys::open(None).expect("made"));
        assert_ne!(one.engine_session_key(), other.engine_session_key());
        assert_ne!(one.signing(Audience::Public).kid(), other.signing(Audience::Public).kid());
    }

    #[test]
    fn a_link_opens_one_row_for_one_purpose() {
        let (keys, others) = (Keys::open(None).expect("made"), Keys::open(None).expect("made"));
        let (id, other) = (Uuid::from_u128(7), Uuid::from_u128(8));
        let token = keys.link_token("reset", id);
        assert_eq!(token, keys.link_token("reset", id), "made anew it is the same");
        assert_eq!(keys.open_link("reset", &token), Some(id));
        assert_eq!(keys.open_link("verify", &token), None);
        assert_eq!(others.open_link("reset", &token), None);
        let (row, seal) = token.split_once('.').expect("two parts");
        let exchanged = keys.link_token("reset", other).split_once('.').expect("two parts").0.to_owned() + "." + seal;
        let (short, long) = (format!("{row}."), format!("{token}A"));
        for bad in ["", ".", "a.b", "\u{0}", row, short.as_str(), long.as_str(), exchanged.as_str()] {
            assert_eq!(keys.open_link("reset", bad), None, "{bad}");
        }
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_8037() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let public: [u8; 32] = URL_SAFE_NO_PAD.decode(x).expect("base64").try_into().expect("32 bytes");
        assert_eq!(thumbprint(&public), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
