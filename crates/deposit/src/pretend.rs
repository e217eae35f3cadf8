//! A dry run: every step is answered as a repository that agrees would, and nothing is sent.

use super::{Answer, Body, Failed, File, Request, Transport};
use serde_json::{Value, json};

/// A transport that sends nothing and keeps what would have been sent.
pub struct Pretend<'a> {
    files: &'a [File],
    /// The requests, in order.
    pub requests: Vec<Request>,
}

/// Stands for an id that the repository will give.
const ID: &str = "ID";

impl<'a> Pretend<'a> {
    /// For a deposit of these files.
    pub fn of(files: &'a [File]) -> Self {
        Pretend { files, requests: Vec::new() }
    }

    fn answer(&self, request: &Request) -> Value {
        let kept = |place: usize| &self.files[place];
        let named = |path: &str| self.files.iter().find(|file| path.contains(&super::encoded(&file.name)));
        match (request.method, &request.body) {
            (_, Body::Form(place, _)) => json!({"data": {"files": [{"dataFile": {
                "filesize": kept(*place).bytes, "checksum": {"type": "MD5", "value": kept(*place).md5}}}]}}),
            ("POST", _) if request.path.ends_with("/commit") => match named(&request.path) {
                Some(file) => json!({"size": file.bytes, "checksum": format!("md5:{}", file.md5)}),
                None => Value::Null,
            },
            _ => json!({"id": ID, "links": {"self_html": ""}, "entries": [],
                "data": {"persistentId": ID, "versionState": "DRAFT", "versionNumber": 0, "files": []}}),
        }
    }
}

impl Transport for Pretend<'_> {
    async fn send(&mut self, request: &Request) -> Result<Answer, Failed> {
        self.requests.push(request.clone());
        Ok(Answer { status: 200, body: self.answer(request) })
    }

    async fn drafted(&mut self, _: &str) -> Result<(), Failed> {
        Ok(())
    }
}
