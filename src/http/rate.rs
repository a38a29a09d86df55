//! How many requests a caller may send: per address for guests, per user when signed in, few on sign-in routes, and
//! many of what files hold.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use poem::http::{HeaderMap, HeaderValue};
use uuid::Uuid;

use crate::config::Config;
use crate::kernel::error::TOO_MANY_REQUESTS;
use crate::kernel::net::network;
use crate::kernel::{Error, Result};

/// Who is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// An address; the /64 network for IPv6.
    Address([u8; 16]),
    /// A user.
    User(Uuid),
}

impl Key {
    /// The key of an address.
    pub fn address(ip: Option<IpAddr>) -> Self {
        Self::Address(network(ip))
    }
}

type Limiter = RateLimiter<Key, DashMapStateStore<Key>, DefaultClock, StateInformationMiddleware>;

/// What a request counts towards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A request without sign-in.
    Guest,
    /// A signed-in request.
    Signed,
    /// A sign-in, sign-up or password route.
    Auth,
    /// What a file holds; a page may have many.
    Download,
}

/// The limiters of one listener.
#[derive(Debug)]
pub struct Rates {
    guest: Limited,
    signed: Limited,
    auth: Limited,
    download: Limited,
}

#[derive(Debug)]
struct Limited {
    per_minute: u32,
    limiter: Limiter,
}

/// What is left of a limit, for the headers.
#[derive(Debug, Clone, Copy)]
pub struct Left {
    limit: u32,
    remaining: u32,
}

impl Limited {
    fn new(per_minute: u32) -> Self {
        let count = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        let limiter = RateLimiter::dashmap(Quota::per_minute(count)).with_middleware();
        Self { per_minute, limiter }
    }

    fn check(&self, key: Key) -> Result<Left> {
        match self.limiter.check_key(&key) {
            Ok(state) => Ok(Left { limit: self.per_minute, remaining: state.remaining_burst_capacity() }),
            Err(refusal) => {
                let wait = refusal.wait_time_from(DefaultClock::default().now());
                let message = format!("At most {} requests per minute.", self.per_minute);
                Err(Error::new(TOO_MANY_REQUESTS, message).retry_after(wait.as_secs() + 1))
            }
        }
    }
}

impl Rates {
    /// With the limits of the settings; None when rate limiting is off.
    pub fn new(config: &Config) -> Option<Self> {
        let limits = &config.limits;
        limits.rate_limit.then(|| Self {
            guest: Limited::new(limits.guest_per_minute),
            signed: Limited::new(limits.signed_per_minute),
            auth: Limited::new(limits.auth_per_minute),
            download: Limited::new(limits.download_per_minute),
        })
    }

    /// Counts a request; 429 when it is one too many.
    pub fn check(&self, class: Class, key: Key) -> Result<Left> {
        match class {
            Class::Guest => self.guest.check(key),
            Class::Signed => self.signed.check(key),
            Class::Auth => self.auth.check(key),
            Class::Download => self.download.check(key),
        }
    }

    /// Forgets callers who have been quiet, so that memory stays bounded.
    pub fn sweep(&self) {
        for limited in [&self.guest, &self.signed, &self.auth, &self.download] {
            limited.limiter.retain_recent();
            limited.limiter.shrink_to_fit();
        }
    }
}

impl Left {
    /// Writes the RateLimit headers.
    pub fn write(self, headers: &mut HeaderMap) {
        let refill_s = (60 * (self.limit - self.remaining.min(self.limit))).div_ceil(self.limit.max(1));
        headers.insert("ratelimit-limit", HeaderValue::from(self.limit));
        headers.insert("ratelimit-remaining", HeaderValue::from(self.remaining));
        headers.insert("ratelimit-reset", HeaderValue::from(refill_s));
    }
}
