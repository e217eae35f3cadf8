//! What is remembered of exporters from datagram to datagram: their templates, and what they told of themselves.

use crate::bounded::Bounded;
use crate::record::About;
use crate::template::Template;
use std::net::SocketAddr;

/// A process of an exporter that numbers its templates by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Source {
    pub exporter: Option<SocketAddr>,
    /// NetFlow v9 and IPFIX of one exporter have nothing to do with each other.
    pub version: u16,
    /// The source id of NetFlow v9, the observation domain of IPFIX.
    pub domain: u32,
}

/// A template's name.
pub(crate) type Key = (Source, u16);

/// Templates and what was told of sources, each bounded in number.
#[derive(Debug)]
pub(crate) struct Store {
    pub templates: Bounded<Key, Template>,
    pub about: Bounded<Source, About>,
}

impl Store {
    /// For so many templates, and as many sources.
    pub fn new(most: usize) -> Self {
        Store { templates: Bounded::new(most), about: Bounded::new(most) }
    }

    /// Forgets the templates of a source: those of options, or the others.
    pub fn withdraw_all(&mut self, source: Source, options: bool) {
        let ids = (source, 0)..=(source, u16::MAX);
        self.templates.remove_where(ids, |template| template.options == options);
    }
}
