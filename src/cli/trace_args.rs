//! Arguments that name a raw trace and declare what is publicly known of it.

use super::Failure;
use super::reading_args::ReadingArgs;
use crate::formats::ReadError;
use crate::service::local::{LocalError, Source};
use crate::trace::{Families, Grain, Role, Window, layouts};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempPath;

#[derive(clap::Args)]
pub struct TraceArgs {
    /// The raw trace: CSV with a header, a JSON object a line, Parquet, Arrow, a packet capture, or NetFlow and IPFIX datagrams,
    /// recognised by its first bytes; text may be packed by gzip, zstd, xz, bzip2 or zip. - reads standard input
    pub input: PathBuf,
    /// Layout of the file: names and meanings of its columns, and how its text is read
    #[arg(long, visible_alias = "layout", value_name = "NAME", conflicts_with = "schema", help = preset_help())]
    pub preset: Option<String>,
    /// A custom schema in JSON, such as `netdpsyn inspect --schema-out` writes
    #[arg(long, value_name = "FILE")]
    pub schema: Option<PathBuf>,
    /// Capture window: two times in RFC 3339 or since 1970, as 2026-01-05T08:00:00Z/2026-01-05T09:00:00Z.
    /// It is public, and never taken from the records
    #[arg(long, value_name = "START/END")]
    pub window: Option<Window>,
    /// Values of a categorical column, as type=benign,attack; repeatable. They are public, and never taken from the records
    #[arg(long, value_name = "COLUMN=A,B,…", value_parser = categories)]
    pub categories: Vec<(String, Vec<String>)>,
    /// Cells of a column that are not values of its type, as srcport=-,N/A, or srcport= for the empty cell. Each is a separate value, and written
    /// unchanged. Repeatable; * instead of a column means every column that can have them
    #[arg(long, value_name = "COLUMN=CELL,…", value_parser = special)]
    pub special: Vec<(String, Vec<String>)>,
    /// The column that is the key: what users of the trace predict, as Attack. A column that the layout leaves out needs --categories as well
    #[arg(long, value_name = "COLUMN")]
    pub key: Option<String>,
    /// Meaning of a column, as "Src IP=source-address"; repeatable. Overrides the layout
    #[arg(long, value_name = "COLUMN=ROLE", value_parser = role)]
    pub role: Vec<(String, Role)>,
    /// Families of addresses in every address column; overrides layout and schema
    #[arg(long, value_name = "FAMILIES")]
    pub addresses: Option<Families>,
    /// Networks of an address column, listed in a file, one a line as 192.0.2.0/24; repeatable. They are public, and
    /// replace the paid search for prefixes
    #[arg(long, value_name = "COLUMN=FILE", value_parser = networks)]
    pub networks: Vec<(String, PathBuf)>,
    /// Resolution of times, as 1s or 10ms: synthetic times are multiples of it, as are the ends of the window. It is public, and never taken from the
    /// records
    #[arg(long, value_name = "STEP")]
    pub grain: Option<Grain>,
    /// The largest packet of a flow in bytes, 68 to 65535: the bytes of a synthetic record fit packets of this size. It is public, and never taken from
    /// the records
    #[arg(long, value_name = "BYTES")]
    pub mtu: Option<u16>,
    /// Share of records that may be skipped because they cannot be read (0 to 1)
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub tolerance: f64,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

fn preset_help() -> String {
    let names: Vec<&str> = layouts::names().collect();
    format!("Layout of the file, by name: {}. By default the header decides", names.join(", "))
}

fn categories(text: &str) -> Result<(String, Vec<String>), String> {
    let (column, values) = text.split_once('=').ok_or("write COLUMN=A,B,…")?;
    let values: Vec<String> = values.split(',').map(|v| v.trim().to_string()).collect();
    if values.iter().any(String::is_empty) {
        return Err("a category is empty".into());
    }
    Ok((column.trim().to_string(), values))
}

fn special(text: &str) -> Result<(String, Vec<String>), String> {
    let (column, cells) = text.split_once('=').ok_or("write COLUMN=CELL,…")?;
    Ok((column.trim().to_string(), cells.split(',').map(|cell| cell.trim().to_string()).collect()))
}

fn role(text: &str) -> Result<(String, Role), String> {
    let (column, role) = text.rsplit_once('=').ok_or("write COLUMN=ROLE")?;
    Ok((column.into(), <Role as clap::ValueEnum>::from_str(role, false)?))
}

fn networks(text: &str) -> Result<(String, PathBuf), String> {
    let (column, file) = text.split_once('=').ok_or("write COLUMN=FILE")?;
    Ok((column.trim().to_string(), file.into()))
}

impl TraceArgs {
    /// The trace as the use cases take it.
    pub fn source(self) -> Result<Source, Failure> {
        if !(0.0..=1.0).contains(&self.tolerance) {
            return Err(Failure::Usage(format!(
                "--tolerance is a share from 0 to 1, not {}",
                self.tolerance
            )));
        }
        let spooled = (self.input == Path::new("-")).then(spool).transpose()?;
        Ok(Source {
            path: spooled.as_ref().map_or(self.input, |file| file.to_path_buf()),
            preset: self.preset,
            schema: self.schema,
            window: self.window,
            categories: self.categories,
            special: self.special,
            addresses: self.addresses,
            networks: self.networks,
            roles: self.role.into_iter().chain(self.key.map(|key| (key, Role::Key))).collect(),
            grain: self.grain,
            mtu: self.mtu,
            tolerance: self.tolerance,
            spooled: spooled.map(Arc::new),
            reading: self.reading.reading(),
        })
    }
}

/// Standard input as a file, readable by its owner alone: a trace is read more than once, and Parquet from its end.
fn spool() -> Result<TempPath, Failure> {
    let spooled = tempfile::NamedTempFile::new().and_then(|mut file| {
        std::io::copy(&mut std::io::stdin().lock(), &mut file)?;
        Ok(file.into_temp_path())
    });
    spooled.map_err(|source| LocalError::Read { path: "-".into(), source: ReadError::Io(source) }.into())
}
