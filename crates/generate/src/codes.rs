//! Records during generation: one column of codes per attribute, each in the smallest integer type that fits.

use netdpsyn_trace::Values;

/// Columns of codes, by attribute; empty where an attribute is not drawn yet.
pub type Codes = Vec<Values>;

/// The codes of an attribute in all parts of a trace, concatenated.
pub fn joined(parts: &[&Codes], attribute: usize) -> Vec<u32> {
    let mut joined = Vec::with_capacity(parts.iter().map(|codes| codes[attribute].len()).sum());
    parts.iter().for_each(|codes| codes[attribute].for_each(|code| joined.push(code as u32)));
    joined
}

#[cfg(test)]
pub(super) mod for_tests {
    use super::*;

    /// Columns of codes below `bins`.
    pub fn codes<const N: usize>(bins: u64, columns: [Vec<u64>; N]) -> Codes {
        columns.into_iter().map(|column| Values::collect(bins - 1, column)).collect()
    }
}
