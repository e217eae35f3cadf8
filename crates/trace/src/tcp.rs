//! Parses sets of TCP flags as files write them.

use crate::Field;

/// Bits of the flags, by letter and word.
const FLAGS: [(char, &str, u64); 9] = [
    ('F', "FIN", 1),
    ('S', "SYN", 2),
    ('R', "RST", 4),
    ('P', "PSH", 8),
    ('A', "ACK", 16),
    ('U', "URG", 32),
    ('E', "ECE", 64),
    ('C', "CWR", 128),
    ('N', "NS", 256),
];

/// The bits of a set that is written as letters (`SA`, `.A..S.`), as words (`SYN, ACK`), or as a number
/// (`18`, `0x12`); `None` otherwise.
pub fn bits(text: &str) -> Option<u64> {
    let text = text.trim();
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    if let Some(bits) = hexadecimal.map_or_else(|| text.parse().ok(), |hex| u64::from_str_radix(hex, 16).ok())
    {
        return Some(bits);
    }
    let upper = text.to_ascii_uppercase();
    let mut parts = upper.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    parts.try_fold(0, |all, part| Some(all | of_part(part)?))
}

fn of_part(part: &str) -> Option<u64> {
    let word = FLAGS.iter().find(|(_, word, _)| *word == part).map(|(.., bit)| *bit);
    let letter = |letter: char| FLAGS.iter().find(|(own, ..)| *own == letter).map(|(.., bit)| *bit);
    word.or_else(|| part.chars().map(letter).try_fold(0, |all, bit| Some(all | bit?)))
}

/// Whether a value of a column of flags opens a connection: SYN without ACK. False for a value that cannot be
/// parsed.
pub fn opens(field: &Field, value: u64) -> bool {
    let bits = match field {
        Field::Categorical(Some(values)) => values.get(value as usize).and_then(|text| bits(text)),
        _ => Some(value),
    };
    bits.is_some_and(|bits| bits & 2 > 0 && bits & 16 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_read_as_exporters_write_them() {
        for (text, expected) in [
            ("S", Some(2)),
            ("SA", Some(18)),
            ("FPA", Some(25)),
            ("SEC", Some(194)),
            ("....S.", Some(2)),
            (".AP.SF", Some(27)),
            ("···A··S·", Some(18)),
            ("SYN", Some(2)),
            ("SYN-ACK", Some(18)),
            ("syn, ece", Some(66)),
            ("RST", Some(4)),
            ("0x012", Some(18)),
            ("2", Some(2)),
            ("", Some(0)),
            ("other", None),
            ("SYNACK", None),
        ] {
            assert_eq!(bits(text), expected, "{text}");
        }
    }

    #[test]
    fn a_connection_opens_with_a_syn_alone() {
        let named = Field::Categorical(Some(["SA", "S", "SEC", "hello"].map(String::from).into()));
        assert_eq!([0, 1, 2, 3, 4].map(|value| opens(&named, value)), [false, true, true, false, false]);
        let numbers = Field::Integer { min: 0, max: 255, width: 1, exact_below: 0 };
        assert_eq!([2, 18, 66, 0].map(|value| opens(&numbers, value)), [true, false, true, false]);
    }
}
