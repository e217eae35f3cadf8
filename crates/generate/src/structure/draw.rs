//! Assigns hosts to records: each host of a bin gets its number of records.

use super::meet::Hosts;
use crate::pool::start::{by_group, deal};
use netdpsyn_trace::progress::{Cancelled, Step};
use rand::{Rng, seq::SliceRandom};

/// The hosts of every bin of one side, by number, with the cumulative sums of their records.
pub struct Bins(Vec<(Vec<u32>, Vec<f64>)>);

impl Bins {
    /// Hosts as indices of `addresses`, which ascend.
    pub fn new(hosts: &Hosts, addresses: &[u64]) -> Bins {
        let bin = |own: &Vec<(u64, f64)>| {
            let mut sum = 0.0;
            own.iter()
                .map(|(address, records)| {
                    sum += records;
                    (addresses.partition_point(|other| other < address) as u32, sum)
                })
                .unzip()
        };
        Bins(hosts.iter().map(bin).collect())
    }

    /// Draws a host for every record, given the bins of the records.
    ///
    /// # Errors
    /// [`Cancelled`] when `step` returns it.
    pub fn draw(&self, bins: &[u32], rng: &mut impl Rng, step: &Step) -> Result<Vec<u32>, Cancelled> {
        let mut hosts = vec![0; bins.len()];
        let (mut order, mut starts) = (Vec::new(), Vec::new());
        by_group(bins, self.0.len(), &mut order, &mut starts);
        for (bin, (own, sums)) in self.0.iter().enumerate() {
            let members = &mut order[starts[bin] as usize..starts[bin + 1] as usize];
            if members.is_empty() {
                continue;
            }
            step()?;
            members.shuffle(rng);
            deal(members, sums, |row, at| hosts[row as usize] = own[at as usize], rng);
        }
        Ok(hosts)
    }
}
