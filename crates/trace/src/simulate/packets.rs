//! Packet headers of an access link: conversations of packets in both directions.

use super::{PACKET_WINDOW, START, ephemeral, heavy_tailed, inside, outside, rank, source};
use crate::{Facts, Notation, Schema, TimeUnit, Trace, Window, presets, protocols};
use rand::{Rng, RngExt, rngs::Xoshiro256PlusPlus};

/// A packet: the columns of the preset, then the flags.
type Packet = [u64; 16];
const FLAGS: usize = 15;

/// The schema of the simulated packets, complete with window and notations.
pub fn schema() -> Schema {
    complete("packet")
}

/// The schema of [`schema`] with TCP flags.
pub fn with_flags() -> Schema {
    complete("packet-flags")
}

fn complete(preset: &str) -> Schema {
    let mut schema = presets::preset(preset).unwrap_or_else(|| unreachable!("a preset"));
    schema.window = Window::new(START, START + PACKET_WINDOW);
    for (name, notation) in [
        ("srcip", Notation::Dotted),
        ("dstip", Notation::Dotted),
        ("proto", Notation::UpperName),
        ("time", Notation::Epoch { unit: TimeUnit::Nanoseconds, decimal: false }),
    ] {
        if let Some(column) = schema.position(name) {
            schema.columns[column].notation = Some(notation);
        }
    }
    schema
}

/// Simulates `rows` packets in order of time.
pub fn simulate(rows: usize, seed: u64) -> Trace {
    simulated(rows, seed, &schema(), |_, _| ())
}

/// Simulates `rows` packets with TCP flags: TCP connections have a handshake, data and a close.
pub fn simulate_with_flags(rows: usize, seed: u64) -> Trace {
    simulated(rows, seed, &with_flags(), flags)
}

fn simulated(
    rows: usize,
    seed: u64,
    schema: &Schema,
    finish: fn(&mut [Packet], &mut Xoshiro256PlusPlus),
) -> Trace {
    let rng = &mut source(seed);
    let facts = Facts::of(schema);
    let mut packets: Vec<Packet> = Vec::with_capacity(rows);
    while packets.len() < rows {
        let from = packets.len();
        conversation(&mut packets, rows, rng);
        finish(&mut packets[from..], rng);
    }
    packets.sort_by_key(|packet| packet[5]);
    let mut trace = Trace::empty(schema);
    for packet in &mut packets {
        let packet = &mut packet[..schema.columns.len()];
        facts.finish(packet);
        trace.push(packet);
    }
    trace
}

/// Sets of TCP flags, as listed by the layout `packet-flags`.
pub(crate) const TCP_FLAGS: [&str; 12] =
    ["A", "PA", "S", "SA", "FA", "R", "RA", "FPA", "F", "SEC", "SAE", ""];

/// Sets the flags of the packets of one conversation. One in twelve TCP connections began before the capture;
/// the first three packets of the others are the handshake. Most close in order and some are reset; a
/// connection that the window or the number of packets cuts off has no close.
fn flags(packets: &mut [Packet], rng: &mut Xoshiro256PlusPlus) {
    let set = |name: &str| TCP_FLAGS.iter().position(|flags| *flags == name).unwrap_or(0) as u64;
    let is_tcp = packets.first().is_some_and(|packet| packet[4] == protocols::TCP);
    if !is_tcp {
        packets.iter_mut().for_each(|packet| packet[FLAGS] = set(""));
        return;
    }
    for packet in packets.iter_mut() {
        let pushes = packet[6] > 100 && rng.random_bool(0.35);
        packet[FLAGS] = set(if pushes { "PA" } else { "A" });
    }
    let say = |packet: &mut Packet, upward: bool, flags: &str, length: u64| {
        // Clients have the higher port.
        if upward != (packet[2] > packet[3]) {
            packet.swap(0, 1);
            packet.swap(2, 3);
            packet[13] = if upward { 64 } else { 52 };
        }
        (packet[6], packet[FLAGS]) = (length, set(flags));
    };
    if rng.random_bool(11.0 / 12.0) {
        let greeting = [(true, "S", 60), (false, "SA", 60), (true, "A", 52)];
        for (packet, (upward, flags, length)) in packets.iter_mut().zip(greeting) {
            say(packet, upward, flags, length);
        }
    }
    let first = rng.random_bool(0.6);
    if let [_, _, _, .., a, b, c] = packets {
        match rng.random_range(0..20) {
            0..15 => {
                say(a, first, "FA", 52);
                say(b, !first, "FA", 52);
                say(c, first, "A", 52);
            }
            15..17 => say(c, first, "R", 40),
            17..19 => say(c, first, "RA", 40),
            _ => (),
        }
    }
}

/// One conversation: its packets share a five-tuple, in two directions.
fn conversation(packets: &mut Vec<Packet>, rows: usize, rng: &mut impl Rng) {
    let client = inside(rank(700, 0.9, rng));
    let server = outside(rank(6_000, 1.1, rng));
    let (proto, port) = match rng.random_range(0..100) {
        0..62 => (protocols::TCP, 443),
        62..72 => (protocols::TCP, 80),
        72..76 => (protocols::TCP, 22),
        76..88 => (protocols::UDP, 443),
        88..98 => (protocols::UDP, 53),
        _ => (protocols::ICMP, 0),
    };
    let client_port = if proto == protocols::ICMP { 8 } else { ephemeral(rng) };
    let length = match (proto, port) {
        (protocols::UDP, 53) => 2,
        (protocols::ICMP, _) => rng.random_range(2..8),
        _ => heavy_tailed(12.0, 1.3, rng).clamp(3.0, 3_000.0) as usize,
    };
    // Time to live on arrival: the far side is some hops away.
    let (near_ttl, far_ttl) = (if rng.random_bool(0.7) { 64 } else { 128 }, 64 - rng.random_range(6..20));
    let tos = if rng.random_bool(0.9) { 0 } else { *[8, 40, 184].get(rng.random_range(0..3)).unwrap_or(&0) };
    let fragment = if proto == protocols::UDP && rng.random_bool(0.3) { 0 } else { 2 };
    let mut at = rng.random_range(0..PACKET_WINDOW);
    for number in 0..length {
        if packets.len() == rows || at >= PACKET_WINDOW {
            return;
        }
        let upward = rng.random_bool(if number < 2 { 0.5 } else { 0.4 });
        let size = match (proto, upward) {
            (protocols::TCP, _) if number < 2 => 60,
            (protocols::TCP, true) if rng.random_bool(0.7) => 52,
            (protocols::TCP, false) if rng.random_bool(0.7) => 1_500,
            (protocols::ICMP, _) => 84,
            (protocols::UDP, _) if port == 53 => heavy_tailed(90.0, 0.4, rng) as u64,
            (protocols::UDP, false) => 1_278,
            _ => heavy_tailed(240.0, 0.8, rng) as u64,
        };
        let ((srcip, dstip), (srcport, dstport), ttl) = if upward {
            ((client, server), (client_port, port), near_ttl)
        } else {
            ((server, client), (port, client_port), far_ttl)
        };
        let id = if fragment == 2 && rng.random_bool(0.5) { 0 } else { rng.random_range(0..65_536) };
        let size = size.clamp(40, 1_500);
        packets.push([
            srcip,
            dstip,
            srcport,
            dstport,
            proto,
            START + at,
            size,
            4,
            5,
            tos,
            id,
            fragment,
            0,
            ttl,
            0,
            0,
        ]);
        at += (heavy_tailed(0.008, 1.5, rng) * 1e9) as u64;
    }
}
