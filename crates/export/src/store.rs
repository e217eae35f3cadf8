//! What is kept of exporters between datagrams: their templates and properties.

use crate::bounded::Bounded;
use crate::record::About;
use crate::template::Template;
use std::net::SocketAddr;

/// A process of an exporter with a template numbering of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Source {
    pub exporter: Option<SocketAddr>,
    /// NetFlow v9 and IPFIX of one exporter are independent of each other.
    pub version: u16,
    /// The source id of NetFlow v9, the observation domain of IPFIX.
    pub domain: u32,
}

/// The key of a template.
pub(crate) type Key = (Source, u16);

/// Templates and properties of sources, each bounded in number.
#[derive(Debug)]
pub(crate) struct Store {
    pub templates: Bounded<Key, Template>,
    pub about: Bounded<Source, About>,
}

impl Store {
    /// For at most `most` templates, and as many sources.
    pub fn new(most: usize) -> Self {
        Store { templates: Bounded::new(most), about: Bounded::new(most) }
    }

    /// Removes the templates of a source: those of options, or the others.
    pub fn withdraw_all(&mut self, source: Source, options: bool) {
        let ids = (source, 0)..=(source, u16::MAX);
        self.templates.remove_where(ids, |template| template.options == options);
    }
}
