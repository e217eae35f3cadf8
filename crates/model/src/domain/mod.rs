//! Domains: how an attribute's value space is cut into bins, and values are turned into codes and back.
//!
//! There is one kind of cut, the [`Partition`]: sorted intervals of the value space, each labelled with a bin. A bin may
//! own several intervals. Fixed bins, the leaves of a prefix tree, merged rare bins and two resolutions of one
//! attribute are all partitions, and everything downstream sees codes `0..bins` alone.
//!
//! | file | idea |
//! | --- | --- |
//! | [`partition`] | intervals ↔ codes |
//! | [`fixed`] | the paper's bins, from the public schema |
//! | [`tree`] | a prefix tree grown by noisy counts, and its leaves |
//! | [`order`] | ordered values as keys of a tree |
//! | [`shrink`] | leaves of a tree, as far as noise lets them be told apart |
//! | [`resolution`] | leaves as a fine and a coarse cut |
//! | [`hierarchy`] | least-squares counts from all levels of a tree |
//! | [`codes`] | values as codes |
//! | [`merge`] | rare bins joined, by noisy counts |
//! | [`top`] | the largest bin that noise cannot have made |
//! | [`simplex`] | negative counts out, total kept (norm-sub) |
//!
//! Cuts are made from the schema and from noisy answers that were paid for, never from raw data.

pub mod codes;
pub mod fixed;
pub mod hierarchy;
pub mod merge;
pub mod order;
pub mod partition;
pub mod resolution;
pub mod shrink;
pub mod simplex;
pub mod top;
pub mod tree;

pub use merge::{Kinship, Merged, Undeclared};
pub use order::Order;
pub use partition::Partition;
pub use tree::PrefixTree;

use serde::{Deserialize, Serialize};

/// One measured attribute: a column of the schema and the cut of its value space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// The column's index in the schema.
    pub column: usize,
    /// The column's name.
    pub name: String,
    /// The cut.
    pub partition: Partition,
}

impl Attribute {
    /// Number of bins.
    pub fn bins(&self) -> usize {
        self.partition.bins()
    }
}
