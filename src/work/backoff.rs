//! How long to pause after a failure. Pure.

use std::time::Duration;

use uuid::Uuid;

use super::policy::Policy;

/// The pause after attempt `attempt` (from 1) of a job: growing from the policy's first to its longest, less up to a quarter of
/// itself, so that jobs that failed together do not come back together. The share is made of the job and the attempt.
pub fn pause(policy: &Policy, attempt: u32, job: Uuid) -> Duration {
    let growth = policy.pause_factor.saturating_pow(attempt.saturating_sub(1));
    let whole = policy.pause.saturating_mul(growth).min(policy.pause_max);
    whole.mul_f64(1.0 - spread(job, attempt) / 4.0)
}

/// A number from 0 to 1 that differs from job to job and from attempt to attempt.
fn spread(job: Uuid, attempt: u32) -> f64 {
    // The end of a UUIDv7 is random; multiplying by an odd number spreads it over all bits.
    let seed = job.as_u64_pair().1 ^ u64::from(attempt);
    let mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    f64::from(u32::try_from(mixed >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy =
        Policy { pause: Duration::from_secs(2), pause_max: Duration::from_secs(3600), ..Policy::EFFECT };

    fn job(number: u128) -> Uuid {
        Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number * 7919)
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        for (attempt, whole_s) in [(1, 2), (2, 4), (3, 8), (10, 1024), (12, 3600), (13, 3600), (u32::MAX, 3600)] {
            let pause = pause(&POLICY, attempt, job(1)).as_secs_f64();
            assert!(pause <= f64::from(whole_s) && pause >= f64::from(whole_s) * 0.75, "{attempt}: {pause}");
        }
    }

    #[test]
    fn pauses_grow_by_the_factor_of_the_policy() {
        let policy =
            Policy { pause: Duration::from_secs(5), pause_factor: 4, pause_max: Duration::from_secs(1000), ..POLICY };
        for (attempt, whole_s) in [(1, 5), (2, 20), (3, 80), (4, 320), (5, 1000), (u32::MAX, 1000)] {
            let pause = pause(&policy, attempt, job(1)).as_secs_f64();
            assert!(pause <= f64::from(whole_s) && pause >= f64::from(whole_s) * 0.75, "{attempt}: {pause}");
        }
    }

    #[test]
    fn jobs_that_failed_together_come_back_apart() {
        let mut pauses: Vec<u128> = (0..100).map(|n| pause(&POLICY, 8, job(n)).as_millis() / 100).collect();
        pauses.sort_unstable();
        pauses.dedup();
        assert!(pauses.len() > 40, "{} different tenths of a second", pauses.len());
        assert_eq!(pause(&POLICY, 8, job(1)), pause(&POLICY, 8, job(1)));
    }
}
