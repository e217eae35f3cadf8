//! Fixed bins from the public schema (NetDPSyn, section 4.1).

use super::Partition;
use ipnet::Ipv4Net;
use netdpsyn_trace::{Column, Field, Window};

/// Ports below this have one bin each.
const WELL_KNOWN_PORTS: u64 = 1_024;
/// Width of a port bin from there on.
const PORT_BIN: usize = 10;

/// The fixed partition of a column, with one bin for each special value. `None` where a paid tree must find
/// it, and for a column whose domain is not declared.
pub fn partition(column: &Column, window: Option<Window>) -> Option<Partition> {
    if column.field.is_categorical() {
        let space = column.space(window)?;
        return Some(Partition::with_undeclared(space.clone().collect(), space.end));
    }
    Some(of_type(&column.field, window)?.beside(column.special.len() as u64))
}

/// The partition of the values of a type.
fn of_type(field: &Field, window: Option<Window>) -> Option<Partition> {
    let space = field.space(window)?;
    Some(match field {
        Field::Ip { networks: None, .. } | Field::Address {} | Field::PortTree { .. } => return None,
        Field::Ip { networks: Some(networks), .. } => declared_networks(networks, space.end),
        Field::Port => Partition::from_starts(
            (0..WELL_KNOWN_PORTS).chain((WELL_KNOWN_PORTS..space.end).step_by(PORT_BIN)).collect(),
            space.end,
        ),
        Field::Protocol | Field::Categorical(_) => return None,
        Field::Timestamp { windows, .. } => {
            // Equal windows; edges are rounded down to the nanosecond, and repeated ones dropped.
            let length = u128::from(space.end - space.start);
            let mut starts: Vec<u64> = (0..u128::from(*windows))
                .map(|i| space.start + (length * i / u128::from(*windows)) as u64)
                .collect();
            starts.dedup();
            Partition::from_starts(starts, space.end)
        }
        Field::Integer { min, width, exact_below, .. } => {
            let exact = (*exact_below).clamp(*min, space.end);
            let wide = (exact..space.end).step_by(*width as usize);
            Partition::from_starts((*min..exact).chain(wide).collect(), space.end)
        }
        Field::IntegerExponential { base, .. } | Field::FloatExponential { base, .. } => {
            Partition::from_starts(exponential_starts(*base, space.end), space.end)
        }
        Field::FlowGap { base } => {
            let gaps = exponential_starts(*base, space.end - 1).into_iter().map(|start| start + 1);
            Partition::from_starts([0].into_iter().chain(gaps).collect(), space.end)
        }
        Field::IpChecksum => Partition::from_starts(vec![0], space.end),
    })
}

/// One bin per network, and one for everything between them.
fn declared_networks(networks: &[Ipv4Net], end: u64) -> Partition {
    let mut ranges: Vec<(u64, u64)> = networks
        .iter()
        .map(|net| (u64::from(u32::from(net.network())), u64::from(u32::from(net.broadcast())) + 1))
        .collect();
    ranges.sort_unstable();
    let (mut starts, mut labels, mut at) = (Vec::new(), Vec::new(), 0);
    let other = ranges.len() as u32;
    let mut push = |start: u64, label: u32| {
        starts.push(start);
        labels.push(label);
    };
    for (label, (start, after)) in (0..).zip(ranges) {
        if start > at {
            push(at, other);
        }
        push(start, label);
        at = after;
    }
    if at < end {
        push(at, other);
    }
    Partition::labelled(starts, labels, end)
}

/// One bin each for 0 and 1, then (base^(b−1), base^b] for b = 1, 2, …: bin b = ⌈log_base x⌉.
fn exponential_starts(base: f64, end: u64) -> Vec<u64> {
    let mut starts = vec![0, 1];
    let mut edge = 1.0f64;
    while edge < end as f64 {
        let start = edge.floor() as u64 + 1;
        if starts.last().is_none_or(|&last| start > last) && start < end {
            starts.push(start);
        }
        edge *= base;
    }
    starts.retain(|&start| start < end);
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_bins_are_the_papers() {
        let p = of_type(&Field::IntegerExponential { max: 1 << 20, base: 2.0 }, None).unwrap();
        for x in 1u64..5_000 {
            let expected = (x as f64).log2().ceil() as u32 + 1; // bin 0 holds 0 alone
            assert_eq!(p.code(x), expected, "{x}");
        }
        assert_eq!(p.code(0), 0);
    }

    #[test]
    fn ports() {
        let p = of_type(&Field::Port, None).unwrap();
        assert_eq!(p.bins(), 1_024 + 6_452);
        assert_eq!(p.code(443), 443);
        assert_eq!(p.code(1_024), p.code(1_033));
        assert_ne!(p.code(1_033), p.code(1_034));
    }

    #[test]
    fn networks_have_a_bin_each_and_one_for_the_rest() {
        let networks = ["10.0.0.0/8", "192.168.1.0/24", "0.0.0.0/32"].map(|n| n.parse().unwrap()).to_vec();
        let p = of_type(&Field::Ip { levels: vec![8], networks: Some(networks) }, None).unwrap();
        let code = |text: &str| p.code(u64::from(u32::from(text.parse::<std::net::Ipv4Addr>().unwrap())));
        assert_eq!(p.bins(), 4);
        assert_eq!(["0.0.0.0", "10.200.3.4", "192.168.1.255"].map(code), [0, 1, 2]);
        assert!(["0.0.0.1", "11.0.0.0", "192.168.2.0", "255.255.255.255"].map(code).iter().all(|&c| c == 3));
        // All of the space is declared: no bin for a rest that does not exist.
        let halves = ["0.0.0.0/1", "128.0.0.0/1"].map(|n| n.parse().unwrap()).to_vec();
        assert_eq!(of_type(&Field::Ip { levels: vec![8], networks: Some(halves) }, None).unwrap().bins(), 2);
    }

    #[test]
    fn time_windows_are_equal() {
        let window = Window::new(1_000, 2_000).unwrap();
        let p = of_type(&Field::timestamp(100), Some(window)).unwrap();
        assert_eq!(p.bins(), 100);
        assert_eq!((p.code(0), p.code(1_009), p.code(1_010), p.code(9_999)), (0, 0, 1, 99));
    }

    #[test]
    fn edges_depend_on_the_schema_alone_and_cover_its_space() {
        let window = Window::new(5, 1_000_000).unwrap();
        for layout in netdpsyn_trace::layouts::layouts() {
            for mut column in layout.schema.columns.clone() {
                column.special.clear();
                let Some(p) = partition(&column, Some(window)) else { continue };
                assert_eq!(Some(p.space()), column.space(Some(window)), "{}", column.name);
                column.special = vec!["".into(), "-".into()];
                let special = partition(&column, Some(window)).unwrap();
                assert_eq!(
                    (Some(special.space()), special.bins()),
                    (column.space(Some(window)), p.bins() + 2)
                );
                assert_eq!(special.intervals()[..p.bins()], p.intervals());
            }
        }
    }
}
