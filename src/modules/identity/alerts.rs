//! What an account's owner is told of: sign-ins from elsewhere, locks, new passwords.

use std::net::IpAddr;

use pawbase_engine::{RecordIdKey, Tx};
use serde::Deserialize;
use uuid::Uuid;

use super::mails::{self, Receiver};
use super::model::{Credentials, NewSession, Status};
use super::store;
use crate::context::{Audience, Ctx};
use crate::kernel::Result;
use crate::work::{Attempted, Failure, Turn};

/// Sign-ins that a new one is compared with, the latest.
const COMPARED_MAX: i64 = 200;

/// From where, and with which program, somebody signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Address.
    pub ip: Option<String>,
    /// Program.
    pub user_agent: Option<String>,
}

/// Tells the owner of a sign-in by a program from a network that were not seen together before. The first sign-in of all is nothing new.
/// Call it before the session is kept.
pub async fn notice_device(tx: &Tx, ctx: &Ctx, account: &Credentials, session: &NewSession) -> Result<()> {
    let known = store::devices(tx, session.user, COMPARED_MAX).await?;
    let device = Device { ip: session.ip.clone(), user_agent: session.user_agent.clone() };
    if is_new(&known, &device) {
        mails::new_sign_in(tx, ctx, Receiver::from(account), session).await?;
    }
    Ok(())
}

/// Whether a device is new beside those that are known; the first one is not.
fn is_new(known: &[Device], device: &Device) -> bool {
    let is_same = |other: &Device| {
        other.user_agent == device.user_agent
            && neighbourhood(other.ip.as_deref()) == neighbourhood(device.ip.as_deref())
    };
    !known.is_empty() && !known.iter().any(is_same)
}

/// A network in which an address moves by itself: of IPv4 the first 24 bits, of IPv6 the first 48.
fn neighbourhood(ip: Option<&str>) -> Option<[u8; 6]> {
    match ip?.parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            Some([4, a, b, c, 0, 0])
        }
        IpAddr::V6(v6) => {
            let [a, b, c, d, e, f, ..] = v6.octets();
            Some([a, b, c, d, e, f])
        }
    }
}

/// The payload of `user.locked`.
#[derive(Deserialize)]
struct Locked {
    until: String,
    audience: Audience,
}

/// A reaction: the owner of an account that was locked is told, once for each lock.
pub async fn tell_locked(turn: &Turn<'_>) -> Attempted {
    let Locked { until, audience } = turn.payload()?;
    if let Some(account) = receiver(turn).await? {
        mails::account_locked(turn.tx, turn.ctx, (&account).into(), &until, audience).await?;
    }
    Ok(())
}

/// A reaction: the owner of an account with a new password is told.
pub async fn tell_password_changed(turn: &Turn<'_>) -> Attempted {
    let at = turn.event()?.at;
    if let Some(account) = receiver(turn).await? {
        mails::password_changed(turn.tx, turn.ctx, (&account).into(), at).await?;
    }
    Ok(())
}

/// The account that the event is about, while it is in use.
async fn receiver(turn: &Turn<'_>) -> Attempted<Option<Credentials>> {
    let RecordIdKey::Uuid(key) = &turn.event()?.about.key else {
        return Err(Failure::last("The event is about no account."));
    };
    let user: Uuid = key.into_inner();
    let account = store::credentials_within(turn.tx, user).await?;
    Ok(account.filter(|account| account.status == Status::Active))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(ip: &str, program: &str) -> Device {
        Device { ip: Some(ip.to_owned()), user_agent: Some(program.to_owned()) }
    }

    #[test]
    fn a_device_is_a_program_in_a_network() {
        let known = [device("192.0.2.1", "Cat/1"), device("2001:db8:1:2::1", "Dog/1")];
        for (ip, program, expected) in [
            ("192.0.2.1", "Cat/1", false),
            ("192.0.2.200", "Cat/1", false),
            ("::ffff:192.0.2.9", "Cat/1", false),
            ("192.0.3.1", "Cat/1", true),
            ("192.0.2.1", "Cat/2", true),
            ("2001:db8:1:ffff::9", "Dog/1", false),
            ("2001:db8:2:2::1", "Dog/1", true),
            ("2001:db8:1:2::1", "Cat/1", true),
        ] {
            assert_eq!(is_new(&known, &device(ip, program)), expected, "{ip} {program}");
        }
        let nameless = Device { ip: None, user_agent: None };
        assert!(is_new(&known, &nameless));
        assert!(!is_new(std::slice::from_ref(&nameless), &nameless));
        assert!(!is_new(&[], &nameless), "the first one is nothing new");
    }
}
