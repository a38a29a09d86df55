//! Statements over `users`.

use pawbase_engine::{EngineError, Session, Tx, Value, Vars};
use uuid::Uuid;

use super::{Row, is_held, names, record, roles, status};
use crate::context::Role;
use crate::kernel::error::ALREADY_EXISTS;
use crate::kernel::time::Instant;
use crate::kernel::{Error, Result};
use crate::modules::identity::email::Email;
use crate::modules::identity::model::{Credentials, NewUser, Status, UserRow};
use crate::modules::identity::people::Person;
use crate::modules::identity::rules::{LockPolicy, ProfileChanges, ProfileValue};

const ACCOUNT: &str = "id, email, name, phone, birthday, bio, city, locale, timezone, public_profile, roles, status, \
                       email_verified_at, created_at";
const CREDENTIALS: &str =
    "id, email, name, locale, timezone, email_verified_at, password_hash, locked_until, roles, status";

fn account(row: Value) -> Result<UserRow> {
    let mut row = Row(row);
    Ok(UserRow {
        id: row.key("id")?,
        email: row.take("email")?,
        name: row.take("name")?,
        phone: row.take("phone")?,
        birthday: row.take("birthday")?,
        bio: row.take("bio")?,
        city: row.take("city")?,
        locale: row.take("locale")?,
        timezone: row.take("timezone")?,
        is_profile_public: row.take("public_profile")?,
        roles: roles(&mut row)?,
        status: status(&mut row)?,
        email_verified_at: row.take("email_verified_at")?,
        created_at: row.take("created_at")?,
    })
}

fn credentials(row: Value) -> Result<Credentials> {
    let mut row = Row(row);
    Ok(Credentials {
        user: row.key("id")?,
        email: row.take("email")?,
        name: row.take("name")?,
        locale: row.take("locale")?,
        timezone: row.take("timezone")?,
        is_verified: row.take::<Option<Instant>>("email_verified_at")?.is_some(),
        password_hash: row.take("password_hash")?,
        locked_until: row.take("locked_until")?,
        roles: roles(&mut row)?,
        status: status(&mut row)?,
    })
}

/// The account with key `user`, as `session` may see it.
pub async fn account_of(session: &Session, user: Uuid) -> Result<Option<UserRow>> {
    let text = format!("SELECT {ACCOUNT} FROM $user");
    let mut answer = session.read(&text, Vars::new().with("user", record("users", user))).await?;
    answer.rows(0).pop().map(account).transpose()
}

/// What signing in with this address needs.
pub async fn credentials_by_email(session: &Session, email: &Email) -> Result<Option<Credentials>> {
    let text = format!("SELECT {CREDENTIALS} FROM users WHERE email = $email");
    let mut answer = session.read(&text, Vars::new().with("email", email.as_str())).await?;
    answer.rows(0).pop().map(credentials).transpose()
}

/// What checking this user's password needs.
pub async fn credentials_of(session: &Session, user: Uuid) -> Result<Option<Credentials>> {
    let text = format!("SELECT {CREDENTIALS} FROM $user");
    let mut answer = session.read(&text, Vars::new().with("user", record("users", user))).await?;
    answer.rows(0).pop().map(credentials).transpose()
}

/// As [`credentials_of`], inside a transaction.
pub async fn credentials_within(tx: &Tx, user: Uuid) -> Result<Option<Credentials>> {
    let text = format!("SELECT {CREDENTIALS} FROM $user");
    let mut answer = tx.query(&text, Vars::new().with("user", record("users", user))).await?;
    answer.rows(0).pop().map(credentials).transpose()
}

const PERSON: &str = "id, email, name, locale, timezone, roles, status";

fn person(row: Value) -> Result<Person> {
    let mut row = Row(row);
    Ok(Person {
        id: row.key("id")?,
        email: row.take("email")?,
        name: row.take("name")?,
        locale: row.take("locale")?,
        timezone: row.take("timezone")?,
        roles: roles(&mut row)?,
        status: status(&mut row)?,
    })
}

/// What other modules may know of somebody, inside a transaction.
pub async fn person_within(tx: &Tx, user: Uuid) -> Result<Option<Person>> {
    let text = format!("SELECT {PERSON} FROM $user");
    tx.query(&text, Vars::new().with("user", record("users", user))).await?.rows(0).pop().map(person).transpose()
}

/// Those who administer and whose accounts may be used, the oldest first.
pub async fn administrators_within(tx: &Tx, most: i64) -> Result<Vec<Person>> {
    let text = format!(
        "SELECT {PERSON} FROM users WHERE roles CONTAINSANY $roles AND status = 'active' ORDER BY id LIMIT $most"
    );
    let vars = Vars::new().with("roles", names(&Role::ADMINS)).with("most", most);
    tx.query(&text, vars).await?.rows(0).into_iter().map(person).collect()
}

/// As [`credentials_by_email`], inside a transaction.
pub async fn credentials_by_email_within(tx: &Tx, email: &Email) -> Result<Option<Credentials>> {
    let text = format!("SELECT {CREDENTIALS} FROM users WHERE email = $email");
    let mut answer = tx.query(&text, Vars::new().with("email", email.as_str())).await?;
    answer.rows(0).pop().map(credentials).transpose()
}

/// Makes an account. Fails with ALREADY_EXISTS at `/email` when the address is taken, or may be taken back by whom it belonged to.
pub async fn insert_user(tx: &Tx, user: &NewUser) -> Result<UserRow> {
    if is_held(tx, user.email.as_str(), user.id, user.created_at).await? {
        return Err(is_taken());
    }
    let vars = Vars::new()
        .with("id", record("users", user.id))
        .with("email", user.email.as_str())
        .with("name", user.name.as_str())
        .with("hash", user.password_hash.as_str())
        .with("locale", user.locale.as_str())
        .with("timezone", user.timezone.as_str())
        .with("roles", names(&user.roles))
        .with("at", user.created_at);
    let text = format!(
        "CREATE $id SET email = $email, name = $name, password_hash = $hash, locale = $locale, timezone = $timezone,
             roles = $roles, last_login_at = $at, created_at = $at RETURN {ACCOUNT}"
    );
    let mut answer = tx.query(&text, vars).await.map_err(taken)?;
    let row = answer.rows(0).pop().ok_or_else(|| Error::internal("no account was made"))?;
    account(row)
}

fn taken(error: EngineError) -> Error {
    match error {
        EngineError::Unique { index } if index == "users_email" => is_taken(),
        error => error.into(),
    }
}

fn is_taken() -> Error {
    Error::new(ALREADY_EXISTS, "There is an account with this e-mail address.").at("/email", "unique", "is taken")
}

/// Notes that `email` is the account's owner's, if it is still its address; says whether it is.
pub async fn set_verified(tx: &Tx, user: Uuid, email: &str, now: Instant) -> Result<bool> {
    let vars = Vars::new().with("user", record("users", user)).with("email", email).with("now", now);
    let text = "UPDATE $user SET email_verified_at = email_verified_at ?? $now
        WHERE email = $email AND status = 'active' RETURN id";
    let mut answer = tx.query(text, vars).await?;
    Ok(!answer.rows(0).is_empty())
}

/// Gives an account another address, which is its owner's. Fails with ALREADY_EXISTS when it is taken.
pub async fn set_email(tx: &Tx, user: Uuid, email: &str, now: Instant) -> Result<()> {
    let vars = Vars::new().with("user", record("users", user)).with("email", email).with("now", now);
    let text = "UPDATE $user SET email = $email, email_verified_at = $now RETURN NONE";
    tx.query(text, vars).await.map_err(taken)?;
    Ok(())
}

/// Takes the password away: nobody signs in until there is a new one.
pub async fn void_password(tx: &Tx, user: Uuid) -> Result<()> {
    tx.query("UPDATE $user SET password_hash = NONE RETURN NONE", Vars::new().with("user", record("users", user)))
        .await?;
    Ok(())
}

/// Counts a failed sign-in, and locks the account when there were too many: answers until when, if this failure has locked it.
pub async fn count_failure(tx: &Tx, user: Uuid, policy: LockPolicy, now: Instant) -> Result<Option<Instant>> {
    let vars = Vars::new()
        .with("user", record("users", user))
        .with("most", i64::from(policy.failures))
        .with("until", policy.until(now));
    // In this order: each assignment sees the ones before it.
    let text = "UPDATE $user SET
        locked_until = IF failed_logins + 1 >= $most { $until } ELSE { locked_until },
        failed_logins = IF failed_logins + 1 >= $most { 0 } ELSE { failed_logins + 1 }
        RETURN failed_logins, locked_until";
    let Some(row) = tx.query(text, vars).await?.rows(0).pop() else { return Ok(None) };
    let mut row = Row(row);
    // Whoever fails beside the one that locked it counts anew from one.
    let is_locked = row.take::<i64>("failed_logins")? == 0;
    Ok(row.take::<Option<Instant>>("locked_until")?.filter(|_| is_locked))
}

/// Notes a sign-in, if the account still has the password that was checked, is active and not locked; says whether it was.
pub async fn note_login(tx: &Tx, user: Uuid, checked: &str, renewed: Option<&str>, now: Instant) -> Result<bool> {
    let vars = Vars::new()
        .with("user", record("users", user))
        .with("checked", checked)
        .with("hash", renewed.unwrap_or(checked))
        .with("now", now);
    let text = "UPDATE $user SET failed_logins = 0, locked_until = NONE, last_login_at = $now, password_hash = $hash
        WHERE password_hash = $checked AND status = 'active' AND (locked_until = NONE OR locked_until <= $now)
        RETURN id";
    let mut answer = tx.query(text, vars).await?;
    Ok(!answer.rows(0).is_empty())
}

/// Replaces the password, if it is still the one that was checked (None: whatever it is); says whether it was. Ends a lock.
pub async fn set_password(tx: &Tx, user: Uuid, checked: Option<&str>, hash: &str) -> Result<bool> {
    let vars =
        Vars::new().with("user", record("users", user)).with("checked", checked.map(str::to_owned)).with("hash", hash);
    let text = "UPDATE $user SET password_hash = $hash, failed_logins = 0, locked_until = NONE
        WHERE $checked = NONE OR password_hash = $checked RETURN id";
    let mut answer = tx.query(text, vars).await?;
    Ok(!answer.rows(0).is_empty())
}

/// Changes the profile with the rights of the transaction's session; says whether there was one that could be changed.
pub async fn update_profile(tx: &Tx, user: Uuid, changes: &ProfileChanges) -> Result<bool> {
    let mut vars = Vars::new().with("user", record("users", user));
    let mut parts = Vec::with_capacity(changes.len());
    for (field, value) in changes {
        let value = match value {
            ProfileValue::Text(text) => Value::String(text.clone()),
            ProfileValue::Flag(flag) => Value::Bool(*flag),
            ProfileValue::Nothing => Value::None,
        };
        vars.bind(format!("new_{field}"), value);
        parts.push(format!("{field} = $new_{field}"));
    }
    let text = format!("UPDATE $user SET {} RETURN id", parts.join(", "));
    let mut answer = tx.query(&text, vars).await?;
    Ok(!answer.rows(0).is_empty())
}

/// Changes the status and why.
pub async fn set_status(tx: &Tx, user: Uuid, status: Status, reason: Option<&str>) -> Result<()> {
    let vars = Vars::new()
        .with("user", record("users", user))
        .with("status", status.as_str())
        .with("reason", reason.map(str::to_owned));
    tx.query("UPDATE $user SET status = $status, status_reason = $reason RETURN NONE", vars).await?;
    Ok(())
}

/// Replaces the platform roles.
pub async fn set_roles(tx: &Tx, user: Uuid, roles: &[Role]) -> Result<()> {
    let vars = Vars::new().with("user", record("users", user)).with("roles", names(roles));
    tx.query("UPDATE $user SET roles = $roles RETURN NONE", vars).await?;
    Ok(())
}

/// Whether an active super_admin other than `user` stays. That row is locked until the commit, so that two transactions cannot
/// each rely on the one whom the other takes away (ENGINE: snapshots allow write skew; an UPDATE that changes nothing is no
/// write).
pub async fn hold_other_super_admin(tx: &Tx, user: Uuid) -> Result<bool> {
    let vars = Vars::new().with("user", record("users", user));
    let text = "SELECT VALUE id FROM users WHERE roles CONTAINS 'super_admin' AND status = 'active' AND id != $user
        ORDER BY id LIMIT 1";
    let Some(other) = tx.query(text, vars).await?.rows(0).pop() else { return Ok(false) };
    tx.query("SELECT id FROM ONLY $other FOR UPDATE", Vars::new().with("other", other)).await?;
    Ok(true)
}

/// Whether there is a super_admin, active or not.
pub async fn has_super_admin(session: &Session) -> Result<bool> {
    let mut answer = session.read("SELECT id FROM users WHERE roles CONTAINS 'super_admin' LIMIT 1", ()).await?;
    Ok(!answer.rows(0).is_empty())
}

/// All accounts with a staff role, oldest first.
pub async fn staff_accounts(session: &Session) -> Result<Vec<UserRow>> {
    let text = format!("SELECT {ACCOUNT} FROM users WHERE roles CONTAINSANY $staff ORDER BY id");
    let mut answer = session.read(&text, Vars::new().with("staff", names(&Role::STAFF))).await?;
    answer.rows(0).into_iter().map(account).collect()
}
