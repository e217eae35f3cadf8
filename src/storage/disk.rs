//! Room on a disk.

use super::StorageError;
use std::io::ErrorKind;
use std::path::Path;

/// Whether writing failed for want of room, a quota or a limit of files.
pub fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

/// Bytes that are free for this process on the disk that holds `folder`.
pub fn free(folder: &Path) -> Result<u64, StorageError> {
    let about = rustix::fs::statvfs(folder).map_err(std::io::Error::from)?;
    Ok(about.f_bavail.saturating_mul(about.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn free_space_shrinks_by_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = tempfile::tempfile_in(folder.path()).unwrap();
        // Others write to this disk, too: some of many tries see nothing but this file.
        let seen = (0..20).any(|_| {
            let before = free(folder.path()).unwrap();
            file.write_all(&vec![7; 16 << 20]).unwrap();
            file.sync_all().unwrap();
            let taken = before.saturating_sub(free(folder.path()).unwrap());
            (15 << 20..18 << 20).contains(&taken)
        });
        assert!(seen);
        assert!(free(&folder.path().join("not there")).is_err());
    }
}
