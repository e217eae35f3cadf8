//! A value of every pair of columns.

use super::{WIDTH, at, figure, text};
use maud::{Markup, html};

/// Room of names beside the cells.
const NAMES: f64 = 80.0;

/// A value from 0 to 1 of every pair of some columns, each a cell that is the darker the larger the value, with its hundredths in it.
pub fn grid(title: &str, unit: &str, columns: &[&str], pairs: &[([&str; 2], f64)]) -> Markup {
    let side = (WIDTH - NAMES) / columns.len().max(1) as f64;
    let place = |name: &str| columns.iter().position(|own| *own == name);
    let cells: Vec<(usize, usize, f64)> = pairs
        .iter()
        .filter_map(|&([a, b], value)| {
            let (a, b) = (place(a)?, place(b)?);
            Some((a.max(b), a.min(b), value))
        })
        .collect();
    let drawn = html! {
        @for (row, name) in columns.iter().enumerate() {
            (text(NAMES - 6.0, (row as f64 + 0.5) * side + 4.0, "end", name))
        }
        @for &(row, column, value) in &cells {
            @let (x, y) = (NAMES + column as f64 * side, row as f64 * side);
            // No darker than what its figure can be read on.
            rect.made x=(at(x)) y=(at(y)) width=(at(side - 1.0)) height=(at(side - 1.0)) fill-opacity=(format!("{:.2}", 0.45 * value.clamp(0.0, 1.0).sqrt())) {}
            (text(x + 0.5 * side, y + 0.5 * side + 4.0, "middle", &format!("{:.0}", 100.0 * value)))
        }
        @for (column, name) in columns.iter().enumerate() {
            // Names of columns below, in turn, where they have room.
            (text(NAMES + (column as f64 + 0.5) * side, columns.len() as f64 * side + 14.0 + 13.0 * (column % 2) as f64, "middle", name))
        }
    };
    let rows = pairs.iter().map(|([a, b], value)| {
        html! { th scope="row" { (a) " × " (b) } td.n { (format!("{value:.3}")) } }
    });
    let shown = format!(
        "{} cells, one of every pair of {} columns, with the value in hundredths.",
        cells.len(),
        columns.len()
    );
    figure(
        title,
        unit,
        &shown,
        (WIDTH, columns.len() as f64 * side + 34.0),
        drawn,
        &["pair", ">distance"],
        rows,
    )
}
