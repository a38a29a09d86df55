//! Which events somebody waits for. One that nobody waits for goes straight to the log and costs no turn of the relay.

use std::sync::Arc;

/// The answer to whether anything reacts to events of a name.
type Waits = dyn Fn(&str) -> bool + Send + Sync;

/// Says of the name of an event whether anything reacts to it. Everything does until told otherwise.
#[derive(Clone, Default)]
pub struct Interest(Option<Arc<Waits>>);

impl std::fmt::Debug for Interest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interest")
    }
}

impl Interest {
    /// As `waits` says. It must be quick, and a yes too many is better than a no too many.
    pub fn new(waits: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(waits)))
    }

    /// Whether anything reacts to events of this name.
    pub fn in_event(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|waits| waits(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_waited_for_until_told_otherwise() {
        assert!(Interest::default().in_event("pets.created"));
        let interest = Interest::new(|name| name.starts_with("users."));
        assert!(interest.in_event("users.created"));
        assert!(!interest.in_event("pets.created"));
    }
}
