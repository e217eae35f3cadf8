//! Numbers and times as people read them.

use maud::{Markup, html};

/// A whole number with a thin mark at every thousand.
pub fn whole(n: impl Into<i128>) -> String {
    let n = n.into();
    let digits = n.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if n < 0 { format!("−{text}") } else { text }
}

/// A number of which three digits count; none beyond what a table can hold.
pub fn about(x: f64) -> String {
    if !x.is_finite() {
        return "–".into();
    }
    let size = x.abs();
    match size {
        0.0 => "0".into(),
        _ if size >= 1e15 => format!("{x:.2e}"),
        _ if size >= 100.0 => whole(x.round() as i64),
        _ if size >= 10.0 => format!("{x:.1}"),
        _ if size >= 0.1 => format!("{x:.2}"),
        _ if size >= 0.001 => format!("{x:.4}"),
        _ => format!("{x:.1e}"),
    }
}

/// A time of the API to the second; a day stays one. No line breaks within it.
pub fn when(time: &str) -> Markup {
    let shown = match time.split_once('T') {
        Some((day, time)) => format!("{day} {}Z", time.split(['.', 'Z']).next().unwrap_or_default()),
        None => time.into(),
    };
    html! { time datetime=(time) { (shown) } }
}

/// Bytes in the unit that fits.
pub fn bytes(n: u64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let power = (n.max(1).ilog2() as usize / 10).min(units.len() - 1);
    match power {
        0 => format!("{n} bytes"),
        _ => format!("{:.1} {}", n as f64 / (1u64 << (10 * power)) as f64, units[power]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let whole_ones = [(0i64, "0"), (999, "999"), (1_000, "1,000"), (-12_345_678, "−12,345,678")];
        for (n, told) in whole_ones {
            assert_eq!(whole(n), told);
        }
        for (x, told) in [
            (0.0, "0"),
            (1_234.6, "1,235"),
            (25.94, "25.9"),
            (0.1649, "0.16"),
            (0.0571, "0.0571"),
            (1e-9, "1.0e-9"),
            (f64::NAN, "–"),
            (3e20, "3.00e20"),
        ] {
            assert_eq!(about(x), told);
        }
        for (n, told) in
            [(0, "0 bytes"), (1_023, "1023 bytes"), (1_536, "1.5 KiB"), (u64::MAX, "16384.0 PiB")]
        {
            assert_eq!(bytes(n), told);
        }
    }
}
