//! What a description of a release is made of: what its steward declares, what it promises, and what its files are.

/// A release as its page describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// Its id, in a form that stays.
    pub id: String,
    /// The address of its page: also the name by which every document calls it. It never changes.
    pub page: String,
    /// What it is called.
    pub title: String,
    /// What it is, in sentences.
    pub description: String,
    /// Who publishes it.
    pub publisher: Agent,
    /// Whom to ask.
    pub contact: Option<Contact>,
    /// Under which terms it may be used.
    pub licence: Option<Licence>,
    /// Words by which it is found.
    pub keywords: Vec<String>,
    /// Where what it is about took place.
    pub spatial: Option<Place>,
    /// When.
    pub temporal: Option<Period>,
    /// Its version, as `day 3`.
    pub version: String,
    /// The same as a number, for formats that take no other: its place in its series, from 1.
    pub number: u32,
    /// The series that it belongs to.
    pub series: Option<Series>,
    /// All versions made from the same trace, where there are several.
    pub versions: Option<Versions>,
    /// The day of publication, YYYY-MM-DD.
    pub issued: String,
    /// Who may fetch it.
    pub access: Access,
    /// Its trace in the forms in which it can be fetched; the first is the stored one.
    pub files: Vec<File>,
    /// The columns of its trace, in order.
    pub columns: Vec<Column>,
    /// What it promises.
    pub promise: Promise,
    /// Other documents about it: the report, the attestation.
    pub documents: Vec<Document>,
    /// Repositories that keep it as well.
    pub kept: Vec<Kept>,
    /// Where it was withdrawn: when and why. It is then described without files.
    pub withdrawn: Option<Withdrawn>,
}

/// The same release in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// DOI, or another persistent identifier.
    pub identifier: Option<String>,
    /// Landing page.
    pub page: String,
}

/// Somebody who publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// The name.
    pub name: String,
    /// The home page, absolute.
    pub url: Option<String>,
}

/// Whom to ask; at least one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// The name of a person or desk.
    pub name: Option<String>,
    /// An address for mail, without `mailto:`.
    pub email: Option<String>,
    /// A page.
    pub url: Option<String>,
}

/// Terms of use: an identifier of the SPDX list, or the address of the terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Licence(pub String);

impl Licence {
    fn is_address(&self) -> bool {
        self.0.starts_with("https://") || self.0.starts_with("http://")
    }

    /// The address of the terms.
    pub fn address(&self) -> String {
        if self.is_address() { self.0.clone() } else { format!("https://spdx.org/licenses/{}", self.0) }
    }

    /// The identifier, where it is one.
    pub fn name(&self) -> Option<&str> {
        (!self.is_address()).then_some(&self.0)
    }
}

/// A place by its name, and by an address of a gazetteer where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name.
    pub name: String,
    /// The address, as `https://sws.geonames.org/2867714/`.
    pub url: Option<String>,
}

/// A time from a start to an end: each a day, or a time with its offset, in the form of RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its beginning.
    pub start: String,
    /// Its end.
    pub end: String,
}

/// A series of releases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// Its address, which stays.
    pub url: String,
    /// What it is called, as `campus uplink`.
    pub title: String,
    /// The page of the release before this one in it.
    pub previous: Option<String>,
}

/// The versions made from one trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The address of what they are versions of.
    pub url: String,
    /// What that is called.
    pub title: String,
    /// Their pages, the oldest first.
    pub pages: Vec<String>,
}

/// Who may fetch a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Whoever has a key, or a link.
    Restricted,
}

/// A form of the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// What it is called, as `flows.csv`.
    pub name: String,
    /// Where it is, absolute.
    pub url: String,
    /// Its media type, without parameters.
    pub media_type: String,
    /// Its bytes and their SHA-256 in hex, where they are known before it is fetched.
    pub known: Option<(u64, String)>,
}

/// What a cell of a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellType {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A time of RFC 3339.
    Time,
}

/// A column of the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the header.
    pub name: String,
    /// What its cells hold. A column some of whose cells hold something else is text.
    pub kind: CellType,
    /// What it means, in a sentence.
    pub about: Option<String>,
}

/// The statement of privacy in short.
#[derive(Clone, Debug, PartialEq)]
pub struct Promise {
    /// In words.
    pub text: String,
    /// Where the whole statement is.
    pub url: String,
    /// ε.
    pub epsilon: f64,
    /// δ.
    pub delta: f64,
}

/// A document about a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it is called.
    pub title: String,
    /// Its address.
    pub url: String,
}

/// That a release was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// The day, YYYY-MM-DD.
    pub on: String,
    /// Why, in its steward's words.
    pub reason: String,
}

impl Withdrawn {
    /// In a sentence.
    pub fn sentence(&self) -> String {
        format!("Withdrawn on {}: {}", self.on, self.reason)
    }
}

impl Release {
    /// Its title, with the version that it is.
    pub fn full_title(&self) -> String {
        format!("{}, {}", self.title, self.version)
    }

    /// Its description, which begins with its withdrawal where it was withdrawn.
    pub fn full_description(&self) -> String {
        match &self.withdrawn {
            Some(withdrawn) => format!("{}\n\n{}", withdrawn.sentence(), self.description),
            None => self.description.clone(),
        }
    }

    /// Its files, none of which is left after a withdrawal.
    pub fn files(&self) -> &[File] {
        if self.withdrawn.is_some() { &[] } else { &self.files }
    }
}
