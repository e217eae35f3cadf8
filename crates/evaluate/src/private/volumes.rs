//! Volumes: bytes over time, and the sizes of records.

use super::ends::column;
use super::profile::{Quantile, quantiles};
use super::sides::Sides;
use super::skipped::{NotTaken, Skipped};
use super::top::bytes_of;
use super::{Traces, sorted};
use netdpsyn_trace::progress::{Cancelled, Progress, blocks};
use netdpsyn_trace::{Role, Schema, Trace, Window};
use serde::{Deserialize, Serialize};

/// Nanoseconds of a minute.
const MINUTE: u64 = 60_000_000_000;
/// Largest number of minutes of a series: two weeks. Longer windows are divided into this many parts.
const MOST_STEPS: u64 = 14 * 24 * 60;
/// Number of parts of the window, however long it is.
const PARTS: u64 = 20;
/// Least number of steps of a series: with two, the correlation is always 1 or −1.
const LEAST_STEPS: usize = 3;
/// Quantile levels of sizes.
const SIZES: [f64; 4] = [0.5, 0.9, 0.99, 0.999];

/// Volumes over time, and quantiles of sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Volumes {
    /// By minute, where the window has at least three, and in twentieths of the window.
    pub courses: Vec<Course>,
    /// Every column of packets, bytes, lengths and durations.
    pub sizes: Vec<SizeQuantiles>,
}

/// The volume in each step of the window. Records outside the window are ignored; flows count where they
/// begin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Course {
    /// The kind of volume.
    pub of: SummedVolume,
    /// Length of a step.
    pub seconds: f64,
    /// Pearson correlation of raw and synthetic steps, −1 to 1. Missing where all steps of one side are
    /// equal. Good is near the floor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r: Option<f64>,
    /// The correlation of fitted and held-out records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r_floor: Option<f64>,
    /// The largest step per record, synthetic divided by raw. Good is near 1. 1 where both are 0.
    pub peak: f64,
    /// The same for held-out records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_floor: Option<f64>,
    /// Raw sums of the steps, divided by the number of records; only for twentieths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub real: Vec<f64>,
    /// The same for the synthetic trace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub synthetic: Vec<f64>,
}

/// The kind of volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SummedVolume {
    /// Bytes of flows or lengths of packets.
    Bytes,
    /// Records, where they have no bytes.
    Records,
}

impl SummedVolume {
    /// A description for people.
    pub fn words(self) -> &'static str {
        match self {
            SummedVolume::Bytes => "bytes",
            SummedVolume::Records => "records",
        }
    }
}

/// Quantiles of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SizeQuantiles {
    /// The column.
    pub column: String,
    /// Some quantiles, in the unit of the file.
    pub quantiles: Vec<Quantile>,
}

/// Compares volumes over time and sizes of records.
///
/// # Errors
/// [`NotTaken`] when the records have neither sizes nor different times, or `progress` asks to stop.
pub fn volumes(traces: &Traces, progress: &dyn Progress) -> Result<Volumes, NotTaken> {
    let sizes = sizes(traces, progress)?;
    let courses = match column(traces.schema, Role::Start) {
        Ok(time) => courses(traces, time, progress)?,
        Err(skipped) if sizes.is_empty() => return Err(skipped.into()),
        Err(_) => Vec::new(),
    };
    if courses.is_empty() && sizes.is_empty() {
        return Err(Skipped::because("the records have no sizes, and lie at one time").into());
    }
    Ok(Volumes { courses, sizes })
}

fn sizes(traces: &Traces, progress: &dyn Progress) -> Result<Vec<SizeQuantiles>, Cancelled> {
    let is_size = |schema: &Schema, column: usize| {
        let roles = &schema.columns[column].roles;
        [Role::Packets, Role::Bytes, Role::ReversePackets, Role::ReverseBytes, Role::Length, Role::Duration]
            .into_iter()
            .any(|role| roles.has(role))
    };
    let columns = (0..traces.schema.columns.len()).filter(|&column| is_size(traces.schema, column));
    let size = |column: usize| {
        let sorted = Sides::of(traces, |trace| sorted(trace.column(column), progress))?;
        let declared = &traces.schema.columns[column];
        let unit = 10f64.powi(declared.field.decimals() as i32);
        let quantiles = quantiles(&sorted.each(Vec::as_slice), &SIZES, unit);
        Ok(SizeQuantiles { column: declared.name.clone(), quantiles })
    };
    columns.map(size).collect()
}

/// Equal steps of a window.
#[derive(Clone, Copy)]
struct Steps {
    window: Window,
    count: u64,
    /// Nanoseconds, where they are whole; otherwise a part of the window.
    each: Option<u64>,
}

impl Steps {
    /// Whole minutes, the last of which may be cut short.
    fn minutes(window: Window) -> Steps {
        let minutes = window.length().div_ceil(MINUTE);
        match minutes <= MOST_STEPS {
            true => Steps { window, count: minutes, each: Some(MINUTE) },
            false => Steps { window, count: MOST_STEPS, each: None },
        }
    }

    fn parts(window: Window) -> Steps {
        Steps { window, count: PARTS, each: None }
    }

    fn seconds(self) -> f64 {
        let nanoseconds = self.each.map(|each| each as f64);
        nanoseconds.unwrap_or(self.window.length() as f64 / self.count as f64) / 1e9
    }

    /// The step of a time within the window.
    fn of(self, time: u64) -> Option<usize> {
        let since = time.checked_sub(self.window.start()).filter(|_| time < self.window.end())?;
        let step = match self.each {
            Some(each) => since / each,
            None => (u128::from(since) * u128::from(self.count) / u128::from(self.window.length())) as u64,
        };
        Some(step as usize)
    }
}

fn courses(traces: &Traces, time: usize, progress: &dyn Progress) -> Result<Vec<Course>, Cancelled> {
    // Without a declared window, the range of the raw records.
    let window = match traces.schema.window {
        Some(window) => Some(window),
        None => {
            let (mut first, mut last) = (u64::MAX, 0);
            traces.real.column(time).visit(progress, |at| (first, last) = (first.min(at), last.max(at)))?;
            Window::new(first, last.saturating_add(1))
        }
    };
    let Some(window) = window else { return Ok(Vec::new()) };
    let bytes = bytes_of(traces.schema);
    let mut found = Vec::new();
    for (steps, shown) in [(Steps::minutes(window), false), (Steps::parts(window), true)] {
        if steps.count < LEAST_STEPS as u64 {
            continue;
        }
        let sums = Sides::of(traces, |trace| summed(trace, steps, time, bytes, progress))?;
        let (r, r_floor) = (pearson(&sums.real, &sums.synthetic), floor_of(&sums));
        let (peak, peak_floor) = sums.between(|a, b| peak(a, b));
        let shown = |sums: &[f64]| if shown { sums.to_vec() } else { Vec::new() };
        found.push(Course {
            of: if bytes.is_some() { SummedVolume::Bytes } else { SummedVolume::Records },
            seconds: steps.seconds(),
            r,
            r_floor,
            peak,
            peak_floor,
            real: shown(&sums.real),
            synthetic: shown(&sums.synthetic),
        });
    }
    Ok(found)
}

/// The sum of each step, divided by the number of records.
fn summed(
    trace: &Trace,
    steps: Steps,
    time: usize,
    bytes: Option<usize>,
    progress: &dyn Progress,
) -> Result<Vec<f64>, Cancelled> {
    let (time, bytes) = (trace.column(time), bytes.map(|column| trace.column(column)));
    let mut sums = vec![0u128; steps.count as usize];
    for rows in blocks(0..trace.rows(), progress) {
        for row in rows? {
            if let Some(step) = steps.of(time.get(row)) {
                sums[step] += bytes.map_or(1, |bytes| u128::from(bytes.get(row)));
            }
        }
    }
    let records = trace.rows().max(1) as f64;
    Ok(sums.into_iter().map(|sum| sum as f64 / records).collect())
}

fn floor_of(sums: &Sides<Vec<f64>>) -> Option<f64> {
    sums.held_out().and_then(|held_out| pearson(&sums.real, held_out))
}

/// The largest of the second, divided by the largest of the first.
fn peak(real: &[f64], other: &[f64]) -> f64 {
    let largest = |of: &[f64]| of.iter().copied().fold(0.0, f64::max);
    match (largest(real), largest(other)) {
        (0.0, 0.0) => 1.0,
        // As if one byte were in a raw record.
        (0.0, other) => other,
        (real, other) => other / real,
    }
}

/// Pearson correlation; `None` where either is constant.
fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    // Rounding must not turn a constant into a varying series.
    if [a, b].iter().any(|of| of.iter().all(|step| *step == of[0])) {
        return None;
    }
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut together, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - mean_a, y - mean_b);
        together += x * y;
        of_a += x * x;
        of_b += y * y;
    }
    let scale = of_a.sqrt() * of_b.sqrt();
    (scale > 0.0).then(|| (together / scale).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::presets;
    use netdpsyn_trace::progress::Quiet;

    fn schema(window: &str) -> Schema {
        let mut schema = presets::preset("flow").unwrap();
        schema.window = Some(window.parse().unwrap());
        schema
    }

    /// Flows of these seconds and bytes.
    fn trace(schema: &Schema, records: &[(u64, u64)]) -> Trace {
        let mut trace = Trace::empty(schema);
        for (second, bytes) in records {
            trace.push(&[1, 2, 3, 4, 6, second * 1_000_000_000, 0, 1, *bytes, 0, 0]);
        }
        trace
    }

    #[test]
    fn courses_by_hand() {
        let schema = schema("0/300");
        let real = trace(&schema, &[(0, 100), (70, 150), (110, 50), (120, 300), (300, 9_999)]);
        // Half as many records of the same course, and one that is reversed in the first three minutes.
        let half = trace(&schema, &[(59, 100), (60, 200), (179, 300)]);
        let back = trace(&schema, &[(0, 300), (60, 200), (120, 100)]);
        let traces = Traces { real: &real, held_out: Some(&back), synthetic: &half, schema: &schema };
        let found = volumes(&traces, &Quiet).unwrap();
        let [minutes, parts] = &found.courses[..] else { panic!("{:?}", found.courses) };
        assert_eq!((minutes.seconds, minutes.of, parts.seconds), (60.0, SummedVolume::Bytes, 15.0));
        assert!((minutes.r.unwrap() - 1.0).abs() < 1e-12);
        // Deviations from a mean of 120: −20, 80, 180, −120, −120 and 180, 80, −20, −120, −120.
        assert!((minutes.r_floor.unwrap() - 28_000.0 / 68_000.0).abs() < 1e-12, "{minutes:?}");
        assert!((minutes.peak - 5.0 / 3.0).abs() < 1e-12, "300 in three records for 300 in five");
        assert!(minutes.real.is_empty() && parts.real.len() == 20);
        assert_eq!((parts.real[0], parts.real[4], parts.synthetic[3]), (20.0, 30.0, 100.0 / 3.0));
    }

    #[test]
    fn constants_have_no_correlation_and_short_windows_no_minutes() {
        let schema = schema("0/60");
        let constant = trace(&schema, &(0..20).map(|part| (3 * part, 7)).collect::<Vec<_>>());
        let traces = Traces { real: &constant, held_out: None, synthetic: &constant, schema: &schema };
        let found = volumes(&traces, &Quiet).unwrap();
        assert_eq!(found.courses.len(), 1);
        assert_eq!((found.courses[0].r, found.courses[0].peak), (None, 1.0));
    }

    #[test]
    fn long_windows_are_cut_into_parts() {
        let steps = Steps::minutes("0/100000000".parse().unwrap());
        assert_eq!((steps.count, steps.of(0)), (MOST_STEPS, Some(0)));
        assert_eq!(steps.of(steps.window.end() - 1), Some(MOST_STEPS as usize - 1));
        assert_eq!(steps.of(steps.window.end()), None);
    }

    #[test]
    fn sizes_are_told_by_their_roles() {
        let schema = schema("0/60");
        let trace = |scale: u64| trace(&schema, &(1..=1_000).map(|i| (0, i * scale)).collect::<Vec<_>>());
        let (real, synthetic) = (trace(1), trace(3));
        let traces = Traces { real: &real, held_out: Some(&real), synthetic: &synthetic, schema: &schema };
        let found = volumes(&traces, &Quiet).unwrap();
        assert_eq!(
            found.sizes.iter().map(|size| size.column.as_str()).collect::<Vec<_>>(),
            ["td", "pkt", "byt"]
        );
        let bytes = &found.sizes[2].quantiles;
        assert_eq!(bytes.iter().map(|q| q.real).collect::<Vec<_>>(), [500.0, 900.0, 990.0, 999.0]);
        assert!(bytes.iter().all(|q| (q.ratio, q.floor) == (3.0, Some(1.0))));
    }
}
