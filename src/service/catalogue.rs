//! The catalogue of what is published, and the description of each release, in the words of [`netdpsyn_catalogue`].

use super::app::{App, Caller, shown_day};
use super::content::{self, ContentFormat, Shape};
use super::links::{Link, Looking};
use super::problem::Problem;
use super::publishing::{Said, gone};
use crate::account::Statement;
use crate::storage::artifacts::Opened;
use crate::storage::publications::{self, Wanted};
use crate::storage::releases::{Release, ReleaseAccess, ReleaseState};
use crate::storage::{Kept, Tx, deposits, models};
use netdpsyn_catalogue::dcat::{self, Catalogue, Page};
use netdpsyn_catalogue::describe::{
    self, Agent, Contact, Document, File, Licence, Period, Place, Promise, Series, Versions, Withdrawn,
};
use netdpsyn_catalogue::{croissant, frictionless};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// Characters of a series' name in addresses.
const LONGEST_SERIES: usize = 64;

/// Requested part of the catalogue.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CatalogueQuery {
    /// Id of the last release of the previous page.
    pub after: Option<Uuid>,
    /// Releases on a page: 1 to 200, 50 by default.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u16>,
    /// Releases of one series, by its name in addresses.
    #[param(max_length = 64)]
    pub series: Option<String>,
    /// Releases of one dataset: its versions.
    pub dataset: Option<Uuid>,
}

/// Documents about a release that have one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// DCAT-AP.
    Dcat,
    /// Croissant.
    Croissant,
    /// A Frictionless data package.
    Datapackage,
}

/// A page of the catalogue.
pub async fn page(app: &App, caller: Option<&Caller>, query: CatalogueQuery) -> Result<Value, Problem> {
    let limit = query.limit.unwrap_or(50);
    if !(1..=200).contains(&limit) {
        return Err(Problem::invalid("limit", "limit is 1 to 200"));
    }
    if query.series.as_ref().is_some_and(|series| series.chars().count() > LONGEST_SERIES) {
        return Err(Problem::invalid("series", format!("a series has at most {LONGEST_SERIES} characters")));
    }
    let looking = Looking { caller, link: &Link::default() };
    let wanted = Wanted { series: query.series.as_deref(), dataset: query.dataset, ..looking.wanted() };
    let mut tx = app.read("catalogue.page").await?;
    let after = match query.after {
        None => 0,
        Some(id) => publications::place(&mut tx, wanted, id)
            .await?
            .ok_or_else(|| Problem::invalid("after", "no release of the catalogue has that id"))?,
    };
    let mut found = publications::catalogue(&mut tx, wanted, after, i64::from(limit) + 1).await?;
    let more = found.len() > usize::from(limit);
    found.truncate(usize::from(limit));
    let mut described = Vec::with_capacity(found.len());
    for release in &found {
        described.push(describe(app, &mut tx, release, wanted).await?);
    }
    let next = found.last().filter(|_| more).map(|last| query.address(app, Some(last.id)));
    let page = Page { url: query.address(app, query.after), first: query.address(app, None), next };
    let about = Catalogue {
        url: format!("{}/v1/catalog", app.config.base()),
        title: format!("Synthetic network traces of {}", app.config.publisher),
        description: "Synthetic network traces under differential privacy, each with its guarantee.".into(),
        publisher: Agent { name: app.config.publisher.clone(), url: Some(app.config.base()) },
    };
    Ok(dcat::catalogue(&about, &page, &described))
}

impl CatalogueQuery {
    /// The address of a page: the same one for the same page, however it was asked for.
    fn address(&self, app: &App, after: Option<Uuid>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let after = after.map(|id| id.to_string());
        let dataset = self.dataset.map(|id| id.to_string());
        let parts = [("series", self.series.clone()), ("dataset", dataset), ("after", after)];
        for (name, value) in parts {
            value.into_iter().for_each(|value| {
                query.append_pair(name, &value);
            });
        }
        query.append_pair("limit", &self.limit.unwrap_or(50).to_string());
        format!("{}/v1/catalog?{}", app.config.base(), query.finish())
    }
}

/// A release and its description for somebody who may see it.
pub async fn described(
    app: &App,
    looking: &Looking<'_>,
    id: Uuid,
) -> Result<(Release, describe::Release), Problem> {
    let mut tx = app.read("catalogue.described").await?;
    let release = looking.at(app, &mut tx, id).await?;
    let about = describe(app, &mut tx, &release, looking.wanted()).await?;
    Ok((release, about))
}

/// A document about a release.
pub async fn document(app: &App, looking: &Looking<'_>, id: Uuid, about: About) -> Result<Value, Problem> {
    let (_, release) = described(app, looking, id).await?;
    Ok(match about {
        About::Dcat => dcat::release(&release),
        About::Croissant => croissant::document(&release),
        About::Datapackage => frictionless::package(&release),
    })
}

/// What a signature covers beside the content, and the signatures: as they were kept, to the byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptFile {
    /// The report.
    Report,
    /// The statement of privacy.
    Statement,
    /// The signature of the release.
    Attestation,
    /// The signature of its withdrawal.
    Withdrawal,
}

/// The text of a file about a release that never changes.
pub async fn kept(app: &App, looking: &Looking<'_>, id: Uuid, kind: KeptFile) -> Result<String, Problem> {
    let mut tx = app.read("catalogue.kept").await?;
    let release = looking.at(app, &mut tx, id).await?;
    let text = match kind {
        KeptFile::Report => match gone(&release) {
            Some(gone) => return Err(gone),
            None => release.public_report,
        },
        KeptFile::Attestation => release.attestation,
        KeptFile::Withdrawal => release.withdrawal,
        KeptFile::Statement => {
            let model = models::find(&mut tx, release.tenant_id, release.model_id).await?;
            model.map(|model| model.statement)
        }
    };
    text.ok_or_else(|| Problem::not_found("document of this release"))
}

/// The content of a release at its public address.
pub async fn content(
    app: &App,
    looking: &Looking<'_>,
    id: Uuid,
    shape: &Shape,
) -> Result<(Kept, Opened), Problem> {
    let mut tx = app.read("catalogue.content").await?;
    let release = looking.at(app, &mut tx, id).await?;
    drop(tx);
    match gone(&release) {
        Some(gone) => Err(gone),
        None => content::of(app, release, shape).await,
    }
}

/// The description of a release, for those who see what is `wanted`.
async fn describe(
    app: &App,
    tx: &mut Tx,
    of: &Release,
    wanted: Wanted<'_>,
) -> Result<describe::Release, Problem> {
    let said = Said::of(of)?;
    let base = app.config.base();
    let page = |id: Uuid| format!("{base}/p/{id}");
    let own = page(of.id);
    let model = models::find(tx, of.tenant_id, of.model_id).await?.ok_or_else(Problem::internal)?;
    let statement: Statement = serde_json::from_str(&model.statement).map_err(|_| Problem::internal())?;
    let about = said.about.clone();
    let publisher = match about.publisher {
        Some(publisher) => Agent { name: publisher.name, url: publisher.url },
        // Of what is public its steward has named one.
        None => Agent { name: app.config.publisher.clone(), url: None },
    };
    let series = match (&of.series, &said.series, of.published_at) {
        (Some(key), Some(title), Some(at)) => {
            let before = publications::before(tx, Wanted { series: Some(key), ..wanted }, at).await?;
            let url = format!("{base}/v1/catalog?series={key}");
            Some(Series { url, title: title.clone(), previous: before.map(page) })
        }
        _ => None,
    };
    let title = about.title.unwrap_or_else(|| "Synthetic network trace".into());
    let versions = publications::versions(tx, Wanted { dataset: Some(of.dataset_id), ..wanted }).await?;
    let versions = (versions.len() > 1).then(|| Versions {
        url: format!("{base}/v1/catalog?dataset={}", of.dataset_id),
        title: title.clone(),
        pages: versions.into_iter().map(page).collect(),
    });
    let kept = deposits::of_release(tx, of.id).await?;
    let reason = of.withdrawn_reason.clone().unwrap_or_default();
    let withdrawn = of.withdrawn_at.map(|at| Withdrawn { on: shown_day(at), reason });
    let mut documents = vec![("Signature of the release", format!("{own}/attestation"))];
    match of.standing() {
        ReleaseState::Withdrawn => {
            documents.push(("Signature of the withdrawal", format!("{own}/withdrawal")))
        }
        _ => documents.insert(0, ("Release report", format!("{own}/report"))),
    }
    Ok(describe::Release {
        id: of.id.to_string(),
        page: own.clone(),
        title,
        description: about.description.unwrap_or_else(|| "A synthetic network trace.".into()),
        publisher,
        contact: about.contact.map(|c| Contact { name: c.name, email: c.email, url: c.url }),
        licence: about.licence.map(Licence),
        keywords: about.keywords,
        spatial: about.spatial.map(|place| Place { name: place.name, url: place.url }),
        temporal: about.temporal.map(|time| Period { start: time.start, end: time.end }),
        version: said.version.clone(),
        number: said.number,
        series,
        versions,
        issued: of.published_at.map_or_else(String::new, shown_day),
        access: match of.access {
            Some(ReleaseAccess::Public) => describe::Access::Public,
            _ => describe::Access::Restricted,
        },
        files: files(of, &said, &own),
        columns: said.columns(),
        promise: promise(&statement, &own),
        documents: documents.into_iter().map(|(title, url)| Document { title: title.into(), url }).collect(),
        kept: kept
            .into_iter()
            .filter_map(|d| Some(describe::Kept { identifier: d.identifier, page: d.page? }))
            .collect(),
        withdrawn,
    })
}

fn files(of: &Release, said: &Said, page: &str) -> Vec<File> {
    let is_capture = |format: ContentFormat| matches!(format, ContentFormat::Pcap | ContentFormat::Pcapng);
    let file = |format: ContentFormat| File {
        name: format!("{}.{}", of.id, format.extension()),
        // One address whatever the client would rather have.
        url: format!("{page}/content?format={}", format.extension()),
        media_type: format.media_type().into(),
        known: (format == ContentFormat::Csv).then(|| (of.bytes.unsigned_abs(), of.trace_sha256.clone())),
    };
    let had = ContentFormat::ALL.into_iter().filter(|format| said.captures || !is_capture(*format));
    had.map(file).collect()
}

fn promise(statement: &Statement, page: &str) -> Promise {
    let (epsilon, delta) = (statement.guarantee.epsilon(), statement.guarantee.delta());
    let protects = statement.protects.as_ref();
    let whom = protects.map_or_else(|| format!("for one {}", statement.one()), |p| p.text.clone());
    Promise {
        text: format!("({epsilon}, {delta:e})-differential privacy {whom}"),
        url: format!("{page}/statement"),
        epsilon,
        delta,
    }
}
