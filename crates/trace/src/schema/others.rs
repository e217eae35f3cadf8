//! Names for values outside a declared list.

/// Names for a category outside the declared list: the first one that is not declared itself is written. It
/// does not depend on raw values.
const OTHERS: [&str; 2] = ["other", "undeclared"];

/// The name for a protocol outside the public list.
pub const OTHER: &str = OTHERS[0];

/// The name for a category outside a declared list.
pub fn undeclared(declared: &[String]) -> String {
    let free = |word: &&&str| !declared.iter().any(|value| value == **word);
    let numbered = || (2..).map(|n| format!("{} {n}", OTHERS[1])).find(|word| !declared.contains(word));
    OTHERS.iter().find(free).map(|word| word.to_string()).or_else(numbered).unwrap_or_default()
}
