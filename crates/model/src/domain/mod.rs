//! Domains: how the value space of an attribute is partitioned into bins, and values are converted to codes
//! and back.
//!
//! There is one kind of partition, [`Partition`]: sorted intervals of the value space, each labelled with a
//! bin. A bin may own several intervals. Fixed bins, the leaves of a prefix tree, merged rare bins and the
//! two resolutions of an attribute are all partitions, and everything downstream works on codes `0..bins`
//! alone.
//!
//! | file | idea |
//! | --- | --- |
//! | [`partition`] | intervals ↔ codes |
//! | [`fixed`] | the bins of the paper, from the public schema |
//! | [`tree`] | a prefix tree grown by noisy counts, and its leaves |
//! | [`order`] | ordered values as keys of a tree |
//! | [`shrink`] | estimated leaves of a tree with different noise on each level |
//! | [`resolution`] | leaves as a fine and a coarse partition |
//! | [`hierarchy`] | least-squares counts from all levels of a tree |
//! | [`codes`] | values as codes |
//! | [`merge`] | merging rare bins by noisy counts |
//! | [`top`] | the largest bin that noise cannot explain |
//! | [`simplex`] | removing negative counts at a fixed total (norm-sub) |
//!
//! Partitions are derived from the schema and from paid noisy answers, never from raw data.

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

/// One measured attribute: a column of the schema and the partition of its value space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// Index of the column in the schema.
    pub column: usize,
    /// Name of the column.
    pub name: String,
    /// The partition of the value space.
    pub partition: Partition,
}

impl Attribute {
    /// Number of bins.
    pub fn bins(&self) -> usize {
        self.partition.bins()
    }
}
