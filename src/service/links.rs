//! Access to a release at its public address: public releases for everybody; others for readers and stewards of the tenant by their key, and for holders of a link until
//! it expires.

use super::app::{App, Caller, shown_time};
use super::problem::{Problem, ProblemType};
use crate::storage::publications::{self, Wanted};
use crate::storage::releases::{Release, ReleaseAccess, ReleaseState};
use crate::storage::{Tx, releases};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The longest that a link may be good: a year.
const LONGEST: i64 = 366 * 86_400;

/// Expiry and signature of a link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Link {
    /// Expiry of a signed link, in seconds since 1970.
    pub until: Option<i64>,
    /// Signature of a signed link.
    pub signature: Option<String>,
}

impl Link {
    /// The same as it stands behind an address, after what else is asked there.
    pub fn behind(&self) -> String {
        match (self.until, &self.signature) {
            (Some(until), Some(signature)) => format!("until={until}&signature={signature}"),
            _ => String::new(),
        }
    }
}

/// A link to be made.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"seconds": 604800}))]
pub struct NewLink {
    /// Validity in seconds.
    #[serde(deserialize_with = "crate::trace::whole::number")]
    #[schema(minimum = 1, maximum = 31_622_400)]
    pub seconds: i64,
}

/// A link to a release.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"url": "https://data.example.org/p/0199c0de-0000-7000-8000-000000000003?until=1780000000&signature=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "until": "2026-05-28T20:26:40Z"}))]
pub struct LinkView {
    /// Address of the release's page. Links on that page carry the same signature.
    #[schema(format = "uri")]
    pub url: String,
    /// Expiry.
    #[schema(format = DateTime)]
    pub until: String,
}

/// What is signed. Nothing but the release and the time: one link opens its page and all that the page leads to.
fn signed(release: Uuid, until: i64) -> String {
    format!("{release} {until}")
}

/// Makes a link to a release of one's own that is published.
pub async fn make(app: &App, caller: &Caller, id: Uuid, new: NewLink) -> Result<LinkView, Problem> {
    let tenant = caller.steward()?;
    if !(1..=LONGEST).contains(&new.seconds) {
        return Err(Problem::invalid("seconds", format!("a link is valid for 1 to {LONGEST} seconds")));
    }
    let mut tx = app.read("links.make").await?;
    let release = releases::find(&mut tx, tenant, id).await?.ok_or_else(|| Problem::not_found("release"))?;
    if release.standing() != ReleaseState::Published {
        return Err(Problem::conflict(ProblemType::NotPublished, "links are for published releases only"));
    }
    let until = tx.now().await? / 1_000_000 + new.seconds;
    let signature = app.sessions.signed("link", &signed(id, until))?;
    let link = Link { until: Some(until), signature: Some(signature) };
    let url = format!("{}/p/{id}?{}", app.config.base(), link.behind());
    Ok(LinkView { url, until: shown_time(until.saturating_mul(1_000_000)) })
}

/// Visitor of a public address.
pub struct Looking<'a> {
    /// Their key, if they sent one.
    pub caller: Option<&'a Caller>,
    /// Their link.
    pub link: &'a Link,
}

impl Looking<'_> {
    /// What they see of the catalogue: public releases, and those of their tenant.
    pub fn wanted(&self) -> Wanted<'static> {
        Wanted { tenant: self.caller.and_then(|caller| caller.tenant), ..Wanted::default() }
    }

    /// A release that they may see: published and described, withdrawn or not. Whatever else there is looks like nothing.
    pub async fn at(&self, app: &App, tx: &mut Tx, id: Uuid) -> Result<Release, Problem> {
        let found = publications::find(tx, id).await?;
        let release = found.filter(|r| r.standing() != ReleaseState::Draft && r.publication.is_some());
        let release = release.ok_or_else(|| Problem::not_found("release"))?;
        let own = self.caller.is_some_and(|caller| caller.tenant == Some(release.tenant_id));
        if release.access == Some(ReleaseAccess::Public) || own || self.is_linked(app, tx, id).await? {
            return Ok(release);
        }
        Err(Problem::not_found("release"))
    }

    async fn is_linked(&self, app: &App, tx: &mut Tx, id: Uuid) -> Result<bool, Problem> {
        let Link { until: Some(until), signature: Some(signature) } = self.link else { return Ok(false) };
        let good = tx.now().await? < until.saturating_mul(1_000_000);
        Ok(good && app.sessions.is_signed("link", &signed(id, *until), signature)?)
    }
}
