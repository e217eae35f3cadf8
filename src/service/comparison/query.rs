//! The requested fits and quotes: members of a query, some of them repeated.

use crate::service::problem::Problem;
use uuid::Uuid;

/// Fits and quotes that stand side by side at most.
pub const MOST: usize = 5;
/// Fits and ε to compare.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ComparisonQuery {
    /// Models of the dataset.
    pub models: Vec<Uuid>,
    /// ε of fits that do not exist; each is quoted.
    pub epsilons: Vec<f64>,
    /// Whether the quoted fits would hold out a fifth.
    pub hold_out: bool,
}

impl ComparisonQuery {
    /// Reads the pairs of a query.
    pub fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, Problem> {
        let mut query = ComparisonQuery::default();
        for (name, value) in pairs {
            match &*name {
                "model" => {
                    let id = value.parse().map_err(|_| Problem::invalid("model", "this is no id"))?;
                    if !query.models.contains(&id) {
                        query.models.push(id);
                    }
                }
                "epsilon" => {
                    let number = value.trim().parse().ok().filter(|number: &f64| number.is_finite());
                    let number =
                        number.ok_or_else(|| Problem::invalid("epsilon", "this is a number, as 0.5 or 2"))?;
                    if !query.epsilons.contains(&number) {
                        query.epsilons.push(number);
                    }
                }
                "hold_out" => {
                    query.hold_out = match &*value {
                        "true" => true,
                        "false" => false,
                        _ => return Err(Problem::invalid("hold_out", "this is true or false")),
                    }
                }
                other => {
                    return Err(Problem::invalid(
                        other,
                        "unknown member; the members are model, epsilon, hold_out",
                    ));
                }
            }
        }
        match query.models.len() + query.epsilons.len() {
            0..=MOST => Ok(query),
            _ => Err(Problem::invalid("model", format!("at most {MOST} fits and quotes can be compared"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_each_once_and_five_at_most() {
        let read = |pairs: &[(&str, &str)]| {
            ComparisonQuery::of(pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())))
        };
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let text = [a, b].map(|id| id.to_string());
        let query = read(&[
            ("model", &text[0]),
            ("epsilon", "2"),
            ("model", &text[1]),
            ("model", &text[0]),
            ("epsilon", "2.0"),
            ("hold_out", "true"),
        ]);
        assert_eq!(
            query.unwrap(),
            ComparisonQuery { models: vec![a, b], epsilons: vec![2.0], hold_out: true }
        );
        assert_eq!(read(&[]).unwrap(), ComparisonQuery::default());
        let many: Vec<(String, String)> = (1..=6).map(|n| ("epsilon".into(), n.to_string())).collect();
        assert!(ComparisonQuery::of(many[..5].to_vec()).is_ok());
        assert_eq!(ComparisonQuery::of(many).unwrap_err().status, 422);
        for (name, value) in
            [("model", "x"), ("epsilon", "NaN"), ("epsilon", ""), ("hold_out", "yes"), ("delta", "1")]
        {
            assert_eq!(read(&[(name, value)]).unwrap_err().field.as_deref(), Some(name));
        }
    }
}
