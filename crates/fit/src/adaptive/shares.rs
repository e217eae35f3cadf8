//! How ρ is divided, and how many bins and tables it affords.
//!
//! Parts of what looks across records leave, found on five traces and then validated on four others:
//!
//! | what | part |
//! | --- | --- |
//! | the class alone; the side, and every other list of categories; class × side | .02; .01 each; .01 |
//! | trees | .53, up to .73 where there is little data |
//! | profiles of addresses, without looks across records | .003 per column |
//! | choosing tables | .01 of what remains |
//! | of the rest: class × side × X fine, class × X coarse, pairs, triples | .16 (up to .31 where there is little), .09, .33 (.18), .42 |
//!
//! The resolution is measured in records over noise: N̂·√(2ρ)/k, where σ of a histogram that takes all of ρ
//! is k/√(2ρ).

use super::Columns;
use crate::plan::Plan;
use netdpsyn_model::layers::estimate;
use netdpsyn_privacy::Rho;

const CLASS: f64 = 0.02;
const LIST: f64 = 0.01;
/// All lists besides the class, and all profiles, take at most this.
const LISTS: f64 = 0.15;
const PROFILES: f64 = 0.02;
const CONTEXT: f64 = 0.01;
const TREES: f64 = 0.53;
/// Added to the trees where there is little data, because then tables of several attributes show little.
const TREES_OF_LITTLE: f64 = 0.2;
const LITTLE: f64 = 8_000.0;
const PROFILE: f64 = 0.003;
const CHOICE: f64 = 0.01;
const SHAPES: f64 = 0.16;
/// Added to shapes where there is little data, at the cost of pairs.
const SHAPES_OF_LITTLE: f64 = 0.15;
const BY_CLASS: f64 = 0.09;
const PAIRS: f64 = 0.33;
const TRIPLES: f64 = 0.42;

/// Records over noise per affordable triple, and per affordable pair.
const A_TRIPLE: f64 = 3_500.0;
const A_PAIR: f64 = 400.0;
/// The error of dividing into b bins falls as 1/b, that of noise grows with b²: their balance.
const BALANCE: f64 = 2.46;
/// How many more bins pairs may have than triples, as a factor.
const BEYOND: f64 = 1.3;
/// Possible numbers of coarse bins.
const LADDER: [usize; 5] = [5, 10, 20, 40, 80];
/// σ by which a fine bin exceeds the noise, if its records are spread over the classes.
const FINE: f64 = 2.5;

/// What the budget resolves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// N̂; 0 while unknown.
    pub records: f64,
    /// √(2ρ)/k: the reciprocal of σ of a histogram that takes all of ρ.
    pub precision: f64,
    /// The effective number of classes.
    pub classes: f64,
}

impl Scale {
    /// The scale given class counts and N̂, if there are classes.
    pub fn of(plan: &Plan, classes: Option<&(Vec<f64>, f64)>) -> Scale {
        let precision = (2.0 * plan.allowance().as_f64()).sqrt() / plan.unit.max_records().get() as f64;
        match classes {
            Some((classes, records)) => {
                Scale { records: *records, precision, classes: estimate::effective(classes) }
            }
            None => Scale { records: 0.0, precision, classes: 1.0 },
        }
    }

    /// Sets N̂ where the classes do not determine it.
    pub fn or(self, records: f64) -> Scale {
        if self.records > 0.0 { self } else { Scale { records, ..self } }
    }

    /// From 1 (hardly any data) to 0 (enough); 0 where N̂ is unknown.
    pub fn little(&self) -> f64 {
        if self.records > 0.0 { (1.0 - self.told_apart() / LITTLE).max(0.0) } else { 0.0 }
    }

    /// N̂ over σ.
    pub fn told_apart(&self) -> f64 {
        self.records * self.precision
    }

    /// σ of a histogram that takes this part of ρ.
    pub(super) fn sigma(&self, part: f64) -> f64 {
        1.0 / (self.precision * part.max(1e-12).sqrt())
    }
}

/// The budget of a fit, without what looks across records take.
pub struct Budget {
    allowance: Rho,
    has_class: bool,
    /// Number of lists that are neither class nor side.
    lists: usize,
    has_side: bool,
    /// Number of columns with a profile.
    profiles: usize,
}

/// The budget of tables, and their resolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Tables {
    /// ρ of class × side.
    pub context: Rho,
    /// ρ of class × side × X fine, over all X.
    pub shapes: Rho,
    /// ρ of class × X coarse, over all X.
    pub by_class: Rho,
    /// ρ of choosing pairs and triples.
    pub choice: Rho,
    /// ρ of triples. Pairs take what remains.
    pub triples: Rho,
    /// Number of coarse bins.
    pub bins: usize,
    /// The share of all records that a fine bin holds at least.
    pub share: f64,
    /// Largest number of categories of a list; the others become one group.
    pub listed: usize,
    /// Number of triples, and of pairs, that are affordable.
    pub carried: [usize; 2],
}

/// Largest number of separate categories of a list.
const LISTED: usize = 4_096;

impl Tables {
    /// Halves the resolution, if possible.
    pub fn coarsen(&mut self) -> bool {
        let finest = self.share <= 0.5 || self.listed > 2;
        self.share = 2.0 * self.share.max(1e-4);
        self.bins = (self.bins / 2).max(2);
        self.listed = (self.listed / 2).max(2);
        finest
    }
}

impl Budget {
    /// The budget of a plan over these columns.
    pub(crate) fn of(plan: &Plan, columns: &Columns) -> Budget {
        Budget {
            allowance: columns.of_records(plan.allowance()),
            has_class: columns.class.is_some(),
            has_side: columns.side.is_some(),
            lists: columns.listed.len(),
            profiles: columns.profiles,
        }
    }

    /// The scale of a plan.
    pub fn scale(&self, plan: &Plan, classes: Option<&(Vec<f64>, f64)>) -> Scale {
        let of_all = Scale::of(plan, classes);
        let part = self.allowance.as_f64() / plan.allowance().as_f64();
        Scale { precision: of_all.precision * part.sqrt(), ..of_all }
    }

    fn part(&self, part: f64) -> Rho {
        Rho::from_units((self.allowance.units() as f64 * part) as u64)
    }

    /// ρ of the one-way marginal of a list.
    pub fn of_listed(&self, class: Option<usize>, column: usize) -> Rho {
        self.part(if Some(column) == class { CLASS } else { self.list_part() })
    }

    /// The part of each list besides the class. Class, lists, profiles and trees leave .08 for tables,
    /// whatever their number.
    fn list_part(&self) -> f64 {
        let lists = self.lists + usize::from(self.has_side);
        LIST.min(LISTS / lists.max(1) as f64)
    }

    /// ρ of the profile of one column.
    pub fn profile(&self) -> Rho {
        self.part(PROFILE.min(PROFILES / self.profiles.max(1) as f64))
    }

    /// The part of all trees together.
    fn trees_part(&self, scale: &Scale) -> f64 {
        TREES + TREES_OF_LITTLE * scale.little()
    }

    /// ρ of all trees together.
    pub fn trees(&self, scale: &Scale) -> Rho {
        self.part(self.trees_part(scale))
    }

    /// The budget of tables, given the ρ that is `left`.
    pub(super) fn tables(&self, scale: &Scale, columns: &Columns, left: Rho) -> Tables {
        let free = columns.free();
        let pairs = free * free.saturating_sub(1) / 2;
        let context = if self.has_side { CONTEXT } else { 0.0 };
        let all = (left.as_f64() / self.allowance.as_f64() - context).max(0.0);
        let choice = if pairs > 0 { CHOICE } else { 0.0 };
        let rest = all * (1.0 - choice);
        let told = scale.told_apart();
        let triples = match self.has_class {
            true => ((told / A_TRIPLE).round() as usize).clamp(1, pairs.max(1)).min(pairs),
            false => 0,
        };
        let carried =
            ((told / A_PAIR).round() as usize).clamp(free.saturating_sub(1), pairs.max(1)).min(pairs);
        let more = SHAPES_OF_LITTLE * scale.little();
        // Without a side, shapes are by class alone.
        let by_class = if self.has_class && self.has_side { BY_CLASS } else { 0.0 };
        let shapes = SHAPES + BY_CLASS - by_class + more;
        let alone = PAIRS - more;
        let (of_pairs, of_triples) = if triples > 0 { (alone, TRIPLES) } else { (alone + TRIPLES, 0.0) };
        let most =
            (0.25 * scale.records / scale.sigma(rest * of_pairs / carried.max(1) as f64)).cbrt() * BALANCE;
        let bins = match triples {
            0 => most,
            some => {
                let sigma = scale.sigma(rest * of_triples / some as f64);
                (BALANCE * (scale.records / (scale.classes * sigma)).cbrt()).min(BEYOND * most)
            }
        };
        let distance = |step: usize| ((step as f64).ln() - bins.max(1.0).ln()).abs();
        let bins =
            LADDER.into_iter().min_by(|&a, &b| distance(a).total_cmp(&distance(b))).unwrap_or(LADDER[0]);
        let share =
            FINE * scale.sigma(rest * shapes / free.max(1) as f64) * scale.classes / scale.records.max(1.0);
        Tables {
            context: self.part(context),
            shapes: self.part(rest * shapes),
            by_class: self.part(rest * by_class),
            choice: self.part(all * choice),
            triples: self.part(rest * of_triples),
            bins,
            share,
            listed: LISTED,
            carried: [triples, carried],
        }
    }

    /// Parts of the whole that are known beforehand: trees, single columns, choosing.
    pub fn beforehand(&self) -> [Rho; 3] {
        let lists = usize::from(self.has_side) + self.lists;
        let singles = if self.has_class { CLASS } else { 0.0 } + self.list_part() * lists as f64;
        [self.part(TREES), self.part(singles), self.part(CHOICE * (1.0 - TREES - singles))]
    }
}
