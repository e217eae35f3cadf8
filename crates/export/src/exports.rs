//! From datagrams to flows.

use crate::draft::Draft;
use crate::flow::Flow;
use crate::record;
use crate::store::{Key, Source, Store};
use crate::tally::{Skip, Tally};
use crate::template::{self, Told};
use crate::times::Export;
use crate::v5;
use crate::waiting::Waiting;
use crate::wire::Bytes;
use std::net::SocketAddr;

/// Limits of what is kept between datagrams. With the defaults it takes at most 16 MiB: 2,048 templates of
/// 512 fields of four bytes, 8 MiB of waiting records, and the maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest number of templates of all exporters together; the oldest is removed first. The same limit
    /// applies to sources with known properties.
    pub templates: usize,
    /// Largest number of fields of a template; a larger one is not used.
    pub fields: usize,
    /// Largest number of bytes of records that wait for their template, with an overhead of 512 for each set
    /// of them; the oldest is dropped first.
    pub waiting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { templates: 2_048, fields: 512, waiting: 8 << 20 }
    }
}

/// Reads the datagrams of any number of exporters, in the order of arrival as far as it is known: records
/// that arrive before their template wait for it.
#[derive(Debug)]
pub struct Exports {
    limits: Limits,
    store: Store,
    waiting: Waiting,
    tally: Tally,
    draft: Draft,
}

impl Exports {
    /// Without any datagram so far.
    pub fn new(limits: Limits) -> Self {
        Exports {
            limits,
            store: Store::new(limits.templates),
            waiting: Waiting::new(limits.waiting),
            tally: Tally::default(),
            draft: Draft::new(),
        }
    }

    /// Reads one datagram (a UDP payload, or one message of a file) and appends its flows to `out`, including
    /// those that waited for its templates: at most one for every eight bytes of the datagram and of waiting
    /// records.
    ///
    /// `exporter` is the sender, because each exporter numbers its templates separately. `received` is the
    /// time of arrival in nanoseconds since 1970, which is used where the exporter's clock is not set.
    pub fn datagram(
        &mut self,
        exporter: Option<SocketAddr>,
        received: Option<u64>,
        bytes: &[u8],
        out: &mut Vec<Flow>,
    ) {
        self.tally.datagram();
        let read = match bytes.first_chunk().map(|version| u16::from_be_bytes(*version)) {
            Some(5) => v5::read(bytes, received, &mut self.tally, out),
            Some(9) => self.netflow(exporter, received, bytes, out),
            Some(10) => self.ipfix(exporter, received, bytes, out),
            _ => None,
        };
        if read.is_none() {
            self.tally.skip(Skip::NotAnExport, 1);
        }
    }

    /// The counts so far, without records that wait for their template.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Number of sets of records that wait for their template.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Number of known templates.
    pub fn templates(&self) -> usize {
        self.store.templates.len()
    }

    /// Ends the input: records that still wait count as [without a template](Skip::NoTemplate).
    pub fn finish(&mut self) -> &Tally {
        self.tally.skip(Skip::NoTemplate, self.waiting.len() as u64);
        self.waiting.clear();
        &self.tally
    }

    /// `None` where the datagram is shorter than a header.
    fn netflow(
        &mut self,
        exporter: Option<SocketAddr>,
        received: Option<u64>,
        bytes: &[u8],
        out: &mut Vec<Flow>,
    ) -> Option<()> {
        let mut bytes = Bytes(bytes);
        // The count of records is ignored: exporters disagree on what it counts.
        bytes.u32()?;
        let (uptime, seconds) = (bytes.u32()?, bytes.u32()?);
        bytes.u32()?;
        let source = Source { exporter, version: 9, domain: bytes.u32()? };
        self.sets(source, Export::new(seconds, 0, Some(uptime), received), bytes, out);
        Some(())
    }

    /// `None` where the datagram is shorter than a header.
    fn ipfix(
        &mut self,
        exporter: Option<SocketAddr>,
        received: Option<u64>,
        bytes: &[u8],
        out: &mut Vec<Flow>,
    ) -> Option<()> {
        let all = bytes.len();
        let mut bytes = Bytes(bytes);
        bytes.u16()?;
        let length = usize::from(bytes.u16()?);
        let seconds = bytes.u32()?;
        bytes.u32()?;
        let source = Source { exporter, version: 10, domain: bytes.u32()? };
        let Some(rest) = length.checked_sub(16) else {
            self.tally.skip(Skip::Malformed, 1);
            return Some(());
        };
        let cut = length > all;
        let mut behind = bytes;
        // Of a set that is cut short, the complete records are read.
        let body = if cut { bytes } else { Bytes(behind.take(rest)?) };
        let whole = self.sets(source, Export::new(seconds, 0, None, received), body, out);
        let fault = if cut { whole } else { !behind.blank() };
        if fault {
            self.tally.skip(Skip::Malformed, 1);
        }
        Some(())
    }

    /// Reads sets; returns whether all of them were complete.
    fn sets(&mut self, source: Source, export: Export, mut bytes: Bytes<'_>, out: &mut Vec<Flow>) -> bool {
        // Some exporters pad a datagram with zeros.
        while !bytes.blank() {
            let (Some(id), Some(length)) = (bytes.u16(), bytes.u16()) else {
                self.tally.skip(Skip::Malformed, 1);
                return false;
            };
            let Some(body) = usize::from(length).checked_sub(4).and_then(|length| bytes.take(length)) else {
                self.tally.skip(Skip::Malformed, 1);
                return false;
            };
            match (source.version, id) {
                (9, 0) | (10, 2) => self.told(source, false, Bytes(body), out),
                (9, 1) | (10, 3) => self.told(source, true, Bytes(body), out),
                (_, 256..) => self.data((source, id), export, body, out),
                _ => self.tally.skip(Skip::Malformed, 1),
            }
        }
        true
    }

    /// Reads a set of templates, and the records that waited for them.
    fn told(&mut self, source: Source, options: bool, mut bytes: Bytes<'_>, out: &mut Vec<Flow>) {
        while let Some(told) = template::next(&mut bytes, source.version, options, self.limits.fields) {
            match told {
                Ok(Told::Template(id, template)) => {
                    self.store.templates.put((source, id), template);
                    for set in self.waiting.take(&(source, id)) {
                        self.data((source, id), set.export, &set.bytes, out);
                    }
                }
                Ok(Told::Bad(id)) => {
                    self.store.templates.remove(&(source, id));
                    self.tally.skip(Skip::BadTemplate, 1);
                }
                Ok(Told::Withdrawn(id)) => self.store.templates.remove(&(source, id)),
                Ok(Told::AllWithdrawn) => self.store.withdraw_all(source, options),
                Err(template::Malformed) => {
                    self.tally.skip(Skip::BadTemplate, 1);
                    return;
                }
            }
        }
    }

    /// Reads a set of records.
    fn data(&mut self, key: Key, export: Export, body: &[u8], out: &mut Vec<Flow>) {
        let Some(template) = self.store.templates.get(&key) else {
            let gone = self.waiting.put(key, export, body);
            self.tally.skip(Skip::NoTemplate, gone);
            return;
        };
        let mut about = self.store.about.get(&key.0).copied().unwrap_or_default();
        let before = about;
        let mut bytes = Bytes(body);
        while bytes.len() >= template.shortest {
            let rest = bytes;
            if self.draft.read(template, &mut bytes).is_none() {
                // Only values of variable length can exceed the remaining bytes.
                if !rest.blank() {
                    self.tally.skip(Skip::Malformed, 1);
                }
                break;
            }
            if template.options {
                self.tally.skip(Skip::Options, 1);
                about = about.with(&self.draft).unwrap_or(about);
                continue;
            }
            match record::flow(&self.draft, export, about, &mut self.tally) {
                Ok(flow) => {
                    self.tally.flow();
                    out.push(flow);
                }
                Err(why) => self.tally.skip(why, 1),
            }
        }
        if about != before {
            self.store.about.put(key.0, about);
        }
    }
}
