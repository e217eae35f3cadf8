//! The times of the records of pairs: times are drawn, and redistributed among the records of each kind, for
//! all kinds in parallel.

use super::pacing::{self, Leaves, Member};
use super::rhythm::Rhythm;
use crate::codes::{self, Codes};
use crate::grid::Grid;
use crate::restore::Picker;
use netdpsyn_model::Model;
use netdpsyn_trace::Role;
use netdpsyn_trace::progress::{Cancelled, Step};
use rand::{Rng, SeedableRng, rngs::Xoshiro256PlusPlus};
use rayon::prelude::*;

/// Assigns the times of the records of pairs.
pub struct Paces {
    /// The attribute of time.
    attribute: usize,
    /// The column of time.
    pub column: usize,
    rhythm: Rhythm,
    picker: Picker,
    leaves: Leaves,
    /// The map from fine to coarse bins.
    coarse: Vec<u32>,
    /// The attribute of the class.
    class: Option<usize>,
}

impl Paces {
    /// For a model with measured gaps.
    pub fn of(model: &Model) -> Option<Paces> {
        let layers = model.layers.as_ref()?;
        let rhythm = Rhythm::of(model.rhythm.as_ref()?)?;
        let column = model.schema.column_of(Role::Start)?;
        let fine = &model.attributes[..layers.coarse.len()];
        let attribute = fine.iter().position(|attribute| attribute.column == column)?;
        let grid = Grid::of(&model.schema, column);
        let partition = &fine[attribute].partition;
        Some(Paces {
            attribute,
            column,
            rhythm,
            picker: Picker::on(grid, partition),
            leaves: Leaves::new(partition.intervals(), grid),
            coarse: layers.map(attribute, &model.attributes)?,
            class: layers.class,
        })
    }

    /// The times of the records of some parts, given the hosts and kinds of all of them.
    ///
    /// # Errors
    /// [`Cancelled`] when `step` returns it.
    pub fn times(
        &self,
        parts: &[&Codes],
        hosts: &[Vec<u32>; 2],
        kinds: &[u32],
        rng: &mut impl Rng,
        step: &Step,
    ) -> Result<Vec<u64>, Cancelled> {
        let mut order: Vec<u32> = (0..kinds.len() as u32).collect();
        order.sort_by_key(|&row| kinds[row as usize]);
        let codes = codes::joined(parts, self.attribute);
        let classes = self.class.map(|class| codes::joined(parts, class));
        step()?;
        // Each kind has a random number generator of its own, so that the result is the same on any number of
        // cores.
        let kinds_of: Vec<(&[u32], Xoshiro256PlusPlus)> = order
            .chunk_by(|&a, &b| kinds[a as usize] == kinds[b as usize])
            .map(|own| (own, Xoshiro256PlusPlus::from_rng(rng)))
            .collect();
        let paced = kinds_of.into_par_iter().map(|(rows, mut rng)| {
            let member = |&row: &u32| {
                let code = codes[row as usize];
                let [from, to] = [0, 1].map(|side: usize| u64::from(hosts[side][row as usize]));
                let time = self.picker.draw(code, &mut rng);
                Member { pair: from << 32 | to, time, coarse: self.coarse[code as usize], row }
            };
            let mut members: Vec<Member> = rows.iter().map(member).collect();
            members.sort_unstable_by_key(|member| (member.pair, member.time, member.row));
            let class = classes.as_ref().map_or(0, |classes| classes[rows[0] as usize]);
            let left = self.rhythm.left(class as usize, pacing::gaps(&members) as f64);
            pacing::deal(&mut members, &self.leaves, left, &mut rng, step)?;
            Ok(members)
        });
        let paced: Vec<Vec<Member>> = paced.collect::<Result<_, Cancelled>>()?;
        let mut times = vec![0; kinds.len()];
        for member in paced.iter().flatten() {
            times[member.row as usize] = member.time;
        }
        Ok(times)
    }
}
