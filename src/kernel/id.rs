//! Ids of time order: UUIDv7 made from the product's own clock, so that tests own the order.

use std::sync::Mutex;

use uuid::{ContextV7, NoContext, Timestamp, Uuid};

use super::time::Instant;

/// Makes UUIDv7 ids that ascend even within one millisecond.
#[derive(Debug, Default)]
pub struct Ids {
    context: Mutex<ContextV7>,
}

impl Ids {
    /// The next id at time `now`.
    pub fn next(&self, now: Instant) -> Uuid {
        let context = self.context.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(&*context, seconds, now.timestamp_subsec_nanos()))
    }
}

/// A key before all that were made at `time`, in whole seconds, or later.
pub fn first_at(time: Instant) -> Uuid {
    let seconds = u64::try_from(time.timestamp()).unwrap_or_default();
    let made = Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, 0));
    // The random part as small as can be.
    Uuid::from_u128(made.as_u128() & !0x0FFF_3FFF_FFFF_FFFF_FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_key_of_a_time_is_before_all_others_of_it() {
        let now = chrono::DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        let ids = Ids::default();
        for _ in 0..100 {
            assert!(ids.next(now) > first_at(now));
            // Other ids: those of one source do not go back in time.
            assert!(Ids::default().next(now - chrono::Duration::milliseconds(1)) < first_at(now));
        }
    }

    #[test]
    fn ids_ascend_within_one_instant() {
        let ids = Ids::default();
        let now = chrono::DateTime::from_timestamp(1_700_000_000, 5).expect("valid");
        let made: Vec<Uuid> = (0..1000).map(|_| ids.next(now)).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
