//! Raw data and its two exits.
//!
//! Everything read from a raw trace is held by a [`Sensitive`]. Work on it stays inside ([`Raw::map`],
//! [`Raw::derive`]). It leaves as
//! - a paid, noisy answer through the accountant ([`Raw::measure`]), called from `fit` alone, or
//! - a [`Private`] result ([`Raw::privately`]), which only the steward of the trace may open: parse reports
//!   (`formats`) and comparisons with the raw trace (`evaluate`, `private`).
//!
//! Neither type can be cloned or serialised, and printing one shows nothing. The closures passed to them must
//! be pure: they capture plans and domains, and they write nothing outside. `tests/architecture.rs` restricts
//! the call sites to the folders named here.

use super::accountant::{Accountant, Noisy, Query, Refused};

/// Raw data, or data derived from it.
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// Wraps raw data.
    pub fn new(raw: T) -> Self {
        Sensitive(raw)
    }
}

/// Work on raw data. A holder of a [`Sensitive`] needs this trait to do anything with it except pass it on,
/// and only crates that depend on this one can name it.
pub trait Raw: Sized {
    /// The type of the raw data.
    type Data;

    /// Turns raw data into other raw data.
    fn map<U>(self, work: impl FnOnce(Self::Data) -> U) -> Sensitive<U>;

    /// Derives further raw data and keeps this.
    fn derive<U>(&self, work: impl FnOnce(&Self::Data) -> U) -> Sensitive<U>;

    /// Joins two pieces of raw data, for work that needs both.
    fn zip<U>(self, other: Sensitive<U>) -> Sensitive<(Self::Data, U)>;

    /// The paid exit: charges `query`, then answers it with noise.
    ///
    /// # Errors
    /// [`Refused`] when the accountant refuses the query; then nothing leaves.
    fn measure(
        &self,
        accountant: &mut Accountant<'_>,
        query: Query,
        truth: impl FnOnce(&Self::Data) -> Vec<i64>,
    ) -> Result<Noisy, Refused>;

    /// The unpaid exit, for the steward alone.
    fn privately<R>(&self, work: impl FnOnce(&Self::Data) -> R) -> Private<R>;
}

impl<T> Raw for Sensitive<T> {
    type Data = T;

    fn map<U>(self, work: impl FnOnce(T) -> U) -> Sensitive<U> {
        Sensitive(work(self.0))
    }

    fn derive<U>(&self, work: impl FnOnce(&T) -> U) -> Sensitive<U> {
        Sensitive(work(&self.0))
    }

    fn zip<U>(self, other: Sensitive<U>) -> Sensitive<(T, U)> {
        Sensitive((self.0, other.0))
    }

    fn measure(
        &self,
        accountant: &mut Accountant<'_>,
        query: Query,
        truth: impl FnOnce(&T) -> Vec<i64>,
    ) -> Result<Noisy, Refused> {
        accountant.answer(query, || truth(&self.0))
    }

    fn privately<R>(&self, work: impl FnOnce(&T) -> R) -> Private<R> {
        Private(work(&self.0))
    }
}

impl<A, B> Sensitive<(A, B)> {
    /// Splits raw data into two pieces.
    pub fn unzip(self) -> (Sensitive<A>, Sensitive<B>) {
        (Sensitive(self.0.0), Sensitive(self.0.1))
    }
}

impl<T, S> Sensitive<Result<T, S>> {
    /// Unwraps the result of work that may have been stopped on request.
    ///
    /// # Errors
    /// `stopped`, when the work was stopped. The error type of the work holds no value, and the returned
    /// error is made by the caller: nothing leaves except that the work was stopped.
    pub fn finished_or<E>(self, stopped: E) -> Result<Sensitive<T>, E> {
        const { assert!(size_of::<S>() == 0, "an error that can hold nothing") };
        self.0.map(Sensitive).map_err(|_| stopped)
    }
}

/// A result computed from raw data without payment. Only the steward of that data may see it.
pub struct Private<R>(R);

impl<R> std::fmt::Debug for Private<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Private(…)")
    }
}

impl<R> Private<R> {
    /// Wraps a result for the steward alone.
    pub fn new(result: R) -> Self {
        Private(result)
    }

    /// Opens the result for the steward.
    pub fn for_steward(self, _: &Steward) -> R {
        self.0
    }
}

impl<R, S> Private<Result<R, S>> {
    /// Unwraps the result of work that may have been stopped on request.
    ///
    /// # Errors
    /// `stopped`, when the work was stopped. The error type of the work holds no value, and the returned
    /// error is made by the caller: nothing leaves except that the work was stopped.
    pub fn finished_or<E>(self, stopped: E) -> Result<Private<R>, E> {
        const { assert!(size_of::<S>() == 0, "an error that can hold nothing") };
        self.0.map(Private).map_err(|_| stopped)
    }
}

/// The person responsible for a raw trace: the proof needed to open a [`Private`].
pub struct Steward(());

impl Steward {
    /// For the service: it stores the private results of a dataset, and shows them only to keys with the
    /// steward's role.
    pub fn keeper() -> Self {
        Steward(())
    }

    /// For the command line: its user has the raw trace already, and acts as its steward.
    pub fn local() -> Self {
        Steward(())
    }
}
