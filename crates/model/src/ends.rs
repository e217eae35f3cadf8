//! Which families of addresses occur together in a record: an IPv4 host does not talk to an IPv6 host.
//!
//! Noise spreads records over more cells of source × destination than are occupied, and would produce packets
//! between different families. So a model examines the noisy table of both endpoints, whose bins lie within
//! families. Two families do not occur together where their joint cells do not stand out of the noise and
//! clearly have fewer records than independent endpoints would. Without a measured table, nothing is
//! excluded. All of this is post-processing.

use super::{Layers, Measurement, Table};
use crate::domain::Attribute;
use netdpsyn_trace::directory::SPACE;
use netdpsyn_trace::{Address, Directory, Role, Schema};

/// σ by which records of two families stand out.
const STANDS_OUT: f64 = 3.0;
/// The fraction of the records expected for independent endpoints, below which two families do not occur
/// together.
const ABSENT: f64 = 0.75;
/// σ added to the count before it is compared with that fraction.
const SURELY: f64 = 2.0;
/// Number of families of addresses, including that of special values.
const KINDS: usize = 5;

/// The endpoints of records whose addresses are of any family.
#[derive(Clone, Debug, PartialEq)]
pub struct Ends {
    /// The attributes of source and destination.
    pub attributes: [usize; 2],
    /// By side and code, the family.
    families: [Vec<usize>; 2],
    /// By family of the source and of the destination, whether they occur together.
    meet: [[bool; KINDS]; KINDS],
}

impl Ends {
    /// Decides from the measurements; `directory` maps numbers to addresses.
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
        // Special values have no family, and occur with any.
        for (from, to) in (1..KINDS).flat_map(|from| (1..KINDS).map(move |to| (from, to))) {
            let (sum, sigma) = (sums[from][to], f64::sqrt(noise[from][to]));
            // Where their absence would show, and noise could not hide it.
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

    /// Number of families.
    pub const fn kinds() -> usize {
        KINDS
    }
}

/// The family of each bin: that of the values drawn from it.
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

    /// Two bins on either side, of IPv4 and of IPv6, whose table has these counts.
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
        // Where noise may hide all records, nothing is excluded.
        assert_eq!(all(&ends([0, 12, 25, 8])), [true; 4]);
        let ends = ends([400, 9, 31, 40]);
        assert_eq!(all(&ends), [true, false, true, true]);
        assert_eq!([ends.family(0, 0), ends.family(1, 1)], [2, 1]);
    }
}
