//! What the cells of one column have in common.

use super::names::usual_role;
use crate::cell::{Parser, is_no_value, notation_of};
use crate::columns::Holds;
use crate::numbers::Rules;
use crate::source::Head;
use jiff::tz::TimeZone;
use netdpsyn_trace::reading::{Decimal, Negative, Numbers, Reading, Times};
use netdpsyn_trace::{Address, Field, Notation, Role};
use std::collections::BTreeSet;

/// Largest number of special cells of a column.
const MOST_SPECIAL: usize = 8;
/// Largest number of listed values.
const LISTED: usize = 100;
/// Number of records from which on distinct values in all of them are significant.
const MANY: usize = 20;

/// Time formats that are tried, in this order: where day and month are ambiguous the first that fits is
/// proposed.
pub(crate) const FORMATS: [&str; 12] = [
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y/%m/%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d.%m.%Y %H:%M:%S%.f",
    "%Y%m%d%H%M%S",
];

/// Properties of the cells of a column.
pub(super) struct Seen {
    pub(super) name: String,
    pub(super) role: Option<Role>,
    holds: Holds,
    /// Whether any cell holds a value.
    pub(super) seen: bool,
    /// Number of cells.
    cells: usize,
    /// Cells that seem to stand for no value.
    pub(super) special: Vec<String>,
    addresses: bool,
    /// Whether all are addresses of any family.
    any_addresses: bool,
    /// Whether one of them is more than a token of two numbers, which other names may look like.
    tells_address: bool,
    protocols: bool,
    /// The notation of times, while a single one applies.
    pub(super) times: Option<Option<Notation>>,
    /// Time formats that read every cell.
    pub(super) formats: Vec<&'static str>,
    pub(super) numbers: bool,
    whole: bool,
    largest: u64,
    /// The number format that the cells require.
    pub(super) needs: Numbers,
    values: BTreeSet<Vec<u8>>,
}

impl Seen {
    pub(super) fn new(head: &Head) -> Seen {
        let role = usual_role(&head.name);
        Seen {
            name: head.name.clone(),
            role,
            holds: head.holds,
            seen: false,
            cells: 0,
            special: Vec::new(),
            addresses: true,
            any_addresses: true,
            tells_address: matches!(role, Some(Role::SourceAddress | Role::DestinationAddress)),
            protocols: true,
            times: None,
            formats: FORMATS.to_vec(),
            numbers: true,
            whole: true,
            largest: 0,
            needs: Numbers::default(),
            values: BTreeSet::new(),
        }
    }

    pub(super) fn see(&mut self, cell: &[u8]) {
        self.cells += 1;
        if self.values.len() <= LISTED {
            self.values.insert(cell.to_vec());
        }
        if is_no_value(cell) {
            let word = String::from_utf8_lossy(cell).into_owned();
            if self.special.len() < MOST_SPECIAL && !self.special.contains(&word) {
                self.special.push(word);
            }
            return;
        }
        self.seen = true;
        self.addresses &= Parser::Dotted.read(cell).is_ok();
        let address = Address::read(cell);
        self.any_addresses &= address.is_ok();
        self.tells_address |= matches!(address, Ok(own) if !matches!(own, Address::Token(..)));
        self.protocols &= Parser::Protocol.read(cell).is_ok();
        let notation = notation_of(&Field::timestamp(1), cell);
        self.times = Some(match self.times {
            None => notation,
            Some(before) if before == notation => before,
            Some(_) => None,
        });
        let text = std::str::from_utf8(cell).unwrap_or_default();
        self.formats.retain(|format| {
            let times = Times { format: (*format).into(), zone: None };
            times.read(text, &TimeZone::UTC).is_some()
        });
        if self.numbers {
            self.see_number(cell);
        }
    }

    fn see_number(&mut self, cell: &[u8]) {
        let read = |numbers: Numbers, decimals: u32| Rules::new(numbers).read(cell, decimals).ok();
        let of = |numbers: Numbers| {
            read(numbers, 0).map(|n| (n, true)).or(read(numbers, 6).map(|n| (n / 1_000_000, false)))
        };
        let plain = Numbers::default();
        let tried = [
            plain,
            Numbers { negative: Negative::Zero, ..plain },
            Numbers { hexadecimal: true, ..plain },
            Numbers { scales: true, ..plain },
            Numbers { decimal: Decimal::Comma, ..plain },
        ];
        match tried.into_iter().find_map(|numbers| Some((numbers, of(numbers)?))) {
            None => self.numbers = false,
            Some((numbers, (number, whole))) => {
                self.whole &= whole;
                self.largest = self.largest.max(number);
                self.needs = merged(self.needs, numbers);
            }
        }
    }

    /// The type of the values, or why there is none.
    pub(super) fn field(&self) -> Result<Field, &'static str> {
        let named = |role: Role| self.role == Some(role);
        if self.holds == Holds::Nested {
            return Err("it holds lists or objects");
        }
        if self.cells == 0 {
            return self.role.and_then(Role::usual).ok_or("its name says nothing, and there are no records");
        }
        if !self.seen {
            return Err("its cells hold nothing");
        }
        if self.addresses {
            return Ok(Field::ip(&[8, 8, 8, 8]));
        }
        if self.any_addresses && self.tells_address {
            return Ok(Field::Address {});
        }
        if named(Role::Protocol) && self.protocols {
            return Ok(Field::Protocol);
        }
        match self.times {
            Some(Some(Notation::Rfc3339)) => return Ok(Field::timestamp(100)),
            Some(Some(_)) if named(Role::Start) || named(Role::End) => return Ok(Field::timestamp(100)),
            _ if !self.formats.is_empty() && !self.numbers => return Ok(Field::timestamp(100)),
            _ => {}
        }
        if named(Role::Label) || named(Role::Key) || !self.numbers {
            return match self.values.len() {
                distinct if distinct == self.cells && distinct >= MANY => {
                    Err("every record has another value")
                }
                ..=LISTED => Ok(Field::Categorical(None)),
                _ => Err("its text has more than a hundred values"),
            };
        }
        let port = named(Role::SourcePort) || named(Role::DestinationPort);
        Ok(match (self.whole, self.largest) {
            (true, ..65_536) if port => Field::port_tree(),
            (true, largest) => {
                let bits = if largest < 1 << 40 { 40 } else { 62 };
                Field::IntegerExponential { max: 1 << bits, base: 2.0 }
            }
            (false, _) => Field::FloatExponential { resolution: 1e-6, max: 1e12, base: 2.0 },
        })
    }
}

/// The number format that either requires; the first takes precedence.
pub(crate) fn merged(one: Numbers, other: Numbers) -> Numbers {
    let both =
        Reading { numbers: one, ..Reading::default() }.over(Reading { numbers: other, ..Reading::default() });
    both.numbers
}
