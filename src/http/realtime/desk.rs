//! What the hub asks of modules, answered by them.

use std::sync::Arc;

use futures::future::BoxFuture;

use crate::context::{Audience, Platform, Principal};
use crate::kernel::error::{FORBIDDEN, TOKEN_EXPIRED, UNAUTHENTICATED};
use crate::modules::identity::{self, Identity};
use crate::realtime::frames::Closing;
use crate::realtime::{Desk, Refused};

/// Asks the modules.
#[derive(Debug)]
pub struct ModulesDesk {
    /// What all requests share.
    pub platform: Arc<Platform>,
    /// Checks tokens.
    pub identity: Arc<Identity>,
}

impl Desk for ModulesDesk {
    fn principal<'a>(
        &'a self,
        audience: Audience,
        token: &'a str,
    ) -> BoxFuture<'a, std::result::Result<Arc<Principal>, Refused>> {
        Box::pin(async move {
            let found = identity::authenticate(&self.identity, &self.platform, audience, token).await;
            match found {
                Ok(principal) => Ok(principal),
                Err(error) if error.entry() == TOKEN_EXPIRED => Err(Refused::Ended(Closing::Expired)),
                Err(error) if error.entry() == FORBIDDEN => Err(Refused::Ended(Closing::Rights)),
                Err(error) if error.entry() == UNAUTHENTICATED => {
                    let is_suspended = identity::is_suspended(&self.identity, &self.platform, audience, token).await;
                    let why = if is_suspended { Closing::Suspended } else { Closing::SignedOut };
                    Err(Refused::Ended(why))
                }
                Err(error) => Err(Refused::Unknown(error)),
            }
        })
    }
}
