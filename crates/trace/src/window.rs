//! The capture window: the declared time span of a trace.

use super::TimeUnit;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A half-open time span [start, end), in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Window {
    start: u64,
    end: u64,
}

/// Why a window is refused.
#[derive(Debug, Error, PartialEq)]
pub enum WindowError {
    /// Not `START/END`.
    #[error("a window is START/END, two times joined by a slash, not {0:?}")]
    Shape(String),
    /// A part that is not a time.
    #[error("{0:?} is not a time: write RFC 3339 (2026-01-31T08:00:00Z) or seconds, ms, µs or ns since 1970")]
    Time(String),
    /// The end is not after the start.
    #[error("the window ends ({end}) before it starts ({start})")]
    Empty {
        /// The start as written.
        start: String,
        /// The end as written.
        end: String,
    },
}

impl Window {
    /// The window from `start` to `end`, in nanoseconds since 1970; `None` unless start < end.
    pub fn new(start: u64, end: u64) -> Option<Self> {
        (start < end).then_some(Window { start, end })
    }

    /// The first nanosecond inside.
    pub fn start(self) -> u64 {
        self.start
    }

    /// The first nanosecond after.
    pub fn end(self) -> u64 {
        self.end
    }

    /// Length in nanoseconds.
    pub fn length(self) -> u64 {
        self.end - self.start
    }
}

impl std::str::FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        let (start, end) = text.split_once('/').ok_or_else(|| WindowError::Shape(text.into()))?;
        Window::new(time(start)?, time(end)?)
            .ok_or_else(|| WindowError::Empty { start: start.into(), end: end.into() })
    }
}

/// Parses a time as people write it: RFC 3339, or a number since 1970 whose magnitude implies its unit.
fn time(text: &str) -> Result<u64, WindowError> {
    let refused = || WindowError::Time(text.into());
    if let Ok(number) = text.trim().parse::<u64>() {
        return number.checked_mul(TimeUnit::of_size(number).nanoseconds()).ok_or_else(refused);
    }
    let stamp: jiff::Timestamp = text.trim().parse().map_err(|_| refused())?;
    u64::try_from(stamp.as_nanosecond()).map_err(|_| refused())
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |ns: u64| {
            jiff::Timestamp::from_nanosecond(i128::from(ns))
                .map_or_else(|_| ns.to_string(), |stamp| stamp.to_string())
        };
        write!(f, "{}/{}", shown(self.start), shown(self.end))
    }
}

impl TryFrom<String> for Window {
    type Error = WindowError;
    fn try_from(text: String) -> Result<Self, WindowError> {
        text.parse()
    }
}

impl From<Window> for String {
    fn from(window: Window) -> String {
        window.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notation_of_the_same_window() {
        let expected = Window::new(1_556_000_000_000_000_000, 1_556_007_200_000_000_000).unwrap();
        for text in [
            "2019-04-23T06:13:20Z/2019-04-23T08:13:20Z",
            "1556000000/1556007200",
            "1556000000000/1556007200000",
            "1556000000000000000/2019-04-23T10:13:20+02:00",
        ] {
            assert_eq!(text.parse::<Window>(), Ok(expected), "{text}");
        }
        assert_eq!(expected.to_string().parse::<Window>(), Ok(expected));
    }

    #[test]
    fn invalid_windows() {
        for text in ["", "yesterday/today", "1556007200/1556000000", "1/1", "2019-04-23"] {
            assert!(text.parse::<Window>().is_err(), "{text}");
        }
    }
}
