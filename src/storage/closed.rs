//! Files of the service are closed to other users of the machine: 0600, in folders of 0700.

use super::StorageError;
use rustix::fs::{Mode, OFlags};
use std::fs::{self, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// From here on this process makes files that are its user's alone.
pub fn from_now_on() {
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
}

/// A folder that is made where it is missing, and closed.
pub fn folder(path: &Path) -> Result<(), StorageError> {
    fs::create_dir_all(path)?;
    close(path, 0o700)?;
    Ok(())
}

/// Writes a file of a folder under a name of its own, closed from the start, and lets `place` link or rename it: what is in its place is there whole or not at all. File
/// and folder are durable before this returns, and the name of its own is gone.
pub fn whole(
    folder: &Path,
    name: &str,
    bytes: &[u8],
    place: impl FnOnce(&Path) -> std::io::Result<()>,
) -> Result<(), StorageError> {
    let whole = folder.join(name);
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    let file = rustix::fs::open(&whole, flags, Mode::RUSR | Mode::WUSR).map_err(std::io::Error::from)?;
    let mut file = fs::File::from(file);
    let placed = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| place(&whole));
    let _ = fs::remove_file(&whole);
    placed?;
    Ok(fs::File::open(folder)?.sync_all()?)
}

/// Links a file to another name, unless that is there already: the first one stays.
pub fn link_first(whole: &Path, to: &Path) -> std::io::Result<()> {
    match fs::hard_link(whole, to) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Closes a folder and everything in it; how much of it was open.
pub fn tree(path: &Path) -> Result<usize, StorageError> {
    let mut opened = usize::from(close(path, 0o700)?);
    let entries = match fs::read_dir(path) {
        // Removed meanwhile by another server, or another user's own (as lost+found at the root of a volume): nothing of ours is in it.
        Err(error) if [ErrorKind::NotFound, ErrorKind::PermissionDenied].contains(&error.kind()) => {
            return Ok(opened);
        }
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        // What another server removes meanwhile is closed enough, and a link is not followed.
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            opened += tree(&entry.path())?;
        } else if kind.is_file() {
            opened += usize::from(close(&entry.path(), 0o600)?);
        }
    }
    Ok(opened)
}

/// Closes the files of an embedded database: itself, its write-ahead log and that log's index; how many were open.
pub fn database(file: &Path) -> Result<usize, StorageError> {
    let mut opened = 0;
    for end in ["", "-wal", "-shm", "-journal"] {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        opened += usize::from(close(Path::new(&name), 0o600)?);
    }
    Ok(opened)
}

/// Closes a file, if it is there; whether it was open.
pub fn file(path: &Path) -> Result<bool, StorageError> {
    close(path, 0o600)
}

/// Takes away what a mode does not allow; whether there was anything to take.
fn close(path: &Path, mode: u32) -> Result<bool, StorageError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
        Ok(about) if about.permissions().mode() & 0o777 & !mode == 0 => Ok(false),
        Ok(about) => {
            let allowed = about.permissions().mode() & mode;
            match fs::set_permissions(path, Permissions::from_mode(allowed)) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
                // Of another user, as the root of a volume may be: what we make in it is closed all the same.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    tracing::warn!(path = %path.display(), "is open to other users and belongs to another one: close it");
                    Ok(false)
                }
                other => Ok(other.map(|()| true)?),
            }
        }
    }
}
