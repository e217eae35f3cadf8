//! What a synthetic trace is good for, by the error that its noise leads one to expect. Bounds are those of the private report's verdict, so that both say the same of
//! the same distance.

use crate::account::Statement;
use crate::evaluate::private::verdict::{CLOSE, Grade, LOOSE};
use crate::evaluate::release::{Fidelity, MarginalFit};
use crate::model::LookSubject;

/// Something that somebody may want of a trace.
pub struct Task {
    /// What it is.
    pub name: &'static str,
    /// The same in a sentence after "good for".
    pub short: &'static str,
    /// Expected error, a share; none where no figure tells it.
    pub error: Option<f64>,
    /// Fitness for the task.
    pub grade: Grade,
    /// Source of the figure, or the reason why it is missing.
    pub why: String,
}

impl Task {
    fn of(name: &'static str, short: &'static str, error: f64, why: String) -> Self {
        let grade = match error {
            error if error <= CLOSE => Grade::Good,
            error if error <= LOOSE => Grade::Fair,
            _ => Grade::Poor,
        };
        Task { name, short, error: Some(error), grade, why }
    }

    /// Style class, which is the word as well.
    pub fn word(&self) -> (&'static str, &'static str) {
        match self.grade {
            Grade::Good => ("good", "good"),
            Grade::Fair => ("fair", "with care"),
            Grade::Poor => ("poor", "no"),
        }
    }
}

/// How far a marginal lies beyond what its noise explains, at two standard deviations.
pub fn excess(fit: &MarginalFit) -> f64 {
    (fit.distance - fit.noise - 2.0 * fit.noise_deviation).max(0.0)
}

/// How far the records of a marginal are expected to lie from the raw ones, as a share that would have to move. The distance to the noisy counts holds noise and error: of independent ones
/// the squares add up, so that √(distance² − noise²) is left, with the distance two standard deviations up. (On 20,000 simulated flows at ε = 2 the distance alone says .08 of
/// pairs and .15 of triples, where the private report says .07 and .16; two deviations up, one run said .11 and .20: it errs towards caution.) Records that lie nearer to the noisy counts than noise have followed it: then they are off by what is missing.
pub fn error(fit: &MarginalFit) -> f64 {
    let upper = fit.distance + 2.0 * fit.noise_deviation;
    if upper >= fit.noise { (upper.powi(2) - fit.noise.powi(2)).sqrt() } else { fit.noise - fit.distance }
}

/// Mean expected error of the marginals of so many columns, and their number.
fn together(fidelity: &Fidelity, columns: usize) -> Option<(f64, usize)> {
    let errors: Vec<f64> =
        fidelity.marginals.iter().filter(|fit| fit.columns.len() == columns).map(error).collect();
    (!errors.is_empty()).then(|| (errors.iter().sum::<f64>() / errors.len() as f64, errors.len()))
}

/// The tasks, best known first.
pub fn tasks(fidelity: &Fidelity, statement: &Statement) -> Vec<Task> {
    let mut tasks = Vec::new();
    if let Some(expected) = &statement.expected {
        let why = "noise of the number of records".to_string();
        tasks.push(Task::of(
            "How many records there are",
            "the number of records",
            expected.records_error,
            why,
        ));
    }
    let tables = |n: usize, of: &str| format!("mean over {n} {of} that were measured");
    if let Some((error, n)) = together(fidelity, 1) {
        let name = "Shares within one column: ports, protocols, sizes, times";
        tasks.push(Task::of(
            name,
            "shares within one column",
            error,
            format!("{}; noise of trees is told as a bound, so this is at most", tables(n, "columns")),
        ));
    }
    if let Some((error, n)) = together(fidelity, 2) {
        let name = "Two columns together: bytes by service, classes by port; classifiers learn from these";
        tasks.push(Task::of(name, "two columns together", error, tables(n, "pairs")));
    }
    if let Some((error, n)) = together(fidelity, 3) {
        tasks.push(Task::of("Three columns together", "three columns together", error, tables(n, "triples")));
    }
    let look = |of: LookSubject| {
        fidelity.looks.iter().find(|seen| seen.of == of).filter(|seen| !seen.synthetic.is_empty())
    };
    let counted = [
        (LookSubject::Sources, "How many sources there are, and how large", "the number of sources"),
        (LookSubject::Pairs, "How many pairs of hosts there are, and how large", "the number of pairs"),
        (LookSubject::FanOut, "To how many others a source talks", "fan-out"),
        (LookSubject::MutualPairs, "Who answers whom", "who answers whom"),
    ];
    let mut none = true;
    for (of, name, short) in counted {
        let Some(seen) = look(of) else { continue };
        none = false;
        let (noisy, made) = (
            seen.noisy.first().copied().unwrap_or(0) as f64,
            seen.synthetic.first().copied().unwrap_or(0) as f64,
        );
        // What the synthetic number misses beyond two standard deviations is missed, not noise.
        let off = seen.sigma + ((noisy - made).abs() - 2.0 * seen.sigma).max(0.0);
        let error = off / noisy.max(made).max(1.0);
        tasks.push(Task::of(
            name,
            short,
            error,
            "noise of a query across records, and the records' deviation from it".into(),
        ));
    }
    if none {
        tasks.push(Task {
            name: "Numbers of hosts and pairs, and replies",
            short: "hosts and pairs",
            error: None,
            grade: Grade::Poor,
            why: "nothing was measured across records".into(),
        });
    }
    let sigma = fidelity
        .marginals
        .iter()
        .filter(|fit| fit.columns.len() == 1)
        .map(|fit| fit.sigma)
        .fold(0.0, f64::max);
    tasks.push(Task {
        name: "Rare events, single hosts, outliers",
        short: "rare events",
        error: None,
        grade: Grade::Poor,
        why: format!(
            "anything with fewer than about {:.0} records cannot be told from noise; that protects it",
            (2.0 * sigma).ceil().max(2.0)
        ),
    });
    tasks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excess_within_the_noise_is_none() {
        let fit = |distance| MarginalFit {
            columns: vec!["a".into()],
            cells: 2,
            sigma: 3.0,
            distance,
            noise: 0.1,
            noise_deviation: 0.01,
        };
        assert_eq!((excess(&fit(0.05)), excess(&fit(0.12))), (0.0, 0.0));
        assert!((excess(&fit(0.2)) - 0.08).abs() < 1e-12);
        assert!(
            (error(&fit(0.13)) - (0.15f64.powi(2) - 0.01).sqrt()).abs() < 1e-12,
            "noise and error add up as squares"
        );
        assert!((error(&fit(0.03)) - 0.07).abs() < 1e-12, "what follows noise is off by as much");
        let grades = [0.05, 0.2, 0.21].map(|error| Task::of("", "", error, String::new()).word().1);
        assert_eq!(grades, ["good", "with care", "no"]);
    }
}
