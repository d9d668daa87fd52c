//! Max pools over planes. In: `[planes, height, width]`; out: the largest value of each window, and which of its cells that was, a byte each.
//!
//! First along rows, then across: `kernel height + kernel width` comparisons per window instead of their product. The forward pass reads x and
//! writes 5 bytes of f32 per window, the backward pass reads those and writes the gradient of x. torch keeps x and 8 bytes per window.

use std::ops::Range;

use crate::arch::vectorised;
use crate::error::{Error, check_len, check_opt, sequence_len};
use crate::par::{Columns, map_tiles};
use crate::real::Real;

/// The sizes of a pool: height, then width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSizes {
    /// Planes: samples times channels.
    pub planes: usize,
    /// Cells of a plane.
    pub input: [usize; 2],
    /// Windows of a plane.
    pub output: [usize; 2],
    /// Cells of a window; 256 at most.
    pub kernel: [usize; 2],
    /// Cells from one window to the next.
    pub stride: [usize; 2],
    /// Cells before the plane that are in a window, and never win.
    pub padding: [usize; 2],
}

impl PoolSizes {
    fn cells(&self) -> usize {
        self.input[0] * self.input[1]
    }

    fn windows(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Are its windows of two by two, side by side, and all of the plane?
    fn halves(&self) -> bool {
        self.kernel == [2, 2] && self.stride == [2, 2] && self.padding == [0, 0] && self.input == self.output.map(|n| 2 * n)
    }

    /// The cells of window `o` along an axis, and the first one's place in the window.
    #[inline(always)]
    fn seen(&self, axis: usize, o: usize) -> (Range<usize>, usize) {
        let (start, pad) = (o * self.stride[axis], self.padding[axis]);
        let first = start.max(pad) - pad;
        (first..(start + self.kernel[axis]).saturating_sub(pad).min(self.input[axis]), first + pad - start)
    }

    fn check(&self, x: usize, y: usize) -> Result<(), Error> {
        let cells = snn_shape::product(&self.kernel);
        check_len("kernel", cells.clamp(1, 256), cells)?;
        for axis in 0..2 {
            let out = self.output[axis];
            let all = snn_shape::windows_see(self.input[axis], self.kernel[axis], self.stride[axis], self.padding[axis], 1, out);
            check_len("output", if all { out } else { 0 }, out)?;
        }
        check_len("x", sequence_len(self.planes, self.cells())?, x)?;
        check_len("y", sequence_len(self.planes, self.windows())?, y)
    }
}

/// The largest value of each window; of equal ones the first, row by row. NaN is larger than all. Fills `places`, if wanted, with the winner's
/// place in its window.
///
/// # Errors
/// [`Error::Length`] if a buffer does not fit, a window is too large for a byte, or lies in padding alone.
pub fn max_pool<F: Real>(sizes: PoolSizes, x: &[F], y: &mut [F], places: Option<&mut [u8]>) -> Result<(), Error> {
    sizes.check(x.len(), y.len())?;
    check_opt("places", y.len(), places.as_deref())?;
    let ([height, width], [rows, columns]) = (sizes.input, sizes.output);
    let y = Columns::new(y, sizes.windows());
    let places = places.map(|places| Columns::new(places, sizes.windows()));
    let arch = pulp::Arch::new();
    // Each row's winners along it, and where they are in the window.
    let scratch = || (vec![F::ZERO; height * columns], vec![0u32; height * columns], vec![0u32; sizes.windows()]);
    map_tiles(sizes.planes, 1, sizes.cells(), &scratch, &|(along, at, winners), plane| {
        let x = &x[plane.start * sizes.cells()..][..sizes.cells()];
        // SAFETY: tiles are disjoint, and each takes a row once.
        let y = unsafe { y.row(plane.start, 0..sizes.windows()) };
        // SAFETY: as above.
        let mut places = places.as_ref().map(|places| unsafe { places.row(plane.start, 0..sizes.windows()) });
        vectorised(
            arch,
            #[inline(always)]
            || {
                if sizes.kernel[1] == 2 && sizes.stride[1] == 2 && width == 2 * columns && sizes.padding[1] == 0 {
                    for ((along, at), pair) in along.iter_mut().zip(at.iter_mut()).zip(x.as_chunks::<2>().0) {
                        let wins = beats(pair[1], pair[0]);
                        (*along, *at) = if wins { (pair[1], 1) } else { (pair[0], 0) };
                    }
                } else {
                    for (row, x) in x.chunks(width).enumerate() {
                        for o in 0..columns {
                            let (seen, first) = sizes.seen(1, o);
                            let (mut best, mut place) = (x[seen.start], first);
                            for (i, &x) in x[seen].iter().enumerate().skip(1) {
                                (best, place) = if beats(x, best) { (x, first + i) } else { (best, place) };
                            }
                            (along[row * columns + o], at[row * columns + o]) = (best, place as u32);
                        }
                    }
                }
                for o in 0..rows {
                    let (seen, first) = sizes.seen(0, o);
                    let (y, winners) = (&mut y[o * columns..][..columns], &mut winners[o * columns..][..columns]);
                    for (i, row) in seen.enumerate() {
                        let before = ((first + i) * sizes.kernel[1]) as u32;
                        let (along, at) = (&along[row * columns..][..columns], &at[row * columns..][..columns]);
                        runs(
                            columns,
                            #[inline(always)]
                            |k| {
                                let wins = i == 0 || beats(along[k], y[k]);
                                y[k] = if wins { along[k] } else { y[k] };
                                winners[k] = if wins { before + at[k] } else { winners[k] };
                            },
                        );
                    }
                }
                if let Some(places) = &mut places {
                    // Numbers as wide as the values stay in their vectors until here.
                    places.iter_mut().zip(winners.iter()).for_each(|(place, winner)| *place = *winner as u8);
                }
            },
        );
    });
    Ok(())
}

/// Windows of a row that are worked on at once.
const RUN: usize = 8;

/// `f` of each window of a row, and of some twice: whole runs, the last of which ends where the row does.
#[inline(always)]
fn runs(columns: usize, mut f: impl FnMut(usize)) {
    if columns < RUN {
        for k in 0..columns {
            f(k);
        }
        return;
    }
    for start in (0..columns).step_by(RUN) {
        let start = start.min(columns - RUN);
        for k in start..start + RUN {
            f(k);
        }
    }
}

/// Is `x` the new maximum?
#[inline(always)]
#[allow(clippy::eq_op, reason = "NaN is the number that is not itself")]
fn beats<F: Real>(x: F, best: F) -> bool {
    (x > best) | (x != x)
}

/// The gradient of x from that of y and the winners' places.
///
/// # Errors
/// As [`max_pool`].
pub fn max_pool_backward<F: Real>(sizes: PoolSizes, places: &[u8], grad_y: &[F], grad_x: &mut [F]) -> Result<(), Error> {
    sizes.check(grad_x.len(), grad_y.len())?;
    check_len("places", grad_y.len(), places.len())?;
    let ([_, width], [_, columns]) = (sizes.input, sizes.output);
    let grad_x = Columns::new(grad_x, sizes.cells());
    let ([_, of_row], [down, right], [above, before]) = (sizes.kernel, sizes.stride, sizes.padding);
    // Where a place is in its window, as an offset into the plane.
    let offsets: Vec<usize> = (0..sizes.kernel[0] * of_row).map(|place| place / of_row * width + place % of_row).collect();
    let halves = sizes.halves();
    let arch = pulp::Arch::new();
    map_tiles(sizes.planes, 1, sizes.cells(), &|| (), &|(), plane| {
        // SAFETY: tiles are disjoint, and each takes a row once.
        let grad_x = unsafe { grad_x.row(plane.start, 0..sizes.cells()) };
        if halves {
            let windows = plane.start * sizes.windows()..(plane.start + 1) * sizes.windows();
            return vectorised(
                arch,
                #[inline(always)]
                || spread(width, columns, &places[windows.clone()], &grad_y[windows.clone()], grad_x),
            );
        }
        grad_x.fill(F::ZERO);
        let windows = plane.start * sizes.windows()..(plane.start + 1) * sizes.windows();
        let rows = grad_y[windows.clone()].chunks(columns).zip(places[windows].chunks(columns));
        for (row, (grads, places)) in rows.enumerate() {
            let mut at = row * down * width;
            for (g, &place) in grads.iter().zip(places) {
                let cell = at + offsets[usize::from(place)] - above * width - before;
                grad_x[cell] = grad_x[cell] + *g;
                at += right;
            }
        }
    });
    Ok(())
}

/// The gradient of a plane of windows of two by two that lie side by side: each cell is written once.
#[inline(always)]
fn spread<F: Real>(width: usize, columns: usize, places: &[u8], grad_y: &[F], grad_x: &mut [F]) {
    let rows = grad_x.chunks_exact_mut(2 * width).zip(grad_y.chunks_exact(columns).zip(places.chunks_exact(columns)));
    for (two, (grads, places)) in rows {
        let (upper, lower) = two.split_at_mut(width);
        runs(
            columns,
            #[inline(always)]
            |k| {
                let (g, place) = (grads[k], places[k]);
                let of = |here: u8| if place == here { g } else { F::ZERO };
                (upper[2 * k], upper[2 * k + 1], lower[2 * k], lower[2 * k + 1]) = (of(0), of(1), of(2), of(3));
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(input: [usize; 2], kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2], ceil: bool) -> PoolSizes {
        let output = [0, 1].map(|i| snn_shape::pool(input[i], kernel[i], stride[i], padding[i], 1, ceil).expect("it fits"));
        PoolSizes { planes: 3, input, output, kernel, stride, padding }
    }

    /// Window by window, cell by cell.
    fn reference(s: PoolSizes, x: &[f64], plane: usize, row: usize, column: usize) -> (f64, usize) {
        let mut best: Option<(f64, usize)> = None;
        for i in 0..s.kernel[0] {
            for j in 0..s.kernel[1] {
                let (r, c) = (row * s.stride[0] + i, column * s.stride[1] + j);
                let inside = |at: usize, axis: usize| at >= s.padding[axis] && at < s.padding[axis] + s.input[axis];
                if !inside(r, 0) || !inside(c, 1) {
                    continue;
                }
                let cell = (plane * s.input[0] + r - s.padding[0]) * s.input[1] + c - s.padding[1];
                if best.is_none_or(|(value, _)| x[cell] > value || x[cell].is_nan()) {
                    best = Some((x[cell], cell));
                }
            }
        }
        best.expect("a cell in each window")
    }

    #[test]
    fn maxima_and_gradients_are_those_of_the_definition() {
        let cases = [
            sizes([6, 8], [2, 2], [2, 2], [0, 0], false),
            sizes([4, 28], [2, 2], [2, 2], [0, 0], false),
            sizes([7, 9], [2, 2], [2, 2], [0, 0], false),
            sizes([7, 9], [2, 2], [2, 2], [1, 1], true),
            sizes([6, 5], [3, 3], [2, 2], [1, 1], false),
            sizes([8, 37], [3, 2], [1, 2], [1, 0], false),
            sizes([1, 40], [1, 4], [1, 3], [0, 2], true),
        ];
        for s in cases {
            for nan in [false, true] {
                // Few values, so that many are equal.
                let value = |i: usize| if nan && i % 11 == 3 { f64::NAN } else { ((i * 7919) % 31 % 3) as f64 - 1.0 };
                let x: Vec<f64> = (0..s.planes * s.cells()).map(value).collect();
                let mut y = vec![7.0; s.planes * s.windows()];
                let mut places = vec![7; y.len()];
                max_pool(s, &x, &mut y, Some(&mut places)).unwrap();
                let grad_y: Vec<f64> = (0..y.len()).map(|i| i as f64 + 1.0).collect();
                let (mut grad_x, mut want_x) = (vec![7.0; x.len()], vec![0.0; x.len()]);
                max_pool_backward(s, &places, &grad_y, &mut grad_x).unwrap();
                for i in 0..y.len() {
                    let (want, cell) = reference(s, &x, i / s.windows(), i % s.windows() / s.output[1], i % s.output[1]);
                    assert!(y[i] == want || (y[i].is_nan() && want.is_nan()), "{s:?}, {i}: {} for {want}", y[i]);
                    want_x[cell] += grad_y[i];
                }
                assert_eq!(grad_x, want_x, "{s:?}");
                let mut alone = vec![7.0; y.len()];
                max_pool(s, &x, &mut alone, None).unwrap();
                assert!(alone.iter().zip(&y).all(|(a, b)| a.to_bits() == b.to_bits()));
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let s = sizes([6, 8], [2, 2], [2, 2], [0, 0], false);
        let (x, mut y) = (vec![0.0f32; 3 * 48], vec![0.0; 36]);
        assert!(max_pool(s, &x, &mut y, None).is_ok());
        assert!(max_pool(s, &x[1..], &mut y, None).is_err() && max_pool(s, &x, &mut y[1..], None).is_err());
        assert!(max_pool(s, &x, &mut y, Some(&mut [0; 35])).is_err());
        assert!(max_pool_backward(s, &[0; 35], &y, &mut vec![0.0; 3 * 48]).is_err());
        let blind = PoolSizes { output: [4, 4], ..s };
        assert!(max_pool(blind, &x, &mut [0.0; 48], None).is_err(), "its last row of windows lies below the plane");
        let wide = PoolSizes { kernel: [17, 17], output: [1, 1], ..s };
        assert!(max_pool(wide, &x, &mut [0.0; 3], None).is_err());
    }
}
