//! A condition on a model: the codes of one attribute that records have, the number of records of each, and
//! the value written for them.
//!
//! Records of a code are generated as the model describes them; only the number of records of each code
//! changes. So the distribution of the other attributes given the category remains that of the model. The
//! categories of a rare group share one code: the model distinguishes them only by name, so records of the
//! code serve each of them, and the requested name is written. For a column that the key determines
//! (`netdpsyn_model::rules`), the condition is on the codes of the key that give the requested value.

use super::asked::{Asked, ConditionError, listed, name_of};
use netdpsyn_model::domain::{Attribute, Partition};
use netdpsyn_model::{Model, Rules};

/// A category with a smaller share than one in this many records counts as absent: the rest is noise, and a
/// batch of this many records might have none.
const NEXT_TO_NONE: f64 = 32_768.0;

/// The codes of an attribute that records have.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The attribute of the model that the condition is on.
    pub attribute: usize,
    /// The requested values, ascending.
    wanted: Vec<Wanted>,
    /// Whether the values are those of the attribute itself, so that they are written for its codes.
    own: bool,
}

/// A requested value of the column.
#[derive(Clone, Debug, PartialEq)]
struct Wanted {
    value: u64,
    /// Its share of all records.
    share: f64,
    /// The codes of records with this value, and their shares of these records.
    codes: Vec<(u32, f64)>,
}

/// The requested records of one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The code with which the model generates them.
    pub code: u32,
    /// The code that replaces it when values are restored, by [`Condition::restored`].
    pub written: u32,
    /// Number of records.
    pub rows: usize,
}

impl Asked {
    /// Applies the condition to a model.
    ///
    /// # Errors
    /// [`ConditionError`] when the model cannot generate records under it.
    pub fn on(&self, model: &Model) -> Result<Condition, ConditionError> {
        let (column, values) = self.values(&model.schema)?;
        if model.sessions.is_some() {
            return Err(ConditionError::Sessions { column: self.column().into() });
        }
        let lost = |value: u64, held: Vec<u64>| {
            let field = &model.schema.columns[column].field;
            let name = |value| name_of(field, value);
            let (named, may) = (name(value), listed(held.into_iter().map(name)));
            ConditionError::Lost { column: self.column().into(), named, may }
        };
        let follower = model.rules.followers.iter().find(|follower| follower.column == column);
        let attribute = match follower {
            Some(follower) => Some(follower.key),
            None => model.attributes.iter().position(|attribute| attribute.column == column),
        };
        // A column that the file lacked is not in the model.
        let attribute = attribute.ok_or_else(|| lost(values[0].0, Vec::new()))?;
        let mass = mass(model, attribute);
        let enough = |&code: &u32| mass[code as usize] * NEXT_TO_NONE >= 1.0;
        // The values of the column that records can have, each with a code that gives it, ascending.
        let mut given: Vec<(u64, u32)> = match follower {
            Some(follower) => follower.values.iter().copied().zip(0..).collect(),
            None => drawn(&model.attributes[attribute].partition),
        };
        given.retain(|(_, code)| enough(code));
        given.sort_unstable();
        let wanted = values.into_iter().map(|(value, share)| {
            let codes = given.iter().filter(|(own, _)| *own == value).map(|&(_, code)| code);
            let total: f64 = codes.clone().map(|code| mass[code as usize]).sum();
            let codes: Vec<(u32, f64)> = codes.map(|code| (code, mass[code as usize] / total)).collect();
            if codes.is_empty() {
                let mut held: Vec<u64> = given.iter().map(|(value, _)| *value).collect();
                held.dedup();
                return Err(lost(value, held));
            }
            Ok(Wanted { value, share, codes })
        });
        Ok(Condition { attribute, wanted: wanted.collect::<Result<_, _>>()?, own: follower.is_none() })
    }
}

impl Condition {
    /// The share of all records of each code of the attribute.
    pub fn shares(&self, model: &Model) -> Vec<f64> {
        let mut shares = vec![0.0; model.attributes[self.attribute].bins()];
        for wanted in &self.wanted {
            wanted.codes.iter().for_each(|(code, share)| shares[*code as usize] += wanted.share * share);
        }
        shares
    }

    /// The number of records of each code, for `rows` records in all: every value gets its share, rounded
    /// such that all sum to `rows`.
    pub fn parts(&self, rows: usize) -> Vec<Part> {
        let by_value = apportioned(rows, self.wanted.iter().map(|wanted| wanted.share));
        let parts = self.wanted.iter().zip(by_value).flat_map(|(wanted, rows)| {
            let by_code = apportioned(rows, wanted.codes.iter().map(|(_, share)| *share));
            wanted.codes.iter().zip(by_code).map(|(&(code, _), rows)| {
                let written = if self.own { wanted.value as u32 } else { code };
                Part { code, written, rows }
            })
        });
        parts.filter(|part| part.rows > 0).collect()
    }

    /// The attributes and rules for restoring values: every category has a code of its own, so that the
    /// requested one is written.
    pub fn restored(&self, model: &Model) -> (Vec<Attribute>, Rules) {
        let (mut attributes, mut rules) = (super::made::drawn(model).to_vec(), model.rules.clone());
        if self.own {
            let cut = &mut attributes[self.attribute].partition;
            let space = cut.space();
            for follower in rules.followers.iter_mut().filter(|follower| follower.key == self.attribute) {
                follower.values =
                    space.clone().map(|value| follower.values[cut.code(value) as usize]).collect();
            }
            *cut = Partition::from_starts(space.clone().collect(), space.end);
        }
        (attributes, rules)
    }

    /// The number of codes of the attribute when values are restored.
    pub fn restored_bins(&self, model: &Model) -> usize {
        let cut = &model.attributes[self.attribute].partition;
        if self.own { cut.space().count() } else { cut.bins() }
    }
}

/// The share of a model's records of each code of an attribute.
pub(super) fn mass(model: &Model, attribute: usize) -> Vec<f64> {
    let table = &model.one_ways[attribute];
    let (total, bins) = (table.total(), table.values.len());
    match total > 0.0 {
        true => table.values.iter().map(|value| value / total).collect(),
        // A table without mass is uniform, as in generation.
        false => vec![1.0 / bins as f64; bins],
    }
}

/// The values of a partition into categories that are ever drawn, each with its code.
fn drawn(cut: &Partition) -> Vec<(u64, u32)> {
    let of_bin = |(intervals, code): (Vec<(std::ops::Range<u64>, f64)>, u32)| {
        let any = intervals.iter().any(|(_, weight)| *weight > 0.0);
        let intervals = intervals.into_iter().filter(move |(_, weight)| *weight > 0.0 || !any);
        intervals.flat_map(|(values, _)| values).map(move |value| (value, code))
    };
    cut.intervals().into_iter().zip(0..).flat_map(of_bin).collect()
}

/// Apportions a whole number by shares that sum to 1: each gets the integer part of its quota, and the
/// remainder goes to the largest fractions.
fn apportioned(whole: usize, shares: impl Iterator<Item = f64>) -> Vec<usize> {
    let due: Vec<f64> = shares.map(|share| share * whole as f64).collect();
    let mut dealt: Vec<usize> = due.iter().map(|due| due.floor() as usize).collect();
    let mut order: Vec<usize> = (0..due.len()).collect();
    order.sort_by(|&a, &b| due[b].fract().total_cmp(&due[a].fract()));
    let left = whole.saturating_sub(dealt.iter().sum());
    order.into_iter().cycle().take(left).for_each(|at| dealt[at] += 1);
    dealt
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models_for_tests::labelled;
    use proptest::prelude::*;

    fn on(text: &str) -> Result<Condition, ConditionError> {
        text.parse::<Asked>().unwrap().on(&labelled())
    }

    fn part(code: u32, written: u32, rows: usize) -> Part {
        Part { code, written, rows }
    }

    proptest! {
        #[test]
        fn every_share_is_met_to_the_nearest_whole_number(shares in prop::collection::vec(0.0f64..9.0, 1..30), whole in 0usize..100_000) {
            let sum: f64 = shares.iter().sum();
            prop_assume!(sum > 0.0);
            let dealt = apportioned(whole, shares.iter().map(|share| share / sum));
            prop_assert_eq!(dealt.iter().sum::<usize>(), whole);
            for (dealt, share) in dealt.into_iter().zip(shares) {
                prop_assert!((dealt as f64 - share / sum * whole as f64).abs() < 1.0 + 1e-6);
            }
        }
    }

    #[test]
    fn a_rare_group_gives_the_category_that_is_wanted() {
        let some = on("type=a:.5,b:.1,c:.4").unwrap();
        assert_eq!(some.parts(10), [part(0, 0, 5), part(1, 1, 1), part(1, 2, 4)]);
        assert_eq!(some.shares(&labelled()), [0.5, 0.5, 0.0]);
        assert_eq!(on("type=c").unwrap().parts(7), [part(1, 2, 7)]);
        let (attributes, rules) = some.restored(&labelled());
        assert_eq!((attributes[3].bins(), some.restored_bins(&labelled())), (5, 5));
        assert_eq!(rules.followers[0].values, [0, 1, 1, 0, 0]);
    }

    #[test]
    fn a_column_that_hangs_on_the_key_is_conditioned_by_the_key() {
        let (model, flagged) = (labelled(), on("label=1").unwrap());
        assert_eq!(flagged.parts(9), [part(1, 1, 9)]);
        assert_eq!(flagged.restored(&model), (model.attributes.clone(), model.rules.clone()));
        assert_eq!(flagged.restored_bins(&model), 3);
        assert_eq!(on("label=0:.25,1:.75").unwrap().shares(&model), [0.25, 0.75, 0.0]);
    }

    #[test]
    fn a_category_lost_in_noise_is_refused_with_those_available() {
        let refused = on("type=d").unwrap_err().to_string();
        assert!(refused.contains("type = d") && refused.ends_with("may say a, b, c"), "{refused}");
        assert!(on("proto=gre").unwrap_err().to_string().ends_with("may say tcp, udp"));
        assert!(on("proto=udp").is_ok());
        let mut model = labelled();
        model.one_ways[3].values = vec![99_999.0, 1.0, 0.0];
        let refused = "type=b".parse::<Asked>().unwrap().on(&model).unwrap_err();
        assert!(refused.to_string().ends_with("may say a"), "{refused}");
    }
}
