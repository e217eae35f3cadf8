//! Publishing, and taking back what was published.
//!
//! What is public of a release is the release itself, which is paid for, and what its steward declares. So a publication is put together from the model, the release and the
//! steward's words alone: no parse report, no raw count, no file name, nothing of the hold-out. It is kept as it was when it was published, since signatures and catalogues say the
//! same for ever; later descriptions apply to later releases.

use super::about::{About, one_line};
use super::app::{App, Caller, shown_day};
use super::looks;
use super::problem::{Problem, ProblemType};
use super::releases::{self as use_cases, ReleaseView};
use super::signing;
use crate::account::Statement;
use crate::formats::OutputFormat;
use crate::model::Bundle;
use crate::storage::publications::{self, Publication};
use crate::storage::releases::{self, Release, ReleaseAccess, ReleaseState};
use crate::storage::webhooks::{self, WebhookEvent};
use crate::storage::{Tx, datasets, models};
use crate::trace::Schema;
use crate::trace::notation::Notation;
use netdpsyn_catalogue::describe::{CellType, Column};
use netdpsyn_seal::{Statement as Signed, Subject};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Predicate type of a signed release.
pub const RELEASE: &str = "urn:netdpsyn:release:1";
/// Predicate type of a signed withdrawal.
pub const WITHDRAWAL: &str = "urn:netdpsyn:withdrawal:1";

/// Options of a publication, all optional.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"access": "public", "series": "campus uplink", "version": "day 3"}))]
pub struct NewPublication {
    /// Who may fetch it: readers of the tenant, or everybody. A release for readers can be made public later.
    #[serde(default)]
    pub access: Option<ReleaseAccess>,
    /// The series that it belongs to; overrides that of its dataset.
    #[serde(default)]
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
    )]
    pub series: Option<String>,
    /// Version within the series, as `day 3`; by default its number in the series.
    #[serde(default)]
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
    )]
    pub version: Option<String>,
}

/// Reason of a withdrawal.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "the capture window was declared wrongly"}))]
pub struct Withdraw {
    /// The reason, in one line that is public.
    #[schema(
        min_length = 1,
        max_length = 1000,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
    )]
    pub reason: String,
}

/// Stored description of a release.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Said {
    /// In its steward's words.
    pub about: About,
    /// Series.
    pub series: Option<String>,
    /// Version within the series.
    pub version: String,
    /// The same as a number, from 1.
    pub number: u32,
    /// Columns of its file: name, kind of cell, role.
    columns: Vec<(String, Cell, Option<String>)>,
    /// Whether a capture can be made of it.
    pub captures: bool,
}

/// The title and version that a release was published under, if it was described.
pub(super) fn title(release: &Release) -> Option<String> {
    let said: Said = serde_json::from_str(release.publication.as_deref()?).ok()?;
    let word = if said.version == said.number.to_string() { "version " } else { "" };
    Some(format!("{}, {word}{}", said.about.title?, said.version))
}

/// Kind of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Cell {
    Text,
    Integer,
    Number,
    Time,
}

impl Said {
    /// Of a release that was published and described.
    pub fn of(release: &Release) -> Result<Said, Problem> {
        let text = release.publication.as_deref().ok_or_else(|| Problem::not_found("description"))?;
        serde_json::from_str(text).map_err(|error| {
            tracing::error!(%error, release = %release.id, "the description of a release cannot be read");
            Problem::internal()
        })
    }

    /// Columns as they are described.
    pub fn columns(&self) -> Vec<Column> {
        let kind = |cell: &Cell| match cell {
            Cell::Text => CellType::Text,
            Cell::Integer => CellType::Integer,
            Cell::Number => CellType::Number,
            Cell::Time => CellType::Time,
        };
        let column = |(name, cell, about): &(String, Cell, Option<String>)| Column {
            name: name.clone(),
            kind: kind(cell),
            about: about.clone(),
        };
        self.columns.iter().map(column).collect()
    }
}

/// The columns of a release's file. A column with cells that are not values of its type is described as text.
fn columns(schema: &Schema) -> Vec<(String, Cell, Option<String>)> {
    let cell = |column: &crate::trace::Column| match Notation::written(column) {
        _ if !column.special.is_empty() => Cell::Text,
        Some(Notation::Whole | Notation::ProtocolNumber | Notation::AddressNumber) => Cell::Integer,
        Some(Notation::Epoch { decimal: false, .. }) => Cell::Integer,
        Some(Notation::Decimal | Notation::Epoch { decimal: true, .. }) => Cell::Number,
        Some(Notation::Rfc3339) => Cell::Time,
        _ => Cell::Text,
    };
    let role = |column: &crate::trace::Column| {
        let told = serde_json::to_value(&column.roles).ok()?;
        let words: Vec<String> = match told {
            serde_json::Value::String(word) => vec![word],
            list => serde_json::from_value(list).ok()?,
        };
        let words: Vec<String> = words.into_iter().filter(|word| word != "none").collect();
        (!words.is_empty()).then(|| words.join(", "))
    };
    schema.columns.iter().map(|column| (column.name.clone(), cell(column), role(column))).collect()
}

/// What a series is called in addresses: the same for every release of a tenant in it, and nothing that could be guessed from its title alone.
fn series_key(tenant: Uuid, title: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(tenant.as_bytes());
    digest.update(title.as_bytes());
    hex::encode(&digest.finalize()[..16])
}

/// The bundle's schema as it is in the release's file; none where the bundle cannot be read, which keeps nobody from publishing: the release is then described without its columns.
async fn schema_in_file(app: &App, release: &Release) -> Result<Option<Schema>, Problem> {
    let mut tx = app.read("publishing.schema_in_file").await?;
    let model = models::find(&mut tx, release.tenant_id, release.model_id).await?;
    drop(tx);
    let path = app.artifacts.path(&model.ok_or_else(Problem::internal)?.bundle_path)?;
    let read = tokio::task::spawn_blocking(move || {
        let bundle = Bundle::read(std::io::BufReader::new(std::fs::File::open(path)?));
        bundle.map(|bundle| bundle.schema.in_file()).map_err(std::io::Error::other)
    });
    let read = read.await.map_err(std::io::Error::other).flatten();
    let told = read.inspect_err(|error| {
        tracing::error!(%error, release = %release.id, "a bundle cannot be read: its release is described without columns");
    });
    Ok(told.ok())
}

/// Publishes a draft: from now on readers see it, or everybody if it is public, with the private data that had been looked at before. It is described and signed. Publishing
/// again describes and signs what an earlier version published, opens to everybody what was for readers, and else changes nothing.
pub async fn publish(
    app: &App,
    caller: &Caller,
    id: Uuid,
    new: NewPublication,
) -> Result<ReleaseView, Problem> {
    let tenant = caller.steward()?;
    for (field, text, most) in [("series", &new.series, 200), ("version", &new.version, 100)] {
        text.as_ref().map_or(Ok(()), |text| one_line(field, text, most))?;
    }
    let release = use_cases::own(app, tenant, id).await?;
    let schema = match release.publication {
        None => schema_in_file(app, &release).await?,
        Some(_) => None,
    };
    let mut tx = app.begin("publishing.publish").await?;
    let release =
        publications::lock(&mut tx, tenant, id).await?.ok_or_else(|| Problem::not_found("release"))?;
    let wanted = new.access.unwrap_or(ReleaseAccess::Tenant);
    if release.standing() == ReleaseState::Withdrawn {
        return Err(withdrawn_already(&release));
    }
    let before = release.access;
    if release.publication.is_none() {
        first(app, &mut tx, release, schema.as_ref(), &new, wanted).await?;
    } else if wanted == ReleaseAccess::Public && release.access == Some(ReleaseAccess::Tenant) {
        Said::of(&release)?.about.check_public()?;
        publications::open(&mut tx, id).await?;
    }
    let release = releases::find(&mut tx, tenant, id).await?.ok_or_else(Problem::internal)?;
    if release.access != before {
        tell(&mut tx, &release, WebhookEvent::ReleasePublished).await?;
    }
    tx.commit().await?;
    Ok(use_cases::view(release, false))
}

/// Queues the webhook messages about a release.
async fn tell(tx: &mut Tx, release: &Release, event: WebhookEvent) -> Result<(), Problem> {
    let now = tx.now().await?;
    let data = json!({
        "release_id": release.id, "state": release.standing(), "access": release.access,
        "url": format!("/v1/releases/{}", release.id), "page": format!("/p/{}", release.id),
    });
    Ok(webhooks::tell(tx, release.tenant_id, event, now, data).await?)
}

/// Publishes, describes and signs.
async fn first(
    app: &App,
    tx: &mut Tx,
    release: Release,
    schema: Option<&Schema>,
    new: &NewPublication,
    access: ReleaseAccess,
) -> Result<(), Problem> {
    let dataset =
        datasets::find(tx, release.tenant_id, release.dataset_id).await?.ok_or_else(Problem::internal)?;
    let about = About::kept(dataset.about.as_deref());
    if access == ReleaseAccess::Public {
        about.check_public()?;
    }
    let now = tx.now().await?;
    let opened = looks::so_far(tx, dataset.population_id).await?;
    releases::publish(tx, release.id, &opened, dataset.declared_late, now).await?;
    let release = releases::find(tx, release.tenant_id, release.id).await?.ok_or_else(Problem::internal)?;
    let series = new.series.clone().or_else(|| about.series.clone());
    let key = series.as_deref().map(|title| series_key(release.tenant_id, title));
    let number = publications::earlier(tx, &release, key.as_deref()).await? + 1;
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    let version = new.version.clone().unwrap_or_else(|| number.to_string());
    let columns = schema.map(columns).unwrap_or_default();
    let captures = schema.is_some_and(|schema| OutputFormat::Pcap.unfit(schema).is_none());
    let said = Said { about, series, version, number, columns, captures };
    // As a reader sees it: what only stewards are told is in no public report.
    let report = use_cases::report_of(tx, &release, true).await?;
    let report = serde_json::to_string(&report).map_err(|_| Problem::internal())?;
    let model = models::find(tx, release.tenant_id, release.model_id).await?.ok_or_else(Problem::internal)?;
    let statement: Statement = serde_json::from_str(&model.statement).map_err(|_| Problem::internal())?;
    let about = json!({
        "release": release.id,
        "page": format!("{}/p/{}", app.config.base(), release.id),
        "published": release.published_at.map(shown_day),
        "series": said.series,
        "version": said.version,
        "bundle_sha256": model.bundle_sha256,
        "guarantee": statement.guarantee,
    });
    let signed = Signed::new(RELEASE, subjects(&release, Some(&report), &model.statement), about);
    let attestation = signing::sign(app, tx, &signed).await?;
    let said = serde_json::to_string(&said).map_err(|_| Problem::internal())?;
    let kept = Publication {
        access,
        series: key.as_deref(),
        said: &said,
        report: &report,
        attestation: &attestation,
    };
    Ok(publications::keep(tx, release.id, &kept).await?)
}

/// What a signature covers: the files that its release has at its address, by their digests.
fn subjects(release: &Release, report: Option<&str>, statement: &str) -> Vec<Subject> {
    let mut subjects = vec![Subject::of_digest("content", &release.trace_sha256)];
    subjects.extend(report.map(|report| Subject::of_bytes("report", report.as_bytes())));
    subjects.push(Subject::of_bytes("statement", statement.as_bytes()));
    subjects
}

/// The problem that tells of a withdrawal.
pub fn gone(release: &Release) -> Option<Problem> {
    let day = shown_day(release.withdrawn_at?);
    Some(Problem::withdrawn(&day, release.withdrawn_reason.as_deref().unwrap_or_default()))
}

fn withdrawn_already(release: &Release) -> Problem {
    let told = gone(release).map_or_else(String::new, |problem| problem.detail);
    Problem::conflict(ProblemType::Withdrawn, format!("{told}; that stands"))
}

/// Takes a published release back, for good: that it was there stays to be seen, with day and reason, and its content is handed out no more. Said again in the same words it
/// changes nothing.
pub async fn withdraw(app: &App, caller: &Caller, id: Uuid, why: Withdraw) -> Result<ReleaseView, Problem> {
    let tenant = caller.steward()?;
    one_line("reason", &why.reason, 1_000)?;
    let mut tx = app.begin("publishing.withdraw").await?;
    let release =
        publications::lock(&mut tx, tenant, id).await?.ok_or_else(|| Problem::not_found("release"))?;
    match release.standing() {
        ReleaseState::Draft => {
            let detail = "a draft was never visible to readers: there is nothing to withdraw";
            return Err(Problem::conflict(ProblemType::NotPublished, detail));
        }
        ReleaseState::Withdrawn if release.withdrawn_reason.as_ref() == Some(&why.reason) => {
            return Ok(use_cases::view(release, false));
        }
        ReleaseState::Withdrawn => return Err(withdrawn_already(&release)),
        ReleaseState::Published => {}
    }
    let now = tx.now().await?;
    let model = models::find(&mut tx, tenant, release.model_id).await?.ok_or_else(Problem::internal)?;
    let subjects = subjects(&release, release.public_report.as_deref(), &model.statement);
    let about = json!({"release": id, "withdrawn": shown_day(now), "reason": why.reason});
    let signed = signing::sign(app, &mut tx, &Signed::new(WITHDRAWAL, subjects, about)).await?;
    publications::withdraw(&mut tx, id, now, &why.reason, &signed).await?;
    let release = releases::find(&mut tx, tenant, id).await?.ok_or_else(Problem::internal)?;
    tell(&mut tx, &release, WebhookEvent::ReleaseWithdrawn).await?;
    tx.commit().await?;
    tracing::info!(release = %id, "withdrawn");
    Ok(use_cases::view(release, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::presets::preset;

    #[test]
    fn columns_are_told_by_how_they_are_written() {
        let mut schema = preset("flow").unwrap();
        let kinds = |schema: &Schema| -> Vec<(String, Cell)> {
            columns(schema).into_iter().map(|(name, cell, _)| (name, cell)).collect()
        };
        let plain = kinds(&schema);
        let of = |name: &str| plain.iter().find(|(own, _)| own == name).unwrap().1;
        assert_eq!((of("srcip"), of("srcport")), (Cell::Text, Cell::Integer));
        let at = schema.columns.iter().position(|column| column.name == "srcport").unwrap();
        schema.columns[at].special = vec!["-".into()];
        assert_eq!(kinds(&schema)[at].1, Cell::Text, "some of its cells are no numbers");
        let roles = columns(&schema);
        assert!(
            roles.iter().any(|(name, _, role)| name == "srcip" && role.as_deref() == Some("source-address"))
        );
    }

    #[test]
    fn series_of_two_tenants_have_two_addresses() {
        let key = |tenant, title| series_key(Uuid::from_u128(tenant), title);
        assert_eq!(key(1, "uplink"), key(1, "uplink"));
        assert_ne!(key(1, "uplink"), key(2, "uplink"));
        assert_ne!(key(1, "uplink"), key(1, "downlink"));
    }
}
