//! Describes a flow as a vector of numbers, in the six ways of NetML (section 3 of the paper; details as in
//! its library `netml`).

use super::flows::Flow;
use netdpsyn_trace::progress::{Cancelled, Progress};
use serde::{Deserialize, Serialize};

/// Largest number of packets of a flow that are described.
const MOST_PACKETS: usize = 50;

/// A way of describing flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum FlowMode {
    /// Times between packets.
    Iat,
    /// Sizes of packets.
    Size,
    /// Both, alternating.
    #[serde(rename = "IAT_SIZE")]
    IatSize,
    /// Twelve figures: duration, packets and bytes per second, mean, standard deviation, quartiles, smallest
    /// and largest size, packets, bytes.
    Stats,
    /// Number of packets in each of several time windows.
    SampNum,
    /// Number of bytes in each of several time windows.
    SampSize,
}

impl FlowMode {
    /// All modes.
    pub const ALL: [FlowMode; 6] = [
        FlowMode::Iat,
        FlowMode::Size,
        FlowMode::IatSize,
        FlowMode::Stats,
        FlowMode::SampNum,
        FlowMode::SampSize,
    ];
}

/// How much of a flow is described: shorter flows are padded with 0, longer ones are cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    /// Number of packets: nine tenths of the flows have no more, unless that exceeds 50.
    pub packets: usize,
    /// Length of a time window in seconds: three tenths of the flows are no longer.
    pub window: f64,
}

impl Extent {
    /// The extent for these flows.
    pub fn of(flows: &[Flow]) -> Self {
        let sorted = |of: fn(&Flow) -> f64| {
            let mut values: Vec<f64> = flows.iter().map(of).collect();
            values.sort_unstable_by(f64::total_cmp);
            values
        };
        let packets = quantile(&sorted(|flow| flow.times.len() as f64), 0.9) as usize;
        let window = quantile(&sorted(|flow| flow.duration()), 0.3);
        // Times have a resolution of a nanosecond.
        Extent { packets: packets.clamp(2, MOST_PACKETS), window: window.max(1e-9) }
    }
}

/// The quantile of ascending values, interpolated linearly (as in numpy); 0 of none.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * sorted.len().saturating_sub(1) as f64;
    let Some(&low) = sorted.get(at as usize) else { return 0.0 };
    let high = sorted.get(at as usize + 1).copied().unwrap_or(low);
    low + (high - low) * at.fract()
}

/// The vectors of some flows, all of the same length.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn vectors(
    mode: FlowMode,
    flows: &[Flow],
    extent: Extent,
    progress: &dyn Progress,
) -> Result<Vec<Vec<f64>>, Cancelled> {
    flows.iter().map(|flow| progress.check().map(|()| vector(mode, flow, extent))).collect()
}

fn vector(mode: FlowMode, flow: &Flow, extent: Extent) -> Vec<f64> {
    let Extent { packets, window } = extent;
    let gaps = flow.times.windows(2).map(|pair| pair[1] - pair[0]);
    let sizes = flow.sizes.iter().copied();
    let windows = |amount: fn(f64) -> f64| {
        let mut sums = vec![0.0; packets - 1];
        for (&time, size) in flow.times.iter().zip(sizes.clone()) {
            // A window includes its end; the first one also includes the first packet.
            let number = ((time / window).ceil() as usize).saturating_sub(1);
            if let Some(sum) = sums.get_mut(number) {
                *sum += amount(size);
            }
        }
        sums
    };
    match mode {
        FlowMode::Iat => fill(gaps, packets - 1),
        FlowMode::Size => fill(sizes, packets),
        FlowMode::IatSize => {
            let last = flow.sizes.last().copied();
            fill(gaps.zip(sizes).flat_map(|(gap, size)| [gap, size]).chain(last), 2 * packets - 1)
        }
        FlowMode::Stats => stats(flow),
        FlowMode::SampNum => windows(|_| 1.0),
        FlowMode::SampSize => windows(|size| size),
    }
}

/// The first `length` values, padded with 0.
fn fill(values: impl Iterator<Item = f64>, length: usize) -> Vec<f64> {
    values.chain(std::iter::repeat(0.0)).take(length).collect()
}

/// Twelve figures of a flow. Rates of a flow of duration 0 are 0.
fn stats(flow: &Flow) -> Vec<f64> {
    let (packets, duration) = (flow.sizes.len() as f64, flow.duration());
    let bytes: f64 = flow.sizes.iter().sum();
    let mean = bytes / packets;
    let variance = flow.sizes.iter().map(|size| (size - mean).powi(2)).sum::<f64>() / packets;
    let mut sorted = flow.sizes.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let rate = |amount: f64| if duration > 0.0 { amount / duration } else { 0.0 };
    let [least, low, middle, high, most] = [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| quantile(&sorted, share));
    vec![
        duration,
        rate(packets),
        rate(bytes),
        mean,
        variance.sqrt(),
        low,
        middle,
        high,
        least,
        most,
        packets,
        bytes,
    ]
}
