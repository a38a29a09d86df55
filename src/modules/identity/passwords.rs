//! Hashing passwords (argon2id, RFC 9106) in a bounded number of threads, and the list of common ones.
//!
//! **Invariant:** checking costs the same whether or not there is an account: without one, a fixed hash is checked.
//! Deliberately elsewhere: what a password must be (`rules.rs`).

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use argon2::password_hash::{Output, PasswordHash, PasswordHasher, Salt, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::Semaphore;

use crate::config::AuthSettings;
use crate::kernel::error::UNAVAILABLE;
use crate::kernel::{Error, Result};

/// Jobs that may wait for a thread; more are refused. With two threads and the default cost the last one waits for about six seconds.
const WAITING_MAX: usize = 256;
/// Random bytes of a salt.
const SALT_BYTES: usize = 16;
/// Longest password, in bytes, that is hashed at all; rules allow fewer, so a longer one is wrong.
const BYTES_MAX: usize = 1024;

static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("../../../assets/passwords.txt").lines().collect());

/// Whether many people use this password, in any case of its letters.
pub fn is_common(password: &str) -> bool {
    COMMON.contains(password.to_lowercase().as_str())
}

/// The outcome of checking a password.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is another one, or there is no account.
    Wrong,
    /// It is the right one; with a new hash to store when the settings have changed since the old one.
    Right {
        /// The hash to store from now on.
        renewed: Option<String>,
    },
}

/// Hashes and checks passwords.
pub struct Passwords {
    hasher: Arc<Hasher>,
    threads: Arc<Semaphore>,
    pending: Arc<AtomicUsize>,
    pending_max: usize,
    spare: Arc<Spare>,
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passwords").field("pending", &self.pending).finish_non_exhaustive()
    }
}

impl Passwords {
    /// With the cost and the threads of the settings.
    pub fn new(settings: &AuthSettings) -> Result<Self> {
        Ok(Self {
            hasher: Arc::new(Hasher::new(settings)?),
            threads: Arc::new(Semaphore::new(settings.hashing_threads)),
            pending: Arc::default(),
            pending_max: settings.hashing_threads + WAITING_MAX,
            spare: Arc::default(),
        })
    }

    /// The hash of a password as a PHC string. Fails with UNAVAILABLE when too many are waiting.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        self.run(move |hasher, _| hasher.hash(&password)).await
    }

    /// Checks a password against a stored hash, or against a fixed one when there is none. Fails as [`Passwords::hash`].
    pub async fn verify(&self, password: &str, stored: Option<&str>) -> Result<Verdict> {
        let is_possible = password.len() <= BYTES_MAX;
        let password = if is_possible { password.to_owned() } else { String::new() };
        let stored = stored.filter(|_| is_possible).map(str::to_owned);
        self.run(move |hasher, memory| hasher.verify(&password, stored.as_deref(), memory)).await
    }

    /// Runs a job in one of the threads. A caller who goes away leaves its job to end there: the thread stays counted.
    async fn run<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Hasher, &mut Vec<Block>) -> Result<T> + Send + 'static,
    {
        let _place = Place::take(&self.pending, self.pending_max)?;
        let permit = Arc::clone(&self.threads).acquire_owned().await.map_err(Error::internal)?;
        let (hasher, spare, pending) = (Arc::clone(&self.hasher), Arc::clone(&self.spare), Arc::clone(&self.pending));
        let work = move || {
            let mut memory = spare.take();
            let outcome = job(&hasher, &mut memory);
            // Its own place is among them.
            spare.keep(memory, pending.load(Ordering::SeqCst) > 1);
            drop(permit);
            outcome
        };
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
    }
}

/// A place in the queue, given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(pending: &'a AtomicUsize, most: usize) -> Result<Self> {
        let place = Self(pending);
        if pending.fetch_add(1, Ordering::SeqCst) >= most {
            return Err(Error::new(UNAVAILABLE, "Too many people are signing in; try again shortly.").retry_after(1));
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Memory that was hashed in, for the next ones in the queue: new memory has to be emptied by the system first, which takes a tenth of
/// the time. With nobody in the queue it is given back.
#[derive(Default)]
struct Spare(Mutex<Vec<Vec<Block>>>);

impl Spare {
    fn take(&self) -> Vec<Block> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn keep(&self, memory: Vec<Block>, is_wanted: bool) {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if is_wanted {
            spare.push(memory);
        } else {
            spare.clear();
        }
    }
}

/// argon2id with the parameters of the settings.
struct Hasher {
    argon2: Argon2<'static>,
    stand_in: String,
}

impl Hasher {
    fn new(settings: &AuthSettings) -> Result<Self> {
        let (memory, passes, lanes) =
            (settings.argon2_memory_kb, settings.argon2_iterations, settings.argon2_parallelism);
        let params = Params::new(memory, passes, lanes, None).map_err(Error::internal)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut hasher = Self { argon2, stand_in: String::new() };
        hasher.stand_in = hasher.hash("nobody's password")?;
        Ok(hasher)
    }

    fn hash(&self, password: &str) -> Result<String> {
        let mut bytes = [0u8; SALT_BYTES];
        aws_lc_rs::rand::fill(&mut bytes).map_err(Error::internal)?;
        let salt = SaltString::encode_b64(&bytes).map_err(Error::internal)?;
        let hash = self.argon2.hash_password(password.as_bytes(), &salt).map_err(Error::internal)?;
        Ok(hash.to_string())
    }

    fn verify(&self, password: &str, stored: Option<&str>, memory: &mut Vec<Block>) -> Result<Verdict> {
        let hash = PasswordHash::new(stored.unwrap_or(&self.stand_in)).map_err(Error::internal)?;
        let output = output(password, &hash, memory);
        // Compared in a time that does not depend on what is equal.
        let is_right = output.is_some() && output == hash.hash;
        if !is_right || stored.is_none() {
            return Ok(Verdict::Wrong);
        }
        let renewed = if self.is_current(&hash) { None } else { Some(self.hash(password)?) };
        Ok(Verdict::Right { renewed })
    }

    fn is_current(&self, hash: &PasswordHash<'_>) -> bool {
        let ours = self.argon2.params();
        let is_same = |theirs: Params| {
            (theirs.m_cost(), theirs.t_cost(), theirs.p_cost()) == (ours.m_cost(), ours.t_cost(), ours.p_cost())
        };
        hash.algorithm == argon2::ARGON2ID_IDENT && Params::try_from(hash).is_ok_and(is_same)
    }
}

/// What the password gives with the salt and the cost of a hash; None when the hash is of another kind.
fn output(password: &str, hash: &PasswordHash<'_>, memory: &mut Vec<Block>) -> Option<Output> {
    let algorithm = Algorithm::try_from(hash.algorithm).ok()?;
    let version = Version::try_from(hash.version?).ok()?;
    let params = Params::try_from(hash).ok()?;
    let mut salt = [0; Salt::MAX_LENGTH];
    let salt = hash.salt?.decode_b64(&mut salt).ok()?;
    memory.resize(params.block_count(), Block::new());
    let argon2 = Argon2::new(algorithm, version, params);
    let fill = |out: &mut [u8]| Ok(argon2.hash_password_into_with_memory(password.as_bytes(), salt, out, memory)?);
    Output::init_with(hash.hash?.len(), fill).ok()
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordVerifier;

    use super::*;

    fn settings(memory_kb: u32) -> AuthSettings {
        AuthSettings {
            argon2_memory_kb: memory_kb,
            argon2_iterations: 1,
            hashing_threads: 1,
            ..AuthSettings::default()
        }
    }

    #[test]
    fn the_list_has_common_passwords_only() {
        assert!(COMMON.len() > 1000);
        assert!(COMMON.iter().all(|line| line.chars().count() >= 10 && *line == line.to_lowercase()));
        for (password, expected) in [
            ("password123", true),
            ("PassWord123", true),
            ("1234567890", true),
            ("pawbase-demo", false),
            ("vT9#kq2!mZ", false),
        ] {
            assert_eq!(is_common(password), expected, "{password}");
        }
    }

    #[tokio::test]
    async fn passwords_are_checked_and_renewed() {
        let cheap = Passwords::new(&settings(8)).expect("made");
        let dear = Passwords::new(&settings(16)).expect("made");
        let hash = cheap.hash("right horse").await.expect("hashed");
        assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
        let right = Verdict::Right { renewed: None };
        assert_eq!(cheap.verify("right horse", Some(&hash)).await.expect("checked"), right);
        assert_eq!(cheap.verify("wrong horse", Some(&hash)).await.expect("checked"), Verdict::Wrong);
        assert_eq!(cheap.verify("nobody's password", None).await.expect("checked"), Verdict::Wrong);
        assert_eq!(cheap.verify(&"x".repeat(5000), Some(&hash)).await.expect("checked"), Verdict::Wrong);
        let Verdict::Right { renewed: Some(renewed) } = dear.verify("right horse", Some(&hash)).await.expect("checked")
        else {
            panic!("not renewed");
        };
        assert_eq!(dear.verify("right horse", Some(&renewed)).await.expect("checked"), right);
    }

    #[test]
    fn used_memory_gives_what_new_memory_gives() {
        let (cheap, dear) = (Hasher::new(&settings(8)).expect("made"), Hasher::new(&settings(64)).expect("made"));
        let mut memory = Vec::new();
        for password in ["right horse", "wrong horse", ""] {
            for hasher in [&cheap, &dear, &cheap] {
                let text = hasher.hash("right horse").expect("hashed");
                let hash = PasswordHash::new(&text).expect("a hash");
                let is_right = hasher.argon2.verify_password(password.as_bytes(), &hash).is_ok();
                assert_eq!(output(password, &hash, &mut memory) == hash.hash, is_right, "{password} and {text}");
                assert_eq!(is_right, password == "right horse");
            }
        }
    }

    #[tokio::test]
    async fn the_queue_is_bounded() {
        let passwords = Passwords::new(&settings(8)).expect("made");
        let blocked = Arc::clone(&passwords.threads).acquire_owned().await.expect("a thread");
        let crowd = futures::future::join_all((0..WAITING_MAX + 6).map(|_| passwords.hash("x")));
        let release = async { drop(blocked) };
        let (outcomes, ()) = tokio::join!(crowd, release);
        let refused: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
        assert_eq!(refused.len(), 5);
        assert!(refused.iter().all(|error| error.entry() == UNAVAILABLE && error.retry_after_s() == Some(1)));
        assert_eq!(passwords.pending.load(Ordering::SeqCst), 0);
    }
}
