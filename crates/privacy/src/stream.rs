//! The identity of a query for its noise, independent of column names.

use std::fmt;

/// The identity of a query within its fit: its kind, and the positions in the schema, levels and the like
/// that it is about. Names have no part in it: a trace with renamed columns is measured with the same noise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stream {
    question: &'static str,
    about: Vec<usize>,
}

impl Stream {
    /// The stream of a kind of query (a few words without digits) with these numbers as arguments.
    ///
    /// # Panics
    /// When the words contain a digit: two streams might then have the same text.
    pub fn new(question: &'static str, about: impl IntoIterator<Item = usize>) -> Self {
        assert!(!question.bytes().any(|byte| byte.is_ascii_digit()), "{question:?} holds a digit");
        Stream { question, about: about.into_iter().collect() }
    }

    /// A stream of any text, for tests.
    #[cfg(any(test, feature = "forced-noise"))]
    pub fn named(text: &'static str) -> Self {
        Stream { question: text, about: Vec::new() }
    }
}

/// The words, then the numbers: no two streams have the same text.
impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.question)?;
        self.about.iter().try_for_each(|number| write!(f, " {number}"))
    }
}
