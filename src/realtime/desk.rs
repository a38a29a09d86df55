//! What the hub needs of modules, which it does not know: who the holder of a token is.

use std::fmt::Debug;
use std::sync::Arc;

use futures::future::BoxFuture;

use super::frames::Closing;
use crate::context::{Audience, Principal};

/// Answers for the modules.
pub trait Desk: Debug + Send + Sync {
    /// The present principal of an access token, or why there is none. A failure that says nothing about the
    /// token (the database cannot be asked) is not a reason.
    fn principal<'a>(
        &'a self,
        audience: Audience,
        token: &'a str,
    ) -> BoxFuture<'a, std::result::Result<Arc<Principal>, Refused>>;
}

/// Why the holder of a token is nobody at present.
#[derive(Debug)]
pub enum Refused {
    /// The connection ends for this reason.
    Ended(Closing),
    /// It could not be found out.
    Unknown(crate::kernel::Error),
}
