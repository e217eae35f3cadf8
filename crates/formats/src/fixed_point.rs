//! Decimal numbers as whole numbers of a unit.

use super::bad_cell::{BadCell, bad};

/// Parses a number of a few digits without rounding, the most common case.
fn plain_number(cell: &[u8], decimals: u32) -> Option<u64> {
    if cell.len() > 18 {
        return None;
    }
    let (mut number, mut point) = (0u64, None);
    for (at, byte) in cell.iter().enumerate() {
        match byte {
            b'0'..=b'9' => number = number * 10 + u64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    let behind = point.map_or(0, |at| cell.len() - 1 - at) as u32;
    let any = cell.len() > usize::from(point.is_some());
    let power = decimals.checked_sub(behind).filter(|_| any)?;
    number.checked_mul(10u64.checked_pow(power)?)
}

/// Parses a decimal number ≥ 0, with or without exponent, in units of 10^−`decimals`, by exact integer
/// arithmetic. Further digits are rounded, except that for `decimals` = 0 the number must be whole.
///
/// # Errors
/// [`BadCell`] when the text is not such a number, or exceeds 64 bits.
pub fn fixed_point(cell: &[u8], decimals: u32) -> Result<u64, BadCell> {
    if let Some(number) = plain_number(cell, decimals) {
        return Ok(number);
    }
    let (negative, digits) = match cell {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    let mut mantissa = 0u128;
    let mut power = decimals as i32;
    let (mut seen, mut point) = (false, false);
    let mut at = 0;
    while at < digits.len() {
        match digits[at] {
            digit @ b'0'..=b'9' => {
                seen = true;
                // More than 30 digits cannot change the result: keep the magnitude, drop the digit.
                if mantissa < 10u128.pow(30) {
                    mantissa = mantissa * 10 + u128::from(digit - b'0');
                    power -= i32::from(point);
                } else {
                    power += i32::from(!point);
                }
            }
            b'.' if !point => point = true,
            b'e' | b'E' if seen => {
                let exponent =
                    std::str::from_utf8(&digits[at + 1..]).ok().and_then(|e| e.parse::<i16>().ok());
                power += i32::from(exponent.ok_or_else(|| bad("not a number", cell))?);
                break;
            }
            _ => return Err(bad("not a number", cell)),
        }
        at += 1;
    }
    if !seen {
        return Err(bad("not a number", cell));
    }
    if negative && mantissa > 0 {
        return Err(bad("negative", cell));
    }
    let too_large = || bad("too large", cell);
    let value = if power >= 0 {
        let factor = 10u128.checked_pow(power as u32);
        match factor.and_then(|f| mantissa.checked_mul(f)) {
            Some(value) => value,
            None if mantissa == 0 => 0,
            None => return Err(too_large()),
        }
    } else {
        let unit = 10u128.checked_pow(power.unsigned_abs()).unwrap_or(u128::MAX);
        if decimals == 0 && !mantissa.is_multiple_of(unit) {
            return Err(bad("not a whole number", cell));
        }
        (mantissa + unit / 2) / unit
    };
    u64::try_from(value).map_err(|_| too_large())
}
