//! Deposits of a published release in a repository that keeps it: draft, metadata, files with checksums, publication; later a new version of it.
//!
//! | file | idea |
//! | --- | --- |
//! | [`describe`](Facts) | metadata of a release, in the format of each repository |
//! | `invenio` | InvenioRDM, which Zenodo runs |
//! | `dataverse` | Dataverse |
//! | [`Pretend`] | the same steps with nothing sent: a dry run |
//! | `stand_in` | a small server that answers as the repositories do, for tests (feature `stand-in`) |
//!
//! [`deposit`] takes the steps one after the other over a [`Transport`]. It reads where an attempt before it stopped: a draft that is there is gone
//! on with, a file that is there with its checksum is not sent again, and what is published is not published twice.
//!
//! ```
//! use netdpsyn_deposit::{Facts, File, Pretend, Repository, Submission, deposit};
//!
//! let facts = Facts {
//!     title: "Campus uplink".into(),
//!     description: "Flows of one hour.".into(),
//!     publisher: "Example University".into(),
//!     issued: "2026-02-01".into(),
//!     ..Facts::default()
//! };
//! let md5 = "900150983cd24fb0d6963f7d28e17f72".into();
//! let files = [File { name: "trace.csv".into(), about: "The synthetic trace.".into(), bytes: 3, md5 }];
//! let repository = Repository::InvenioRdm;
//! let submission =
//!     Submission { repository: &repository, facts: &facts, files: &files, previous: None, draft: None };
//!
//! let mut dry = Pretend::of(&files);
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! runtime.block_on(deposit(&submission, &mut dry))?;
//! assert_eq!(dry.requests[0].method, "POST");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![warn(clippy::missing_errors_doc)]

mod dataverse;
mod describe;
mod invenio;
mod pretend;
#[cfg(feature = "stand-in")]
pub mod stand_in;

pub use describe::{Facts, Missing};
pub use pretend::Pretend;

use serde_json::Value;
use thiserror::Error;

/// A kind of repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repository {
    /// InvenioRDM.
    InvenioRdm,
    /// Dataverse: the alias of the collection that datasets go into, and the subject that they have there.
    Dataverse {
        /// Alias of the collection.
        collection: String,
        /// One of Dataverse's subjects, as `Computer and Information Science`.
        subject: String,
    },
}

/// A file of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Name in the repository.
    pub name: String,
    /// What it is, in a line.
    pub about: String,
    /// Size in bytes.
    pub bytes: u64,
    /// MD5, hexadecimal, by which repositories tell what they got.
    pub md5: String,
}

/// What a request carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// JSON.
    Json(Value),
    /// A file by its place in the list, as it is.
    File(usize),
    /// A form with a file (part `file`) and JSON (part `jsonData`).
    Form(usize, Value),
}

/// A request, below the repository's address and without its token.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Method.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// What it carries.
    pub body: Body,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// The body, null where it is no JSON.
    pub body: Value,
}

/// Why a deposit did not come to its end.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Failed {
    /// The repository refused a step; trying again changes nothing.
    #[error("the repository answered {status} to {step}: {said}")]
    Refused {
        /// The step.
        step: String,
        /// Status.
        status: u16,
        /// What it said, cut short.
        said: String,
    },
    /// The repository is unreachable for now.
    #[error("{step} failed: {why}")]
    Later {
        /// The step.
        step: String,
        /// Why, in words.
        why: String,
    },
    /// The repository has a file with another checksum than the one that was sent.
    #[error("{file} arrived with another checksum")]
    Checksum {
        /// The file.
        file: String,
    },
    /// The repository's answer lacks what it documents.
    #[error("the answer to {step} lacks {lacks}")]
    Answer {
        /// The step.
        step: String,
        /// The missing member.
        lacks: &'static str,
    },
}

impl Failed {
    /// Whether another try may help. A wrong checksum is one of the way, as a rule.
    pub fn is_passing(&self) -> bool {
        matches!(self, Failed::Later { .. } | Failed::Checksum { .. })
    }
}

/// The way to a repository.
pub trait Transport: Send {
    /// Sends a request.
    fn send(&mut self, request: &Request) -> impl Future<Output = Result<Answer, Failed>> + Send;
    /// Keeps what the draft is called, before anything else is sent.
    fn drafted(&mut self, draft: &str) -> impl Future<Output = Result<(), Failed>> + Send;
}

/// A deposit that came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deposited {
    /// The id by which a later version is added.
    pub id: String,
    /// DOI, or another persistent id.
    pub identifier: Option<String>,
    /// Address of the landing page, below the repository's address where it begins with `/`.
    pub page: String,
}

/// What is deposited, and what is there already.
#[derive(Clone, Debug)]
pub struct Submission<'a> {
    /// Where.
    pub repository: &'a Repository,
    /// Its metadata.
    pub facts: &'a Facts,
    /// Its files.
    pub files: &'a [File],
    /// The deposit of which this is a new version.
    pub previous: Option<&'a str>,
    /// The draft that an attempt before has made.
    pub draft: Option<&'a str>,
}

/// Takes all steps of a deposit.
///
/// # Errors
/// [`Failed`]; the draft stays, and another attempt continues with it.
pub async fn deposit(submission: &Submission<'_>, way: &mut impl Transport) -> Result<Deposited, Failed> {
    match submission.repository {
        Repository::InvenioRdm => invenio::deposit(submission, way).await,
        Repository::Dataverse { collection, subject } => {
            dataverse::deposit(submission, collection, subject, way).await
        }
    }
}

/// Sends a request and refuses any answer but a good one.
async fn ask(
    way: &mut impl Transport,
    method: &'static str,
    path: String,
    body: Body,
) -> Result<Value, Failed> {
    let request = Request { method, path, body };
    let answer = way.send(&request).await?;
    good(&request, answer)
}

fn good(request: &Request, answer: Answer) -> Result<Value, Failed> {
    let step = || format!("{} {}", request.method, request.path);
    match answer.status {
        200..=299 => Ok(answer.body),
        408 | 425 | 429 | 500.. => {
            Err(Failed::Later { step: step(), why: format!("status {}", answer.status) })
        }
        status => Err(Failed::Refused { step: step(), status, said: said(&answer.body) }),
    }
}

/// What a refusal says, in at most 300 characters.
fn said(body: &Value) -> String {
    let text = body["message"].as_str().map_or_else(|| body.to_string(), str::to_owned);
    let faults = body["errors"].as_array().map(|errors| serde_json::to_string(errors).unwrap_or_default());
    let text = format!("{text} {}", faults.unwrap_or_default());
    text.trim().chars().take(300).collect()
}

/// A member of an answer that is text.
fn text(answer: &Value, pointer: &str, step: &str, lacks: &'static str) -> Result<String, Failed> {
    let found = answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| Failed::Answer { step: step.into(), lacks })
}

/// Text as a part of a path or query.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
