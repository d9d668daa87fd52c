//! Maxima over windows. In: bits or numbers; out: the same of fewer cells.

use super::bits::words;
use super::windows::Windows;
use crate::error::{Error, check_len, sequence_len};
use crate::par::{Columns, map_tiles};

/// The maximum of spikes of one plane: their OR, 64 channels at a time. `rows` is samples times steps; `bits` is `[row][cell][word]`.
///
/// A window that sees no cell gives 0.
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit.
pub fn or_pool(windows: &Windows, rows: usize, channels: usize, bits: &[u64], out: &mut [u64]) -> Result<(), Error> {
    pool(windows, rows, words(channels), bits, out, 0, |a, b| a | b)
}

/// The maximum of numbers, `x` is `[row][cell][channel]`; `rows` is samples times steps.
///
/// A window that sees no cell gives -inf, and NaN is greater than any number, as in torch.
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit.
pub fn max_pool(windows: &Windows, rows: usize, channels: usize, x: &[f32], out: &mut [f32]) -> Result<(), Error> {
    pool(windows, rows, channels, x, out, f32::NEG_INFINITY, |a, b| if b > a || b.is_nan() { b } else { a })
}

fn pool<V: Copy + Send + Sync>(
    windows: &Windows,
    rows: usize,
    width: usize,
    x: &[V],
    out: &mut [V],
    start: V,
    join: impl Fn(V, V) -> V + Sync,
) -> Result<(), Error> {
    check_len("x", sequence_len(rows, windows.inputs() * width)?, x.len())?;
    check_len("out", sequence_len(rows, windows.outputs() * width)?, out.len())?;
    let out = Columns::new(out, windows.outputs() * width);
    map_tiles(rows, 1, windows.outputs() * windows.taps() * width, &|| (), &|(), row| {
        let x = &x[row.start * windows.inputs() * width..][..windows.inputs() * width];
        // SAFETY: each tile is a row of its own.
        let out = unsafe { out.row(row.start, 0..windows.outputs() * width) };
        for (cell, out) in out.chunks_exact_mut(width.max(1)).enumerate() {
            out.fill(start);
            for tap in 0..windows.taps() {
                if let Some(from) = windows.cell(tap, cell) {
                    let x = &x[from * width..][..width];
                    for k in 0..width {
                        out[k] = join(out[k], x[k]);
                    }
                }
            }
        }
    });
    Ok(())
}
