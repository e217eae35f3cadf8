//! What the guarantee protects, and the ε that groups of records have together. A reader of "a host is not
//! protected" should see by how much.

use crate::{Guarantee, RecordKind, Rho, zcdp};
use serde::{Deserialize, Serialize};

/// Group sizes whose ε is reported.
const GROUPS: [(u64, &str); 2] = [(10, "ten"), (100, "a hundred")];

/// What the guarantee protects, and what it does not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protects {
    /// The protected unit: adding or removing one of these is covered by the guarantee.
    pub one: String,
    /// A unit with many records, which the guarantee does not cover.
    pub not: String,
    /// The ε of groups of records, at the δ of the guarantee.
    pub groups: Vec<Group>,
    /// The same in words.
    pub text: String,
    /// How a record was derived, where it was derived from smaller ones (flows from packets). It determines
    /// what one record is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
}

/// The ε of a group of records.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Number of records.
    pub records: u64,
    /// Their joint ε.
    pub epsilon: f64,
}

impl Protects {
    /// For a trace of flows or packets under a guarantee that costs `rho`.
    pub fn of(kind: RecordKind, guarantee: Guarantee, rho: Rho) -> Self {
        let (one, not) = match kind {
            RecordKind::Flow => ("flow", "host"),
            RecordKind::Packet => ("packet", "flow or connection"),
        };
        let lose = |(records, _)| {
            let epsilon = zcdp::epsilon(of_group(rho, records)?, guarantee.delta());
            Some(Group { records, epsilon })
        };
        let groups = GROUPS.into_iter().filter_map(lose).collect();
        let mut protects =
            Protects { one: one.into(), not: not.into(), groups, text: String::new(), made: None };
        protects.text =
            format!("for one {one}, added or removed; {}", protects.not_covered(guarantee.epsilon(), " "));
        protects
    }

    /// Adds how records were derived, in words.
    pub fn made(mut self, made: Option<String>) -> Self {
        if let Some(made) = &made {
            self.one = format!("{} record", self.one);
            self.text = format!("{}; {made}", self.text.replacen("for one flow,", "for one flow record,", 1));
        }
        self.made = made;
        self
    }

    /// Says what is not protected, where one record has `epsilon`. `gap` separates words where a line may
    /// break.
    pub fn not_covered(&self, epsilon: f64, gap: &str) -> String {
        let named = |records| GROUPS.iter().find(|group| group.0 == records).map(|group| group.1);
        let many = self.groups.iter().enumerate().map(|(place, group)| {
            let of = named(group.records).map_or_else(|| group.records.to_string(), str::to_owned);
            let epsilon = two_digits(group.epsilon);
            match place {
                0 => format!("{of} of its records{gap}together have about ε = {epsilon}"),
                _ => format!("{of} about ε = {epsilon}"),
            }
        });
        let many: Vec<String> = many.collect();
        match many.is_empty() {
            true => format!("a {} is not protected", self.not),
            false => {
                format!("a {} is not protected: at ε = {epsilon} for a record, {}", self.not, many.join(", "))
            }
        }
    }
}

/// Group privacy of zCDP (Bun & Steinke 2016, Prop. 1.9): a ρ-zCDP mechanism is k²ρ-zCDP for groups of k
/// records. `None` on overflow.
fn of_group(rho: Rho, records: u64) -> Option<Rho> {
    rho.units().checked_mul(records * records).map(Rho::from_units)
}

/// A number with two significant digits.
fn two_digits(n: f64) -> String {
    let size = n.abs().log10().floor();
    if !size.is_finite() {
        return n.to_string();
    }
    let unit = 10f64.powf(size - 1.0);
    format!("{:.*}", (1.0 - size).max(0.0) as usize, (n / unit).round() * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_and_flows_at_two() {
        let guarantee = Guarantee::new(2.0, 1e-9).unwrap();
        let of = |kind| Protects::of(kind, guarantee, zcdp::rho(guarantee));
        let packets = of(RecordKind::Packet);
        assert_eq!(
            packets.text,
            "for one packet, added or removed; a flow or connection is not protected: at ε = 2 for a record, ten of its records together have about ε = 26, a hundred about ε = 770"
        );
        let flows = of(RecordKind::Flow).text;
        assert!(flows.starts_with("for one flow, added or removed; a host is not protected: "), "{flows}");
        // The figures are those of ρ, 100 ρ and 10,000 ρ on the curve that is checked against an independent
        // program.
        let delta =
            |group: Group| zcdp::delta(of_group(zcdp::rho(guarantee), group.records).unwrap(), group.epsilon);
        for group in packets.groups {
            assert!((0.899e-9..0.9e-9).contains(&delta(group)), "{group:?}: {}", delta(group));
        }
    }

    #[test]
    fn the_promise_of_derived_records_names_their_source() {
        let guarantee = Guarantee::new(2.0, 1e-9).unwrap();
        let flows = Protects::of(RecordKind::Flow, guarantee, zcdp::rho(guarantee));
        let made = flows.clone().made(Some("a flow is what it is".into()));
        assert_eq!((&*made.one, made.made.as_deref()), ("flow record", Some("a flow is what it is")));
        assert!(made.text.starts_with("for one flow record, added or removed; a host is not protected: "));
        assert!(made.text.ends_with("; a flow is what it is"), "{}", made.text);
        assert_eq!(flows.clone().made(None), flows);
    }

    #[test]
    fn figures_have_two_digits() {
        let cases =
            [(25.94, "26"), (768.8, "770"), (0.0434, "0.043"), (9.96, "10.0"), (1234.0, "1200"), (0.0, "0")];
        for (n, told) in cases {
            assert_eq!(two_digits(n), told);
        }
    }

    #[test]
    fn the_largest_promise_tells_what_can_be_told() {
        let guarantee = Guarantee::new(Guarantee::MAX_EPSILON, 1e-4).unwrap();
        let protects = Protects::of(RecordKind::Flow, guarantee, zcdp::rho(guarantee));
        assert_eq!(protects.groups.iter().map(|group| group.records).collect::<Vec<_>>(), [10]);
        assert!(protects.groups[0].epsilon > 100.0 * 9_000.0, "{protects:?}");
    }

    #[test]
    fn the_promise_is_stated_without_figures_too() {
        let protects = Protects {
            groups: vec![],
            ..Protects::of(RecordKind::Flow, Guarantee::new(1.0, 1e-9).unwrap(), Rho::ZERO)
        };
        assert_eq!(protects.not_covered(1.0, " "), "a host is not protected");
    }
}
