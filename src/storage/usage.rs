//! What takes room: files by where they lie, and whose they are.

use super::statement::{query_as, sql};
use super::tx::on;
use super::{Artifacts, StorageError, Tx};
use std::collections::HashMap;
use std::path::PathBuf;
use uuid::Uuid;

/// Every file of the store by its key, with its bytes; what is removed meanwhile is left out.
pub fn files(artifacts: &Artifacts) -> Result<HashMap<String, u64>, StorageError> {
    let root = artifacts.root();
    let mut folders: Vec<PathBuf> = vec![root.to_path_buf()];
    let mut found = HashMap::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let entry = entry?;
            let (Ok(about), path) = (entry.metadata(), entry.path()) else { continue };
            if about.is_dir() {
                folders.push(path);
            } else if let Ok(key) = path.strip_prefix(root) {
                found.insert(key.to_string_lossy().into_owned(), about.len());
            }
        }
    }
    Ok(found)
}

/// An artifact that a tenant's row names; of a release also its id, by which its other formats are kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Named {
    /// Whose.
    pub tenant_id: Uuid,
    /// Its key.
    pub key: String,
    /// The release that it is the trace of.
    pub release_id: Option<Uuid>,
}

/// The artifacts of all tenants.
pub async fn named(tx: &mut Tx) -> Result<Vec<Named>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Named>(
        sql!(named, "SELECT tenant_id, trace_path AS key, NULL AS release_id FROM datasets WHERE trace_path IS NOT NULL
         UNION ALL SELECT tenant_id, bundle_path, NULL FROM models
         UNION ALL SELECT tenant_id, trace_path, id FROM releases"))
        .fetch_all(c).await)?)
}

/// The letters of each tenant's reports, which stand in the database: nearly their bytes.
pub async fn reports(tx: &mut Tx) -> Result<Vec<(Uuid, i64)>, StorageError> {
    Ok(on!(tx, c => query_as(
        sql!(reports, "SELECT tenant_id, CAST(SUM(LENGTH(report) + COALESCE(LENGTH(private_report), 0)) AS BIGINT) FROM releases GROUP BY tenant_id"))
        .fetch_all(c).await)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_counted_under_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::open(folder.path()).unwrap();
        for (key, bytes) in [("traces/a/b", 7), ("derived/c/d.parquet", 11), ("scratch/e", 13)] {
            let path = folder.path().join(key);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, vec![0; bytes]).unwrap();
        }
        let mut found: Vec<_> = files(&artifacts).unwrap().into_iter().collect();
        found.sort();
        let told: Vec<_> = found.iter().map(|(key, bytes)| (key.as_str(), *bytes)).collect();
        assert_eq!(told, [("derived/c/d.parquet", 11), ("scratch/e", 13), ("traces/a/b", 7)]);
    }
}
