//! When a message that was not taken is sent again.

use std::str::FromStr;
use std::time::Duration;

/// Waits between tries. After the last of them a message is given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule(Vec<Duration>);

/// Seconds, as Standard Webhooks recommends: about three days in all.
const USUAL: [u64; 9] =
    [5, 5 * 60, 30 * 60, 2 * 3_600, 5 * 3_600, 10 * 3_600, 14 * 3_600, 20 * 3_600, 24 * 3_600];

impl Default for Schedule {
    fn default() -> Self {
        Schedule(USUAL.map(Duration::from_secs).to_vec())
    }
}

impl Schedule {
    /// How long to wait after this many tries have failed; none where it was the last. `chance` from 0 to 1 spreads
    /// receivers that failed together by a tenth.
    pub fn after(&self, failed: usize, chance: f64) -> Option<Duration> {
        let wait = self.0.get(failed.checked_sub(1)?)?;
        Some(wait.mul_f64(1.0 + chance.clamp(0.0, 1.0) / 10.0))
    }
}

impl FromStr for Schedule {
    type Err = String;

    /// Seconds with commas between them, 1 to 20 of at most a week.
    fn from_str(text: &str) -> Result<Self, String> {
        let waits: Vec<u64> = text
            .split(',')
            .map(|part| part.trim().parse().map_err(|_| format!("`{}` is no number of seconds", part.trim())))
            .collect::<Result<_, _>>()?;
        if waits.len() > 20 || waits.iter().any(|wait| *wait > 7 * 86_400) {
            return Err("at most 20 waits of at most a week".into());
        }
        Ok(Schedule(waits.into_iter().map(Duration::from_secs).collect()))
    }
}

impl std::fmt::Display for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let waits: Vec<String> = self.0.iter().map(|wait| wait.as_secs().to_string()).collect();
        f.write_str(&waits.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_until_the_last() {
        let usual = Schedule::default();
        let waits: Vec<Duration> = (1..).map_while(|failed| usual.after(failed, 0.0)).collect();
        assert_eq!(waits.len(), 9);
        assert!(waits.is_sorted() && waits[0] == Duration::from_secs(5));
        let total: Duration = waits.iter().sum();
        assert!((70..80).contains(&(total.as_secs() / 3_600)), "{total:?}");
        assert_eq!(usual.after(1, 1.0), Some(Duration::from_millis(5_500)));
        assert_eq!((usual.after(0, 0.5), usual.after(10, 0.5)), (None, None));
    }

    #[test]
    fn waits_are_read_as_they_are_written() {
        assert_eq!(Schedule::default().to_string().parse(), Ok(Schedule::default()));
        assert_eq!("0, 1".parse::<Schedule>().unwrap().after(2, 0.0), Some(Duration::from_secs(1)));
        for wrong in ["", "-1", "1;2", "604801", &"1,".repeat(20)] {
            assert!(wrong.parse::<Schedule>().is_err(), "{wrong}");
        }
    }
}
