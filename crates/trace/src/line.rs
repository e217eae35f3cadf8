//! Lines of text for people, whose cells have no single separator: `{ts:2} {src}:{sport} -> {dst}:{dport}`.

use serde::{Deserialize, Serialize};

/// The pattern of a line: cells by name, and the text between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Line(Vec<Piece>);

/// A piece of the pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A cell of this many words, with its name.
    Cell(String, usize),
    /// Literal text.
    Text(String),
    /// Any amount of white space.
    Space,
}

impl TryFrom<String> for Line {
    type Error = String;

    fn try_from(text: String) -> Result<Line, String> {
        let (mut pieces, mut rest) = (Vec::new(), text.trim());
        while let Some(first) = rest.chars().next() {
            if let Some(inside) = rest.strip_prefix('{') {
                let (name, behind) = inside.split_once('}').ok_or("a brace is not closed")?;
                let (name, words) = match name.rsplit_once(':').map(|(name, words)| (name, words.parse())) {
                    Some((name, Ok(words))) => (name, words),
                    _ => (name, 1),
                };
                if name.is_empty() || !(1..=9).contains(&words) {
                    return Err("a cell has a name and one to nine words".into());
                }
                if matches!(pieces.last(), Some(Piece::Cell(..))) {
                    return Err("something must stand between two cells".into());
                }
                pieces.push(Piece::Cell(name.into(), words));
                rest = behind;
            } else if first.is_whitespace() {
                pieces.push(Piece::Space);
                rest = rest.trim_start();
            } else {
                let end = rest.find(|c: char| c == '{' || c.is_whitespace()).unwrap_or(rest.len());
                pieces.push(Piece::Text(rest[..end].into()));
                rest = &rest[end..];
            }
        }
        match pieces.iter().any(|piece| matches!(piece, Piece::Cell(..))) {
            true => Ok(Line(pieces)),
            false => Err("a line has a cell at least, as {src}".into()),
        }
    }
}

impl From<Line> for String {
    fn from(line: Line) -> String {
        let shown = |piece: Piece| match piece {
            Piece::Cell(name, 1) => format!("{{{name}}}"),
            Piece::Cell(name, words) => format!("{{{name}:{words}}}"),
            Piece::Text(text) => text,
            Piece::Space => " ".into(),
        };
        line.0.into_iter().map(shown).collect()
    }
}

impl Line {
    /// The pieces, in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// Names of the cells, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Cell(name, _) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Passes the cells of a line to `cell`; false where the line does not match. With `factors`, a single
    /// letter after a number, as in `1.2 M`, is part of the cell.
    pub fn split<'l>(&self, line: &'l [u8], factors: bool, mut cell: impl FnMut(&'l [u8])) -> bool {
        let mut rest = line.trim_ascii();
        for (at, piece) in self.0.iter().enumerate() {
            match piece {
                Piece::Space => {
                    let behind = rest.trim_ascii_start();
                    if behind.len() == rest.len() {
                        return false;
                    }
                    rest = behind;
                }
                Piece::Text(text) => match rest.strip_prefix(text.as_bytes()) {
                    Some(behind) => rest = behind,
                    None => return false,
                },
                Piece::Cell(_, words) => {
                    let mut end = words_of(rest, *words);
                    if let Some(Piece::Text(text)) = self.0.get(at + 1) {
                        // The last occurrence, since an address may contain the text that precedes its port.
                        let found = rest[..end].windows(text.len()).rposition(|part| part == text.as_bytes());
                        match found {
                            Some(found) => end = found,
                            None => return false,
                        }
                    } else if factors {
                        end = with_factor(rest, end);
                    }
                    if end == 0 {
                        return false;
                    }
                    cell(&rest[..end]);
                    rest = &rest[end..];
                }
            }
        }
        rest.is_empty()
    }
}

/// The end of this many words.
fn words_of(text: &[u8], words: usize) -> usize {
    let mut end = 0;
    for word in 0..words {
        if word > 0 {
            end += text[end..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        }
        end += text[end..].iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
    }
    end
}

/// The end of a number that may have a factor after it.
fn with_factor(text: &[u8], end: usize) -> usize {
    let space = text[end..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    match text[end + space..] {
        [b'K' | b'k' | b'M' | b'G' | b'T', ref behind @ ..]
            if text.first().is_some_and(u8::is_ascii_digit)
                && behind.first().is_none_or(u8::is_ascii_whitespace) =>
        {
            end + space + 1
        }
        _ => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cells(line: &str, text: &str) -> Option<Vec<String>> {
        let line = Line::try_from(line.to_string()).unwrap();
        let mut cells = Vec::new();
        let whole = line.split(text.as_bytes(), true, |cell| {
            cells.push(String::from_utf8_lossy(cell).into_owned());
        });
        whole.then_some(cells)
    }

    #[test]
    fn cells_stand_between_what_is_said() {
        let line = "{ts:2} {pr} {sa}:{sp} -> {da}:{dp} {byt} {fl}";
        let text = "2018-01-12 15:37:30.942  TCP    10.0.0.1:5 ->  10.0.0.2:902    1.2 M   1 ";
        let found = cells(line, text).unwrap();
        assert_eq!(
            found,
            ["2018-01-12 15:37:30.942", "TCP", "10.0.0.1", "5", "10.0.0.2", "902", "1.2 M", "1"]
        );
        for wrong in [
            "",
            "Summary: total flows: 200",
            &text.replace("->", "<-"),
            &text.replace(":5", ""),
            &format!("{text} 2"),
            &text.replace("1.2 M", ""),
        ] {
            assert_eq!(cells(line, wrong), None, "{wrong}");
        }
        assert_eq!(cells("{a}:{b}", "fe80::1:80").unwrap(), ["fe80::1", "80"]);
    }

    #[test]
    fn a_line_says_itself() {
        for text in ["{ts:2} {sa}:{sp} -> {da}", "{a}", "x{a}y {b}"] {
            assert_eq!(String::from(Line::try_from(text.to_string()).unwrap()), text);
        }
        for wrong in ["", "a b", "{a", "{a}{b}", "{}", "{a:0}", "{a:10}"] {
            assert!(Line::try_from(wrong.to_string()).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_splitting_panic(line in "[ab{}: >-]{0,20}", text in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(line) = Line::try_from(line) {
                line.split(&text, true, |_| ());
            }
        }
    }
}
