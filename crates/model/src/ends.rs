//! Which families of addresses meet in a record: a host of IPv4 talks to none of IPv6.
//!
//! Noise spreads records over more cells of source × destination than there are, and some of them would have a packet go from one family to another. So a model asks its
//! noisy table of both ends, whose bins lie within families: where all cells of two families together do not stand out of their noise, and are surely fewer than ends drawn alike would have, no record has the two. A table that was
//! not measured says nothing, and then nothing is left out. All of this is post-processing.

use super::{Layers, Measurement, Table};
use crate::domain::Attribute;
use netdpsyn_trace::directory::SPACE;
use netdpsyn_trace::{Address, Directory, Role, Schema};

/// σ that records of two families stand out by.
const STANDS_OUT: f64 = 3.0;
/// The part of what two families would have if ends were drawn alike, below which they do not meet.
const ABSENT: f64 = 0.75;
/// σ by which they may have more than was counted.
const SURELY: f64 = 2.0;
/// Families of addresses, and what is special.
const KINDS: usize = 5;

/// The ends of records whose addresses are of any family.
#[derive(Clone, Debug, PartialEq)]
pub struct Ends {
    /// The attributes of source and destination.
    pub attributes: [usize; 2],
    /// By side and code, the family.
    families: [Vec<usize>; 2],
    /// By family of the source and of the destination, whether they meet.
    meet: [[bool; KINDS]; KINDS],
}

impl Ends {
    /// By these measurements of a schema's attributes, where numbers of addresses stand for these.
    pub fn of(
        schema: &Schema,
        attributes: &[Attribute],
        layers: &Layers,
        measurements: &[Measurement],
        directory: &Directory,
    ) -> Option<Ends> {
        let fine = |role: Role| {
            let column = schema.column_of(role)?;
            attributes[..layers.coarse.len()].iter().position(|a| a.column == column)
        };
        let ends = [fine(Role::SourceAddress)?, fine(Role::DestinationAddress)?];
        let coarse = ends.map(|end| layers.coarse[end]);
        let holds = |m: &&Measurement| coarse.iter().all(|end| m.attributes.contains(end));
        let table = Table::measured(measurements.iter().find(holds)?, attributes);
        let map = table.cells.map_onto(&coarse);
        let cells = table.cells.onto(&coarse).cells;
        let (counts, variances) =
            (table.project(&map, cells.count()), table.projected_variance(&map, cells.count()));

        let families = ends.map(|end| families(&attributes[end], directory));
        let mut of_coarse = coarse.map(|end| vec![0; attributes[end].bins()]);
        for side in [0, 1] {
            let onto = layers.map(ends[side], attributes)?;
            onto.iter().zip(&families[side]).for_each(|(&bin, &own)| of_coarse[side][bin as usize] = own);
        }
        let (mut sums, mut noise) = ([[0.0; KINDS]; KINDS], [[0.0; KINDS]; KINDS]);
        let [sources, destinations] = &of_coarse;
        let pairs = sources.iter().flat_map(|&from| destinations.iter().map(move |&to| (from, to)));
        for ((from, to), (count, variance)) in pairs.zip(counts.iter().zip(&variances)) {
            sums[from][to] += count;
            noise[from][to] += variance;
        }
        let sources = sums.map(|row| row.iter().sum::<f64>().max(0.0));
        let destinations: [f64; KINDS] =
            std::array::from_fn(|to| sums.iter().map(|row| row[to]).sum::<f64>().max(0.0));
        let total = sources.iter().sum::<f64>().max(1.0);
        let mut meet = [[true; KINDS]; KINDS];
        // What is special is of no family, and meets whom it likes.
        for (from, to) in (1..KINDS).flat_map(|from| (1..KINDS).map(move |to| (from, to))) {
            let (sum, sigma) = (sums[from][to], f64::sqrt(noise[from][to]));
            // Where all would be alike, and noise could not hide it.
            let expected = sources[from] * destinations[to] / total;
            let absent = sum <= STANDS_OUT * sigma && sum + SURELY * sigma < ABSENT * expected;
            meet[from][to] = from == to || !absent;
        }
        Some(Ends { attributes: ends, families, meet })
    }

    /// Whether a record may have these codes of source and destination.
    pub fn meet(&self, [from, to]: [u64; 2]) -> bool {
        self.meet[self.family(0, from)][self.family(1, to)]
    }

    /// The family of a code of one side.
    pub fn family(&self, side: usize, code: u64) -> usize {
        self.families[side][code as usize]
    }

    /// One more than the largest family.
    pub const fn kinds() -> usize {
        KINDS
    }
}

/// The family of each bin: that of what is drawn from it.
fn families(attribute: &Attribute, directory: &Directory) -> Vec<usize> {
    let drawn = attribute.partition.intervals().into_iter().map(|own| {
        let drawn = own.iter().find(|(_, weight)| *weight > 0.0).or(own.first());
        drawn.map_or(SPACE, |(interval, _)| interval.start)
    });
    let family = |number: u64| match directory.address(number) {
        _ if number >= SPACE => 0,
        Address::V4(_) => 1,
        Address::V6(_) => 2,
        Address::Hardware(_) => 3,
        Address::Token(..) => 4,
    };
    drawn.map(family).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Partition;
    use netdpsyn_account::{MaxRecords, NoiseScale, Rho, Sensitivity};
    use netdpsyn_trace::{Families, presets};

    /// Two bins of either side, of IPv4 and of IPv6, whose table has these counts.
    fn ends(counts: [i64; 4]) -> Ends {
        let mut schema = presets::preset("flow").unwrap();
        schema.declare_families(Families::Any).unwrap();
        let keys =
            ["2001:db8::1", "192.0.2.1"].map(|text| Address::read(text.as_bytes()).unwrap().key().unwrap());
        let directory = Directory::of_all(keys.into_iter());
        let attribute = |role: Role| {
            let column = schema.column_of(role).unwrap();
            let partition = Partition::from_starts(vec![0, 1], SPACE);
            Attribute { column, name: schema.columns[column].name.clone(), partition }
        };
        let attributes = [Role::SourceAddress, Role::DestinationAddress].map(attribute);
        let layers = Layers { class: None, side: None, coarse: vec![0, 1] };
        // σ = 10.
        let one = Sensitivity::histogram(MaxRecords::ONE);
        let scale = NoiseScale::for_cost(one, Rho::from_units(5_000_000_000)).unwrap();
        let measured = Measurement {
            label: String::new(),
            attributes: vec![0, 1],
            counts: counts.into(),
            scale,
            joined: None,
        };
        Ends::of(&schema, &attributes, &layers, &[measured], &directory).unwrap()
    }

    #[test]
    fn families_that_do_not_stand_out_together_never_meet() {
        let all = |ends: &Ends| [[0, 0], [0, 1], [1, 0], [1, 1]].map(|codes| ends.meet(codes));
        // Where noise may hide all there is, nothing is said.
        assert_eq!(all(&ends([0, 12, 25, 8])), [true; 4]);
        let ends = ends([400, 9, 31, 40]);
        assert_eq!(all(&ends), [true, false, true, true]);
        assert_eq!([ends.family(0, 0), ends.family(1, 1)], [2, 1]);
    }
}
