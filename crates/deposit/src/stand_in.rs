//! A repository in miniature: it answers as the documents of InvenioRDM and Dataverse say, refuses what they refuse, and fails on request.

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Multipart, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use md5::{Digest, Md5};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The token that is taken.
pub const TOKEN: &str = "stand-in-token";

/// What goes wrong once with the next upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The file is kept with a byte changed.
    Spoilt,
    /// The connection ends while the file is sent.
    Dropped,
    /// Too many requests.
    Busy,
}

/// A version of something that was deposited.
#[derive(Clone, Debug, Default)]
pub struct Version {
    /// Whether it is published.
    pub is_published: bool,
    /// Its metadata as they were sent.
    pub metadata: Value,
    /// Its files that are complete.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Files that are announced or sent and not complete yet.
    open: BTreeMap<String, Vec<u8>>,
    /// To what it belongs.
    parent: String,
}

/// All that a repository has, and what it will do wrong.
#[derive(Default)]
pub struct Kept {
    /// Versions by id: of InvenioRDM records, of Dataverse `doi:…@NUMBER`.
    pub versions: BTreeMap<String, Version>,
    /// Faults that are still to come.
    pub faults: Vec<Fault>,
    /// Requests, as method and path.
    pub log: Vec<String>,
    next: u32,
}

/// A running stand-in.
#[derive(Clone)]
pub struct StandIn {
    kept: Arc<Mutex<Kept>>,
    /// Address.
    pub address: SocketAddr,
}

impl StandIn {
    /// Starts one on a port of its own; it runs as long as the runtime does.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn start() -> std::io::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let stand_in = StandIn { kept: Arc::default(), address: listener.local_addr()? };
        let router = router(stand_in.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(stand_in)
    }

    /// Address, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it has.
    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self) -> Option<Fault> {
        let mut kept = self.kept();
        if kept.faults.is_empty() { None } else { Some(kept.faults.remove(0)) }
    }
}

fn router(stand_in: StandIn) -> Router {
    Router::new()
        .without_v07_checks()
        .route("/api/records", post(create_record))
        .route("/api/records/{id}", get(record))
        .route("/api/records/{id}/versions", post(next_record))
        .route("/api/records/{id}/draft", put(change_record))
        .route("/api/records/{id}/draft/files", get(list_files).post(announce))
        .route("/api/records/{id}/draft/files/{key}", delete(remove_file))
        .route("/api/records/{id}/draft/files/{key}/content", put(content))
        .route("/api/records/{id}/draft/files/{key}/commit", post(commit))
        .route("/api/records/{id}/draft/actions/publish", post(publish_record))
        .route("/api/dataverses/{alias}/datasets", post(create_dataset))
        .route("/api/datasets/:persistentId/versions/:latest", get(latest))
        .route("/api/datasets/:persistentId/versions/:draft", put(change_dataset))
        .route("/api/datasets/:persistentId/add", post(add_file))
        .route("/api/files/{id}/replace", post(replace_file))
        .route("/api/datasets/:persistentId/actions/:publish", post(publish_dataset))
        .layer(axum::middleware::from_fn_with_state(stand_in.clone(), guard))
        .layer(DefaultBodyLimit::max(1 << 26))
        .with_state(stand_in)
}

/// Notes every request, and refuses those without the token.
async fn guard(
    State(stand_in): State<StandIn>,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    stand_in.kept().log.push(format!("{} {}", request.method(), request.uri()));
    if !is_known(request.headers()) {
        return refused(StatusCode::UNAUTHORIZED, "The server could not verify that you are authorized.");
    }
    next.run(request).await
}

fn is_known(headers: &HeaderMap) -> bool {
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|given| given == value);
    is("authorization", &format!("Bearer {TOKEN}")) || is("x-dataverse-key", TOKEN)
}

fn refused(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"status": "ERROR", "message": message}))).into_response()
}

/// A response that breaks off: the other side sees its connection end.
fn dropped() -> Response {
    let broken = futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("dropped")) });
    Response::new(Body::from_stream(broken))
}

fn md5(bytes: &[u8]) -> String {
    hex::encode(Md5::digest(bytes))
}

/// Takes a file, or does with it what a fault says.
fn taken(fault: Option<Fault>, mut bytes: Vec<u8>) -> Result<Vec<u8>, Box<Response>> {
    match fault {
        None => Ok(bytes),
        Some(Fault::Spoilt) => {
            bytes.iter_mut().take(1).for_each(|byte| *byte ^= 1);
            Ok(bytes)
        }
        Some(Fault::Dropped) => Err(Box::new(dropped())),
        Some(Fault::Busy) => Err(Box::new(refused(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded."))),
    }
}

fn shown(id: &str, version: &Version, base: &str) -> Value {
    json!({"id": id, "is_published": version.is_published, "metadata": version.metadata["metadata"],
        "parent": {"id": version.parent}, "pids": {"doi": {"identifier": format!("10.5072/rdm.{id}")}},
        "links": {"self_html": format!("{base}/records/{id}")}})
}

/// What a record lacks before it may be published.
fn lacks(metadata: &Value) -> Vec<Value> {
    let required = ["title", "publication_date", "creators", "resource_type"];
    let missing = |field: &&&str| metadata["metadata"][**field].is_null();
    let told = |field: &&str| json!({"field": format!("metadata.{field}"), "messages": ["Missing data for required field."]});
    required.iter().filter(missing).map(told).collect()
}

async fn create_record(State(stand_in): State<StandIn>, Json(metadata): Json<Value>) -> Response {
    let mut kept = stand_in.kept();
    kept.next += 1;
    let id = format!("r{}", kept.next);
    let version = Version { metadata, parent: format!("p{}", kept.next), ..Version::default() };
    let answer = shown(&id, &version, &stand_in.url());
    kept.versions.insert(id, version);
    (StatusCode::CREATED, Json(answer)).into_response()
}

async fn record(State(stand_in): State<StandIn>, Path(id): Path<String>) -> Response {
    match stand_in.kept().versions.get(&id).filter(|version| version.is_published) {
        Some(version) => Json(shown(&id, version, &stand_in.url())).into_response(),
        None => refused(StatusCode::NOT_FOUND, "The persistent identifier is not registered."),
    }
}

async fn next_record(State(stand_in): State<StandIn>, Path(id): Path<String>) -> Response {
    let mut kept = stand_in.kept();
    let Some(before) = kept.versions.get(&id).filter(|version| version.is_published).cloned() else {
        return refused(StatusCode::NOT_FOUND, "The persistent identifier does not exist.");
    };
    kept.next += 1;
    let id = format!("r{}", kept.next);
    let mut metadata = before.metadata.clone();
    // A new version starts without a day and a version.
    if let Some(inner) = metadata["metadata"].as_object_mut() {
        inner.remove("publication_date");
        inner.remove("version");
    }
    let version = Version { metadata, parent: before.parent, ..Version::default() };
    let answer = shown(&id, &version, &stand_in.url());
    kept.versions.insert(id, version);
    (StatusCode::CREATED, Json(answer)).into_response()
}

/// Does something with a draft; 404 where there is none.
fn with_draft(stand_in: &StandIn, id: &str, act: impl FnOnce(&mut Version) -> Response) -> Response {
    match stand_in.kept().versions.get_mut(id).filter(|version| !version.is_published) {
        Some(version) => act(version),
        None => refused(StatusCode::NOT_FOUND, "The persistent identifier does not exist."),
    }
}

async fn change_record(
    State(stand_in): State<StandIn>,
    Path(id): Path<String>,
    Json(metadata): Json<Value>,
) -> Response {
    let base = stand_in.url();
    with_draft(&stand_in, &id, |version| {
        version.metadata = metadata;
        Json(shown(&id, version, &base)).into_response()
    })
}

fn entry(name: &str, bytes: &[u8], status: &str) -> Value {
    json!({"key": name, "status": status, "size": bytes.len(), "checksum": format!("md5:{}", md5(bytes))})
}

async fn list_files(State(stand_in): State<StandIn>, Path(id): Path<String>) -> Response {
    with_draft(&stand_in, &id, |version| {
        let done = version.files.iter().map(|(name, bytes)| entry(name, bytes, "completed"));
        let open = version.open.iter().map(|(name, bytes)| entry(name, bytes, "pending"));
        Json(json!({"enabled": true, "entries": done.chain(open).collect::<Vec<_>>()})).into_response()
    })
}

async fn announce(
    State(stand_in): State<StandIn>,
    Path(id): Path<String>,
    Json(files): Json<Value>,
) -> Response {
    with_draft(&stand_in, &id, |version| {
        for file in files.as_array().into_iter().flatten() {
            let name = file["key"].as_str().unwrap_or_default().to_owned();
            if version.files.contains_key(&name) || version.open.contains_key(&name) {
                return refused(StatusCode::BAD_REQUEST, &format!("File with key {name} already exists."));
            }
            version.open.insert(name, Vec::new());
        }
        (StatusCode::CREATED, Json(json!({"enabled": true}))).into_response()
    })
}

async fn remove_file(State(stand_in): State<StandIn>, Path((id, key)): Path<(String, String)>) -> Response {
    with_draft(&stand_in, &id, |version| {
        version.files.remove(&key);
        version.open.remove(&key);
        StatusCode::NO_CONTENT.into_response()
    })
}

async fn content(
    State(stand_in): State<StandIn>,
    Path((id, key)): Path<(String, String)>,
    bytes: Bytes,
) -> Response {
    let bytes = match taken(stand_in.fault(), bytes.to_vec()) {
        Ok(bytes) => bytes,
        Err(answer) => return *answer,
    };
    with_draft(&stand_in, &id, |version| match version.open.get_mut(&key) {
        Some(file) => {
            *file = bytes;
            Json(entry(&key, file, "pending")).into_response()
        }
        None => refused(StatusCode::NOT_FOUND, "File with key does not exist."),
    })
}

async fn commit(State(stand_in): State<StandIn>, Path((id, key)): Path<(String, String)>) -> Response {
    with_draft(&stand_in, &id, |version| match version.open.remove(&key) {
        Some(bytes) => {
            let answer = entry(&key, &bytes, "completed");
            version.files.insert(key, bytes);
            Json(answer).into_response()
        }
        None => refused(StatusCode::NOT_FOUND, "File with key does not exist."),
    })
}

async fn publish_record(State(stand_in): State<StandIn>, Path(id): Path<String>) -> Response {
    let base = stand_in.url();
    with_draft(&stand_in, &id, |version| {
        let mut errors = lacks(&version.metadata);
        if version.files.is_empty() || !version.open.is_empty() {
            errors.push(json!({"field": "files.enabled", "messages": ["Missing uploaded files."]}));
        }
        if !errors.is_empty() {
            let told = json!({"status": 400, "message": "A validation error occurred.", "errors": errors});
            return (StatusCode::BAD_REQUEST, Json(told)).into_response();
        }
        version.is_published = true;
        (StatusCode::ACCEPTED, Json(shown(&id, version, &base))).into_response()
    })
}

/// What the citation block requires.
fn uncited(version: &Value) -> Option<String> {
    let fields = version["metadataBlocks"]["citation"]["fields"].as_array().cloned().unwrap_or_default();
    let has =
        |name: &&str| fields.iter().any(|field| field["typeName"] == **name && !field["value"].is_null());
    let missing: Vec<&str> = ["title", "author", "datasetContact", "dsDescription", "subject"]
        .into_iter()
        .filter(|name| !has(name))
        .collect();
    (!missing.is_empty()).then(|| format!("Validation Failed: {} is required.", missing.join(", ")))
}

async fn create_dataset(
    State(stand_in): State<StandIn>,
    Path(_): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    if let Some(why) = uncited(&body["datasetVersion"]) {
        return refused(StatusCode::BAD_REQUEST, &why);
    }
    let mut kept = stand_in.kept();
    kept.next += 1;
    let id = format!("{DATASET}{}", kept.next);
    let version =
        Version { metadata: body["datasetVersion"].clone(), parent: id.clone(), ..Version::default() };
    kept.versions.insert(format!("{id}@1"), version);
    let told = json!({"status": "OK", "data": {"id": kept.next, "persistentId": id}});
    (StatusCode::CREATED, Json(told)).into_response()
}

type Asked = Query<HashMap<String, String>>;

/// The newest version of a dataset: its key, and itself.
fn newest<'a>(kept: &'a mut Kept, asked: &Asked) -> Option<(&'a String, &'a mut Version)> {
    let id = asked.0.get("persistentId")?;
    kept.versions.iter_mut().filter(|(_, version)| &version.parent == id).last()
}

/// What the persistent ids of all datasets begin with.
const DATASET: &str = "doi:10.5072/FK2/D";

/// A file's number tells its dataset's.
fn data_file(key: &str, name: &str, bytes: &[u8]) -> Value {
    let dataset = key.strip_prefix(DATASET).and_then(|rest| rest.split('@').next()?.parse::<u64>().ok());
    json!({"label": name, "dataFile": {"id": dataset.unwrap_or(0), "filesize": bytes.len(),
        "md5": md5(bytes), "checksum": {"type": "MD5", "value": md5(bytes)}}})
}

async fn latest(State(stand_in): State<StandIn>, asked: Asked) -> Response {
    let mut kept = stand_in.kept();
    let Some((key, version)) = newest(&mut kept, &asked) else {
        return refused(StatusCode::NOT_FOUND, "Dataset with Persistent ID not found.");
    };
    let number: u64 = key.rsplit('@').next().and_then(|n| n.parse().ok()).unwrap_or(0);
    let files: Vec<Value> = version.files.iter().map(|(name, bytes)| data_file(key, name, bytes)).collect();
    let mut told = json!({"versionState": "DRAFT", "files": files});
    if version.is_published {
        told["versionState"] = json!("RELEASED");
        told["versionNumber"] = json!(number);
    }
    Json(json!({"status": "OK", "data": told})).into_response()
}

/// The draft of a dataset, made from its last version where there is none.
fn drafted<'a>(kept: &'a mut Kept, asked: &Asked) -> Option<(String, &'a mut Version)> {
    let (key, version) = newest(kept, asked)?;
    let (mut key, version) = (key.clone(), version.clone());
    if version.is_published {
        let (id, number) = key.rsplit_once('@')?;
        key = format!("{id}@{}", number.parse::<u64>().ok()? + 1);
        kept.versions.insert(key.clone(), Version { is_published: false, ..version });
    }
    let draft = kept.versions.get_mut(&key)?;
    Some((key, draft))
}

async fn change_dataset(
    State(stand_in): State<StandIn>,
    asked: Asked,
    Json(metadata): Json<Value>,
) -> Response {
    if let Some(why) = uncited(&metadata) {
        return refused(StatusCode::BAD_REQUEST, &why);
    }
    let mut kept = stand_in.kept();
    match drafted(&mut kept, &asked) {
        Some((_, version)) => {
            version.metadata = metadata;
            Json(json!({"status": "OK", "data": {"versionState": "DRAFT"}})).into_response()
        }
        None => refused(StatusCode::NOT_FOUND, "Dataset with Persistent ID not found."),
    }
}

/// The file of a form.
async fn sent(mut form: Multipart) -> Option<(String, Vec<u8>)> {
    while let Ok(Some(part)) = form.next_field().await {
        if part.name() == Some("file") {
            let name = part.file_name()?.to_owned();
            return Some((name, part.bytes().await.ok()?.to_vec()));
        }
    }
    None
}

async fn add_file(State(stand_in): State<StandIn>, asked: Asked, form: Multipart) -> Response {
    put_file(&stand_in, &asked, form).await
}

async fn replace_file(State(stand_in): State<StandIn>, Path(id): Path<u64>, form: Multipart) -> Response {
    let dataset = format!("{DATASET}{id}");
    put_file(&stand_in, &Query(HashMap::from([("persistentId".into(), dataset)])), form).await
}

async fn put_file(stand_in: &StandIn, asked: &Asked, form: Multipart) -> Response {
    let Some((name, bytes)) = sent(form).await else {
        return refused(StatusCode::BAD_REQUEST, "No file was sent.");
    };
    let bytes = match taken(stand_in.fault(), bytes) {
        Ok(bytes) => bytes,
        Err(answer) => return *answer,
    };
    let mut kept = stand_in.kept();
    match drafted(&mut kept, asked) {
        Some((key, version)) => {
            let told = data_file(&key, &name, &bytes);
            version.files.insert(name, bytes);
            Json(json!({"status": "OK", "data": {"files": [told]}})).into_response()
        }
        None => refused(StatusCode::NOT_FOUND, "Dataset with Persistent ID not found."),
    }
}

async fn publish_dataset(State(stand_in): State<StandIn>, asked: Asked) -> Response {
    let mut kept = stand_in.kept();
    match newest(&mut kept, &asked) {
        Some((_, version)) if !version.is_published => {
            version.is_published = true;
            Json(json!({"status": "OK", "data": {}})).into_response()
        }
        _ => refused(StatusCode::CONFLICT, "This dataset version has already been published."),
    }
}
