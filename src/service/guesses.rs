//! Wrong keys: an address has so many tries, then it waits, and the database is not asked. A key that was right a while ago needs no try:
//! neighbours behind one address go on working while one of them guesses. Whether it is right now the database alone says.

use ipnet::IpNet;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Tries of an address at once.
const TRIES: u32 = 20;
/// After which time it has one more: ten a minute.
const EVERY: Duration = Duration::from_secs(6);
/// Time for which a known key costs no try.
const REMEMBERED: Duration = Duration::from_secs(3_600);
/// Keys remembered at most. When they are more all are forgotten: each comes back with its next try.
const KEYS: usize = 100_000;

/// SHA-256 of a key.
type Digest = [u8; 32];

/// Tries by address, and keys that were right.
#[derive(Debug, Default)]
pub struct Guesses(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Time at which an address has all its tries again.
    tried: HashMap<IpNet, Instant>,
    /// Keys that were right, and when.
    right: HashMap<Digest, Instant>,
}

/// A try, whose result must be reported.
#[derive(Clone, Copy, Debug)]
pub struct Try {
    from: IpNet,
    digest: Digest,
    counted: bool,
}

impl Guesses {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a try, or returns how long to wait for the next.
    pub fn start(&self, from: IpNet, digest: Digest, now: Instant) -> Result<Try, Duration> {
        let mut known = self.known();
        if known.right.get(&digest).is_some_and(|then| now.duration_since(*then) < REMEMBERED) {
            return Ok(Try { from, digest, counted: false });
        }
        let again = known.tried.get(&from).map_or(now, |then| now.max(*then)) + EVERY;
        let most = now + EVERY * TRIES;
        if again > most {
            return Err(again - most);
        }
        known.tried.insert(from, again);
        Ok(Try { from, digest, counted: true })
    }

    /// The key is right: the try is given back.
    pub fn right(&self, attempt: Try, now: Instant) {
        self.untold(attempt);
        let mut known = self.known();
        if known.right.len() >= KEYS {
            known.right.clear();
        }
        known.right.insert(attempt.digest, now);
    }

    /// The key is wrong, or no longer right.
    pub fn wrong(&self, attempt: Try) {
        self.known().right.remove(&attempt.digest);
    }

    /// Nobody could tell: the try is given back.
    pub fn untold(&self, attempt: Try) {
        if attempt.counted
            && let Some(again) = self.known().tried.get_mut(&attempt.from)
        {
            *again -= EVERY;
        }
    }

    /// Forgets what no longer counts.
    pub fn forget(&self, now: Instant) {
        let mut known = self.known();
        known.tried.retain(|_, again| *again > now);
        known.right.retain(|_, then| now.duration_since(*then) < REMEMBERED);
        known.tried.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "192.0.2.1/32";

    #[test]
    fn an_address_has_twenty_tries_and_ten_more_a_minute() {
        let (guesses, start, here) = (Guesses::default(), Instant::now(), HERE.parse().unwrap());
        let tries = |at: Instant| (0..100u8).filter(|n| guesses.start(here, [*n; 32], at).is_ok()).count();
        assert_eq!(tries(start), 20);
        assert_eq!(guesses.start(here, [0; 32], start).unwrap_err(), EVERY);
        assert_eq!(tries(start + Duration::from_secs(60)), 10);
        assert_eq!(tries(start + Duration::from_secs(600)), 20);
        assert!(
            guesses.start("192.0.2.2/32".parse().unwrap(), [0; 32], start).is_ok(),
            "others have their own"
        );
        guesses.forget(start + Duration::from_secs(6_000));
        assert!(guesses.known().tried.is_empty());
    }

    #[test]
    fn right_keys_cost_no_try_and_need_none_for_a_while() {
        let (guesses, now, here) = (Guesses::default(), Instant::now(), HERE.parse().unwrap());
        for n in 0..200u8 {
            guesses.right(guesses.start(here, [n; 32], now).unwrap(), now);
        }
        for n in 200..220u8 {
            guesses.wrong(guesses.start(here, [n; 32], now).unwrap());
        }
        assert!(guesses.start(here, [230; 32], now).is_err());
        let known = guesses.start(here, [7; 32], now).expect("it was right just now");
        // Revoked meanwhile: from then on it is a key like any other.
        guesses.wrong(known);
        assert!(guesses.start(here, [7; 32], now).is_err());
        assert!(guesses.start(here, [8; 32], now + REMEMBERED).is_ok_and(|attempt| attempt.counted));
    }

    #[test]
    fn a_try_that_nobody_could_judge_is_given_back() {
        let (guesses, now, here) = (Guesses::default(), Instant::now(), HERE.parse().unwrap());
        for n in 0..100u8 {
            guesses.untold(guesses.start(here, [n; 32], now).unwrap());
        }
    }
}
