//! Tables of figures in docs/PERFORMANCE.md, and the machine that they were measured on.

use std::path::Path;

/// The machine in words.
pub fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": an unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores of {}", model.trim_start_matches([' ', '\t', ':']))
}

/// Puts a table between its marks.
pub fn write_down(marks: [&str; 2], table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/PERFORMANCE.md");
    let text = std::fs::read_to_string(&path).expect("docs/PERFORMANCE.md");
    let (before, rest) = text.split_once(marks[0]).expect("a mark where the table begins");
    let (_, after) = rest.split_once(marks[1]).expect("a mark where it ends");
    std::fs::write(&path, format!("{before}{}{table}{}{after}", marks[0], marks[1]))
        .expect("a written table");
}
