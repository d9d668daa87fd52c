//! Rows put one after the other: a delay line over all its steps, both ways. In: rows anywhere in memory; out: the same rows in a sequence.

use crate::error::{Error, check_len, sequence_len};
use crate::par::{Columns, map_tiles};
use crate::real::Real;

/// Elements of a row per tile.
const WIDTH: usize = 1 << 12;

/// Fills row r of `out` (`[rows.len(), len]`) with `rows[r]`, or with zeros where there is none.
///
/// Memory sees 8 bytes of f32 per element, a copy's, and 4 where rows are zeros.
///
/// # Errors
/// [`Error::Length`] if a row or `out` has another length.
pub fn gather_rows<F: Real>(rows: &[Option<&[F]>], len: usize, out: &mut [F]) -> Result<(), Error> {
    check_len("out", sequence_len(rows.len(), len)?, out.len())?;
    rows.iter().flatten().try_for_each(|row| check_len("row", len, row.len()))?;
    let out = Columns::new(out, len);
    map_tiles(len, WIDTH, rows.len(), &|| (), &|(), of| {
        for (r, row) in rows.iter().enumerate() {
            // SAFETY: tiles are disjoint, and each takes a row once.
            let out = unsafe { out.row(r, of.clone()) };
            match row {
                Some(row) => out.copy_from_slice(&row[of.clone()]),
                None => out.fill(F::ZERO),
            }
        }
    });
    Ok(())
}
