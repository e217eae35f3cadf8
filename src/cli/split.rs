//! `netdpsyn split`

use super::Failure;
use super::progress::Bar;
use crate::service::local;
use std::path::PathBuf;

/// Of rows counted from 0 (the header not counted), every one with i % 5 = 4 is held out. For lab use on files: one row more
/// shifts all later ones. `netdpsyn synthesize --hold-out` splits by keyed hash, under the promise of privacy.
#[derive(clap::Args)]
pub struct Args {
    /// The trace to cut
    input: PathBuf,
    /// File for four fifths; by default INPUT with .fit before its ending
    #[arg(long, value_name = "FILE")]
    fit: Option<PathBuf>,
    /// Where the fifth held out goes; by default INPUT with .test before its ending
    #[arg(long, value_name = "FILE")]
    test: Option<PathBuf>,
}

impl Args {
    pub fn run(self) -> Result<(), Failure> {
        let beside = |part: &str| {
            let name = self.input.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let (stem, ending) = name.split_once('.').unwrap_or((&name, "csv"));
            self.input.with_file_name(format!("{stem}.{part}.{ending}"))
        };
        let fit = self.fit.clone().unwrap_or_else(|| beside("fit"));
        let test = self.test.clone().unwrap_or_else(|| beside("test"));
        let (kept, held_out) = local::split(&self.input, &fit, &test, &Bar::new())?;
        println!("Written: {}\n         {}", fit.display(), test.display());
        eprintln!("private: {kept} rows to fit on, {held_out} held out");
        Ok(())
    }
}
