//! The elements of a JSON array one by one, independent of lines: the output of `nfdump -o json` and `jq -s`.
//!
//! The end of an element follows from its brackets alone, so a broken element would swallow the following
//! ones: such a file is refused at any tolerance.

/// The state of the parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Before the opening bracket.
    Outside,
    /// Between elements; after a comma an element must follow.
    Between { comma: bool, first: bool },
    /// Within an element: the depth of brackets, whether in a string, and whether after a backslash.
    Within { depth: usize, string: bool, escaped: bool },
    /// After the array.
    Behind,
}

/// Divides an array into its elements, fed with its bytes in pieces.
#[derive(Clone, Debug)]
pub(super) struct Elements {
    at: At,
}

/// The result of feeding some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fed {
    /// Number of bytes consumed.
    pub taken: usize,
    /// Number of line ends in them.
    pub lines: u64,
    /// Whether an element ends with them.
    pub element: bool,
}

impl Elements {
    pub fn new() -> Elements {
        Elements { at: At::Outside }
    }

    /// Consumes bytes up to the end of an element, which is written to `element`. Elements must be objects.
    pub fn feed(&mut self, bytes: &[u8], element: &mut Vec<u8>) -> Result<Fed, &'static str> {
        let (mut lines, mut begun) = (0, None);
        for (place, &byte) in bytes.iter().enumerate() {
            lines += u64::from(byte == b'\n');
            self.at = match (self.at, byte) {
                (At::Within { depth, string: true, escaped }, byte) => {
                    At::Within { depth, string: escaped || byte != b'"', escaped: !escaped && byte == b'\\' }
                }
                (At::Within { depth, .. }, b'"') => At::Within { depth, string: true, escaped: false },
                (At::Within { depth, .. }, b'{' | b'[') => {
                    At::Within { depth: depth + 1, string: false, escaped: false }
                }
                (At::Within { depth: 1, .. }, b'}' | b']') => {
                    element.extend_from_slice(&bytes[begun.unwrap_or(0)..=place]);
                    self.at = At::Between { comma: false, first: false };
                    return Ok(Fed { taken: place + 1, lines, element: true });
                }
                (At::Within { depth, .. }, b'}' | b']') => {
                    At::Within { depth: depth - 1, string: false, escaped: false }
                }
                (within @ At::Within { .. }, _) => within,
                (at, b' ' | b'\t' | b'\r' | b'\n') => at,
                // A byte-order mark before UTF-8.
                (At::Outside, 0xef | 0xbb | 0xbf) => At::Outside,
                (At::Outside, b'[') => At::Between { comma: true, first: true },
                (At::Between { comma: true, .. }, b'{') => {
                    begun = Some(place);
                    At::Within { depth: 1, string: false, escaped: false }
                }
                (At::Between { comma: false, .. }, b',') => At::Between { comma: true, first: false },
                (At::Between { comma, first }, b']') if first || !comma => At::Behind,
                (At::Outside | At::Between { .. }, _) => return Err("it is no JSON array of objects"),
                (At::Behind, _) => return Err("something stands behind its JSON array"),
            };
        }
        if let At::Within { .. } = self.at {
            element.extend_from_slice(&bytes[begun.unwrap_or(0)..]);
        }
        Ok(Fed { taken: bytes.len(), lines, element: false })
    }

    /// Checks that the input may end here.
    pub fn end(&self) -> Result<(), &'static str> {
        match self.at {
            At::Behind => Ok(()),
            _ => Err("it ends within its JSON array"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All elements, with the text fed in pieces of this length, or the error.
    fn elements(text: &[u8], piece: usize) -> Result<Vec<String>, &'static str> {
        let (mut cutter, mut all, mut element) = (Elements::new(), Vec::new(), Vec::new());
        for mut piece in text.chunks(piece) {
            while !piece.is_empty() {
                let fed = cutter.feed(piece, &mut element)?;
                piece = &piece[fed.taken..];
                if fed.element {
                    all.push(String::from_utf8_lossy(&std::mem::take(&mut element)).into_owned());
                }
            }
        }
        cutter.end().map(|()| all)
    }

    #[test]
    fn elements_end_where_their_brackets_do() {
        let text = "\u{feff}[\n {\"a\": \"}]\\\"\", \"b\": [1, {}]} ,\n{}\n]\n";
        for piece in 1..text.len() {
            let found = elements(text.as_bytes(), piece).unwrap();
            assert_eq!(found, ["{\"a\": \"}]\\\"\", \"b\": [1, {}]}", "{}"], "{piece}");
        }
        assert_eq!(elements(b"[ ]", 2).unwrap(), Vec::<String>::new());
        for broken in ["", "[", "[{}", "[{},]", "[,{}]", "[{} {}]", "[1]", "[{}]{", "{}", "[{\"a\": \"}]"] {
            assert!(elements(broken.as_bytes(), 3).is_err(), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes in prop::collection::vec(prop::sample::select(b"[]{}\",\\ a\n".to_vec()), 0..60), piece in 1usize..8) {
            let one = elements(&bytes, bytes.len().max(1));
            prop_assert_eq!(&elements(&bytes, piece), &one);
            // What a JSON parser accepts as an array of objects is divided in the same way.
            let parsed: Result<Vec<serde_json::Map<String, serde_json::Value>>, _> = serde_json::from_slice(&bytes);
            if let Ok(parsed) = parsed {
                let objects: Vec<serde_json::Map<String, serde_json::Value>> = one.unwrap().iter().map(|text| serde_json::from_str(text).unwrap()).collect();
                prop_assert_eq!(objects, parsed);
            }
        }
    }
}
