//! Choices that may depend on raw records, which the guarantee does not cover: the private data that a steward had looked at before declaring and
//! before publishing.

use super::app::App;
use super::problem::Problem;
use crate::storage::Tx;
use crate::storage::datasets::Dataset;
use crate::storage::looks::{self, PrivateLook};
use crate::storage::releases::Release;
use serde::Serialize;
use uuid::Uuid;

/// The explanation that readers are given.
const ABOUT: &str = "The guarantee does not cover choices that depend on raw records. Looks at private data are recorded by population, permanently: \
    copying, replacing or erasing a dataset removes none. The private number of records is used at every parse and every quote, \
    whatever it is. Looks outside the service are not recorded.";

/// Choices of the steward that may depend on raw records: the guarantee does not cover them.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Choices {
    /// Whether schema, window or categories were declared or changed after a trace of this population had been uploaded: from then on its parse
    /// report, or a private report, could be read.
    pub declared_after_upload: bool,
    /// Private data that were looked at before publication; see the release. Null until it is published.
    pub opened_before_publication: Option<Vec<String>>,
    /// What these two say, and what they do not.
    #[schema(value_type = String)]
    pub about: &'static str,
}

impl Choices {
    /// Of a release, which keeps what it said when it was published, and of its dataset.
    pub fn of(release: &Release, dataset: &Dataset) -> Self {
        Choices {
            declared_after_upload: release.declared_late.unwrap_or(dataset.declared_late),
            opened_before_publication: opened_before(release),
            about: ABOUT,
        }
    }
}

/// The private data that had been looked at, as a published release states it.
pub fn opened_before(release: &Release) -> Option<Vec<String>> {
    release.opened_before.as_deref().and_then(|text| serde_json::from_str(text).ok())
}

/// Looks so far, as a release keeps them.
pub async fn so_far(tx: &mut Tx, population: Uuid) -> Result<String, Problem> {
    let names: Vec<&str> = looks::of(tx, population).await?.into_iter().map(PrivateLook::name).collect();
    serde_json::to_string(&names).map_err(|_| Problem::internal())
}

/// Whether what is declared of a population from now on may follow from its records.
pub async fn were_records_seen(tx: &mut Tx, population: Uuid) -> Result<bool, Problem> {
    let seen = looks::of(tx, population).await?;
    Ok(seen.contains(&PrivateLook::ParseReport) || seen.contains(&PrivateLook::PrivateReport))
}

/// Records a look before the data are shown. Only the first of its kind writes.
pub async fn record(app: &App, population: Uuid, look: PrivateLook) -> Result<(), Problem> {
    let mut tx = app.read("looks.known").await?;
    let known = looks::of(&mut tx, population).await?.contains(&look);
    drop(tx);
    if !known {
        let mut tx = app.begin("looks.record").await?;
        let now = tx.now().await?;
        looks::add(&mut tx, population, look, now).await?;
        tx.commit().await?;
    }
    Ok(())
}
