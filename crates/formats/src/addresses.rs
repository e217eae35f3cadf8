//! Addresses of any family while a trace is read: numbered in order of appearance, and sorted at the end.

use super::bad_cell::{BadCell, bad};
use netdpsyn_trace::directory::{Directory, SPACE};
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::{Address, Trace, address::NoAddress};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Parts with a lock each, so that threads seldom wait for each other.
const PARTS: usize = 64;

/// Assigns numbers to addresses.
pub struct Gatherer {
    parts: [Part; PARTS],
    next: AtomicU64,
}

impl Default for Gatherer {
    fn default() -> Self {
        Gatherer { parts: std::array::from_fn(|_| Part::default()), next: AtomicU64::new(0) }
    }
}

/// The numbers of some keys.
type Part = Mutex<HashMap<u128, u32>>;

impl Gatherer {
    /// The number of a key; `None` where there are too many.
    fn number(&self, key: u128) -> Option<u64> {
        // The bits that vary most are those of IPv4, and the last ones.
        let mixed = (key ^ key >> 92 ^ key >> 76).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let part = &self.parts[(mixed >> 122) as usize % PARTS];
        let mut known = part.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&number) = known.get(&key) {
            return Some(number.into());
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        known.insert(key, u32::try_from(number).ok().filter(|&n| u64::from(n) < SPACE)?);
        Some(number)
    }

    /// Renumbers a trace so that numbers are in the order of addresses, and attaches the directory. Resets
    /// the gatherer.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn ordered(&self, trace: Trace, progress: &dyn Progress) -> Result<Trace, Cancelled> {
        let mut known: Vec<(u128, u32)> = Vec::new();
        for part in &self.parts {
            known.extend(part.lock().unwrap_or_else(PoisonError::into_inner).drain());
        }
        self.next.store(0, Ordering::Relaxed);
        progress.check()?;
        known.sort_unstable();
        let mut places = vec![0; known.len()];
        known.iter().zip(0..).for_each(|(&(_, number), place)| places[number as usize] = place);
        let directory = Arc::new(Directory::of_keys(known.into_iter().map(|(key, _)| key).collect()));
        trace.renumbered(directory, |number| places[number as usize], progress)
    }
}

/// The number of an address given as bytes; `None` where parsing its text gives a better error message.
pub fn of_ip(ip: IpAddr, gatherer: Option<&Gatherer>) -> Option<u64> {
    let key = Address::of_ip(ip).key()?;
    gatherer.map_or(Some(0), |gatherer| gatherer.number(key))
}

/// Parses a cell; without a gatherer its number is 0.
pub fn read(cell: &[u8], gatherer: Option<&Gatherer>) -> Result<u64, BadCell> {
    let key = match Address::read(cell) {
        Ok(address) => address.key(),
        Err(NoAddress::Unassigned) => return Err(bad("an IPv6 address that nobody has assigned", cell)),
        Err(NoAddress::Text) => {
            return Err(bad(
                "no address of IPv4, IPv6 or hardware, and no token of two numbers as 10008_145",
                cell,
            ));
        }
    };
    let number = match (key, gatherer) {
        (Some(key), Some(gatherer)) => gatherer.number(key),
        _ => Some(0),
    };
    number.ok_or_else(|| bad("more addresses than can be numbered", cell))
}
