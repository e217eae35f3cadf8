//! The names of the measures.

use serde::{Deserialize, Serialize};

/// One measure of the private report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// One-way distances of single columns.
    OneWay,
    /// Distances of pairs of columns.
    TwoWay,
    /// Distances of triples of columns.
    ThreeWay,
    /// Totals of sizes and durations.
    Totals,
    /// Volumes over time, and quantiles of sizes.
    Volumes,
    /// Hosts, pairs and services.
    Population,
    /// Sequences of records of one five-tuple.
    Sessions,
    /// The largest talkers, destinations and services.
    Top,
    /// Classifiers trained on synthetic records.
    Classification,
    /// Heavy hitters in sketches.
    Sketches,
    /// Anomalous flows.
    Anomaly,
    /// Protocol facts and declared domains.
    Validity,
    /// Attacks on single records.
    Attacks,
}

impl Measure {
    /// All measures, in the order in which they are taken.
    pub const ALL: [Measure; 13] = [
        Measure::OneWay,
        Measure::TwoWay,
        Measure::ThreeWay,
        Measure::Totals,
        Measure::Volumes,
        Measure::Population,
        Measure::Sessions,
        Measure::Top,
        Measure::Classification,
        Measure::Sketches,
        Measure::Anomaly,
        Measure::Validity,
        Measure::Attacks,
    ];

    /// The name, as in JSON and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Measure::OneWay => "one-way",
            Measure::TwoWay => "two-way",
            Measure::ThreeWay => "three-way",
            Measure::Totals => "totals",
            Measure::Volumes => "volumes",
            Measure::Population => "population",
            Measure::Sessions => "sessions",
            Measure::Top => "top",
            Measure::Classification => "classification",
            Measure::Sketches => "sketches",
            Measure::Anomaly => "anomaly",
            Measure::Validity => "validity",
            Measure::Attacks => "attacks",
        }
    }

    /// All names, for messages.
    pub fn names() -> String {
        Measure::ALL.map(Measure::name).join(", ")
    }
}

impl std::str::FromStr for Measure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Measure::ALL.into_iter().find(|measure| measure.name() == text);
        named.ok_or_else(|| format!("there is no such measure; measures are: {}", Measure::names()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_json_form() {
        for measure in Measure::ALL {
            assert_eq!(serde_json::to_value(measure).unwrap(), measure.name());
            assert_eq!(measure.name().parse(), Ok(measure));
        }
        assert!("two".parse::<Measure>().unwrap_err().contains("two-way"));
    }
}
