//! Writes the documents of some made-up releases into a folder, for programs that read such documents: `documents FOLDER`.

#[path = "../tests/sample/mod.rs"]
mod sample;

use netdpsyn_catalogue::{croissant, dcat, frictionless, schema_org};
use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    std::fs::create_dir_all(&folder)?;
    let write = |name: String, document: serde_json::Value| {
        std::fs::write(folder.join(name), serde_json::to_vec_pretty(&document)?)
    };
    let (about, page) = sample::catalogue();
    write("catalogue.jsonld".into(), dcat::catalogue(&about, &page, &sample::all()))?;
    for release in sample::all() {
        let id = &release.id;
        write(format!("{id}.dcat.jsonld"), dcat::release(&release))?;
        write(format!("{id}.croissant.json"), croissant::document(&release))?;
        write(format!("{id}.datapackage.json"), frictionless::package(&release))?;
        write(format!("{id}.schema-org.json"), schema_org::dataset(&release))?;
    }
    Ok(())
}
