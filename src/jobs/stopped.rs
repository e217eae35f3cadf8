//! Why a job did not come to its result.

use crate::progress::{Cancelled, Halted};
use crate::service::problem::Problem;
use crate::storage::StorageError;

/// Reason for the end of a job without a result.
pub enum Stopped {
    /// Cancelled.
    Cancelled,
    /// The lease went to another worker.
    Lost,
    /// Failed, with the problem document.
    Failed(Problem),
}

impl From<Problem> for Stopped {
    fn from(problem: Problem) -> Self {
        Stopped::Failed(problem)
    }
}

impl From<StorageError> for Stopped {
    fn from(error: StorageError) -> Self {
        Stopped::Failed(error.into())
    }
}

impl From<Cancelled> for Stopped {
    fn from(_: Cancelled) -> Self {
        Stopped::Cancelled
    }
}

impl From<Halted> for Stopped {
    fn from(halted: Halted) -> Self {
        match halted {
            Halted::Cancelled(_) => Stopped::Cancelled,
            Halted::Io(error) => StorageError::from(error).into(),
        }
    }
}

/// A failure of ours: the log has the reason, the steward a problem without it.
pub(super) fn broken(what: &str, error: impl std::fmt::Display) -> Stopped {
    tracing::error!(%error, "{what}");
    Stopped::Failed(Problem::internal())
}
