//! SHA-256 of files.

use sha2::{Digest, Sha256};

/// Length and SHA-256 of a file, in hex. `check` is asked between blocks.
pub fn sha256_of<E: From<std::io::Error>>(
    mut source: impl std::io::Read,
    check: impl Fn() -> Result<(), E>,
) -> Result<(u64, String), E> {
    let (mut digest, mut bytes) = (Sha256::new(), 0);
    let mut block = vec![0; 1 << 16];
    loop {
        check()?;
        match source.read(&mut block)? {
            0 => return Ok((bytes, hex::encode(digest.finalize()))),
            length => {
                digest.update(&block[..length]);
                bytes += length as u64;
            }
        }
    }
}
