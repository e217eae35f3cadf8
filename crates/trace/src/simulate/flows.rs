//! Labelled flows of a small site: everyday traffic and three kinds of attack.

use super::{FLOW_WINDOW, START, ephemeral, heavy_tailed, inside, outside, rank, source};
use crate::{Notation, Schema, Trace, Window, presets, protocols};
use rand::{Rng, RngExt};

/// The classes, in the order of their codes.
pub const CLASSES: [&str; 4] = ["normal", "ddos", "portscan", "bruteforce"];

/// The schema of the simulated flows, complete with window, categories and notations.
pub fn schema() -> Schema {
    let mut schema = presets::preset("flow").unwrap_or_else(|| unreachable!("a preset"));
    schema.window = Window::new(START, START + FLOW_WINDOW);
    let classes = CLASSES.map(String::from).to_vec();
    if schema.declare_categories("type", classes).is_err() {
        unreachable!("the preset has a type");
    }
    for (name, notation) in [
        ("srcip", Notation::Dotted),
        ("dstip", Notation::Dotted),
        ("proto", Notation::LowerName),
        ("ts", Notation::Epoch { unit: crate::TimeUnit::Nanoseconds, decimal: false }),
        ("td", Notation::Decimal),
    ] {
        if let Some(column) = schema.position(name) {
            schema.columns[column].notation = Some(notation);
        }
    }
    schema
}

/// One flow without its time.
#[derive(Clone, Copy)]
struct Flow {
    tuple: [u64; 5],
    duration: f64,
    packets: f64,
    bytes_per_packet: f64,
    class: u64,
}

/// Simulates `rows` flows in order of time.
pub fn simulate(rows: usize, seed: u64) -> Trace {
    let rng = &mut source(seed);
    let mut flows: Vec<(u64, Flow)> = Vec::with_capacity(rows);
    while flows.len() < rows {
        let start = rng.random_range(0..FLOW_WINDOW);
        let first = draw(rng);
        // A conversation recurs: the same five-tuple again, later.
        let repeats = if first.class == 0 && rng.random_bool(0.25) { rng.random_range(1..6) } else { 0 };
        let mut at = start;
        for _ in 0..=repeats {
            flows.push((START + at, Flow { packets: first.packets * rng.random_range(0.7..1.4), ..first }));
            at += (heavy_tailed(20.0, 1.2, rng) * 1e9) as u64;
            if at >= FLOW_WINDOW || flows.len() == rows {
                break;
            }
        }
    }
    flows.sort_by_key(|(time, _)| *time);
    let mut trace = Trace::empty(&schema());
    for (time, flow) in flows {
        let packets = flow.packets.round().clamp(1.0, 1e6) as u64;
        let per_packet = flow.bytes_per_packet.clamp(28.0, 1_500.0);
        let bytes = (packets as f64 * per_packet).round() as u64;
        let micros = if packets == 1 { 0 } else { (flow.duration.clamp(1e-6, 3_000.0) * 1e6).round() as u64 };
        let [srcip, dstip, srcport, dstport, proto] = flow.tuple;
        let label = u64::from(flow.class > 0);
        trace.push(&[srcip, dstip, srcport, dstport, proto, time, micros, packets, bytes, label, flow.class]);
    }
    trace
}

fn draw(rng: &mut impl Rng) -> Flow {
    match rng.random_range(0..100) {
        0..80 => everyday(rng),
        // Many hosts flood one server.
        80..90 => Flow {
            tuple: [outside(400 + rank(4_000, 0.6, rng)), inside(3), ephemeral(rng), 80, protocols::TCP],
            duration: heavy_tailed(0.02, 1.0, rng),
            packets: rng.random_range(1.0..5.0),
            bytes_per_packet: 44.0,
            class: 1,
        },
        // One host tries many ports of many hosts.
        90..96 => Flow {
            tuple: [
                outside(17),
                inside(rank(600, 0.2, rng)),
                rng.random_range(40_000..60_000),
                if rng.random_bool(0.6) {
                    u64::from(rank(1_024, 0.4, rng)) + 1
                } else {
                    rng.random_range(1..65_536)
                },
                protocols::TCP,
            ],
            duration: 0.0,
            packets: 1.0,
            bytes_per_packet: 40.0,
            class: 2,
        },
        // A few hosts try passwords.
        _ => Flow {
            tuple: [
                outside(20 + rank(8, 1.0, rng)),
                inside(10 + rank(4, 1.0, rng)),
                ephemeral(rng),
                22,
                protocols::TCP,
            ],
            duration: heavy_tailed(2.5, 0.3, rng),
            packets: heavy_tailed(22.0, 0.2, rng),
            bytes_per_packet: heavy_tailed(140.0, 0.1, rng),
            class: 3,
        },
    }
}

fn everyday(rng: &mut impl Rng) -> Flow {
    let client = inside(6 + rank(700, 0.9, rng));
    let server = outside(rank(6_000, 1.1, rng));
    let flow = |peer, sport, dport, proto, duration, packets, bytes_per_packet| Flow {
        tuple: [client, peer, sport, dport, proto],
        duration,
        packets,
        bytes_per_packet,
        class: 0,
    };
    match rng.random_range(0..100) {
        0..48 => {
            let packets = heavy_tailed(14.0, 1.3, rng);
            let size = 120.0 + 900.0 * (1.0 - 1.0 / (1.0 + packets / 20.0));
            flow(server, ephemeral(rng), 443, protocols::TCP, heavy_tailed(1.5, 1.6, rng), packets, size)
        }
        48..58 => flow(
            server,
            ephemeral(rng),
            443,
            protocols::UDP,
            heavy_tailed(4.0, 1.4, rng),
            heavy_tailed(30.0, 1.4, rng),
            720.0,
        ),
        58..80 => flow(
            inside(rank(2, 1.0, rng)),
            ephemeral(rng),
            53,
            protocols::UDP,
            heavy_tailed(0.012, 0.9, rng),
            2.0,
            heavy_tailed(90.0, 0.35, rng),
        ),
        80..88 => flow(
            server,
            ephemeral(rng),
            80,
            protocols::TCP,
            heavy_tailed(0.6, 1.3, rng),
            heavy_tailed(9.0, 0.9, rng),
            heavy_tailed(380.0, 0.5, rng),
        ),
        88..92 => flow(
            inside(4),
            ephemeral(rng),
            445,
            protocols::TCP,
            heavy_tailed(8.0, 1.8, rng),
            heavy_tailed(40.0, 1.5, rng),
            heavy_tailed(420.0, 0.4, rng),
        ),
        92..95 => flow(
            outside(rank(5, 1.0, rng)),
            123,
            123,
            protocols::UDP,
            heavy_tailed(0.03, 0.4, rng),
            2.0,
            76.0,
        ),
        95..97 => flow(
            inside(5),
            ephemeral(rng),
            993,
            protocols::TCP,
            heavy_tailed(30.0, 1.5, rng),
            heavy_tailed(35.0, 1.0, rng),
            260.0,
        ),
        97..99 => flow(
            inside(rank(300, 0.8, rng)),
            ephemeral(rng),
            22,
            protocols::TCP,
            heavy_tailed(60.0, 1.6, rng),
            heavy_tailed(120.0, 1.4, rng),
            150.0,
        ),
        // Echo requests: type 8, code 0 in the port columns, as flow exporters write them.
        _ => flow(
            server,
            8,
            0,
            protocols::ICMP,
            heavy_tailed(0.9, 0.8, rng),
            heavy_tailed(4.0, 0.6, rng),
            84.0,
        ),
    }
}
