//! The privacy statement of a release: the protected unit, the guarantee, and what each query cost.

use super::Protects;
use crate::{Charge, Guarantee, MaxRecords, Rho, Stage};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The guarantee of a release and its charges. It holds nothing that is derived from raw data without
/// payment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The privacy unit: neighbouring traces differ by one of these.
    pub unit: Unit,
    /// (ε, δ) of this run.
    pub guarantee: Guarantee,
    /// The same guarantee as ρ of zCDP: the allowance of the run.
    pub rho: Rho,
    /// Every query, with its cost.
    pub charges: Vec<Charge>,
    /// Version of the program that took the measurements.
    pub version: String,
    /// Whether a fifth of the records was held out before measuring.
    pub held_out: bool,
    /// What is protected, and the ε of groups of records. Statements of version 0.1 lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protects: Option<Protects>,
    /// Expected errors of the answers. They follow from plan, schema and N̂ alone; bundles of version 0.1
    /// have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
}

/// Expected errors: standard deviations of the noise, relative to the counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Of N̂, the number of records.
    pub records_error: f64,
    /// Of the median one-way cell: a cell of the median column if its records were spread evenly.
    pub cell_error: f64,
}

/// The privacy unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// One record: a flow or a packet.
    Record,
}

impl Unit {
    /// k: the largest number of records of one unit.
    pub fn max_records(self) -> MaxRecords {
        match self {
            Unit::Record => MaxRecords::ONE,
        }
    }
}

impl Statement {
    /// ρ spent, by stage, in the order of the stages.
    pub fn by_stage(&self) -> Vec<(Stage, Rho)> {
        let mut stages: Vec<(Stage, Rho)> = Vec::new();
        for charge in &self.charges {
            match stages.iter_mut().find(|(stage, _)| *stage == charge.stage) {
                Some((_, rho)) => *rho = [*rho, charge.rho].into_iter().sum(),
                None => stages.push((charge.stage, charge.rho)),
            }
        }
        stages
    }

    /// The protected unit, in words.
    pub fn one(&self) -> &str {
        self.protects.as_ref().map_or("record (a flow or a packet)", |protects| &protects.one)
    }

    /// Total ρ spent.
    pub fn spent(&self) -> Rho {
        self.charges.iter().map(|charge| charge.rho).sum()
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (epsilon, delta) = (self.guarantee.epsilon(), self.guarantee.delta());
        let (rho, one) = (self.rho, self.one());
        let not_covered = match &self.protects {
            None => "a host, user or site with many records: each record is protected, not their sum".into(),
            Some(protects) => protects.not_covered(epsilon, "\n              "),
        };
        let made = self.protects.as_ref().and_then(|protects| protects.made.as_ref());
        let made = made.map_or(String::new(), |made| format!("  unit        {}\n", folded(made)));
        writeln!(
            f,
            "\
Statement of privacy
  promise     ({epsilon}, {delta:e})-differential privacy for one {one}
              of the trace it was made from, added or removed
{made}  not covered {not_covered}
  valid for   this run alone: every further run on the same people adds its own ρ to this one
  public      schema, categories and capture window, as declared by the trace's steward;
              whether addresses are dotted and how times count, as all records have it; that
              it could be read at all. What was declared after looking lies outside the promise
  allowance   ρ = {rho} of zero-concentrated differential privacy"
        )?;
        for (stage, rho) in self.by_stage() {
            let queries = self.charges.iter().filter(|c| c.stage == stage).count();
            writeln!(f, "    {stage:<9} ρ = {rho}  in {queries} noisy answers")?;
        }
        write!(f, "    spent     ρ = {}", self.spent())?;
        if self.held_out {
            write!(f, "\n  held out    a fifth of the records, by keyed hash, before anything was measured")?;
        }
        if let Some(Expected { records_error, cell_error }) = self.expected {
            write!(
                f,
                "\n  to expect   noise of {} % of the number of records, and of {} % of a cell of the column
              in the middle, by the noisy number of records",
                percent(records_error),
                percent(cell_error)
            )?;
        }
        Ok(())
    }
}

/// Folds words into lines as wide as those of the statement.
fn folded(words: &str) -> String {
    let (mut text, mut width) = (String::new(), 0);
    for word in words.split(' ') {
        if width + word.len() > 84 {
            text += "\n              ";
            width = 0;
        } else if width > 0 {
            text.push(' ');
        }
        text += word;
        width += word.len() + 1;
    }
    text
}

/// A share in percent, with three digits.
pub fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    let digits = if percent >= 99.95 {
        0
    } else if percent >= 9.995 {
        1
    } else {
        2
    };
    format!("{percent:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_without_expectation_is_read_and_one_with_it_is_shown() {
        let old = r#"{"unit": "record", "guarantee": {"epsilon": 2.0, "delta": 1e-9}, "rho": 55817154867, "charges": [],
            "version": "0.1.0", "held_out": false}"#;
        let mut statement: Statement = serde_json::from_str(old).unwrap();
        assert_eq!(statement.expected, None);
        assert!(!statement.to_string().contains("to expect"));
        statement.expected = Some(Expected { records_error: 0.0019, cell_error: 1.18 });
        let text = serde_json::to_string(&statement).unwrap();
        assert_eq!(serde_json::from_str::<Statement>(&text).unwrap(), statement);
        let shown = statement.to_string();
        assert!(shown.contains("0.19 % of the number of records, and of 118 %"), "{shown}");
    }
}
