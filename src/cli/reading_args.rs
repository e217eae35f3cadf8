//! Flags that say how the text of a trace is laid out and its cells are written.

use crate::trace::Reading;
use crate::trace::capture::{Capture, Directions, Records, Timeout, Tunnels};
use crate::trace::line::Line;
use crate::trace::reading::{
    Decimal, Encoding, Ended, Grouping, Negative, Numbers, Objects, Only, Separator, Times,
};

/// Over them in `--help`.
const CAPTURES: &str = "What is made of a packet capture (`capture` of a schema's `reading`)";
/// The same of text.
const HEADING: &str = "How the text is read (what a schema's `reading` says; a flag overrides it)";

#[derive(Clone, Debug, clap::Args)]
pub struct ReadingArgs {
    /// Separator between two cells; by default the one between the column names in the header
    #[arg(help_heading = HEADING, long, value_name = "WHAT")]
    separator: Option<Separator>,
    /// Names of the columns, in order, of a file without a header line
    #[arg(help_heading = HEADING, long, value_name = "A,B,…", value_delimiter = ',')]
    columns: Vec<String>,
    /// Pattern of a line without a single separator, as "{ts:2} {src}:{sport} -> {dst}": column names, each with its number of words if more than one
    #[arg(help_heading = HEADING, long, value_name = "LINE", value_parser = line)]
    line: Option<Line>,
    /// Beginning of the line that names the columns, as "#fields"
    #[arg(help_heading = HEADING, long, value_name = "TEXT")]
    header_begins: Option<String>,
    /// Every line is a JSON object; how dots in column names are interpreted
    #[arg(help_heading = HEADING, long, value_name = "DOTS")]
    objects: Option<Objects>,
    /// Skip records with any other value in a column, as event_type=flow; repeatable
    #[arg(help_heading = HEADING, long = "where", value_name = "COLUMN=A,B,…", value_parser = only)]
    kept_where: Vec<Only>,
    /// Lines before the header, or before the first record where there is none
    #[arg(help_heading = HEADING, long, value_name = "LINES", default_value_t = 0)]
    skip_lines: u64,
    /// Skip lines that begin with this
    #[arg(help_heading = HEADING, long, value_name = "TEXT")]
    comment: Option<String>,
    /// Skip the line that begins with this, and everything after it
    #[arg(help_heading = HEADING, long, value_name = "TEXT")]
    end: Option<String>,
    /// Treat quotes as ordinary characters
    #[arg(help_heading = HEADING, long)]
    no_quotes: bool,
    /// Character encoding
    #[arg(help_heading = HEADING, long, value_name = "NAME")]
    encoding: Option<Encoding>,
    /// Decimal mark of numbers
    #[arg(help_heading = HEADING, long, value_name = "MARK")]
    decimal: Option<Decimal>,
    /// Separator of thousands
    #[arg(help_heading = HEADING, long, value_name = "MARK")]
    grouping: Option<Grouping>,
    /// A number may be followed by a factor: 1.2 M for 1200000
    #[arg(help_heading = HEADING, long)]
    scales: bool,
    /// A number that begins with 0x is hexadecimal
    #[arg(help_heading = HEADING, long)]
    hexadecimal: bool,
    /// A length of time may be written as hours, minutes and seconds: 00:01:02.5
    #[arg(help_heading = HEADING, long)]
    clock: bool,
    /// Meaning of a number below 0
    #[arg(help_heading = HEADING, long, value_name = "WHAT")]
    negative: Option<Negative>,
    /// How times are written, as strptime has it: "%d/%m/%Y %H:%M". Synthetic times are written so, too
    #[arg(help_heading = HEADING, long, value_name = "FORMAT")]
    time_format: Option<String>,
    /// Zone of times that say none, as +01:00 or Europe/Berlin; by default UTC
    #[arg(help_heading = HEADING, long, value_name = "ZONE", requires = "time_format")]
    time_zone: Option<String>,
    /// The column of times at which records end, where one of durations says the same, in seconds or as in end:ms: it is written as start and duration have it. Where none does: --role COLUMN=end
    #[arg(help_heading = HEADING, long, value_name = "COLUMN[:UNIT]")]
    ends: Option<Ended>,
    /// What a record of a packet capture is; by default a packet, and a flow under a layout or schema of flows
    #[arg(help_heading = CAPTURES, long, value_name = "WHAT")]
    records: Option<Records>,
    /// A flow made from packets ends when it is older, as 300s (the default) or 30m
    #[arg(help_heading = CAPTURES, long, value_name = "TIME")]
    active: Option<Timeout>,
    /// A flow made from packets ends when it had no packet for longer, as 60s (the default)
    #[arg(help_heading = CAPTURES, long, value_name = "TIME")]
    idle: Option<Timeout>,
    /// Whether packets of one direction or of both are a flow: 1 (the default) or 2
    #[arg(help_heading = CAPTURES, long, value_name = "1|2")]
    directions: Option<Directions>,
    /// Which headers of a packet within a packet are read: those outside (the default) or the innermost
    #[arg(help_heading = CAPTURES, long, value_name = "WHICH")]
    tunnels: Option<Tunnels>,
    /// Ports of UDP that flow exports go to, with --records exports; by default 2055, 4739, 6343, 9995 and 9996
    #[arg(help_heading = CAPTURES, long, value_name = "PORT,…", value_delimiter = ',')]
    export_ports: Vec<u16>,
}

fn line(text: &str) -> Result<Line, String> {
    Line::try_from(text.to_string())
}

fn only(text: &str) -> Result<Only, String> {
    let (column, values) = text.split_once('=').ok_or("write COLUMN=A,B,…")?;
    Ok(Only { column: column.into(), values: values.split(',').map(String::from).collect() })
}

impl ReadingArgs {
    /// What they declare.
    pub fn reading(self) -> Reading {
        let zone = self.time_zone;
        let (records, active, idle) = (self.records, self.active, self.idle);
        let (directions, tunnels, ports) = (self.directions, self.tunnels, self.export_ports);
        let capture = Capture { records, active, idle, directions, tunnels, ports };
        Reading {
            separator: self.separator,
            columns: self.columns,
            line: self.line,
            header: self.header_begins,
            objects: self.objects,
            only: self.kept_where,
            skip: self.skip_lines,
            comment: self.comment,
            end: self.end,
            quotes: self.no_quotes.then_some(false),
            encoding: self.encoding.unwrap_or_default(),
            numbers: Numbers {
                decimal: self.decimal.unwrap_or_default(),
                grouping: self.grouping,
                scales: self.scales,
                hexadecimal: self.hexadecimal,
                clock: self.clock,
                negative: self.negative.unwrap_or_default(),
            },
            times: self.time_format.map(|format| Times { format, zone }),
            ends: self.ends,
            capture: (!capture.is_plain()).then_some(capture),
        }
    }
}
