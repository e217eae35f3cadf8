//! Looks across records, compared with the synthetic records: the number of hosts and pairs, their sizes,
//! degrees, and who answers.

use netdpsyn_model::looks::{Pair, ranks_of_pairs};
use netdpsyn_model::{Bundle, LookSubject, RankAnswer};
use netdpsyn_trace::progress::{Cancelled, Progress, blocks};
use netdpsyn_trace::{Role, Trace};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Largest number of counted distinct pairs: 24 bytes each. With more there is no comparison.
const MOST: usize = 1 << 23;

/// A noisy look, and the same look at the synthetic records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LookFit {
    /// What is counted.
    pub of: LookSubject,
    /// Standard deviation of the noise in each noisy number below.
    pub sigma: f64,
    /// The noisy rank histogram: members of every group are numbered 1, 2, 3 …, and the numbers counted in
    /// bins {1} {2} {3, 4} {5 … 8} … The first is the number of groups.
    pub noisy: Vec<i64>,
    /// The rank histogram of the synthetic records. Empty where they have too many pairs to count.
    pub synthetic: Vec<i64>,
}

/// Number of records of each pair of hosts.
pub struct Pairs {
    sides: [usize; 2],
    counts: Mutex<HashMap<(u32, u32), u64>>,
}

impl Pairs {
    /// For a bundle with looks.
    pub fn of(bundle: &Bundle) -> Option<Pairs> {
        let side = |role| bundle.schema.column_of(role).filter(|_| !bundle.looks.is_empty());
        let sides = [side(Role::SourceAddress)?, side(Role::DestinationAddress)?];
        Some(Pairs { sides, counts: Mutex::default() })
    }

    /// Counts records.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn add(&self, records: &Trace, progress: &dyn Progress) -> Result<(), Cancelled> {
        let [source, destination] = self.sides.map(|side| records.column(side));
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for rows in blocks(0..records.rows(), progress) {
            for row in rows? {
                if counts.len() <= MOST {
                    *counts.entry((source.get(row) as u32, destination.get(row) as u32)).or_default() += 1;
                }
            }
        }
        Ok(())
    }

    /// Compares the counts with the looks of the bundle.
    pub fn seen(self, bundle: &Bundle) -> Vec<LookFit> {
        let counts = self.counts.into_inner().unwrap_or_else(PoisonError::into_inner);
        let made = if counts.len() > MOST { vec![Vec::new(); LookSubject::ALL.len()] } else { ranks(counts) };
        let seen = |look: &RankAnswer| LookFit {
            of: look.of,
            sigma: look.scale.sigma(),
            noisy: look.ranks.clone(),
            synthetic: LookSubject::ALL
                .iter()
                .position(|own| *own == look.of)
                .map_or(Vec::new(), |at| made[at].clone()),
        };
        bundle.looks.iter().map(seen).collect()
    }
}

fn ranks(counts: HashMap<(u32, u32), u64>) -> Vec<Vec<i64>> {
    let mut pairs: Vec<Pair> = counts.into_iter().collect();
    pairs.sort_unstable();
    ranks_of_pairs(pairs)
}
