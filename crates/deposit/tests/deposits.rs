//! Deposits over real HTTP in the stand-in: the whole way, a new version, what goes wrong, and what an attempt before has left.

use md5::{Digest, Md5};
use netdpsyn_deposit::stand_in::{Fault, StandIn, TOKEN};
use netdpsyn_deposit::{
    Answer, Body, Deposited, Facts, Failed, File, Pretend, Repository, Request, Submission, Transport,
    deposit,
};
use serde_json::Value;

const FILES: [(&str, &[u8]); 2] =
    [("trace.csv", b"srcip,dstip\n10.0.0.1,10.0.0.2\n"), ("statement.json", b"{}")];

fn files() -> Vec<File> {
    let of = |(name, bytes): (&str, &[u8])| File {
        name: name.into(),
        about: "a file".into(),
        bytes: bytes.len() as u64,
        md5: hex::encode(Md5::digest(bytes)),
    };
    FILES.into_iter().map(of).collect()
}

fn facts() -> Facts {
    Facts {
        title: "Campus uplink".into(),
        description: "Flows of one hour.\nOne flow is protected by (2, 1e-9)-differential privacy.".into(),
        publisher: "Example University".into(),
        email: Some("desk@example.org".into()),
        licence: Some("CC-BY-4.0".into()),
        keywords: vec!["netflow".into()],
        version: "day 1".into(),
        issued: "2026-01-05".into(),
        page: "https://data.example.org/p/1".into(),
        ..Facts::default()
    }
}

/// The way over HTTP.
struct Http {
    base: String,
    token: String,
    draft: Option<String>,
    client: reqwest::Client,
}

impl Http {
    fn to(stand_in: &StandIn) -> Self {
        // Clients are built for encrypted connections as well, where the workspace is built as a whole.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Http { base: stand_in.url(), token: TOKEN.into(), draft: None, client: reqwest::Client::new() }
    }
}

impl Transport for Http {
    async fn send(&mut self, request: &Request) -> Result<Answer, Failed> {
        let method = request.method.parse().unwrap();
        let mut sent = self.client.request(method, format!("{}{}", self.base, request.path));
        sent = sent.bearer_auth(&self.token);
        sent = match &request.body {
            Body::Empty => sent,
            Body::Json(value) => sent.json(value),
            Body::File(place) => sent.body(FILES[*place].1),
            Body::Form(place, value) => {
                let (name, bytes) = FILES[*place];
                let part = reqwest::multipart::Part::bytes(bytes.to_vec()).file_name(name);
                sent.multipart(
                    reqwest::multipart::Form::new().part("file", part).text("jsonData", value.to_string()),
                )
            }
        };
        let later =
            |error: reqwest::Error| Failed::Later { step: request.path.clone(), why: error.to_string() };
        let answer = sent.send().await.map_err(later)?;
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.map_err(later)?;
        Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
    }

    async fn drafted(&mut self, draft: &str) -> Result<(), Failed> {
        self.draft = Some(draft.into());
        Ok(())
    }
}

fn both() -> [Repository; 2] {
    let subject = "Computer and Information Science".to_owned();
    [Repository::InvenioRdm, Repository::Dataverse { collection: "traces".into(), subject }]
}

async fn go(
    repository: &Repository,
    way: &mut Http,
    facts: &Facts,
    previous: Option<&str>,
) -> Result<Deposited, Failed> {
    let draft = way.draft.clone();
    let files = files();
    let submission = Submission { repository, facts, files: &files, previous, draft: draft.as_deref() };
    deposit(&submission, way).await
}

#[tokio::test]
async fn a_deposit_and_a_new_version() {
    for repository in both() {
        let stand_in = StandIn::start().await.unwrap();
        let mut way = Http::to(&stand_in);
        let first = go(&repository, &mut way, &facts(), None).await.unwrap();
        assert!(first.identifier.as_ref().unwrap().starts_with("10.5072/"), "{first:?}");
        {
            let kept = stand_in.kept();
            assert_eq!(kept.versions.len(), 1);
            let version = kept.versions.values().next().unwrap();
            assert!(
                version.is_published && version.files["trace.csv"] == FILES[0].1 && version.files.len() == 2
            );
            let metadata = version.metadata.to_string();
            assert!(
                metadata.contains("Campus uplink") && metadata.contains("differential privacy"),
                "{metadata}"
            );
        }
        let mut way = Http::to(&stand_in);
        let later = Facts { title: "Campus uplink, day 2".into(), ..facts() };
        let second = go(&repository, &mut way, &later, Some(&first.id)).await.unwrap();
        let kept = stand_in.kept();
        assert_eq!(kept.versions.len(), 2, "{repository:?}");
        let version = kept.versions.values().next_back().unwrap();
        assert!(
            version.is_published
                && version.files.len() == 2
                && version.metadata.to_string().contains("day 2")
        );
        // Records of InvenioRDM have an id a version; a dataset of Dataverse keeps its own.
        assert_eq!(first.id == second.id, matches!(repository, Repository::Dataverse { .. }));
    }
}

#[tokio::test]
async fn what_fails_on_the_way_is_gone_on_with() {
    for repository in both() {
        for fault in [Fault::Spoilt, Fault::Dropped, Fault::Busy] {
            let stand_in = StandIn::start().await.unwrap();
            stand_in.kept().faults.push(fault);
            let mut way = Http::to(&stand_in);
            let failed = go(&repository, &mut way, &facts(), None).await.unwrap_err();
            assert!(failed.is_passing(), "{failed}");
            assert_eq!(fault == Fault::Spoilt, matches!(failed, Failed::Checksum { .. }), "{failed}");
            assert!(stand_in.kept().versions.values().all(|version| !version.is_published), "nothing is out");
            go(&repository, &mut way, &facts(), None).await.unwrap();
            let kept = stand_in.kept();
            assert_eq!(kept.versions.len(), 1, "the same draft");
            let version = kept.versions.values().next().unwrap();
            assert!(version.is_published && version.files["trace.csv"] == FILES[0].1, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn what_is_published_is_not_published_twice() {
    for repository in both() {
        let stand_in = StandIn::start().await.unwrap();
        let mut way = Http::to(&stand_in);
        let first = go(&repository, &mut way, &facts(), None).await.unwrap();
        // Nobody heard of it: the draft is known and its end is not.
        let before = stand_in.kept().log.len();
        let again = go(&repository, &mut way, &facts(), None).await.unwrap();
        assert_eq!(again, first);
        assert!(stand_in.kept().log[before..].iter().all(|line| line.starts_with("GET")));
        // The same with a new version of it.
        let mut way = Http::to(&stand_in);
        let second = go(&repository, &mut way, &facts(), Some(&first.id)).await.unwrap();
        assert_eq!(go(&repository, &mut way, &facts(), Some(&first.id)).await.unwrap(), second);
        assert_eq!(stand_in.kept().versions.len(), 2);
    }
}

#[tokio::test]
async fn refusals_are_told_and_are_not_tried_again() {
    for repository in both() {
        let stand_in = StandIn::start().await.unwrap();
        let mut way = Http { token: "wrong".into(), ..Http::to(&stand_in) };
        let failed = go(&repository, &mut way, &facts(), None).await.unwrap_err();
        assert!(matches!(&failed, Failed::Refused { status: 401, .. }) && !failed.is_passing(), "{failed}");
        assert!(!failed.to_string().contains("wrong"), "no token in it");
        let mut way = Http::to(&stand_in);
        let failed = go(&repository, &mut way, &facts(), Some("none")).await.unwrap_err();
        assert!(matches!(failed, Failed::Refused { status: 404, .. }), "{failed}");
    }
    let stand_in = StandIn::start().await.unwrap();
    let unreachable = Facts { email: None, ..facts() };
    let failed = go(&both()[1], &mut Http::to(&stand_in), &unreachable, None).await.unwrap_err();
    assert!(failed.to_string().contains("about.contact.email"), "{failed}");
    assert!(stand_in.kept().log.is_empty(), "nothing was sent");
}

#[tokio::test]
async fn a_dry_run_takes_the_same_steps() {
    for repository in both() {
        let stand_in = StandIn::start().await.unwrap();
        go(&repository, &mut Http::to(&stand_in), &facts(), None).await.unwrap();
        let (files, facts) = (files(), facts());
        let mut dry = Pretend::of(&files);
        let submission =
            Submission { repository: &repository, facts: &facts, files: &files, previous: None, draft: None };
        deposit(&submission, &mut dry).await.unwrap();
        let methods = |line: &str| line.split(' ').next().unwrap().to_owned();
        let real: Vec<String> = stand_in.kept().log.iter().map(|line| methods(line)).collect();
        assert_eq!(dry.requests.iter().map(|one| one.method.to_owned()).collect::<Vec<_>>(), real);
        assert!(dry.requests.iter().any(|one| matches!(one.body, Body::File(0) | Body::Form(0, _))));
    }
}
