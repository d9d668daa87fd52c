//! Rows as columns. In: rows of numbers; out: pieces of columns.

use pulp::Arch;

use crate::arch::vectorised;
use crate::error::{Error, check_len};
use crate::real::Real;

/// Rows and columns that are in registers together.
const SQUARE: usize = 8;

/// Calls `put(column, row, piece)` with up to eight numbers of a column, from a row on, until all of `0..rows` and `0..columns` have been there.
/// `from(row)` has at least `columns` numbers.
#[inline(always)]
pub(crate) fn transpose<'a, F: Real>(
    rows: usize,
    columns: usize,
    from: impl Fn(usize) -> &'a [F],
    mut put: impl FnMut(usize, usize, &[F]),
) {
    // Loops: what is handed to `from_fn` may be compiled without the instruction set.
    for r in (0..rows).step_by(SQUARE) {
        let height = SQUARE.min(rows - r);
        let mut some: [&[F]; SQUARE] = [&[]; SQUARE];
        for (j, some) in some.iter_mut().enumerate() {
            *some = &from(r + j.min(height - 1))[..columns];
        }
        let mut c = 0;
        while height == SQUARE && c + SQUARE <= columns {
            let mut square = [[F::ZERO; SQUARE]; SQUARE];
            for j in 0..SQUARE {
                square[j].copy_from_slice(&some[j][c..c + SQUARE]);
            }
            for i in 0..SQUARE {
                let mut column = [F::ZERO; SQUARE];
                for j in 0..SQUARE {
                    column[j] = square[j][i];
                }
                put(c + i, r, &column);
            }
            c += SQUARE;
        }
        for c in c..columns {
            let mut column = [F::ZERO; SQUARE];
            for j in 0..SQUARE {
                column[j] = some[j][c];
            }
            put(c, r, &column[..height]);
        }
    }
}

/// `x`, `rows` rows, with its columns as the rows of `out`, which is as long.
///
/// # Errors
/// [`Error::Length`] if `x` is no whole rows, or `out` not as long.
pub fn transposed<F: Real>(x: &[F], rows: usize, out: &mut [F]) -> Result<(), Error> {
    let columns = x.len().checked_div(rows).unwrap_or(0);
    check_len("x", rows * columns, x.len())?;
    check_len("out", x.len(), out.len())?;
    vectorised(
        Arch::new(),
        #[inline(always)]
        || {
            transpose(
                rows,
                columns,
                |row| &x[row * columns..],
                #[inline(always)]
                |column, row, piece: &[F]| out[column * rows + row..][..piece.len()].copy_from_slice(piece),
            );
        },
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_rows() {
        let mut y = [0.0; 6];
        transposed(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 2, &mut y).unwrap();
        assert_eq!(y, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert!(transposed(&[0.0; 5], 2, &mut [0.0; 5]).is_err() && transposed(&[0.0; 6], 2, &mut [0.0; 5]).is_err());
        assert!(transposed::<f32>(&[], 0, &mut []).is_ok());
    }

    #[test]
    fn every_element_comes_once() {
        for (rows, columns) in [(0, 3), (1, 1), (7, 9), (8, 8), (17, 24), (24, 5)] {
            let x: Vec<f32> = (0..rows * columns).map(|i| i as f32 + 1.0).collect();
            let mut y = vec![0.0; x.len()];
            transpose(
                rows,
                columns,
                |r| &x[r * columns..],
                |c, r, piece| {
                    for (i, piece) in piece.iter().enumerate() {
                        y[c * rows + r + i] += *piece;
                    }
                },
            );
            for (i, y) in y.iter().enumerate() {
                assert_eq!(*y, x[i % rows * columns + i / rows], "{rows} x {columns}");
            }
        }
    }
}
