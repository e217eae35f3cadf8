//! Packets fitted and made as sessions: the population, and what a trace of them depends on.

use netdpsyn_account::Guarantee;
use netdpsyn_fit::keys::NoiseKey;
use netdpsyn_fit::{Method, Plan, Structure, fit};
use netdpsyn_generate::{Asked, ConditionError, Request, generate};
use netdpsyn_model::{Bundle, Model, Packets};
use netdpsyn_privacy::Sensitive;
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::sessions::Sessions;
use netdpsyn_trace::simulate::packets;
use netdpsyn_trace::{Facts, Trace};
use std::collections::{BTreeMap, BTreeSet};

const ROWS: usize = 40_000;

fn bundle(structure: Structure) -> Bundle {
    let mut plan = Plan::new(Guarantee::new(4.0, 1e-9).unwrap(), Method::Adaptive);
    plan.options.structure = structure;
    let trace = Sensitive::new(packets::simulate(ROWS, 1));
    fit(trace, &packets::schema(), &plan, &NoiseKey::for_test(9), &Quiet).unwrap().bundle
}

/// Sessions, hosts, and the share of packets whose reverse five-tuple occurs.
fn population(trace: &Trace) -> [f64; 3] {
    let of = Sessions::of(&packets::schema()).unwrap();
    let mut sessions: BTreeMap<[u64; 5], [u64; 2]> = BTreeMap::new();
    let mut hosts = BTreeSet::new();
    for row in 0..trace.rows() {
        let mut record: Vec<u64> = trace.columns().iter().map(|column| column.get(row)).collect();
        record.resize(of.echo + 1, 0);
        of.turn(&mut record);
        hosts.extend([record[of.client], record[of.server]]);
        sessions.entry(of.tuple().map(|column| record[column])).or_default()
            [record[of.direction] as usize] += 1;
    }
    let answered: u64 =
        sessions.values().filter(|sent| sent[0] > 0 && sent[1] > 0).map(|sent| sent[0] + sent[1]).sum();
    [sessions.len() as f64, hosts.len() as f64, answered as f64 / trace.rows() as f64]
}

#[test]
fn a_trace_has_the_population_of_the_raw_one() {
    let bundle = bundle(Structure::Auto);
    assert!(matches!(bundle.packets, Some(Packets::Sessions(_))));
    let mut file = Vec::new();
    bundle.write(&mut file).unwrap();
    let read = Bundle::read(&file[..]).unwrap();
    assert_eq!(read, bundle);
    let model = Model::from_bundle(&read, &Quiet).unwrap();
    let of = |rows: Option<usize>, seed: u64| {
        generate(&model, &Request { rows, seed, ..Request::default() }, &Quiet).unwrap().trace
    };
    let made = of(None, 1);
    let (raw, own) = (population(&packets::simulate(ROWS, 1)), population(&made));
    assert!((own[0] / raw[0] - 1.0).abs() < 0.1, "sessions: {own:?} of {raw:?}");
    assert!((own[1] / raw[1] - 1.0).abs() < 0.2, "hosts: {own:?} of {raw:?}");
    assert!((own[2] - raw[2]).abs() < 0.05, "answers: {own:?} of {raw:?}");

    // Twice the packets are twice the sessions; any number of them is what was asked for.
    let twice = of(Some(2 * ROWS), 1);
    let ratio = population(&twice)[0] / own[0];
    assert!((1.8..2.2).contains(&ratio), "{ratio}");
    for rows in [0, 1, 777] {
        assert_eq!(of(Some(rows), 1).rows(), rows);
    }

    // It depends on its seed alone.
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| of(Some(5_000), 7))
    };
    assert_eq!(on(1), on(3));
    assert!(on(1) != of(Some(5_000), 8));

    // Facts hold, and times lie in the window.
    let schema = packets::schema();
    let (facts, window) = (Facts::of(&schema), schema.window.unwrap());
    let time = schema.time_column().unwrap();
    for row in 0..made.rows() {
        let record: Vec<u64> = made.columns().iter().map(|column| column.get(row)).collect();
        assert!((window.start()..window.end()).contains(&record[time]));
        assert!(
            facts.broken(&record).all(|(fact, broken)| !broken || fact == netdpsyn_trace::Checked::Ports)
        );
    }

    let asked: Asked = serde_json::from_str(r#"{"proto": "tcp"}"#).unwrap();
    assert!(matches!(asked.on(&model), Err(ConditionError::Sessions { .. })));
}

/// What follows what in sessions of TCP, as [before, now], of which `u64::MAX` is neither; and how many other packets have flags.
fn flags(trace: &Trace) -> (BTreeMap<[u64; 2], f64>, usize) {
    let of = Sessions::of(&packets::with_flags()).unwrap();
    let mut sessions: BTreeMap<[u64; 5], Vec<[u64; 2]>> = BTreeMap::new();
    let none = trace.columns().len() as u64 - 5;
    let mut others = 0;
    for row in 0..trace.rows() {
        let [protocol, time, flags] =
            [of.protocol, of.time, of.flags.unwrap()].map(|column| trace.column(column).get(row));
        if protocol == netdpsyn_trace::protocols::TCP {
            sessions.entry(of.key(trace, row)).or_default().push([time, flags]);
        } else {
            others += usize::from(flags != none);
        }
    }
    let mut follow: BTreeMap<[u64; 2], f64> = BTreeMap::new();
    let pairs = sessions.values().map(|session| session.len() + 1).sum::<usize>() as f64;
    for mut session in sessions.into_values() {
        session.sort_unstable();
        let edge = [u64::MAX];
        let path: Vec<u64> =
            edge.into_iter().chain(session.into_iter().map(|[_, flags]| flags)).chain(edge).collect();
        path.windows(2).for_each(|two| *follow.entry([two[0], two[1]]).or_default() += 1.0 / pairs);
    }
    (follow, others)
}

/// Flags of a trace, and of one that is made of it with little noise.
#[test]
fn sessions_of_tcp_begin_and_go_on_as_in_the_trace() {
    let raw = packets::simulate_with_flags(ROWS, 1);
    let plan = Plan::new(Guarantee::new(30.0, 1e-9).unwrap(), Method::Adaptive);
    let key = NoiseKey::for_test(9);
    let bundle =
        fit(Sensitive::new(raw.clone()), &packets::with_flags(), &plan, &key, &Quiet).unwrap().bundle;
    let model = Model::from_bundle(&bundle, &Quiet).unwrap();
    let request = Request { seed: 1, ..Request::default() };
    let made = generate(&model, &request, &Quiet).unwrap().trace;
    let [(raw, _), (made, others)] = [flags(&raw), flags(&made)];
    assert_eq!(others, 0, "what is not TCP has no flags");
    let begins = |of: &BTreeMap<[u64; 2], f64>| {
        let starts = of.iter().filter(|(pair, _)| pair[0] == u64::MAX);
        of[&[u64::MAX, 2]] / starts.map(|(_, share)| share).sum::<f64>()
    };
    let [is, was] = [begins(&made), begins(&raw)];
    assert!(was > 0.9 && is >= 0.95 * was, "SYN begins {is} of the sessions, {was} of the raw ones");
    let pairs: BTreeSet<&[u64; 2]> = raw.keys().chain(made.keys()).collect();
    let share = |of: &BTreeMap<[u64; 2], f64>, pair| of.get(pair).copied().unwrap_or(0.0);
    let apart: f64 = pairs.into_iter().map(|pair| (share(&raw, pair) - share(&made, pair)).abs()).sum();
    assert!(apart / 2.0 < 0.02, "{apart}");

    // Who writes a bundle by hand gets a reason.
    let refused = |change: &dyn Fn(&mut netdpsyn_model::sessions::Sessions)| {
        let mut bundle = bundle.clone();
        let Some(Packets::Sessions(sessions)) = &mut bundle.packets else { panic!("sessions") };
        change(sessions);
        let mut file = Vec::new();
        bundle.write(&mut file).unwrap();
        Bundle::read(&file[..]).err().map(|error| error.to_string())
    };
    assert_eq!(refused(&|_| ()), None);
    for (change, reason) in [
        ((|s| s.flags = Some(99)) as fn(&mut netdpsyn_model::sessions::Sessions), "that there are not"),
        (|s| s.flags = Some(s.manners[0][0]), "an attribute twice"),
        (|s| s.flags = Some(s.protocol), "another shape"),
        (|s| s.looks.retain(|look| look.what != netdpsyn_model::sessions::SessionQuery::Flags), "is missing"),
    ] {
        let told = refused(&change).unwrap_or_default();
        assert!(told.contains(reason), "{told}");
    }
}

/// What a trace has not is not asked about; bundles that asked all the same are read as before.
#[test]
fn nothing_is_asked_about_lengths_and_times_to_live_that_there_are_not() {
    use netdpsyn_model::sessions::{Part, SessionAnswer, SessionQuery};
    let (mut schema, mut columns) = (packets::schema(), packets::simulate(ROWS, 1).into_columns());
    for name in ["ttl", "pkt_len"] {
        let at = schema.position(name).unwrap();
        schema.columns.remove(at);
        columns.remove(at);
    }
    let plan = Plan::new(Guarantee::new(4.0, 1e-9).unwrap(), Method::Adaptive);
    let raw = Sensitive::new(Trace::new(columns));
    let mut bundle = fit(raw, &schema, &plan, &NoiseKey::for_test(9), &Quiet).unwrap().bundle;
    let attributes = bundle.attributes.clone();
    let Some(Packets::Sessions(sessions)) = &mut bundle.packets else { panic!("sessions") };
    let about = |what: SessionQuery| match what {
        SessionQuery::Ttls | SessionQuery::Lengths | SessionQuery::Repeats | SessionQuery::Constant => true,
        SessionQuery::Joint(a, b) => [a, b].iter().any(|part| [Part::Ttl, Part::Length].contains(part)),
        _ => false,
    };
    assert!(!sessions.looks.iter().any(|look| about(look.what)));
    let made = |bundle: &Bundle| {
        let mut file = Vec::new();
        bundle.write(&mut file).unwrap();
        let model = Model::from_bundle(&Bundle::read(&file[..]).unwrap(), &Quiet).unwrap();
        generate(&model, &Request { rows: Some(5_000), seed: 1, ..Request::default() }, &Quiet).unwrap().trace
    };
    let shape = sessions.shape(SessionQuery::Ttls, &attributes);
    let look = SessionAnswer {
        what: SessionQuery::Ttls,
        counts: vec![7; shape.iter().product()],
        shape,
        ..sessions.looks[0].clone()
    };
    let without = made(&bundle);
    let Some(Packets::Sessions(sessions)) = &mut bundle.packets else { panic!("sessions") };
    sessions.looks.push(look);
    assert_eq!((without.rows(), without == made(&bundle)), (5_000, true));
}

#[test]
fn without_structure_packets_are_single_records() {
    let bundle = bundle(Structure::None);
    assert_eq!(bundle.packets, None);
    assert!(bundle.looks.is_empty());
}

#[test]
fn a_bundle_that_contradicts_itself_is_refused() {
    let good = bundle(Structure::Auto);
    let refused = |change: &dyn Fn(&mut netdpsyn_model::sessions::Sessions)| {
        let mut bundle = good.clone();
        let Some(Packets::Sessions(sessions)) = &mut bundle.packets else { panic!("sessions") };
        change(sessions);
        let mut file = Vec::new();
        bundle.write(&mut file).unwrap();
        Bundle::read(&file[..]).is_err()
    };
    assert!(!refused(&|_| ()));
    assert!(refused(&|s| s.looks.truncate(5)));
    assert!(refused(&|s| s.looks[3].counts.push(1)));
    assert!(refused(&|s| s.looks.push(s.looks[0].clone())));
    assert!(refused(&|s| s.axes.truncate(2)));
    assert!(refused(&|s| s.classes.of[0] = 9_999));
    assert!(refused(&|s| s.gaps[0][0] = 8));
    assert!(refused(&|s| s.manners.push(vec![99])));
    assert!(refused(&|s| s.range = [3, 1]));
}

/// Whoever writes a bundle by hand gets a reason, or a trace of the size asked for; never a panic.
#[test]
fn bundles_that_contradict_themselves_are_refused() {
    type Break = fn(&mut netdpsyn_model::sessions::Sessions);
    let breaks: [(Break, &str); 3] = [
        (|sessions| sessions.manners.push(sessions.manners[0].clone()), "an attribute twice"),
        (
            |sessions| {
                let length = &mut sessions.axes[5];
                length.partition = netdpsyn_model::domain::Partition::from_starts(
                    (0..length.coarse.len() as u64).collect(),
                    1 << 40,
                );
            },
            "reaches beyond its column",
        ),
        (|sessions| sessions.looks[0].shape.push(2), "another shape"),
    ];
    let whole = bundle(Structure::Auto);
    let written = |bundle: &Bundle| {
        let mut file = Vec::new();
        bundle.write(&mut file).unwrap();
        Bundle::read(&file[..])
    };
    for (break_it, reason) in breaks {
        let mut broken = whole.clone();
        let Some(Packets::Sessions(sessions)) = &mut broken.packets else { panic!("they are sessions") };
        break_it(sessions);
        let refused = written(&broken).unwrap_err().to_string();
        assert!(refused.contains(reason), "{refused}");
    }
    // A bundle may claim any number of hosts and sessions: no more than packets are generated.
    let mut large = whole;
    let Some(Packets::Sessions(sessions)) = &mut large.packets else { panic!("they are sessions") };
    for look in &mut sessions.looks {
        use netdpsyn_model::sessions::SessionQuery;
        if matches!(look.what, SessionQuery::HostRanks(_) | SessionQuery::Ranks) {
            look.counts.iter_mut().for_each(|count| *count = 1 << 50);
        }
    }
    let model = Model::from_bundle(&written(&large).unwrap(), &Quiet).unwrap();
    let request = Request { rows: Some(3_000), seed: 1, ..Request::default() };
    assert_eq!(generate(&model, &request, &Quiet).unwrap().trace.rows(), 3_000);
}
