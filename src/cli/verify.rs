//! `netdpsyn verify`

use super::Failure;
use crate::storage::digest::sha256_of;
use netdpsyn_seal::{Envelope, KeySet, PublicKey};
use std::path::{Path, PathBuf};

/// Predicate type of a signed withdrawal.
const WITHDRAWAL: &str = crate::service::publishing::WITHDRAWAL;

/// Check that a file is what was published: its content, report or statement, by the signature of its release. Nothing is asked of any server.
#[derive(clap::Args)]
pub struct Args {
    /// The downloaded file
    file: PathBuf,
    /// The release's signature, from /p/RELEASE/attestation; or that of its withdrawal
    #[arg(long, value_name = "FILE")]
    attestation: PathBuf,
    /// The publisher's public key, PEM
    #[arg(long, value_name = "FILE", required_unless_present = "keys", conflicts_with = "keys")]
    key: Option<PathBuf>,
    /// The publisher's public keys, from /.well-known/netdpsyn-keys.json
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::Server(format!("{}: {error}", path.display())))
}

impl Args {
    pub fn run(self) -> Result<(), Failure> {
        let unusable = |path: &Path, what: &dyn std::fmt::Display| {
            Failure::Unusable(format!("{}: {what}", path.display()))
        };
        let keys: Vec<PublicKey> = match (&self.key, &self.keys) {
            (Some(path), _) => {
                let text = String::from_utf8_lossy(&read(path)?).into_owned();
                vec![PublicKey::from_pem(&text).map_err(|error| unusable(path, &error))?]
            }
            (None, Some(path)) => KeySet::read(&read(path)?).map_err(|error| unusable(path, &error))?.keys(),
            (None, None) => return Err(Failure::Usage("give --key or --keys".into())),
        };
        let envelope = read(&self.attestation)?;
        let verified = Envelope::read(&envelope).and_then(|envelope| envelope.verify(&keys));
        let (statement, key) = verified.map_err(|refused| unusable(&self.attestation, &refused))?;
        let failed = |error: std::io::Error| Failure::Server(format!("{}: {error}", self.file.display()));
        let file = std::fs::File::open(&self.file).map_err(failed)?;
        let (_, digest) = sha256_of(file, || Ok(())).map_err(failed)?;
        let about = &statement.predicate;
        let told = |name: &str| plain(about[name].as_str().unwrap_or("?"));
        let Some(subject) = statement.about(&digest) else {
            let names: Vec<&str> = statement.subject.iter().map(|subject| &*subject.name).collect();
            let what = format!(
                "its SHA-256 {digest} is none of those that were signed ({}): it was changed, or belongs to another release",
                plain(&names.join(", "))
            );
            return Err(unusable(&self.file, &what));
        };
        if statement.predicate_type == WITHDRAWAL {
            let what = format!(
                "the {} of release {}, which was withdrawn on {}: {}",
                plain(&subject.name),
                told("release"),
                told("withdrawn"),
                told("reason")
            );
            return Err(unusable(&self.file, &what));
        }
        println!("{} is the {} of release {}", self.file.display(), plain(&subject.name), told("release"));
        println!("published {}, version {}, SHA-256 {digest}", told("published"), told("version"));
        println!("signed by key {}", key.id());
        Ok(())
    }
}

/// A text that was signed, as a terminal may show it.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(1_000).collect()
}
