//! Exact copies: synthetic records that equal a raw one.

use super::super::draws::mix;
use netdpsyn_trace::Trace;
use netdpsyn_trace::progress::{self, BLOCK, Cancelled, Progress, chunks, par_blocks};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Synthetic records that equal a fitted record in all of some columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Copies {
    /// Share of the synthetic records that equal some fitted record, 0 to 1. Any good synthesis copies common
    /// records.
    pub fitted: f64,
    /// The excess of copies of fitted records over copies of held-out ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beyond: Option<Beyond>,
}

/// The comparison of both parts, with as many fitted records as held-out ones: a larger part would match
/// more often.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Beyond {
    /// Share of the synthetic records that equal some record of a sample of the fitted part, as large as the
    /// held-out one.
    pub fitted_sample: f64,
    /// Share that equal some held-out record.
    pub held_out: f64,
    /// `fitted_sample` − `held_out`. Good is at most two standard errors above 0.
    pub excess: f64,
    /// The standard error of the excess, where equal synthetic records count as one draw.
    pub standard_error: f64,
}

/// A hash of every record over some columns. Two different records collide with probability 2⁻⁶⁴.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn hashes(trace: &Trace, columns: &[usize], progress: &dyn Progress) -> Result<Vec<u64>, Cancelled> {
    let mut hashes = vec![5; trace.rows()];
    let blocks = par_blocks(0..trace.rows(), progress);
    hashes.par_chunks_mut(BLOCK).zip(blocks).try_for_each(|(hashes, rows)| {
        let from = rows?.start;
        for &column in columns {
            trace.column(column).zip_block(from, hashes, |hash, value| *hash = mix(*hash, value));
        }
        Ok(())
    })?;
    Ok(hashes)
}

/// Copies among the hashes of synthetic records; the fitted sample is as large as the held-out part.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn copies(
    synthetic: &[u64],
    fitted: &[u64],
    parts: Option<(&[u64], &[u64])>,
    progress: &dyn Progress,
) -> Result<Copies, Cancelled> {
    let rows = synthetic.len().max(1) as f64;
    let mut sorted = synthetic.to_vec();
    progress::sort(&mut sorted, progress)?;
    // Equal synthetic records are looked up once.
    let groups: Vec<&[u64]> = sorted.chunk_by(|a, b| a == b).collect();
    let met = |raw: &[u64]| {
        let mut raw = raw.to_vec();
        progress::sort(&mut raw, progress)?;
        let mut met = Vec::with_capacity(groups.len());
        for groups in chunks(&groups, progress) {
            met.extend(groups?.iter().map(|group| raw.binary_search(&group[0]).is_ok()));
        }
        Ok::<_, Cancelled>(met)
    };
    let share = |met: &[bool]| {
        let rows_met = groups.iter().zip(met).filter(|(_, met)| **met).map(|(group, _)| group.len());
        rows_met.sum::<usize>() as f64 / rows
    };
    let beyond = parts.map(|(fitted_sample, held_out)| {
        let (by_fitted, by_held_out) = (met(fitted_sample)?, met(held_out)?);
        let (fitted_sample, held_out) = (share(&by_fitted), share(&by_held_out));
        let excess = fitted_sample - held_out;
        let met_by = by_fitted.iter().zip(&by_held_out);
        let deviations = groups.iter().zip(met_by).map(|(group, (&fitted, &held_out))| {
            let difference = f64::from(u8::from(fitted)) - f64::from(u8::from(held_out));
            group.len() as f64 / rows * (difference - excess)
        });
        let standard_error = deviations.map(|d| d * d).sum::<f64>().sqrt();
        Ok(Beyond { fitted_sample, held_out, excess, standard_error })
    });
    Ok(Copies { fitted: share(&met(fitted)?), beyond: beyond.transpose()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::progress::Quiet;

    #[test]
    fn shares_by_hand() {
        let found = copies(&[1, 1, 2, 3], &[1, 2, 9], Some((&[1, 9], &[3, 8])), &Quiet).unwrap();
        assert_eq!(found.fitted, 0.75);
        let beyond = found.beyond.unwrap();
        assert_eq!((beyond.fitted_sample, beyond.held_out, beyond.excess), (0.5, 0.25, 0.25));
        // Three distinct records with shares ½, ¼, ¼ and differences 1, 0, −1.
        let squares = 0.25 * 0.75f64.powi(2) + (0.25f64.powi(2) + 1.25f64.powi(2)) / 16.0;
        assert!((beyond.standard_error - squares.sqrt()).abs() < 1e-12);
        assert_eq!(copies(&[], &[1], None, &Quiet), Ok(Copies { fitted: 0.0, beyond: None }));
        assert_eq!(copies(&[1], &[], None, &Quiet).unwrap().fitted, 0.0);
    }
}
