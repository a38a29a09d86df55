//! Addresses of private files that work for anybody for a while: the path with a time and a seal over both.
//!
//! Nothing of them is stored, so an address that was given cannot be taken back before its time; deleting the file ends them all.

use chrono::{DateTime, Duration};
use uuid::Uuid;

use super::model::{File, Visibility};
use super::{Files, holders, store};
use crate::context::Ctx;
use crate::kernel::time::Instant;
use crate::kernel::{Error, Result};
use crate::services::keys::Keys;

/// Times are rounded up to this many seconds, so that whoever asks again soon gets the same address, which a browser has kept.
const STEP_S: i64 = 300;

/// The address of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Path and query on either listener.
    pub url: String,
    /// Until when it works; None: as long as the file is public.
    pub expires_at: Option<Instant>,
}

/// What a seal is over, besides the file's key.
fn purpose(expires_s: i64) -> String {
    format!("files.read.{expires_s}")
}

/// Until when an address that says this of itself works; None where it was not made here, was changed, or its time is over.
pub fn opened(keys: &Keys, id: Uuid, expires: &str, signature: &str, now: Instant) -> Option<Instant> {
    let expires_s: i64 = expires.parse().ok()?;
    // One way to write each number only.
    if expires_s.to_string() != expires || !keys.is_sealed(&purpose(expires_s), id, signature) {
        return None;
    }
    let until = DateTime::from_timestamp(expires_s, 0)?;
    (now < until).then_some(until)
}

fn signed(keys: &Keys, file: &File, now: Instant, minutes: u64) -> Address {
    let until = now + Duration::minutes(i64::try_from(minutes).unwrap_or(60));
    let expires_s = (until.timestamp() + STEP_S - 1).div_euclid(STEP_S) * STEP_S;
    let seal = keys.seal(&purpose(expires_s), file.id);
    Address {
        url: format!("{}?expires={expires_s}&signature={seal}", file.url()),
        expires_at: DateTime::from_timestamp(expires_s, 0),
    }
}

/// The address of a file, for who may read its record or one that holds it. Fails with NOT_FOUND for anybody else.
pub async fn of_file(ctx: &Ctx, files: &Files, id: &str) -> Result<Address> {
    let id = Uuid::try_parse(id).map_err(|_| Error::not_found())?;
    if ctx.audience == crate::context::Audience::Admin {
        ctx.require_signed()?;
    }
    let file = match store::file(ctx.session(), id).await? {
        Some(file) => file,
        None if holders::let_read(ctx, id).await? => {
            store::file(ctx.system(), id).await?.ok_or_else(Error::not_found)?
        }
        None => return Err(Error::not_found()),
    };
    Ok(match file.visibility {
        Visibility::Public => Address { url: file.url(), expires_at: None },
        Visibility::Private => signed(&files.keys, &file, ctx.now(), ctx.platform.config.files.url_minutes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> File {
        File {
            id: Uuid::from_u128(5),
            owner: None,
            business: None,
            purpose: "document".into(),
            name: "Scan.pdf".into(),
            mime: "application/pdf".into(),
            size: 1,
            sha256: String::new(),
            pixels: None,
            visibility: Visibility::Private,
            created_at: at(0),
        }
    }

    fn at(seconds: i64) -> Instant {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
    }

    fn parts(address: &Address) -> (&str, &str) {
        let query = address.url.split_once("?expires=").expect("a query").1;
        query.split_once("&signature=").expect("a seal")
    }

    #[test]
    fn an_address_works_until_its_time_and_is_the_same_for_a_while() {
        let keys = Keys::open(None).expect("keys");
        let address = signed(&keys, &file(), at(1), 60);
        assert!(address.url.starts_with("/uploads/00000000-0000-0000-0000-000000000005/Scan.pdf?expires="));
        assert_eq!(signed(&keys, &file(), at(299), 60), address);
        let until = address.expires_at.expect("a time");
        assert!((60 * 60..=65 * 60).contains(&(until - at(1)).num_seconds()));
        let (expires, seal) = parts(&address);
        assert_eq!(opened(&keys, file().id, expires, seal, until - Duration::seconds(1)), Some(until));
        assert_eq!(opened(&keys, file().id, expires, seal, until), None);
    }

    #[test]
    fn nothing_of_an_address_can_be_changed() {
        let keys = Keys::open(None).expect("keys");
        let address = signed(&keys, &file(), at(0), 60);
        let (expires, seal) = parts(&address);
        let later = (expires.parse::<i64>().expect("a number") + 1).to_string();
        let other = keys.seal("files.read", file().id);
        for (id, expires, seal) in [
            (Uuid::from_u128(6), expires, seal),
            (file().id, later.as_str(), seal),
            (file().id, expires, &seal[1..]),
            (file().id, expires, other.as_str()),
            (file().id, expires, ""),
            (file().id, &format!("+{expires}"), seal),
            (file().id, &format!("0{expires}"), seal),
            (file().id, "9999999999999999999999", seal),
            (file().id, "", seal),
        ] {
            assert_eq!(opened(&keys, id, expires, seal, at(0)), None, "{id} {expires} {seal}");
        }
        let others = Keys::open(None).expect("keys");
        assert_eq!(opened(&others, file().id, expires, seal, at(0)), None);
    }
}
