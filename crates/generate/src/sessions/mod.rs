//! Generates packets as sessions: sizes first, then endpoints, ports and start times, the packets of each one
//! after the other, and recurring addresses.
//!
//! ```text
//! ranks ─► sessions by class and sizes ─► endpoints, ports, start ─► walk: direction, gap, length
//!       ─► swap search ─► hosts, values ─► packets in order of time
//! ```
//!
//! The seed determines everything: work on several threads has a random number generator of its own for each
//! piece of fixed size.
//!
//! | file | idea |
//! | --- | --- |
//! | [`tables`] | noisy answers as tables to draw from |
//! | [`sizes`] | the number of sessions, and of packets of each |
//! | [`walk`] | the packets of a session |
//! | [`likely`] | sizes that a chain of flags can have |
//! | [`flags`] | directions and TCP flags, where the trace has flags |
//! | [`place`] | exchanging whole sessions until joint tables are met |
//! | [`hosts`] | addresses |
//! | [`apart`] | no two sessions with the same five-tuple |
//! | [`mod@write`] | values of packets |

pub mod apart;
pub mod flags;
pub mod hosts;
pub mod likely;
pub mod place;
pub mod sizes;
pub mod tables;
pub mod walk;
pub mod write;

use super::gum::Convergence;
use super::stream;
use flags::Chain;
use netdpsyn_model::Model;
use netdpsyn_model::sessions::{Part, SessionQuery, Sessions};
use netdpsyn_trace::progress::{Cancelled, Progress, Step};
use netdpsyn_trace::{Schema, Stage};
use place::{Places, Wanted};
use rand::{RngExt, rngs::Xoshiro256PlusPlus};
use rayon::prelude::*;
use sizes::Sizes;
use std::borrow::Cow;
use std::ops::Range;
use tables::{Noisy, column_sums, draw, draw_rows, rake, scale_to};
use walk::{Constant, Packet, Walk, Walked};

/// Number of sessions whose packets share one random number generator.
const PIECE: usize = 1 << 10;

/// Random streams besides those of pieces; no shard of records uses them.
const SIZES: usize = usize::MAX - 2;
const ENDS: usize = usize::MAX - 3;
const SEARCH: usize = usize::MAX - 4;
const HOSTS: usize = usize::MAX - 5;
const LENGTHS: usize = usize::MAX - 6;
/// The first streams of pieces, for packets and for their values.
const WALKS: usize = 1 << 40;
pub(super) const VALUES: usize = 1 << 41;
/// The first stream of lagged classes, for chains of flags.
const FLAGS: usize = 1 << 42;

/// Bytes per packet while sessions are generated: the packet, and its length in the table of its session.
pub const BYTES_A_PACKET: usize = std::mem::size_of::<Packet>() + 16;

/// Sessions, complete except for the values of independent columns.
pub struct Made<'a> {
    model: &'a Sessions,
    sizes: Sizes,
    constant: Constant,
    walked: Walked,
    /// By slot and session.
    codes: Vec<Vec<u32>>,
    /// Of client and server.
    addresses: [Vec<u64>; 2],
    /// Of service and high port.
    ports: [Vec<u64>; 2],
    /// Nanoseconds from the window's start to the first packet.
    begins: Vec<f64>,
    /// The distance from the joint tables.
    pub convergence: Convergence,
}

/// The start of the window, and the offset of its last nanosecond.
fn window(schema: &Schema) -> (u64, f64) {
    schema.window.map_or((0, 1.0), |window| (window.start(), (window.length() - 1) as f64))
}

/// Generates the sessions of `rows` packets.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn make<'a>(
    model: &'a Model,
    sessions: &'a Sessions,
    rows: usize,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Made<'a>, Cancelled> {
    progress.step(Stage::Plan, 0, 1)?;
    let step: &Step<'_> = &|| progress.check();
    let rng = &mut stream(seed, SIZES);
    let times = rows as f64 / model.records.max(1.0);
    let mut sizes = sizes::sizes(sessions, times, rows, rng);
    let mut chain = Chain::of(model, sessions);
    if let Some(chain) = &chain {
        likely::without_ghosts(sessions, chain, &mut sizes, times, rng);
    }
    sizes::fit_rows(&mut sizes, rows, rng);
    if let Some(chain) = &mut chain {
        likely::suit(sessions, chain, &mut sizes, times, rng, step)?;
        chain.meet(sessions, &sizes, seed, step)?;
    }
    step()?;

    let start = Start::draw(sessions, &sizes, times, &mut stream(seed, ENDS));
    let (_, window) = window(&model.schema);
    progress.step(Stage::Generate, 0, 3)?;
    let constant = walk::constant(sessions, &sizes, &mut stream(seed, LENGTHS));
    let walk = Walk::of(sessions, &start.sent, &sizes, &constant, times, chain);
    let walked = walked(&walk, sessions, &sizes, &constant, window, seed, step)?;
    progress.step(Stage::Generate, 1, 3)?;

    let rng = &mut stream(seed, SEARCH);
    let wanted = Wanted {
        coarse: [&start.servers, &start.clients, &start.ends, &start.starts],
        fine: [&start.fine[0], &start.fine[1], &start.fine[2], &start.fine[3]],
    };
    let mut places = Places::new(sessions, &sizes, &walked, start.codes, &wanted, rng);
    places.search(rng, step)?;
    let error = places.error();
    let codes = std::mem::take(&mut places.codes);
    drop(places);
    progress.step(Stage::Generate, 2, 3)?;

    let rng = &mut stream(seed, HOSTS);
    let ends = hosts::Ends { class: &sizes.class, codes: [&codes[0], &codes[1]] };
    let mut addresses = hosts::addresses(sessions, &ends, rng);
    let mut ports = write::ports(model, sessions, &sizes, &codes, rng);
    apart::apart(sessions, &sizes, &codes, &mut addresses, &mut ports, rng);
    let leaves = hosts::Leaves::of(sessions.axis(Part::Time));
    let drawn = leaves.draw(&codes[4], rng);
    let (first, _) = self::window(&model.schema);
    let begins = (0..sizes.len())
        .map(|session| {
            // The session is centred on its drawn time, as far as the window permits.
            let anchor = leaves.value(drawn[session], rng).saturating_sub(first) as f64 + rng.random::<f64>();
            let (lasts, mean) = walked.extent(session);
            (anchor - mean).clamp(0.0, (window - lasts).max(0.0))
        })
        .collect();
    let convergence = Convergence { rounds: 1, error, moved: 0, settled: true };
    Ok(Made { model: sessions, sizes, constant, walked, codes, addresses, ports, begins, convergence })
}

/// The packets of all sessions, in pieces.
fn walked(
    walk: &Walk,
    model: &Sessions,
    sizes: &Sizes,
    constant: &Constant,
    window: f64,
    seed: u64,
    step: &Step,
) -> Result<Walked, Cancelled> {
    let pieces: Vec<Range<usize>> =
        (0..sizes.len()).step_by(PIECE).map(|from| from..(from + PIECE).min(sizes.len())).collect();
    let made = pieces.into_par_iter().enumerate().map(|(piece, sessions)| {
        step()?;
        let rng: &mut Xoshiro256PlusPlus = &mut stream(seed, WALKS + piece);
        let mut packets = Vec::new();
        for session in sessions {
            let class = model.classes.lagged[sizes.class[session] as usize] as usize;
            let sent = [0, 1].map(|direction| sizes.sent[direction][session]);
            let constant = [0, 1].map(|direction| constant[direction][session]);
            walk.packets(class, sent, constant, window, &mut packets, rng);
        }
        Ok(packets)
    });
    let made: Vec<Vec<Packet>> = made.collect::<Result<_, Cancelled>>()?;
    Ok(Walked { packets: made.concat(), starts: walk::starts(sizes) })
}

/// The initial codes of sessions, and the targets of the search.
struct Start {
    codes: Vec<Vec<u32>>,
    servers: Vec<f64>,
    clients: Vec<f64>,
    ends: Vec<f64>,
    starts: Vec<f64>,
    /// Sessions by fine client, server, service, high port.
    fine: [Vec<f64>; 4],
    /// Records by class, direction and fine length.
    sent: Vec<f64>,
}

impl Start {
    fn draw(model: &Sessions, sizes: &Sizes, times: f64, rng: &mut Xoshiro256PlusPlus) -> Start {
        let classes = &model.classes;
        // Sessions of each class, at the scale of the measurements.
        let mut totals = vec![0.0; classes.count()];
        sizes.class.iter().for_each(|&class| totals[class as usize] += 1.0 / times.max(1e-9));
        let all: f64 = totals.iter().sum();
        let by_class = |what: SessionQuery, width: usize| Noisy::of(model, what).shrunk(width, Some(&totals));
        let [n, m] = [Part::Server, Part::Client].map(|part| model.axis(part).coarse_bins());
        let servers = by_class(SessionQuery::Of(Part::Server), n);
        let clients = by_class(SessionQuery::Of(Part::Client), m);
        let (rows, columns) = (column_sums(&servers, n), column_sums(&clients, m));
        let sum: f64 = rows.iter().sum::<f64>().max(1.0);
        let even: Vec<f64> = rows.iter().flat_map(|r| columns.iter().map(move |c| r * c / sum)).collect();
        let mut ends = Noisy::of(model, SessionQuery::Ends).towards(&even);
        rake(&mut ends, &rows, &columns, 20);
        let class = || sizes.class.iter().map(|&class| class as usize);
        let server = draw_rows(class(), |class| Cow::Borrowed(&servers[class * n..(class + 1) * n]), rng);
        let client = draw_rows(
            class().zip(&server).map(|(class, &server)| class * n + server as usize),
            |row| {
                let (class, server) = (row / n, row % n);
                let lift = |bin: usize| ends[server * m + bin] / even[server * m + bin].max(1e-9);
                Cow::Owned((0..m).map(|bin| clients[class * m + bin] * lift(bin)).collect::<Vec<f64>>())
            },
            rng,
        );
        let fine = [Part::Client, Part::Server, Part::Service, Part::High].map(|part| fine(model, part, all));
        let refined = |part: Part, codes: &[u32], rng: &mut Xoshiro256PlusPlus| {
            let axis = model.axis(part);
            let weights = |bin: usize| {
                let inside =
                    |(&coarse, n): (&u32, &f64)| if coarse as usize == bin { n.max(1e-12) } else { 0.0 };
                Cow::Owned(axis.coarse.iter().zip(&fine[part as usize]).map(inside).collect::<Vec<f64>>())
            };
            draw_rows(codes.iter().map(|&code| code as usize), weights, rng)
        };
        let client = refined(Part::Client, &client, rng);
        let server = refined(Part::Server, &server, rng);
        let of_class = services(model, &fine[2]);
        let service = draw_rows(class(), |class| Cow::Borrowed(&of_class[class][..]), rng);
        let positive: Vec<f64> = fine[3].iter().map(|n| n.max(1e-9)).collect();
        let high = draw(&positive, sizes.len(), rng);
        let time = model.axis(Part::Time);
        let starts = by_class(SessionQuery::Starts, time.coarse_bins());
        let began = draw_rows(
            class(),
            |class| Cow::Borrowed(&starts[class * time.coarse_bins()..(class + 1) * time.coarse_bins()]),
            rng,
        );
        let began = draw_rows(
            began.iter().map(|&bin| bin as usize),
            |bin| {
                let inside =
                    |(&coarse, &n): (&u32, &i64)| if coarse as usize == bin { n.max(1) as f64 } else { 0.0 };
                Cow::Owned(time.coarse.iter().zip(&time.counts).map(inside).collect::<Vec<f64>>())
            },
            rng,
        );
        let width = model.axis(Part::Ttl).coarse_bins();
        let ttls = Noisy::of(model, SessionQuery::Ttls);
        let senders = ttls.counts.len() / width / 2;
        let ttls = ttls.shrunk(width, None);
        let mut ttl = |part: Part, codes: &[u32], direction: usize| {
            let coarse = codes.iter().map(|&code| model.axis(part).coarse[code as usize] as usize);
            let rows = coarse.map(|code| direction * senders + code);
            draw_rows(rows, |row| Cow::Borrowed(&ttls[row * width..(row + 1) * width]), rng)
        };
        let (asked, served) = (ttl(Part::Client, &client, 0), ttl(Part::Server, &server, 1));
        let sent = Noisy::of(model, SessionQuery::Sent).shrunk(model.axis(Part::Length).fine_bins(), None);
        let codes = vec![client, server, service, high, began, asked, served];
        Start { codes, servers, clients, ends, starts, fine, sent }
    }
}

/// Sessions by fine bin of a part: as counted, shrunk towards the proportions of its records.
fn fine(model: &Sessions, part: Part, all: f64) -> Vec<f64> {
    let mut expected: Vec<f64> = model.axis(part).counts.iter().map(|&n| n.max(0) as f64).collect();
    scale_to(&mut expected, all);
    Noisy::of(model, SessionQuery::Fine(part)).towards(&expected)
}

/// By class, weights of the fine bins of its services.
fn services(model: &Sessions, fine: &[f64]) -> Vec<Vec<f64>> {
    let (axis, classes) = (model.axis(Part::Service), &model.classes);
    let bins = axis.coarse_bins();
    let mut sums = vec![0.0; bins];
    fine.iter().zip(&axis.coarse).for_each(|(n, &bin)| sums[bin as usize] += n.max(0.0));
    let of = |class: usize| {
        let protocol = classes.protocols[class] as usize;
        let weight = |(n, &bin): (&f64, &u32)| {
            let cell = protocol * bins + bin as usize;
            if classes.of[cell] as usize != class {
                return 0.0;
            }
            n.max(0.0) / sums[bin as usize].max(1e-9) * classes.records[cell]
        };
        let mut weights: Vec<f64> = fine.iter().zip(&axis.coarse).map(weight).collect();
        if weights.iter().sum::<f64>() <= 0.0 {
            // Nothing stands out: use the first ports of the protocol.
            let own = |(n, &bin): (&f64, &u32)| {
                let own = classes.of[protocol * bins + bin as usize] as usize == class;
                if own { n.max(0.0) + 1e-9 } else { 0.0 }
            };
            weights = fine.iter().zip(&axis.coarse).map(own).collect();
        }
        weights
    };
    (0..classes.count()).map(of).collect()
}
