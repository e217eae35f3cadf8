//! The values of one record, by meaning.

use crate::fields::{MEANINGS, Meaning};
use crate::template::Template;
use crate::wire::{Bytes, number};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Values of a record. It is reused, so that no record needs an allocation.
#[derive(Debug)]
pub(crate) struct Draft {
    /// A bit for each meaning that has a value.
    have: u64,
    numbers: [u64; MEANINGS],
    source: u128,
    destination: u128,
    /// See [`Template::plain_micros`].
    pub plain_micros: bool,
}

impl Draft {
    pub fn new() -> Self {
        Draft { have: 0, numbers: [0; MEANINGS], source: 0, destination: 0, plain_micros: false }
    }

    /// Reads the next record; `None` where the remainder holds none.
    #[inline]
    pub fn read(&mut self, template: &Template, bytes: &mut Bytes<'_>) -> Option<()> {
        self.have = 0;
        self.plain_micros = template.plain_micros;
        for field in &template.fields {
            let length = match field.fixed() {
                Some(length) => length,
                // A length of one byte, or 255 and two bytes (RFC 7011, 7).
                None => match bytes.u8()? {
                    u8::MAX => usize::from(bytes.u16()?),
                    length => usize::from(length),
                },
            };
            let value = bytes.take(length)?;
            if field.meaning != Meaning::Other && (field.fixed().is_some() || field.meaning.fits(length)) {
                self.set(field.meaning, value);
            }
        }
        Some(())
    }

    /// Sets a value; the first of several values with one meaning counts.
    #[inline]
    fn set(&mut self, meaning: Meaning, value: &[u8]) {
        let bit = 1 << meaning as u64;
        if self.have & bit != 0 {
            return;
        }
        match meaning {
            Meaning::Source6 => {
                let Ok(value) = value.try_into() else { return };
                self.source = u128::from_be_bytes(value);
            }
            Meaning::Destination6 => {
                let Ok(value) = value.try_into() else { return };
                self.destination = u128::from_be_bytes(value);
            }
            Meaning::Hardware => {}
            _ => {
                let Some(value) = number(value) else { return };
                self.numbers[meaning as usize] = value;
            }
        }
        self.have |= bit;
    }

    /// The value with a meaning, if the record has it.
    #[inline]
    pub fn get(&self, meaning: Meaning) -> Option<u64> {
        self.has(meaning).then_some(self.numbers[meaning as usize])
    }

    /// The first of these meanings that the record has.
    #[inline]
    pub fn first(&self, meanings: &[Meaning]) -> Option<u64> {
        meanings.iter().find_map(|&meaning| self.get(meaning))
    }

    /// Whether the record has a value with a meaning.
    #[inline]
    pub fn has(&self, meaning: Meaning) -> bool {
        self.have & 1 << meaning as u64 != 0
    }

    /// A value that must fit a small type, such as a port or flags; `None` if it does not.
    #[inline]
    pub fn small<T: TryFrom<u64>>(&self, meaning: Meaning) -> Option<T> {
        self.get(meaning).and_then(|value| T::try_from(value).ok())
    }

    /// Source and destination. A record may have fields of both families: the version field decides,
    /// otherwise the family that is set.
    pub fn addresses(&self) -> Option<(IpAddr, IpAddr)> {
        let four = self.small(Meaning::Source4).zip(self.small(Meaning::Destination4)).map(
            |(source, destination)| {
                let (source, destination): (u32, u32) = (source, destination);
                (IpAddr::V4(Ipv4Addr::from(source)), IpAddr::V4(Ipv4Addr::from(destination)))
            },
        );
        let six = (self.has(Meaning::Source6) && self.has(Meaning::Destination6))
            .then(|| (IpAddr::V6(Ipv6Addr::from(self.source)), IpAddr::V6(Ipv6Addr::from(self.destination))));
        match (four, six) {
            (Some(four), Some(six)) => Some(match self.get(Meaning::IpVersion) {
                Some(4) => four,
                Some(6) => six,
                _ if four.0.is_unspecified() && four.1.is_unspecified() => six,
                _ => four,
            }),
            (four, six) => four.or(six),
        }
    }
}
