//! From an access token to a ready principal. Runs for every signed-in request; mostly answered from memory.

use std::sync::Arc;

use super::model::Status;
use super::{Identity, store, tokens};
use crate::context::{Audience, Platform, Principal, Traits};
use crate::kernel::{Error, Result};

/// The principal of an access token on the listener of `audience`.
///
/// Fails with TOKEN_EXPIRED when the token is genuine but over; with UNAUTHENTICATED when it is not genuine, is for the other
/// listener, its session has ended, or its account may not be used there.
pub async fn authenticate(
    identity: &Identity,
    platform: &Arc<Platform>,
    audience: Audience,
    token: &str,
) -> Result<Arc<Principal>> {
    let now = platform.clock.now();
    // What is kept was verified with the same audience's key, but one store serves both listeners.
    if let Some(principal) = platform.principals.get(token, now).filter(|kept| kept.audience == audience) {
        return Ok(principal);
    }
    let claims = tokens::verify(identity.keys().signing(audience), audience, token, now)?;
    let generation = platform.principals.generation();
    let state = store::session_state(platform.engine.root(), claims.sid, None).await?;
    let state = state
        .filter(|state| state.user == claims.sub && state.is_live(audience, now))
        .ok_or_else(Error::unauthenticated)?;
    let expires_at = chrono::DateTime::from_timestamp(claims.exp, 0).ok_or_else(Error::unauthenticated)?;
    let engine_token = platform.engine_tokens.issue(state.user, audience, &state.roles)?;
    let session = platform.engine.authenticate(&engine_token).await?;
    let traits = Traits::new(&session.read("RETURN $session.data", ()).await?.take(0));
    let principal = Arc::new(Principal {
        user: state.user,
        session_id: claims.sid,
        audience,
        roles: state.roles,
        traits,
        session,
        expires_at,
    });
    platform.principals.keep(token, generation, Arc::clone(&principal));
    Ok(principal)
}

/// Whether a genuine token of `audience` is of an account that may not be used any more, be it suspended or deleted. For telling why
/// a connection ends; whether the token counts is for [`authenticate`] to say.
pub async fn is_suspended(identity: &Identity, platform: &Platform, audience: Audience, token: &str) -> bool {
    let Ok(claims) = tokens::verify(identity.keys().signing(audience), audience, token, platform.clock.now()) else {
        return false;
    };
    let state = store::session_state(platform.engine.root(), claims.sid, None).await;
    matches!(state, Ok(Some(state)) if state.status != Status::Active)
}
