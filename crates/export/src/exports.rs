//! A datagram in, flows out.

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

/// How much is remembered between datagrams. The defaults take at most 16 MiB: 2,048 templates of 512 fields of four bytes, 8 MiB that wait, and
/// what maps take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Templates of all exporters together; the one that was told longest ago goes. As many sources are remembered by what they told of themselves.
    pub templates: usize,
    /// Fields of a template; one of more is not used.
    pub fields: usize,
    /// Bytes of records that wait for their template, 512 more counted for each set of them; what waits longest gives up.
    pub waiting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { templates: 2_048, fields: 512, waiting: 8 << 20 }
    }
}

/// Reads the datagrams of any number of exporters, in the order in which they came as far as that is known: records that overtook their template wait
/// for it.
#[derive(Debug)]
pub struct Exports {
    limits: Limits,
    store: Store,
    waiting: Waiting,
    tally: Tally,
    draft: Draft,
}

impl Exports {
    /// Which has seen nothing yet.
    pub fn new(limits: Limits) -> Self {
        Exports {
            limits,
            store: Store::new(limits.templates),
            waiting: Waiting::new(limits.waiting),
            tally: Tally::default(),
            draft: Draft::new(),
        }
    }

    /// Reads one datagram (the payload of UDP, or one message of a file) and adds its flows to `out`, those that waited for its templates among them: at
    /// most one for every eight bytes of the datagram and of what waited.
    ///
    /// `exporter` is who sent it (exporters number their templates by themselves), `received` when it came, in nanoseconds since 1970, which serves where
    /// the exporter's clock is not set.
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

    /// What came so far. Records that wait for their template are in none of its counts.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// How many sets of records wait for their template.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many templates are known.
    pub fn templates(&self) -> usize {
        self.store.templates.len()
    }

    /// No more will come: what still waits counts as [without a template](Skip::NoTemplate).
    pub fn finish(&mut self) -> &Tally {
        self.tally.skip(Skip::NoTemplate, self.waiting.len() as u64);
        self.waiting.clear();
        &self.tally
    }

    /// `None` where it is shorter than a header.
    fn netflow(
        &mut self,
        exporter: Option<SocketAddr>,
        received: Option<u64>,
        bytes: &[u8],
        out: &mut Vec<Flow>,
    ) -> Option<()> {
        let mut bytes = Bytes(bytes);
        // The count of records: exporters do not agree on what it counts, so it is not used.
        bytes.u32()?;
        let (uptime, seconds) = (bytes.u32()?, bytes.u32()?);
        bytes.u32()?;
        let source = Source { exporter, version: 9, domain: bytes.u32()? };
        self.sets(source, Export::new(seconds, 0, Some(uptime), received), bytes, out);
        Some(())
    }

    /// `None` where it is shorter than a header.
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
        // Of one that is cut short, what is whole is read.
        let body = if cut { bytes } else { Bytes(behind.take(rest)?) };
        let whole = self.sets(source, Export::new(seconds, 0, None, received), body, out);
        let fault = if cut { whole } else { !behind.blank() };
        if fault {
            self.tally.skip(Skip::Malformed, 1);
        }
        Some(())
    }

    /// Whether all of them were whole.
    fn sets(&mut self, source: Source, export: Export, mut bytes: Bytes<'_>, out: &mut Vec<Flow>) -> bool {
        // Some exporters fill a datagram up with zeros.
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

    /// A set of templates, and what waited for them.
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

    /// A set of records.
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
                // Only values that tell their own length can lack room.
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
