//! What to declare so that a cell can be read.

/// Whether a cell is a common notation for a missing value.
pub(crate) fn is_no_value(cell: &[u8]) -> bool {
    let word = || ["null", "n/a", "na", "nan", "none", "(empty)", "nil", "inf", "infinity"];
    let bare = cell.strip_prefix(b"-").unwrap_or(cell);
    bare.is_empty()
        || cell == b"?"
        || cell == b"*"
        || word().iter().any(|w| bare.eq_ignore_ascii_case(w.as_bytes()))
}

/// Advice on a cell that is not a number in the declared format.
pub(super) fn number_advice(cell: &[u8]) -> Option<&'static str> {
    let digits = cell.iter().filter(|byte| byte.is_ascii_digit()).count();
    let only = |marks: &[u8]| cell.iter().all(|byte| byte.is_ascii_digit() || marks.contains(byte));
    match cell {
        [b'0', b'x' | b'X', ..] => {
            Some("if it is hexadecimal, declare `hexadecimal` of the reading's numbers (--hexadecimal)")
        }
        [b'-', rest @ ..] if rest.first().is_some_and(u8::is_ascii_digit) => {
            Some("if it stands for 0, declare `negative` of the reading's numbers as zero (--negative zero)")
        }
        [.., b'K' | b'k' | b'M' | b'G' | b'T'] if digits > 0 => {
            Some("if it has a factor behind it, declare `scales` of the reading's numbers (--scales)")
        }
        _ if digits > 0 && cell.contains(&b',') && only(b",.") => Some(
            "if the comma stands before a fraction or between thousands, declare `decimal` or `grouping` of the reading's numbers (--decimal comma, --grouping comma)",
        ),
        _ => None,
    }
}

/// Advice on a cell that is not a time in the declared format.
pub(super) fn time_advice(cell: &[u8]) -> Option<&'static str> {
    match cell {
        [b'-', rest @ ..] if rest.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') => {
            Some("times before 1970 cannot be read")
        }
        _ if cell.iter().filter(|byte| b"/:-. ".contains(byte)).count() >= 2 => Some(
            "declare how times are written: `times` of the schema's reading (--time-format '%d/%m/%Y %H:%M:%S')",
        ),
        _ => None,
    }
}
