//! Dataverse: its native API. A dataset keeps its persistent id; a new version is a draft of it.

use super::{Body, Deposited, Failed, File, Submission, Transport, ask, encoded, text};
use serde_json::{Value, json};

/// What a draft is called: the persistent id, and the number that its publication will give it.
fn named(id: &str, number: u64) -> String {
    format!("{id}@{number}")
}

pub(super) async fn deposit(
    submission: &Submission<'_>,
    collection: &str,
    subject: &str,
    way: &mut impl Transport,
) -> Result<Deposited, Failed> {
    let metadata = submission.facts.for_dataverse(subject).map_err(|missing| Failed::Refused {
        step: "the description".into(),
        status: 422,
        said: missing.to_string(),
    })?;
    let (id, number) = match submission.draft.and_then(|draft| draft.rsplit_once('@')) {
        Some((id, number)) => (id.to_owned(), number.parse().unwrap_or(1)),
        None => draft(submission, collection, &metadata, way).await?,
    };
    let latest = latest(&id, way).await?;
    if latest["versionState"] == "RELEASED" && latest["versionNumber"].as_u64() >= Some(number) {
        return Ok(deposited(&id));
    }
    if submission.previous.is_some() || submission.draft.is_some() {
        let path = of(&id, "versions/:draft");
        ask(way, "PUT", path, Body::Json(metadata)).await?;
    }
    files(submission, &id, &latest, way).await?;
    let path = format!("{}&type=major", of(&id, "actions/:publish"));
    ask(way, "POST", path, Body::Empty).await?;
    Ok(deposited(&id))
}

/// A path about a dataset.
fn of(id: &str, what: &str) -> String {
    format!("/api/datasets/:persistentId/{what}?persistentId={}", encoded(id))
}

fn deposited(id: &str) -> Deposited {
    let page = format!("/dataset.xhtml?persistentId={}", encoded(id));
    let identifier = id.strip_prefix("doi:").unwrap_or(id).to_owned();
    Deposited { id: id.into(), identifier: Some(identifier), page }
}

/// Makes a dataset, which is a draft at first, or finds the number that the next version of one will have.
async fn draft(
    submission: &Submission<'_>,
    collection: &str,
    metadata: &Value,
    way: &mut impl Transport,
) -> Result<(String, u64), Failed> {
    let (id, number) = match submission.previous {
        Some(id) => {
            let before = latest(id, way).await?;
            (id.to_owned(), before["versionNumber"].as_u64().unwrap_or(0) + 1)
        }
        None => {
            let path = format!("/api/dataverses/{}/datasets", encoded(collection));
            let made =
                ask(way, "POST", path.clone(), Body::Json(json!({"datasetVersion": metadata}))).await?;
            (text(&made, "/data/persistentId", &path, "persistentId")?, 1)
        }
    };
    way.drafted(&named(&id, number)).await?;
    Ok((id, number))
}

async fn latest(id: &str, way: &mut impl Transport) -> Result<Value, Failed> {
    let mut answer = ask(way, "GET", of(id, "versions/:latest"), Body::Empty).await?;
    Ok(answer["data"].take())
}

/// Sends every missing file; a file of the same name with other content is replaced.
async fn files(
    submission: &Submission<'_>,
    id: &str,
    latest: &Value,
    way: &mut impl Transport,
) -> Result<(), Failed> {
    for (place, file) in submission.files.iter().enumerate() {
        let listed = latest["files"].as_array().into_iter().flatten().find(|one| one["label"] == file.name);
        let about = json!({"description": file.about, "tabIngest": "false", "forceReplace": true});
        let path = match listed {
            Some(one) if is(file, &one["dataFile"]) => continue,
            Some(one) => format!("/api/files/{}/replace", one["dataFile"]["id"]),
            None => of(id, "add"),
        };
        let kept = ask(way, "POST", path, Body::Form(place, about)).await?;
        if !is(file, &kept["data"]["files"][0]["dataFile"]) {
            return Err(Failed::Checksum { file: file.name.clone() });
        }
    }
    Ok(())
}

/// Whether an entry is that file: its checksum where it is of a kind that is known, its size in any case.
fn is(file: &File, entry: &Value) -> bool {
    let checksum = match entry["checksum"]["type"].as_str() {
        Some("MD5") => entry["checksum"]["value"].as_str() == Some(&file.md5),
        Some(_) => true,
        None => entry["md5"].as_str() == Some(&file.md5),
    };
    checksum && entry["filesize"] == file.bytes
}
