//! `netdpsyn sample`

use super::Failure;
use super::progress::Bar;
use crate::service::local;
use crate::simulate::{flows, packets};
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// Kind of trace to simulate
    #[arg(value_enum)]
    kind: Kind,
    /// Number of records
    #[arg(long, default_value_t = 10_000)]
    rows: usize,
    /// The same seed makes the same trace
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Packets with a column of TCP flags
    #[arg(long)]
    tcp_flags: bool,
    /// The trace to write: Parquet if the name ends in .parquet, Arrow in .arrow or .feather, a packet capture in .pcap or .pcapng, else CSV, gzipped in .gz
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Kind {
    /// Labelled flows of a small site
    Flows,
    /// Packet headers of an access link
    Packets,
}

impl Args {
    pub fn run(self) -> Result<(), Failure> {
        let (schema, trace) = match self.kind {
            Kind::Flows if self.tcp_flags => {
                return Err(Failure::Usage("flows have no TCP flags: sample packets".into()));
            }
            Kind::Flows => (flows::schema(), flows::simulate(self.rows, self.seed)),
            Kind::Packets if self.tcp_flags => {
                (packets::with_flags(), packets::simulate_with_flags(self.rows, self.seed))
            }
            Kind::Packets => (packets::schema(), packets::simulate(self.rows, self.seed)),
        };
        local::write_trace(&self.output, &trace, &schema, &Bar::new())?;
        println!("Simulated {} records: {}", trace.rows(), self.output.display());
        println!(
            "Declare them as: --preset {}{} --window {}",
            schema.name,
            declared(&schema),
            shown(&schema)
        );
        Ok(())
    }
}

/// The flag for the categories, where the preset leaves them open.
fn declared(schema: &crate::trace::Schema) -> String {
    let open = crate::trace::presets::preset(&schema.name).is_some_and(|preset| {
        preset.columns.iter().any(|c| c.field == crate::trace::Field::Categorical(None))
    });
    if open { format!(" --categories type={}", flows::CLASSES.join(",")) } else { String::new() }
}

fn shown(schema: &crate::trace::Schema) -> String {
    schema.window.map(|w| w.to_string()).unwrap_or_default()
}
