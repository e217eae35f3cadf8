//! Raw data and its two exits.
//!
//! Everything read from a raw trace lives inside [`Sensitive`]. Work on it stays inside ([`Sensitive::map`],
//! [`Sensitive::derive`]). It leaves as
//! - a paid, noisy answer through the accountant ([`Sensitive::measure`]), called from `fit/` alone, or
//! - a [`Private`] result, which only the steward of the trace may open: parse reports (`formats/`) and comparisons with
//!   the raw trace (`evaluate/private/`).
//!
//! Neither type can be cloned or serialised, and printing one shows nothing. The closures handed to them are pure: they capture plans and
//! domains, they write nothing outside. `tests/architecture.rs` holds the call sites to the folders named here.

use super::accountant::{Accountant, Noisy, Query, Refused};

/// Something raw, or derived from raw data.
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// Takes raw data in.
    pub fn new(raw: T) -> Self {
        Sensitive(raw)
    }

    /// Turns raw data into other raw data.
    pub(crate) fn map<U>(self, work: impl FnOnce(T) -> U) -> Sensitive<U> {
        Sensitive(work(self.0))
    }

    /// Derives further raw data and keeps this.
    pub(crate) fn derive<U>(&self, work: impl FnOnce(&T) -> U) -> Sensitive<U> {
        Sensitive(work(&self.0))
    }

    /// Two pieces of raw data as one, for work that looks at both.
    pub(crate) fn zip<U>(self, other: Sensitive<U>) -> Sensitive<(T, U)> {
        Sensitive((self.0, other.0))
    }

    /// The paid exit: charges `query`, then answers it with noise. The accountant may refuse; then nothing leaves.
    pub(crate) fn measure(
        &self,
        accountant: &mut Accountant<'_>,
        query: Query,
        truth: impl FnOnce(&T) -> Vec<i64>,
    ) -> Result<Noisy, Refused> {
        accountant.answer(query, || truth(&self.0))
    }

    /// The unpaid exit, for the steward's eyes only.
    pub(crate) fn privately<R>(&self, work: impl FnOnce(&T) -> R) -> Private<R> {
        Private(work(&self.0))
    }
}

impl<A, B> Sensitive<(A, B)> {
    /// Two pieces of raw data from one.
    pub(crate) fn unzip(self) -> (Sensitive<A>, Sensitive<B>) {
        (Sensitive(self.0.0), Sensitive(self.0.1))
    }
}

impl<T, S> Sensitive<Result<T, S>> {
    /// Work that may have been stopped on request. The error of the work can hold no value, and the one that leaves is made outside: nothing leaves
    /// but that it was stopped.
    pub(crate) fn finished_or<E>(self, stopped: E) -> Result<Sensitive<T>, E> {
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
    /// Marks something as for the steward alone.
    pub(crate) fn new(result: R) -> Self {
        Private(result)
    }

    /// Opens the result for the steward.
    pub fn for_steward(self, _: &Steward) -> R {
        self.0
    }
}

impl<R, S> Private<Result<R, S>> {
    /// Work that may have been stopped on request. The error of the work can hold no value, and the one that leaves is made outside: nothing leaves
    /// but that it was stopped.
    pub(crate) fn finished_or<E>(self, stopped: E) -> Result<Private<R>, E> {
        const { assert!(size_of::<S>() == 0, "an error that can hold nothing") };
        self.0.map(Private).map_err(|_| stopped)
    }
}

/// Whoever answers for a raw trace: the proof needed to open a [`Private`].
pub struct Steward(());

impl Steward {
    /// The service keeps private results of a dataset, and shows them to keys with the role of its steward alone.
    pub(crate) fn keeper() -> Self {
        Steward(())
    }

    /// Who runs the command line on a local file has the raw trace already, and acts as its steward.
    pub fn local() -> Self {
        Steward(())
    }
}
