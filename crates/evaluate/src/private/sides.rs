//! One value for each trace, and figures between two of them.

use super::{Traces, draws};
use netdpsyn_trace::Trace;
use netdpsyn_trace::progress::{Cancelled, Progress};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A value for each of the compared traces.
#[derive(Debug)]
pub struct Sides<T> {
    /// For the fitted records.
    pub real: T,
    /// For the synthetic records.
    pub synthetic: T,
    /// For two raw parts, between which the floor is measured.
    pub parts: Option<Parts<T>>,
}

/// The values of two raw parts.
#[derive(Debug)]
pub struct Parts<T> {
    /// For fitted records; `None` where they are those of the whole.
    fitted: Option<T>,
    held_out: T,
}

impl<T> Sides<T> {
    /// Values of whole traces, for figures that do not grow with the number of records.
    ///
    /// # Errors
    /// The error of `read`.
    pub fn of<E>(traces: &Traces, read: impl Fn(&Trace) -> Result<T, E>) -> Result<Self, E> {
        let (real, synthetic) = (read(traces.real)?, read(traces.synthetic)?);
        let held_out = traces.held_out.map(&read).transpose()?;
        Ok(Sides { real, synthetic, parts: held_out.map(|held_out| Parts { fitted: None, held_out }) })
    }

    /// The same with two parts of equally many raw records, sampled at random where there are more. Measures
    /// that count the records of groups need this for a floor, because fewer records make smaller groups.
    ///
    /// # Errors
    /// The error of `read`, or that of a cancelled sampling.
    pub fn evened<E: From<Cancelled>>(
        traces: &Traces,
        progress: &dyn Progress,
        read: impl Fn(&Trace) -> Result<T, E>,
    ) -> Result<Self, E> {
        let (real, synthetic) = (read(traces.real)?, read(traces.synthetic)?);
        let Some(held_out) = traces.held_out else { return Ok(Sides { real, synthetic, parts: None }) };
        let fewer = held_out.rows().min(traces.real.rows());
        let fitted = match fewer < traces.real.rows() {
            true => Some(read(&*thinned(traces.real, fewer, progress)?)?),
            false => None,
        };
        let held_out = read(&*thinned(held_out, fewer, progress)?)?;
        Ok(Sides { real, synthetic, parts: Some(Parts { fitted, held_out }) })
    }

    /// A figure between the raw and the synthetic value, and its floor.
    pub fn between(&self, figure: impl Fn(&T, &T) -> f64) -> (f64, Option<f64>) {
        let floor = self.parts.as_ref().map(|parts| {
            let fitted = parts.fitted.as_ref().unwrap_or(&self.real);
            figure(fitted, &parts.held_out)
        });
        (figure(&self.real, &self.synthetic), floor)
    }

    /// The value of the held-out part.
    pub fn held_out(&self) -> Option<&T> {
        self.parts.as_ref().map(|parts| &parts.held_out)
    }

    /// Drops the parts, so that there is no floor.
    pub fn alone(self) -> Self {
        Sides { parts: None, ..self }
    }

    /// Applies a function to each value.
    pub fn each<'a, U: 'a>(&'a self, pick: impl Fn(&'a T) -> U) -> Sides<U> {
        let picked = self.try_each(|read| Ok::<_, std::convert::Infallible>(pick(read)));
        picked.unwrap_or_else(|never| match never {})
    }

    /// [`Sides::each`] with a function that may fail.
    ///
    /// # Errors
    /// The first error of `pick`.
    pub fn try_each<'a, U: 'a, E>(&'a self, pick: impl Fn(&'a T) -> Result<U, E>) -> Result<Sides<U>, E> {
        let part = |parts: &'a Parts<T>| {
            let fitted = parts.fitted.as_ref().map(&pick).transpose()?;
            Ok(Parts { fitted, held_out: pick(&parts.held_out)? })
        };
        let parts = self.parts.as_ref().map(part).transpose()?;
        Ok(Sides { real: pick(&self.real)?, synthetic: pick(&self.synthetic)?, parts })
    }
}

/// A sample of at most `most` records of a trace, without repetition.
fn thinned<'a>(trace: &'a Trace, most: usize, progress: &dyn Progress) -> Result<Cow<'a, Trace>, Cancelled> {
    if trace.rows() <= most {
        return Ok(Cow::Borrowed(trace));
    }
    let rows = draws::sample(trace.rows(), most, 11);
    let columns = trace.columns().iter().map(|column| column.pick(&rows, progress));
    let columns = columns.collect::<Result<_, _>>()?;
    Ok(Cow::Owned(Trace::new(columns).with_addresses(trace.addresses().cloned())))
}

/// A share of the raw and of the synthetic records.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ComparedShare {
    /// Share of the fitted records, 0 to 1.
    pub real: f64,
    /// Share of the synthetic records.
    pub synthetic: f64,
    /// The absolute difference of both. Good is near the floor.
    pub difference: f64,
    /// The difference between the held-out records and a random sample of as many fitted ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
}

impl ComparedShare {
    /// Two shares and their floor.
    pub fn of(sides: &Sides<f64>) -> ComparedShare {
        let (difference, floor) = sides.between(|a, b| (a - b).abs());
        ComparedShare { real: sides.real, synthetic: sides.synthetic, difference, floor }
    }
}

/// A part of a whole; 0 of an empty whole.
pub fn part(of: u64, whole: u64) -> f64 {
    of as f64 / whole.max(1) as f64
}

/// `synthetic` divided by `real`: 1 where both are 0; a raw 0 counts as one step if the other is not 0.
pub fn ratio(real: u64, synthetic: u64) -> f64 {
    match (real, synthetic) {
        (0, 0) => 1.0,
        _ => synthetic as f64 / real.max(1) as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::progress::Quiet;
    use netdpsyn_trace::simulate::flows;

    #[test]
    fn floors_are_between_equally_many_records() {
        let (real, few, schema) = (flows::simulate(900, 1), flows::simulate(200, 2), flows::schema());
        let rows = |real, held_out| {
            let traces = Traces { real, held_out, synthetic: &few, schema: &schema };
            let sides = Sides::evened(&traces, &Quiet, |trace| Ok::<_, Cancelled>(trace.rows() as f64));
            sides.unwrap().between(|a, b| a / b)
        };
        assert_eq!(rows(&real, Some(&few)), (4.5, Some(1.0)));
        assert_eq!(rows(&few, Some(&real)), (1.0, Some(1.0)));
        assert_eq!(rows(&few, None), (1.0, None));
        let traces = Traces { real: &real, held_out: Some(&few), synthetic: &few, schema: &schema };
        let whole = Sides::of(&traces, |trace| Ok::<_, Cancelled>(trace.rows() as f64)).unwrap();
        assert_eq!(whole.between(|a, b| a / b), (4.5, Some(4.5)));
        let thin = thinned(&real, 10, &Quiet).unwrap();
        let records = |trace: &Trace| -> Vec<Vec<u64>> {
            (0..trace.rows()).map(|row| trace.columns().iter().map(|c| c.get(row)).collect()).collect()
        };
        let all = records(&real);
        assert!(thin.rows() == 10 && records(&thin).iter().all(|record| all.contains(record)));
    }

    #[test]
    fn nothing_is_not_far_from_nothing() {
        assert_eq!([ratio(0, 0), ratio(0, 3), ratio(4, 0), ratio(4, 2)], [1.0, 3.0, 0.0, 0.5]);
        assert_eq!([part(0, 0), part(1, 4)], [0.0, 0.25]);
    }
}
