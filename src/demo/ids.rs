//! Ids of the demo rows: UUIDv7 of a made-up past. The ids of the running product come from the kernel.

use uuid::{Builder, Uuid};

use super::dates::START_S;
use super::random::Random;

/// Makes ascending ids, each some minutes after the one before.
#[derive(Debug)]
pub struct Ids {
    random: Random,
    now_s: i64,
}

impl Ids {
    /// Begins at the start of the data.
    pub fn new() -> Self {
        Self { random: Random::for_table("ids"), now_s: START_S }
    }

    /// The next id.
    pub fn next(&mut self) -> Uuid {
        self.now_s += self.random.between(120, 900);
        let [high, low] = [self.random.bits(), self.random.bits()].map(u64::to_be_bytes);
        let mut bytes = [0; 10];
        for (byte, value) in bytes.iter_mut().zip(high.into_iter().chain(low)) {
            *byte = value;
        }
        let millis = u64::try_from(self.now_s * 1_000).unwrap_or_default();
        Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }

    /// The time of the last id, in seconds since 1970.
    pub fn now_s(&self) -> i64 {
        self.now_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_and_are_version_seven() {
        let mut ids = Ids::new();
        let made: Vec<Uuid> = (0..100).map(|_| ids.next()).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(made.iter().all(|id| id.get_version_num() == 7));
    }
}
