//! Addresses, times and protocols in each of their notations.

use crate::bad_cell::{BadCell, bad};
use crate::fixed_point::fixed_point;
use netdpsyn_trace::{Field, Notation, TimeUnit, protocols};

/// The notation in which a cell of addresses or times can be parsed: at most one applies.
pub fn notation_of(field: &Field, cell: &[u8]) -> Option<Notation> {
    match field {
        Field::Ip { .. } if dotted(cell).is_ok() => Some(Notation::Dotted),
        Field::Ip { .. } => address_number(cell).ok().map(|_| Notation::AddressNumber),
        Field::Timestamp { .. } => time_notation(cell),
        _ => None,
    }
}

/// RFC 3339, or the unit that the magnitude of a number implies.
pub(super) fn time_notation(cell: &[u8]) -> Option<Notation> {
    let fits = |unit: &TimeUnit| fixed_point(cell, unit.decimals()).is_ok_and(|time| unit.has_size_of(time));
    let unit = TimeUnit::ALL.into_iter().find(fits).map(Notation::epoch);
    unit.or_else(|| rfc3339(cell).ok().map(|_| Notation::Rfc3339))
}

pub(super) fn rfc3339(cell: &[u8]) -> Result<u64, BadCell> {
    let text = std::str::from_utf8(cell).map_err(|_| bad("not a time", cell))?;
    let stamp: jiff::Timestamp = text.parse().map_err(|_| bad("not a time in RFC 3339", cell))?;
    u64::try_from(stamp.as_nanosecond()).map_err(|_| bad("a time before 1970", cell))
}

fn not_ipv6(cell: &[u8]) -> Result<(), BadCell> {
    let hardware = || {
        let mut parts = cell.split(|byte| matches!(byte, b':' | b'-'));
        cell.len() == 17 && parts.all(|part| part.len() == 2 && part.iter().all(u8::is_ascii_hexdigit))
    };
    match cell.contains(&b':') {
        _ if hardware() => Err(bad(
            "a hardware address; declare the column as `address`, which holds those of any family (--addresses any)",
            cell,
        )),
        true => Err(bad(
            "an IPv6 address; declare the column as `address`, which holds those of any family (--addresses any)",
            cell,
        )),
        false => Ok(()),
    }
}

pub(super) fn dotted(cell: &[u8]) -> Result<u64, BadCell> {
    not_ipv6(cell)?;
    let text = std::str::from_utf8(cell).map_err(|_| bad("not an IPv4 address", cell))?;
    let address: std::net::Ipv4Addr = text.parse().map_err(|_| bad("not an IPv4 address", cell))?;
    Ok(u64::from(u32::from(address)))
}

pub(super) fn address_number(cell: &[u8]) -> Result<u64, BadCell> {
    not_ipv6(cell)?;
    match fixed_point(cell, 0)? {
        address if address < 1 << 32 => Ok(address),
        _ => Err(bad("an IPv4 address as a number is below 2³²", cell)),
    }
}

pub(super) fn protocol(cell: &[u8]) -> Result<u64, BadCell> {
    if cell[0].is_ascii_digit() {
        return match fixed_point(cell, 0)? {
            number if number < protocols::COUNT => Ok(number),
            _ => Err(bad("a protocol number is at most 255", cell)),
        };
    }
    let name = std::str::from_utf8(cell).map_err(|_| bad("not a protocol", cell))?;
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(bad("not a protocol name or number", cell));
    }
    // A name without an IP protocol number (such as arp) is valid and counts as `other`.
    Ok(protocols::number(name).map_or(protocols::COUNT, u64::from))
}
