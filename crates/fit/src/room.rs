//! The largest size of a fit's bundle on disk: known before anything is paid for, and never exceeded.
//!
//! A fit that has measured must be able to store its measurements, so disk space is reserved first. The bound
//! follows from schema and options alone; growing trees and choosing pairs stop before they exceed it, which
//! depends, like all their decisions, on the plan and on earlier noisy answers.

use super::count::Marginal;
use super::plan::{Method, Plan};
use netdpsyn_model::domain::{Order, fixed};
use netdpsyn_trace::{Addresses, Schema};

/// Largest number of leaves of all trees together.
const LEAVES: u64 = 1 << 21;
/// Largest number of leaves of one tree.
const LEAVES_A_TREE: u64 = 1 << 19;
/// Largest number of cells of all pairs and cliques together, unless a single pair may have more.
const CELLS: u64 = 1 << 22;

/// Bytes of a leaf as JSON, uncompressed: start (11) and label (8) of its interval, and either a weight (24)
/// or, where it has its own bin, a weight of 1 and a noisy count.
const BYTES_A_LEAF: u64 = 44;
/// Bytes of a fixed bin, whose start may have 19 digits: interval, noisy count, number of merged bins.
const BYTES_A_BIN: u64 = 72;
/// Bytes of a cell: a noisy count of at most eleven digits with sign and comma.
const BYTES_A_CELL: u64 = 13;
/// Bytes of the networks that a leaf of addresses of any family adds: each of its ends may divide another
/// network in two, and either part has two addresses of 39 characters, with their punctuation.
const BYTES_OF_NETWORKS: u64 = 2 * (2 * (39 + 3) + 2);
/// Bytes of the statement with its charges, and of all names.
const BYTES_BESIDES: u64 = 1 << 20;

/// Largest number of leaves of all trees of the adaptive method together: most of the queried nodes hold
/// nothing and are dropped.
const KEPT_LEAVES: u64 = 1 << 20;
/// Bytes of one of them: as above, and two adjacent intervals that are never drawn, of weight 0 (26 each).
const BYTES_A_KEPT_LEAF: u64 = BYTES_A_LEAF + 2 * 26;
/// Largest number of pieces into which wide leaves of one column are divided: four per octave, and as many
/// for those of the first level.
const PIECES: u64 = 8 * 64;

/// The largest size of the parts of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Largest number of leaves of one tree.
    leaves_a_tree: u64,
    /// Largest number of leaves of all trees: no tree has more than its space has values.
    leaves: u64,
    /// Bytes of each leaf.
    bytes_a_leaf: u64,
    /// Number of fixed bins of the other attributes.
    bins: u64,
    /// Largest number of cells of pairs and cliques.
    cells: u64,
    /// Bytes of the schema, which a bundle may contain twice, and of the networks of addresses of any family.
    besides: u64,
}

impl Room {
    /// For a fit of `schema` under `plan`.
    pub fn of(plan: &Plan, schema: &Schema) -> Self {
        let measured = schema.columns.iter().filter(|column| column.is_measured());
        let adaptive = plan.method == Method::Adaptive;
        let (mut spaces, mut bins) = (Vec::new(), 0);
        let any_addresses = Addresses::columns(schema).count() as u64;
        for column in measured {
            let tree = match adaptive {
                true => Order::of(column, schema.window).map(|order| order.bits()),
                false => column.field.tree().map(|(bits, _)| bits),
            };
            let fixed = fixed::partition(column, schema.window);
            match (tree, fixed) {
                (Some(bits), _) => {
                    spaces.push(1u64.checked_shl(bits).unwrap_or(u64::MAX));
                    bins += column.special.len() as u64;
                    bins += if adaptive { PIECES } else { 0 };
                }
                (None, Some(fixed)) => bins += fixed.intervals().iter().map(Vec::len).sum::<usize>() as u64,
                (None, None) => {}
            }
        }
        let most = if adaptive { KEPT_LEAVES } else { LEAVES };
        let leaves_a_tree = LEAVES_A_TREE.min(most / (spaces.len() as u64).max(1));
        let bytes_a_leaf = if adaptive { BYTES_A_KEPT_LEAF } else { BYTES_A_LEAF };
        let leaves = spaces.iter().map(|&space| space.min(leaves_a_tree)).sum();
        let schema_bytes = serde_json::to_vec(schema).map_or(0, |text| text.len() as u64);
        let cells = if adaptive { CELLS } else { CELLS.max(plan.options.max_cells) };
        let networks = any_addresses * leaves_a_tree * BYTES_OF_NETWORKS;
        Room { leaves_a_tree, leaves, bytes_a_leaf, bins, cells, besides: 2 * schema_bytes + networks }
    }

    /// Largest size on disk in bytes. Compressing incompressible data adds less than a hundredth.
    pub fn bytes(&self) -> u64 {
        let bins = self.leaves * self.bytes_a_leaf + self.bins * BYTES_A_BIN;
        let text = bins + self.cells * BYTES_A_CELL + self.besides + BYTES_BESIDES;
        text + text / 100
    }

    /// Largest number of cells of all tables.
    pub fn cells(&self) -> u64 {
        self.cells
    }

    /// The same with room for this many cells.
    pub fn of_cells(&self, cells: u64) -> Room {
        Room { cells, ..*self }
    }

    /// Largest number of leaves of a tree.
    pub fn leaves_a_tree(&self) -> u64 {
        self.leaves_a_tree
    }

    /// Those of `chosen` that fit, the smallest first; their order is kept.
    pub fn fitting(&self, mut chosen: Vec<Marginal>) -> Vec<Marginal> {
        let mut sizes: Vec<u64> = chosen.iter().map(|marginal| marginal.cells.count() as u64).collect();
        sizes.sort_unstable();
        let (mut sum, mut largest) = (0, 0);
        for size in sizes {
            if sum + size > self.cells {
                break;
            }
            (sum, largest) = (sum + size, size);
        }
        // Of several of the largest size that fits, the first ones are kept.
        let mut left = self.cells;
        chosen.retain(|marginal| {
            let cells = marginal.cells.count() as u64;
            let fits = cells < largest || cells == largest && cells <= left;
            left -= if fits { cells } else { 0 };
            fits
        });
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fit;
    use crate::trees::{self, Allowed};
    use netdpsyn_model::Cells;
    use netdpsyn_privacy::{Accountant, Guarantee, NoiseKey, Sensitive};
    use netdpsyn_trace::presets;
    use netdpsyn_trace::progress::Quiet;
    use netdpsyn_trace::simulate::flows;

    fn pair(cells: usize) -> Marginal {
        Marginal { cells: Cells::new([(0, cells), (1, 1)]) }
    }

    #[test]
    fn marginals_beyond_the_room_are_left_out() {
        let room = Room { leaves_a_tree: 1, leaves: 1, bytes_a_leaf: 1, bins: 1, cells: 100, besides: 1 };
        let kept = |sizes: &[usize]| {
            let kept = room.fitting(sizes.iter().map(|&cells| pair(cells)).collect());
            kept.iter().map(|marginal| marginal.cells.count()).collect::<Vec<_>>()
        };
        assert_eq!(kept(&[30, 50, 20]), [30, 50, 20]);
        assert_eq!(kept(&[90, 5, 20, 60]), [5, 20, 60]);
        assert_eq!(kept(&[40, 40, 40]), [40, 40]);
        assert_eq!(kept(&[101]), [0usize; 0]);
        assert_eq!(kept(&[]), [0usize; 0]);
    }

    /// A fit with hardly any noise, which opens whatever it may.
    fn fitted(plan: &Plan, leaves: u64) -> usize {
        let trace = Sensitive::new(flows::simulate(20_000, 1));
        let schema = flows::schema();
        let key = NoiseKey::for_test(1);
        let mut accountant = Accountant::new(plan.allowance(), &key);
        let allowed = Allowed { unit: plan.unit, rho: plan.share_out(&schema).trees, leaves };
        let grown = trees::grow(&trace, &schema, allowed, &mut accountant, &Quiet).unwrap();
        grown.values().map(|tree| tree.leaves.len()).max().unwrap()
    }

    #[test]
    fn trees_open_no_more_nodes_than_there_is_room_for() {
        let plan = Plan::new(Guarantee::new(1_000.0, 1e-9).unwrap(), Method::Netdpsyn);
        let free = fitted(&plan, LEAVES);
        assert!(free > 5_000, "{free}");
        for leaves in [300, 1_000, 5_000] {
            assert!(fitted(&plan, leaves) as u64 <= leaves);
        }
    }

    #[test]
    fn a_bundle_takes_no_more_room_than_was_said() {
        for epsilon in [0.1, 1_000.0] {
            let plan = Plan::new(Guarantee::new(epsilon, 1e-9).unwrap(), Method::Netdpsyn);
            let trace = Sensitive::new(flows::simulate(5_000, 1));
            let fitted = fit(trace, &flows::schema(), &plan, &NoiseKey::for_test(1), &Quiet).unwrap();
            let bundle = fitted.bundle;
            // The bound on existing parts: at least their uncompressed size.
            let bins = |trees: bool| -> usize {
                let of = bundle
                    .attributes
                    .iter()
                    .filter(|a| bundle.schema.columns[a.column].field.tree().is_some() == trees);
                of.map(|a| a.partition.intervals().iter().map(Vec::len).sum::<usize>()).sum()
            };
            let cells: usize =
                bundle.measurements.iter().filter(|m| m.attributes.len() > 1).map(|m| m.counts.len()).sum();
            let schema = serde_json::to_vec(&bundle.schema).unwrap().len() as u64;
            let said = Room {
                leaves_a_tree: 0,
                leaves: bins(true) as u64,
                bytes_a_leaf: BYTES_A_LEAF,
                bins: bins(false) as u64,
                cells: cells as u64,
                besides: 2 * schema,
            };
            let text = serde_json::to_vec(&bundle).unwrap().len() as u64;
            assert!(text <= said.bytes(), "{text} of {}", said.bytes());
            assert!(said.bytes() <= Room::of(&plan, &bundle.schema).bytes());
        }
    }

    #[test]
    fn an_adaptive_bundle_takes_no_more_room_than_was_said() {
        for epsilon in [0.1, 2.0, 1_000.0] {
            let plan = Plan::new(Guarantee::new(epsilon, 1e-9).unwrap(), Method::Adaptive);
            let trace = Sensitive::new(flows::simulate(20_000, 1));
            let bundle = fit(trace, &flows::schema(), &plan, &NoiseKey::for_test(1), &Quiet).unwrap().bundle;
            let cells: usize =
                bundle.measurements.iter().filter(|m| m.attributes.len() > 1).map(|m| m.counts.len()).sum();
            // The actual number of intervals instead of the largest possible one.
            let intervals =
                bundle.attributes.iter().map(|a| a.partition.intervals().iter().map(Vec::len).sum::<usize>());
            let most = Room::of(&plan, &bundle.schema);
            let said = Room { leaves: 0, bins: intervals.sum::<usize>() as u64, cells: cells as u64, ..most };
            let text = serde_json::to_vec(&bundle).unwrap().len() as u64;
            assert!(text <= said.bytes() && said.bytes() <= most.bytes(), "{text} of {}", said.bytes());
        }
    }

    #[test]
    fn the_bound_follows_from_schema_and_options() {
        let plan = Plan::new(Guarantee::new(2.0, 1e-9).unwrap(), Method::Netdpsyn);
        let mut schema = presets::preset("ton").unwrap();
        schema.window = "0/60".parse().ok();
        let flows = Room::of(&plan, &schema);
        assert_eq!((flows.leaves_a_tree, flows.leaves), (1 << 19, (2 << 19) + (2 << 16)));
        assert!((100 << 20..110 << 20).contains(&flows.bytes()), "{}", flows.bytes());
        schema.columns.retain(|column| column.field.tree().is_none());
        assert!(Room::of(&plan, &schema).bytes() < flows.bytes() - flows.leaves * BYTES_A_LEAF);
    }
}
