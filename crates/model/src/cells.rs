//! The joint cells of some attributes, numbered: the codes are the digits of the cell number, the last one
//! varying fastest.

use crate::domain::Attribute;
use netdpsyn_trace::Values;

/// Some attributes with the number of bins of each, whose joint cells are numbered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cells {
    attributes: Vec<usize>,
    shape: Vec<usize>,
}

impl Cells {
    /// Cells of attributes, given as pairs of index and number of bins.
    pub fn new(axes: impl IntoIterator<Item = (usize, usize)>) -> Cells {
        let (attributes, shape) = axes.into_iter().unzip();
        Cells { attributes, shape }
    }

    /// Cells of the attributes with the indices `of`.
    pub fn of(of: &[usize], attributes: &[Attribute]) -> Cells {
        Cells::new(of.iter().map(|&a| (a, attributes[a].bins())))
    }

    /// Indices of the attributes.
    pub fn attributes(&self) -> &[usize] {
        &self.attributes
    }

    /// Number of bins of each attribute.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The attributes, each with its number of bins.
    pub fn axes(&self) -> impl DoubleEndedIterator<Item = (usize, usize)> {
        self.attributes.iter().copied().zip(self.shape.iter().copied())
    }

    /// The number of cells, saturating; 1 without attributes.
    pub fn count(&self) -> usize {
        self.shape.iter().fold(1, |product, &bins| product.saturating_mul(bins))
    }

    /// Writes the cells of the rows from `from` on into `cells`, where there are fewer than 2³² cells. One
    /// loop per column, which the compiler vectorises.
    pub fn number(&self, codes: &[Values], from: usize, cells: &mut [u32]) {
        let mut axes = self.axes();
        match axes.next() {
            Some((attribute, _)) => codes[attribute].copy_block(from, cells),
            None => cells.fill(0),
        }
        for (attribute, bins) in axes {
            codes[attribute].append_digits(from, bins as u32, cells);
        }
    }

    /// Writes the codes of a cell into a row.
    pub fn write(&self, mut cell: u32, codes: &mut [Values], row: usize) {
        for (attribute, bins) in self.axes().rev() {
            codes[attribute].set(row, u64::from(cell % bins as u32));
            cell /= bins as u32;
        }
    }

    /// The projection onto some of the attributes, in the given order.
    pub fn onto(&self, of: &[usize]) -> Projection {
        let mut stride = self.count();
        // For each attribute, the distance between the cells of two neighbouring bins.
        let strides: Vec<usize> = self.shape.iter().map(|&bins| (stride /= bins.max(1), stride).1).collect();
        let axis = |attribute| self.attributes.iter().position(|&own| own == attribute);
        let axes = of.iter().map(|&attribute| match axis(attribute) {
            Some(axis) => ((attribute, self.shape[axis]), strides[axis] as u32),
            None => unreachable!("a projection onto attributes of the cells"),
        });
        let (axes, strides): (Vec<_>, Vec<u32>) = axes.unzip();
        Projection { cells: Cells::new(axes), strides }
    }

    /// For every cell, its cell in the projection onto these attributes.
    pub fn map_onto(&self, of: &[usize]) -> Vec<u32> {
        let onto = self.onto(of).cells;
        let mut map = vec![0u32];
        for (attribute, bins) in self.axes() {
            // 0 for attributes that are summed out.
            let behind = onto.axes().rev().take_while(|&(other, _)| other != attribute);
            let shown = onto.attributes.contains(&attribute);
            let step = if shown { behind.map(|(_, bins)| bins as u32).product() } else { 0 };
            map = map.iter().flat_map(|&cell| (0..bins as u32).map(move |code| cell + code * step)).collect();
        }
        map
    }
}

/// A projection of cells onto some of their attributes.
#[derive(Clone, Debug)]
pub struct Projection {
    /// The cells of the projection.
    pub cells: Cells,
    /// The stride of each of its attributes in the original cells.
    strides: Vec<u32>,
}

impl Projection {
    /// The projection of an original cell.
    pub fn of(&self, cell: u32) -> u32 {
        let axes = self.cells.shape.iter().zip(&self.strides);
        axes.fold(0, |at, (&bins, &stride)| at * bins as u32 + cell / stride % bins as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cells_are_read_in_any_width(cells in prop::collection::vec(0u32..3 * 300 * 70_000, 1..40)) {
            let joint = Cells::new([3, 300, 70_000].into_iter().enumerate());
            let mut codes: Vec<Values> =
                joint.shape().iter().map(|&bins| Values::zeros(bins as u64 - 1, cells.len())).collect();
            for (row, &cell) in cells.iter().enumerate() {
                joint.write(cell, &mut codes, row);
            }
            let mut read = vec![0; cells.len()];
            joint.number(&codes, 0, &mut read);
            prop_assert_eq!(&read, &cells);
            joint.number(&codes, cells.len() / 2, &mut read[..1]);
            prop_assert_eq!(read[0], cells[cells.len() / 2]);
            prop_assert_eq!(codes.iter().map(Values::width).collect::<Vec<_>>(), [1, 2, 4]);
        }

        #[test]
        fn a_projection_keeps_the_codes_of_its_attributes(
            shape in prop::collection::vec(1usize..5, 4), of in prop::sample::subsequence(vec![0usize, 1, 2, 3], 0..4).prop_shuffle(),
        ) {
            let joint = Cells::new(shape.into_iter().enumerate());
            let (projection, map) = (joint.onto(&of), joint.map_onto(&of));
            prop_assert_eq!(map.len(), joint.count());
            let mut codes = vec![Values::zeros(4, 1); 4];
            for cell in 0..joint.count() as u32 {
                joint.write(cell, &mut codes, 0);
                let mut expected = [0];
                projection.cells.number(&codes, 0, &mut expected);
                prop_assert_eq!([projection.of(cell)], expected);
                prop_assert_eq!([map[cell as usize]], expected);
            }
        }
    }

    #[test]
    fn without_attributes_there_is_one_cell() {
        let (none, mut cells) = (Cells::new([]), [9; 3]);
        none.number(&[], 0, &mut cells);
        assert_eq!((none.count(), cells), (1, [0; 3]));
    }

    #[test]
    fn more_than_can_be_counted_are_the_most() {
        assert_eq!(Cells::new([(0, usize::MAX), (1, 3)]).count(), usize::MAX);
    }
}
