//! What an attacker with the synthetic trace learns about a single raw record.
//!
//! Every attack is compared with the same attack on records that were not fitted: what works as well on those
//! is knowledge of the traffic, not of a record. Good is an excess of at most two standard errors. That no
//! attack succeeds proves nothing; the guarantee is in the privacy statement.

pub mod auc;
pub mod copies;
pub mod identifiers;
pub mod nearest;

use super::draws::sample;
use super::outcome::Outcome;
use super::{Traces, compared, sorted};
use copies::{Copies, copies, hashes};
use identifiers::{Identifiers, identifiers};
use nearest::{Nearest, Neighbours};
use netdpsyn_trace::Trace;
use netdpsyn_trace::progress::{Cancelled, Progress};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Number of attacked raw records of each part.
const TARGETS: usize = 3_000;
/// Number of searched synthetic records.
const SEARCHED: usize = 20_000;

/// The attacks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attacks {
    /// Membership inference: whether a record was fitted, by its nearest synthetic record.
    pub membership: Outcome<Membership>,
    /// Attribute inference: the key attribute of a record, by its nearest synthetic records.
    pub inference: Outcome<Inference>,
    /// Copies in every compared column.
    pub copies: Outcome<Copies>,
    /// Copies in every compared column except the time, which hardly ever agrees to the nanosecond.
    pub copies_but_for_time: Outcome<Copies>,
    /// Identifier recovery: addresses that occur once in the raw trace.
    #[serde(default = "not_tried")]
    pub identifiers: Outcome<Identifiers>,
}

/// The outcome in reports of versions that did not try this attack.
fn not_tried() -> Outcome<Identifiers> {
    Outcome::skipped("the version that made this report did not try it")
}

/// Membership inference by the distance to the nearest synthetic record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Membership {
    /// Probability that a fitted record is nearer to the synthetic trace than a held-out one (area under the
    /// ROC curve, ties counting half): 0 to 1; 0.5 means that nothing is learnt.
    pub auc: f64,
    /// Its standard error (DeLong). Good is an `auc` of at most 0.5 plus two of them.
    pub standard_error: f64,
    /// Number of attacked fitted records.
    pub members: usize,
    /// Number of attacked held-out records.
    pub others: usize,
    /// Number of searched synthetic records.
    pub searched: usize,
}

/// Inference of the key attribute from all other compared columns, by a vote of the nearest synthetic
/// records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Inference {
    /// The key attribute.
    pub column: String,
    /// Share of the attacked fitted records whose key is inferred, 0 to 1.
    pub fitted: f64,
    /// Success rate of always guessing the most frequent fitted key, which needs no attack.
    pub majority: f64,
    /// The same attack on records that were not fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
}

/// The attack on held-out records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Baseline {
    /// Share of the attacked held-out records whose key is inferred.
    pub held_out: f64,
    /// `fitted` − `held_out`. Good is at most two standard errors.
    pub excess: f64,
    /// The standard error of the excess: both shares are of independent samples.
    pub standard_error: f64,
}

const NOTHING_HELD_OUT: &str = "no held-out records to compare with";

/// Runs all attacks, on samples fixed by constants.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn attacks(traces: &Traces, progress: &dyn Progress) -> Result<Attacks, Cancelled> {
    if traces.synthetic.rows() == 0 || traces.real.rows() == 0 {
        let why = "there are no synthetic or no fitted records";
        return Ok(Attacks {
            membership: Outcome::skipped(why),
            inference: Outcome::skipped(why),
            copies: Outcome::skipped(why),
            copies_but_for_time: Outcome::skipped(why),
            identifiers: Outcome::skipped(why),
        });
    }
    let columns = compared(traces.schema);
    let searched = traces.synthetic.select(&sample(traces.synthetic.rows(), SEARCHED, 101));
    let neighbours = Neighbours::new(&searched, traces.schema, &columns);
    let attacked = |trace: &Trace, seed| Attacked::new(trace, traces, &neighbours, seed, progress);
    let fitted = attacked(traces.real, 102)?;
    let held_out = traces.held_out.map(|trace| attacked(trace, 103)).transpose()?;
    let time = traces.schema.time_column();
    let but_for_time: Vec<usize> = columns.iter().copied().filter(|&column| Some(column) != time).collect();
    Ok(Attacks {
        membership: membership(&fitted, held_out.as_ref(), searched.rows()),
        inference: inference(traces, &fitted, held_out.as_ref(), progress)?,
        copies: Outcome::Measured(copied(traces, &columns, progress)?),
        copies_but_for_time: match time {
            None => Outcome::skipped("the trace has no times"),
            Some(_) if but_for_time.is_empty() => Outcome::skipped("the trace has times alone"),
            Some(_) => Outcome::Measured(copied(traces, &but_for_time, progress)?),
        },
        identifiers: identifiers(traces, progress)?,
    })
}

/// Records that were attacked.
struct Attacked {
    distances: Vec<f32>,
    /// Number of records whose key was inferred.
    inferred: usize,
}

impl Attacked {
    fn new(
        trace: &Trace,
        traces: &Traces,
        neighbours: &Neighbours,
        seed: u64,
        progress: &dyn Progress,
    ) -> Result<Attacked, Cancelled> {
        let rows = sample(trace.rows(), TARGETS, seed);
        let nearest = |&row: &u32| progress.check().map(|()| neighbours.nearest(trace, row as usize));
        let found: Vec<Nearest> = rows.par_iter().map(nearest).collect::<Result<_, Cancelled>>()?;
        let key = |row: u32| traces.schema.key_column().map(|key| trace.column(key).get(row as usize));
        let inferred = rows.iter().zip(&found).filter(|(row, found)| found.key == key(**row)).count();
        Ok(Attacked { distances: found.iter().map(|f| f.distance).collect(), inferred })
    }

    /// Share of the records whose key was inferred, and the variance of that share.
    fn inferred(&self) -> (f64, f64) {
        let rows = self.distances.len() as f64;
        let share = self.inferred as f64 / rows;
        (share, share * (1.0 - share) / rows)
    }
}

fn membership(fitted: &Attacked, held_out: Option<&Attacked>, searched: usize) -> Outcome<Membership> {
    let Some(held_out) = held_out else {
        return Outcome::skipped(NOTHING_HELD_OUT);
    };
    let (members, others) = (fitted.distances.len(), held_out.distances.len());
    match auc::auc(&fitted.distances, &held_out.distances) {
        None => Outcome::skipped("fewer than two records on a side"),
        Some((auc, standard_error)) => {
            Outcome::Measured(Membership { auc, standard_error, members, others, searched })
        }
    }
}

fn inference(
    traces: &Traces,
    fitted: &Attacked,
    held_out: Option<&Attacked>,
    progress: &dyn Progress,
) -> Result<Outcome<Inference>, Cancelled> {
    let columns = compared(traces.schema);
    let Some(key) = traces.schema.key_column().filter(|key| columns.contains(key)) else {
        return Ok(Outcome::skipped("the trace has no key attribute"));
    };
    if columns.len() < 2 {
        return Ok(Outcome::skipped("there is no column to infer the key attribute from"));
    }
    let keys = sorted(traces.real.column(key), progress)?;
    let agreeing = keys.chunk_by(|a, b| a == b).map(<[u64]>::len).max().unwrap_or(0);
    let (share, variance) = fitted.inferred();
    let baseline = held_out.map(|held_out| {
        let (theirs, their_variance) = held_out.inferred();
        let standard_error = (variance + their_variance).sqrt();
        Baseline { held_out: theirs, excess: share - theirs, standard_error }
    });
    Ok(Outcome::Measured(Inference {
        column: traces.schema.columns[key].name.clone(),
        fitted: share,
        majority: agreeing as f64 / traces.real.rows() as f64,
        baseline,
    }))
}

fn copied(traces: &Traces, columns: &[usize], progress: &dyn Progress) -> Result<Copies, Cancelled> {
    let hashes = |trace: &Trace| hashes(trace, columns, progress);
    let fitted = hashes(traces.real)?;
    let held_out = traces.held_out.map(hashes).transpose()?;
    // The larger part is sampled to the size of the other.
    let parts = held_out.map(|held_out| {
        let size = held_out.len().min(fitted.len());
        let thin = |hashes: &[u64], seed| -> Vec<u64> {
            sample(hashes.len(), size, seed).into_iter().map(|row| hashes[row as usize]).collect()
        };
        (thin(&fitted, 104), thin(&held_out, 105))
    });
    let parts = parts.as_ref().map(|(a, b)| (&a[..], &b[..]));
    copies(&hashes(traces.synthetic)?, &fitted, parts, progress)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::presets;
    use netdpsyn_trace::progress::Quiet;

    /// Flows whose type follows from the port, with sizes that differ between seeds.
    fn trace(rows: u64, seed: u64) -> Trace {
        let mut trace = Trace::empty(&presets::preset("ton").unwrap());
        for row in 0..rows {
            let h = |i: u64| super::super::draws::mix(seed, 8 * row + i);
            let kind = h(0) % 3;
            let source = 0x0a00_0000 + h(1) % 256;
            trace.push(&[
                source,
                h(2) % 16,
                h(3) % 65_536,
                kind,
                6,
                h(4) % 1_000_000,
                0,
                1,
                40 + h(5) % 9_000,
                0,
                kind,
            ]);
        }
        trace
    }

    fn attacked(real: &Trace, held_out: Option<&Trace>, synthetic: &Trace) -> Attacks {
        attacks(&Traces { real, held_out, synthetic, schema: &presets::preset("ton").unwrap() }, &Quiet)
            .unwrap()
    }

    #[test]
    fn a_copied_trace_gives_its_records_away_and_a_fresh_one_does_not() {
        let (real, held_out, fresh) = (trace(1_500, 1), trace(1_500, 2), trace(1_500, 3));
        let leaked = attacked(&real, Some(&held_out), &real);
        assert!(leaked.membership.measured().unwrap().auc > 0.99);
        let copies = leaked.copies.measured().unwrap();
        assert_eq!((copies.fitted, copies.beyond.as_ref().unwrap().excess), (1.0, 1.0));
        assert!(leaked.identifiers.measured().is_none(), "all addresses are busy");

        let safe = attacked(&real, Some(&held_out), &fresh);
        let membership = safe.membership.measured().unwrap();
        assert!((membership.auc - 0.5).abs() < 4.0 * membership.standard_error, "{membership:?}");
        let inference = safe.inference.measured().unwrap();
        assert!(inference.fitted > 0.9 && inference.majority < 0.4, "the port tells the type: {inference:?}");
        let baseline = inference.baseline.as_ref().unwrap();
        assert!(baseline.excess.abs() < 4.0 * baseline.standard_error.max(0.002), "{baseline:?}");
        assert_eq!(safe.copies.measured().unwrap().fitted, 0.0);
    }

    #[test]
    fn without_held_out_records_the_rest_is_told() {
        let (real, fresh) = (trace(50, 1), trace(50, 2));
        let found = attacked(&real, None, &fresh);
        assert_eq!(found.membership, Outcome::skipped(NOTHING_HELD_OUT));
        assert!(found.inference.measured().is_some_and(|inference| inference.baseline.is_none()));
        assert!(found.copies.measured().is_some_and(|copies| copies.beyond.is_none()));
    }

    #[test]
    fn nothing_to_attack() {
        let (some, none) = (trace(3, 1), trace(0, 1));
        for (real, synthetic) in [(&some, &none), (&none, &some)] {
            assert!(attacked(real, None, synthetic).copies.measured().is_none());
        }
        assert!(attacked(&some, Some(&trace(1, 2)), &some).membership.measured().is_none());
    }
}
