//! Webhooks: what a message to a receiver is signed with, when it is tried again, and whom this server may call.
//!
//! Signatures follow [Standard Webhooks](https://www.standardwebhooks.com/): a receiver verifies them with any library of that
//! specification. Everything here is pure; the code that resolves names and opens connections asks [`Reach`] about every
//! address.
//!
//! ```
//! use netdpsyn_hooks::{Message, Reach, Secret};
//!
//! let secret = Secret::of(&[7; 32]);
//! let message = Message { id: "msg_1", timestamp: 1_767_600_000, body: br#"{"type":"release.published"}"# };
//! assert!(message.signature(&[&secret]).starts_with("v1,"));
//!
//! // The receiver of a stranger's choice must not be a machine of one's own network.
//! let reach = Reach::default();
//! assert!(reach.destination("https://hooks.example.org/netdpsyn").is_ok());
//! assert!(reach.destination("https://127.0.0.1/netdpsyn").is_err());
//! ```

#![warn(clippy::missing_errors_doc)]

mod reach;
mod retry;
mod sign;

pub use reach::{Destination, Reach, Refused};
pub use retry::Schedule;
pub use sign::{Message, Secret};
