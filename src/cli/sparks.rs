//! The main comparisons as lines of blocks, raw above synthetic: text like any other, so that a pipe and a file have it as well.

use crate::evaluate::private::PrivateReport;
use crate::evaluate::private::one_way::{AmountSpread, OneWay};
use std::fmt::Write;

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Characters of the names before the blocks.
const NAMES: usize = 28;
/// Blocks of a line at most: with the names a hundred characters.
const MOST: usize = 60;
/// Columns that are drawn at most.
const COLUMNS: usize = 4;
/// Powers of ten that a logarithmic line has room for.
const DECADES: f64 = 5.0;

/// Shares from 0 to the largest of both sides; what is there at all is never blank.
fn linear(value: f64, most: f64) -> char {
    let height = if most > 0.0 { (value / most).clamp(0.0, 1.0) } else { 0.0 };
    if value > 0.0 { BLOCKS[((height * 8.0).ceil() as usize).clamp(1, 8) - 1] } else { ' ' }
}

/// Shares from 10⁻⁵ to 1 by their logarithm.
fn logarithmic(value: f64, _: f64) -> char {
    let height = 1.0 + value.max(f64::MIN_POSITIVE).log10() / DECADES;
    if value > 1e-12 { BLOCKS[((height * 8.0).ceil().max(1.0) as usize).clamp(1, 8) - 1] } else { ' ' }
}

/// Two lines, raw and synthetic, of one height.
fn pair(name: &str, real: &[f64], synthetic: &[f64], block: fn(f64, f64) -> char) -> String {
    let most = real.iter().chain(synthetic).copied().fold(0.0, f64::max);
    let name: String = name.chars().take(NAMES).collect();
    let mut text = String::new();
    for (name, side, values) in [(name.as_str(), "raw", real), ("", "synthetic", synthetic)] {
        let blocks: String = values.iter().take(MOST).map(|value| block(*value, most)).collect();
        let _ = writeln!(text, "{}", format!("  {name:<NAMES$}{side:<10}{blocks}").trim_end());
    }
    text
}

fn spread(column: &OneWay, spread: &AmountSpread) -> String {
    let AmountSpread { real, synthetic } = spread;
    let at_least = [real, synthetic].map(|shares| AmountSpread::at_least(shares));
    pair(&column.column, real, synthetic, linear)
        + &pair(
            &format!("{}, share at least so large", column.column),
            &at_least[0],
            &at_least[1],
            logarithmic,
        )
}

/// The main comparisons; nothing where nothing of them was measured.
pub fn sparks(report: &PrivateReport) -> String {
    let mut text = String::new();
    let columns = report.one_way.measured().into_iter().flatten();
    let amounts: Vec<(&OneWay, &AmountSpread)> =
        columns.filter_map(|one| Some((one, one.spread.as_ref()?))).collect();
    text += &amounts.iter().take(COLUMNS).map(|(column, of)| spread(column, of)).collect::<String>();
    if let Some(population) = report.population.measured() {
        let profiles = population.profiles.iter().take(2);
        text +=
            &profiles.map(|one| pair(one.of.words(), &one.real, &one.synthetic, linear)).collect::<String>();
    }
    if let Some(course) =
        report.volumes.measured().and_then(|volumes| volumes.courses.iter().find(|one| !one.real.is_empty()))
    {
        text +=
            &pair(&format!("{} over the window", course.of.words()), &course.real, &course.synthetic, linear);
    }
    match text.is_empty() {
        true => text,
        false => format!(
            "\nAt a glance: bins that double (0, 1, 2 to 3, 4 to 7 …); shares at least so large, from 10⁻⁵ to 1\n{text}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_have_one_height_and_what_is_there_is_seen() {
        let drawn = pair("byt", &[0.0, 0.5, 1.0], &[1e-9, 0.0, 0.25], linear);
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines[0], format!("  {:<NAMES$}{:<10} ▄█", "byt", "raw"));
        assert_eq!(lines[1], format!("  {:<NAMES$}{:<10}▁ ▂", "", "synthetic"));
        let drawn = pair("x", &[1.0, 0.1, 1e-5, 1e-9], &[0.0; 4], logarithmic);
        assert!(drawn.lines().next().unwrap().ends_with("█▇▁▁"), "{drawn}");
        assert!(drawn.chars().all(|c| c == '\n' || !c.is_control()));
        for none in [pair("x", &[], &[], linear), pair("x", &[f64::NAN], &[0.0], linear)] {
            assert_eq!(none.lines().count(), 2);
        }
    }

    #[test]
    fn shares_at_least_so_large_fall_from_one() {
        let found = AmountSpread::at_least(&[0.25, 0.25, 0.5]);
        assert_eq!(found, [1.0, 0.75, 0.5]);
        assert_eq!(AmountSpread::at_least(&[0.7, 0.1, 0.2, 0.0])[3], 0.0, "nothing is left of rounding");
        assert!(AmountSpread::at_least(&[]).is_empty());
    }
}
