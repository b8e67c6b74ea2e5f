//! How long to wait before asking again.

use std::time::Duration;

use http::HeaderMap;
use sha2::Digest;
use sha2::Sha256;

use crate::Limits;

/// The wait before request number `attempt` (from 1) of the question with this key: doubled each time, up to the limit, and then between
/// half of it and all of it, by the key and the attempt. So those who failed together do not come back together, and the same
/// question waits the same time in every run.
#[must_use]
pub fn wait(limits: &Limits, key: &str, attempt: u32) -> Duration {
    let doubled = limits.backoff.saturating_mul(2u32.saturating_pow(attempt.saturating_sub(1)));
    doubled.min(limits.backoff_max).mul_f64(0.5 + 0.5 * share(key, attempt))
}

/// A number in [0, 1) that belongs to this question and attempt.
fn share(key: &str, attempt: u32) -> f64 {
    let digest = Sha256::digest(format!("{key}/{attempt}"));
    let mut first = [0; 4];
    first.copy_from_slice(&digest[..4]);
    f64::from(u32::from_le_bytes(first)) / (f64::from(u32::MAX) + 1.0)
}

/// The wait that a server asks for: `retry-after-ms`, or `Retry-After` in seconds. A date is not read, since it would be compared with
/// a clock that need not be the server's: the usual wait takes its place.
#[must_use]
pub fn asked_for(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms").map(|ms| ms / 1e3).or_else(|| number("retry-after"))?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_their_limit_and_keep_at_least_half() {
        let limits = Limits::default();
        for (attempt, most) in [(1, 0.5), (2, 1.0), (3, 2.0), (7, 30.0), (40, 30.0)] {
            for key in ["a", "b", "c", "d"] {
                let seconds = wait(&limits, key, attempt).as_secs_f64();
                assert!(seconds >= most / 2.0 && seconds < most, "{seconds} at {attempt}");
            }
        }
    }

    #[test]
    fn waits_differ_by_question_and_are_the_same_in_every_run() {
        let limits = Limits::default();
        let waits: Vec<Duration> = (0..50).map(|n| wait(&limits, &n.to_string(), 1)).collect();
        let mut distinct = waits.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 50);
        assert_eq!(waits[7], wait(&limits, "7", 1));
    }

    #[test]
    fn a_server_says_how_long_in_seconds_or_milliseconds() {
        let of = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            pairs.iter().for_each(|(name, value)| {
                headers.insert(*name, http::HeaderValue::from_static(value));
            });
            asked_for(&headers)
        };
        assert_eq!(of(&[("retry-after", "3")]), Some(Duration::from_secs(3)));
        assert_eq!(of(&[("retry-after", "3"), ("retry-after-ms", "20")]), Some(Duration::from_millis(20)));
        for bad in ["", "-1", "nan", "1e300", "Wed, 21 Oct 2026 07:28:00 GMT"] {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", http::HeaderValue::from_str(bad).unwrap());
            assert_eq!(asked_for(&headers), None, "{bad}");
        }
        assert_eq!(of(&[]), None);
    }
}
