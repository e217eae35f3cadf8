//! Identifier recovery: addresses of the raw trace that the synthetic one gives away.

use super::super::Traces;
use super::super::ends::Ends;
use super::super::outcome::Outcome;
use super::{Baseline, sorted};
use netdpsyn_trace::progress::{self, Cancelled, Progress, chunks};
use serde::{Deserialize, Serialize};

/// Addresses that occur once in the raw trace and stand in the synthetic one. Any good synthesis has the
/// addresses of busy hosts; one that occurs in a single record must not be there more often because that
/// record was fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Identifiers {
    /// Number of addresses that occur once in the raw trace, in a fitted record.
    pub addresses: usize,
    /// Share of them that occur in the synthetic trace, 0 to 1.
    pub fitted: f64,
    /// The same for addresses whose only record was held out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
}

/// Addresses of one part, and how many of them were met.
#[derive(Clone, Copy, Default)]
struct Met {
    of: usize,
    met: usize,
}

impl Met {
    fn share(self) -> f64 {
        self.met as f64 / self.of.max(1) as f64
    }

    /// The variance of the share, with one address more that was met and one that was not: shares of 0 and 1
    /// are uncertain, too.
    fn variance(self) -> f64 {
        let of = self.of as f64 + 2.0;
        let share = (self.met as f64 + 1.0) / of;
        share * (1.0 - share) / of
    }
}

/// Looks for the addresses that occur once. Which of them were fitted is as good as drawn by lot, so shares of
/// both parts are equal but for chance where the synthetic trace depends on no single record.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub(super) fn identifiers(
    traces: &Traces,
    progress: &dyn Progress,
) -> Result<Outcome<Identifiers>, Cancelled> {
    let ends = match Ends::of(traces.schema) {
        Ok(ends) => ends,
        Err(skipped) => return Ok(Outcome::Skipped { skipped }),
    };
    let of = |trace: &netdpsyn_trace::Trace| {
        let mut both = sorted(trace.column(ends.source), progress)?;
        both.extend(sorted(trace.column(ends.destination), progress)?);
        Ok::<_, Cancelled>(both)
    };
    let mut raw: Vec<(u64, bool)> = of(traces.real)?.into_iter().map(|address| (address, true)).collect();
    if let Some(held_out) = traces.held_out {
        raw.extend(of(held_out)?.into_iter().map(|address| (address, false)));
    }
    progress::sort(&mut raw, progress)?;
    let mut synthetic = of(traces.synthetic)?;
    progress::sort(&mut synthetic, progress)?;

    let groups: Vec<&[(u64, bool)]> = raw.chunk_by(|a, b| a.0 == b.0).collect();
    let mut parts = [Met::default(); 2];
    for groups in chunks(&groups, progress) {
        for group in groups? {
            if let [(address, fitted)] = group {
                let part = &mut parts[usize::from(!fitted)];
                part.of += 1;
                part.met += usize::from(synthetic.binary_search(address).is_ok());
            }
        }
    }
    let [fitted, held_out] = parts;
    if fitted.of == 0 {
        return Ok(Outcome::skipped("no address occurs once in the raw trace"));
    }
    let baseline = (held_out.of > 0).then(|| Baseline {
        held_out: held_out.share(),
        excess: fitted.share() - held_out.share(),
        standard_error: (fitted.variance() + held_out.variance()).sqrt(),
    });
    Ok(Outcome::Measured(Identifiers { addresses: fitted.of, fitted: fitted.share(), baseline }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::progress::Quiet;
    use netdpsyn_trace::{Trace, presets};

    /// Flows of these pairs of addresses.
    fn trace(ends: &[(u64, u64)]) -> Trace {
        let schema = presets::preset("ton").unwrap();
        let mut trace = Trace::empty(&schema);
        let Ends { source, destination } = Ends::of(&schema).unwrap();
        for (from, to) in ends {
            let mut row = vec![0; schema.columns.len()];
            (row[source], row[destination]) = (*from, *to);
            trace.push(&row);
        }
        trace
    }

    #[test]
    fn addresses_of_one_record_by_hand() {
        let schema = presets::preset("ton").unwrap();
        // 1 and 2 are busy; 3, 4 and 5 occur in one fitted record, 6 and 7 in one that was held out.
        let real = trace(&[(1, 2), (3, 1), (4, 2), (2, 5), (1, 2)]);
        let held_out = trace(&[(1, 6), (7, 2)]);
        let synthetic = trace(&[(3, 4), (1, 7), (9, 9)]);
        let of = |held_out| {
            identifiers(&Traces { real: &real, held_out, synthetic: &synthetic, schema: &schema }, &Quiet)
        };
        let Ok(Outcome::Measured(found)) = of(Some(&held_out)) else { panic!("measured") };
        assert_eq!((found.addresses, found.fitted), (3, 2.0 / 3.0));
        let baseline = found.baseline.unwrap();
        assert_eq!((baseline.held_out, baseline.excess), (0.5, 2.0 / 3.0 - 0.5));
        let by_hand = 0.6 * 0.4 / 5.0 + 0.5 * 0.5 / 4.0;
        assert!((baseline.standard_error - f64::sqrt(by_hand)).abs() < 1e-12);
        // Without a second part 6 and 7 are nowhere, and nothing says what chance is.
        let Ok(Outcome::Measured(alone)) = of(None) else { panic!("measured") };
        assert_eq!((alone.addresses, alone.baseline), (3, None));
    }

    #[test]
    fn without_rare_addresses_there_is_nothing_to_recover() {
        let schema = presets::preset("ton").unwrap();
        let real = trace(&[(1, 2), (2, 1)]);
        let traces = Traces { real: &real, held_out: None, synthetic: &real, schema: &schema };
        assert!(identifiers(&traces, &Quiet).unwrap().measured().is_none());
    }
}
