//! InvenioRDM: `/api/records`, drafts, files in three steps, publication, versions.

use super::{Body, Deposited, Failed, File, Request, Submission, Transport, ask, encoded, good, text};
use serde_json::{Value, json};

pub(super) async fn deposit(
    submission: &Submission<'_>,
    way: &mut impl Transport,
) -> Result<Deposited, Failed> {
    let id = match submission.draft {
        Some(id) => {
            if let Some(done) = published(id, way).await? {
                return Ok(done);
            }
            id.to_owned()
        }
        None => draft(submission, way).await?,
    };
    // A new version has no metadata of its own yet, and a draft of an attempt before may have those of another day.
    let path = format!("/api/records/{}/draft", encoded(&id));
    ask(way, "PUT", path, Body::Json(submission.facts.for_invenio())).await?;
    files(submission, &id, way).await?;
    let path = format!("/api/records/{}/draft/actions/publish", encoded(&id));
    let record = ask(way, "POST", path, Body::Empty).await?;
    deposited(&record, &id)
}

/// Makes a draft: of a new record, or of a new version.
async fn draft(submission: &Submission<'_>, way: &mut impl Transport) -> Result<String, Failed> {
    let (path, body) = match submission.previous {
        Some(before) => (format!("/api/records/{}/versions", encoded(before)), Body::Empty),
        None => ("/api/records".to_owned(), Body::Json(submission.facts.for_invenio())),
    };
    let made = ask(way, "POST", path.clone(), body).await?;
    let id = text(&made, "/id", &path, "id")?;
    way.drafted(&id).await?;
    Ok(id)
}

/// The record of a draft that was published already, though nobody heard of it.
async fn published(id: &str, way: &mut impl Transport) -> Result<Option<Deposited>, Failed> {
    let request = Request { method: "GET", path: format!("/api/records/{}", encoded(id)), body: Body::Empty };
    let answer = way.send(&request).await?;
    if matches!(answer.status, 403 | 404) {
        return Ok(None);
    }
    let record = good(&request, answer)?;
    deposited(&record, id).map(Some)
}

fn deposited(record: &Value, id: &str) -> Result<Deposited, Failed> {
    let identifier = record.pointer("/pids/doi/identifier").and_then(Value::as_str);
    let page = text(record, "/links/self_html", "publication", "links.self_html")?;
    Ok(Deposited { id: id.into(), identifier: identifier.map(str::to_owned), page })
}

/// Sends every missing file.
async fn files(submission: &Submission<'_>, id: &str, way: &mut impl Transport) -> Result<(), Failed> {
    let base = format!("/api/records/{}/draft/files", encoded(id));
    let there = ask(way, "GET", base.clone(), Body::Empty).await?;
    for (place, file) in submission.files.iter().enumerate() {
        let own = format!("{base}/{}", encoded(&file.name));
        let listed =
            there["entries"].as_array().into_iter().flatten().find(|entry| entry["key"] == file.name);
        match listed {
            Some(entry) if entry["status"] == "completed" && is(file, entry) => continue,
            Some(_) => {
                ask(way, "DELETE", own.clone(), Body::Empty).await?;
            }
            None => {}
        }
        ask(way, "POST", base.clone(), Body::Json(json!([{"key": file.name}]))).await?;
        ask(way, "PUT", format!("{own}/content"), Body::File(place)).await?;
        let kept = ask(way, "POST", format!("{own}/commit"), Body::Empty).await?;
        if !is(file, &kept) {
            return Err(Failed::Checksum { file: file.name.clone() });
        }
    }
    Ok(())
}

/// Whether an entry is that file, byte for byte.
fn is(file: &File, entry: &Value) -> bool {
    entry["checksum"].as_str() == Some(&format!("md5:{}", file.md5)) && entry["size"] == file.bytes
}
