//! The repositories that the administrator has named: where they are, what they run, and the token by which this server may deposit there.

use netdpsyn_deposit::Repository;
use secrecy::SecretString;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A repository.
pub struct Configured {
    /// Software.
    pub repository: Repository,
    /// Address, without a slash at the end.
    pub url: String,
    /// The token.
    pub token: SecretString,
}

/// Repositories by name.
#[derive(Default)]
pub struct Repositories(pub BTreeMap<String, Configured>);

/// A repository as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kind: Kind,
    url: String,
    #[serde(default)]
    token: Option<SecretString>,
    #[serde(default)]
    token_file: Option<PathBuf>,
    #[serde(default)]
    collection: Option<String>,
    #[serde(default)]
    subject: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    InvenioRdm,
    Dataverse,
}

impl Repositories {
    /// Reads the file; an empty path names none.
    ///
    /// # Errors
    /// What is wrong with it, without a token in it.
    pub fn read(path: &Path) -> Result<Self, String> {
        if path.as_os_str().is_empty() {
            return Ok(Repositories::default());
        }
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| told(&error))?;
        let text = zeroize::Zeroizing::new(text);
        let written: BTreeMap<String, Written> = serde_json::from_str(&text).map_err(|error| {
            // The message may quote a value.
            told(&format!(
                "line {}, column {}: not a repository as docs/OPERATION.md has it",
                error.line(),
                error.column()
            ))
        })?;
        let read = |(name, written): (String, Written)| {
            let read = configured(written).map_err(|why| told(&format!("{name}: {why}")))?;
            Ok((name, read))
        };
        written.into_iter().map(read).collect::<Result<_, String>>().map(Repositories)
    }
}

fn configured(written: Written) -> Result<Configured, String> {
    let token = match (written.token, written.token_file) {
        (Some(token), None) => token,
        (None, Some(path)) => {
            let text =
                std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            SecretString::from(text.trim().to_owned())
        }
        _ => return Err("give a token or a token_file".into()),
    };
    let url = written.url.trim_end_matches('/').to_owned();
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    if host.is_none_or(|host| host.is_empty() || host.contains(['/', '?', '#', '@'])) {
        return Err("url is http://… or https://…, without a path".into());
    }
    let repository = match written.kind {
        Kind::InvenioRdm => Repository::InvenioRdm,
        Kind::Dataverse => Repository::Dataverse {
            collection: written.collection.ok_or("a Dataverse needs the alias of a collection")?,
            subject: written.subject.unwrap_or_else(|| "Computer and Information Science".into()),
        },
    };
    Ok(Configured { repository, url, token })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_faulty_repository_is_named_without_its_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("repositories.json");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Repositories::read(&path).map(|found| found.0.into_keys().collect::<Vec<_>>())
        };
        assert_eq!(Repositories::read(Path::new("")).map(|found| found.0.len()), Ok(0));
        let zenodo =
            r#"{"zenodo": {"kind": "invenio-rdm", "url": "https://zenodo.org/", "token": "geheim"}}"#;
        assert_eq!(read(zenodo), Ok(vec!["zenodo".to_owned()]));
        for (text, why) in [
            (r#"{"a": {"kind": "invenio-rdm", "url": "zenodo.org", "token": "geheim"}}"#, "without a path"),
            (r#"{"a": {"kind": "invenio-rdm", "url": "https://zenodo.org"}}"#, "token_file"),
            (r#"{"a": {"kind": "dataverse", "url": "https://dv.org", "token": "geheim"}}"#, "collection"),
            (r#"{"a": {"kind": "geheim", "url": "https://dv.org", "token": "geheim"}}"#, "line 1, column"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why) && !error.contains("geheim"), "{error}");
        }
        assert!(Repositories::read(Path::new("/nowhere/repositories.json")).is_err());
    }
}
