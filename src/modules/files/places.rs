//! How many uploads one person has under way: each takes room on this machine's disk before anybody knows whether it is good.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::kernel::error::TOO_MANY_REQUESTS;
use crate::kernel::{Error, Result};

/// Uploads of one person at once.
pub const AT_ONCE: usize = 8;

/// The uploads that are under way, by person.
#[derive(Debug, Default)]
pub struct Places(Mutex<HashMap<Uuid, usize>>);

/// The place of one upload; it is free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    owner: Uuid,
}

impl Places {
    fn counts(&self) -> MutexGuard<'_, HashMap<Uuid, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for an upload of `owner`. Fails with TOO_MANY_REQUESTS when all are taken.
    pub fn take(self: &Arc<Self>, owner: Uuid) -> Result<Place> {
        let mut counts = self.counts();
        let count = counts.entry(owner).or_default();
        if *count >= AT_ONCE {
            return Err(Error::new(TOO_MANY_REQUESTS, format!("At most {AT_ONCE} uploads at once.")).retry_after(1));
        }
        *count += 1;
        Ok(Place { places: Arc::clone(self), owner })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.places.counts();
        match counts.get_mut(&self.owner) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(counts.remove(&self.owner)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_each_persons_own_and_come_free_again() {
        let places = Arc::new(Places::default());
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut taken: Vec<Place> = (0..AT_ONCE).map(|_| places.take(one).expect("a place")).collect();
        assert_eq!(places.take(one).expect_err("full").entry(), TOO_MANY_REQUESTS);
        drop(places.take(other).expect("a place"));
        taken.pop();
        taken.push(places.take(one).expect("a place"));
        drop(taken);
        assert!(places.counts().is_empty(), "nobody is remembered");
    }
}
