//! Keys that sign releases: public ones in the database, every one that ever signed; the secret one in a file of the data directory, in no backup.

use super::statement::{changed, query_as, sql};
use super::tx::on;
use super::{StorageError, Tx, closed};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// Name of the file of the secret key.
const FILE: &str = "ed25519.pem";

/// A public key that signs or signed.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct SigningKey {
    /// Id.
    pub id: String,
    /// The public key in PEM.
    pub pem: String,
    /// Time from which it signs.
    pub since: i64,
    /// Time until which it signed; none while it signs.
    pub until: Option<i64>,
}

/// Keys that ever signed, the newest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<SigningKey>, StorageError> {
    Ok(on!(tx, c => query_as::<_, SigningKey>(
        sql!(list, "SELECT id, pem, since, until FROM signing_keys ORDER BY CASE WHEN until IS NULL THEN 0 ELSE 1 END, since DESC, id"))
        .fetch_all(c).await)?)
}

/// Makes a key the current signing key, instead of all others. Does nothing if it is the current one.
pub async fn list_as_current(tx: &mut Tx, id: &str, pem: &str, now: i64) -> Result<(), StorageError> {
    changed!(tx => sql!(list_as_current,
        "INSERT INTO signing_keys (id, pem, since) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET until = NULL"),
        id, pem, now)?;
    changed!(tx => sql!(list_as_current, "UPDATE signing_keys SET until = $2 WHERE id <> $1 AND until IS NULL"),
        id, now)?;
    Ok(())
}

/// The folder of the secret key, which the servers of one database share.
#[derive(Clone)]
pub struct SecretFile {
    folder: Arc<PathBuf>,
}

impl SecretFile {
    /// The folder, which is made and closed to other users.
    pub fn open(folder: &Path) -> Result<Self, StorageError> {
        closed::folder(folder)?;
        Ok(SecretFile { folder: Arc::new(folder.into()) })
    }

    /// Path of the file.
    pub fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// The text of the key, where there is one.
    pub fn read(&self) -> Result<Option<String>, StorageError> {
        match std::fs::read_to_string(self.path()) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            other => Ok(Some(other?)),
        }
    }

    /// Keeps a key unless there is one. Of servers that start together the first one's stays.
    pub fn keep(&self, pem: &str) -> Result<(), StorageError> {
        self.written(pem, |whole| closed::link_first(whole, &self.path()))
    }

    /// Puts a key in the place of the one that is there.
    pub fn replace(&self, pem: &str) -> Result<(), StorageError> {
        self.written(pem, |whole| std::fs::rename(whole, self.path()))
    }

    /// Puts a key in its place by `place`, whole or not at all.
    fn written(
        &self,
        pem: &str,
        place: impl FnOnce(&Path) -> std::io::Result<()>,
    ) -> Result<(), StorageError> {
        closed::whole(&self.folder, &format!("{}.new", Uuid::new_v4()), pem.as_bytes(), place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_key_stays_until_it_is_replaced_and_nobody_else_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let secret = SecretFile::open(&folder.path().join("signing")).unwrap();
        assert_eq!(secret.read().unwrap(), None);
        secret.keep("first").unwrap();
        secret.keep("second").unwrap();
        assert_eq!(secret.read().unwrap().as_deref(), Some("first"));
        secret.replace("third").unwrap();
        assert_eq!(secret.read().unwrap().as_deref(), Some("third"));
        let mode = std::fs::metadata(secret.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path().join("signing")).unwrap().count(), 1);
    }
}
