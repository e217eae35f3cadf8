//! Records while they are made: a column of codes an attribute, each in the smallest integer type that holds its bins.

use netdpsyn_trace::Values;

/// Columns of codes, by attribute; empty where an attribute has not been drawn yet.
pub type Codes = Vec<Values>;

/// Attributes whose codes are the digits of a cell, the last one changing fastest.
#[derive(Clone, Debug)]
pub struct Grid {
    /// The attributes.
    attributes: Vec<usize>,
    /// Bins of each.
    sizes: Vec<u32>,
}

impl Grid {
    /// Of these attributes, with these numbers of bins.
    pub fn new(axes: impl IntoIterator<Item = (usize, usize)>) -> Grid {
        let (attributes, sizes) = axes.into_iter().map(|(attribute, size)| (attribute, size as u32)).unzip();
        Grid { attributes, sizes }
    }

    /// Number of cells.
    pub fn size(&self) -> usize {
        self.sizes.iter().map(|&size| size as usize).product()
    }

    /// Number of records; 0 without attributes.
    pub fn rows(&self, codes: &Codes) -> usize {
        self.attributes.first().map_or(0, |&attribute| codes[attribute].len())
    }

    /// Bins of each attribute.
    pub fn sizes(&self) -> &[u32] {
        &self.sizes
    }

    /// The cells of the records from `first` on, as many as `cells` has room for. One loop a column: each is vectorised.
    pub fn cells(&self, codes: &Codes, first: usize, cells: &mut [u32]) {
        let mut axes = self.attributes.iter().zip(&self.sizes);
        match axes.next() {
            Some((&attribute, _)) => codes[attribute].copy_block(first, cells),
            None => cells.fill(0),
        }
        for (&attribute, &size) in axes {
            codes[attribute].append_digits(first, size, cells);
        }
    }

    /// Gives a record the codes of a cell.
    pub fn write(&self, mut cell: u32, codes: &mut Codes, record: usize) {
        for (&attribute, &size) in self.attributes.iter().zip(&self.sizes).rev() {
            codes[attribute].set(record, u64::from(cell % size));
            cell /= size;
        }
    }
}

#[cfg(test)]
pub(super) mod for_tests {
    use super::*;

    /// Columns of codes below `bins`.
    pub fn codes<const N: usize>(bins: u64, columns: [Vec<u64>; N]) -> Codes {
        columns.into_iter().map(|column| Values::collect(bins - 1, column)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_in_any_width(cells in prop::collection::vec(0u32..3 * 300 * 70_000, 1..40)) {
            let sizes = [3, 300, 70_000];
            let mut codes: Codes =
                sizes.iter().map(|&size| Values::zeros(size as u64 - 1, cells.len())).collect();
            let grid = Grid::new(sizes.into_iter().enumerate());
            for (record, &cell) in cells.iter().enumerate() {
                grid.write(cell, &mut codes, record);
            }
            let mut read = vec![0; cells.len()];
            grid.cells(&codes, 0, &mut read);
            prop_assert_eq!(&read, &cells);
            grid.cells(&codes, cells.len() / 2, &mut read[..1]);
            prop_assert_eq!(read[0], cells[cells.len() / 2]);
            prop_assert_eq!(codes.iter().map(Values::width).collect::<Vec<_>>(), [1, 2, 4]);
        }
    }

    #[test]
    fn without_attributes_there_is_one_cell() {
        let (grid, mut cells) = (Grid::new([]), [9; 3]);
        grid.cells(&Codes::new(), 0, &mut cells);
        assert_eq!((grid.size(), cells), (1, [0; 3]));
    }
}
