//! What cargo cannot see for itself: the identity of the program as far as a fit goes.

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// The crates that a fit is computed by, besides those that the lock file pins. Their tests compute nothing.
const COMPUTES: [&str; 6] = ["account", "fit", "formats", "model", "privacy", "trace"];

fn main() {
    // The root of the workspace.
    std::env::set_current_dir("../..").expect("a crate of the workspace");
    // Two programs that might measure differently must not draw under one noise key. A container knows no commit, so the sources themselves are hashed.
    let mut computes: Vec<String> =
        ["Cargo.lock", "Cargo.toml", "crates/fit/build.rs"].map(String::from).into();
    for name in COMPUTES {
        computes.extend(["Cargo.toml", "src"].map(|part| format!("crates/{name}/{part}")));
    }
    let mut files = Vec::new();
    for path in &computes {
        collect(Path::new(path), &mut files);
    }
    files.sort();
    let mut digest = Sha256::new();
    for file in files {
        let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for part in [file.to_string_lossy().as_bytes(), &bytes] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
    }
    for path in &computes {
        println!("cargo:rerun-if-changed=../../{path}");
    }
    let identity: String = digest.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    println!("cargo:rustc-env=NETDPSYN_BUILD={identity}");
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if !path.is_dir() {
        // What an editor leaves beside a source computes nothing.
        if path.extension().is_some_and(|end| ["rs", "toml", "lock"].iter().any(|known| end == *known)) {
            files.push(path.into());
        }
        return;
    }
    for entry in std::fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())) {
        collect(&entry.unwrap_or_else(|error| panic!("{}: {error}", path.display())).path(), files);
    }
}
