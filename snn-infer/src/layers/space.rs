//! The axes of space behind the channels, and checks that layers over space share. In: a shape; out: its sizes in space, or an error that says
//! what a layer of that many axes wants.

use snn_kernels::Refused;

use crate::error::{Error, Result};
use snn_kernels::frozen::{Axis, Windows};

/// What the `D` axes are called.
pub const fn axes<const D: usize>() -> &'static [&'static str] {
    const { assert!(1 <= D && D <= 3, "a layer works on one, two or three axes of space") };
    match D {
        1 => &["L"],
        2 => &["H", "W"],
        _ => &["D", "H", "W"],
    }
}

/// `7x7`, as one speaks of a kernel or an image.
pub fn by(sizes: &[usize]) -> String {
    sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}

/// The one of three names that belongs to `D` axes.
pub(super) fn named<const D: usize>(names: [&'static str; 3]) -> &'static str {
    names[axes::<D>().len() - 1]
}

/// `shape` is `[channels, ..]` with `D` axes of space; their sizes.
pub(super) fn sizes<const D: usize>(layer: &str, shape: &[usize], channels: Option<usize>) -> Result<[usize; D]> {
    if let [c, space @ ..] = shape
        && channels.is_none_or(|want| *c == want)
        && let Ok(space) = <[usize; D]>::try_from(space)
    {
        return Ok(space);
    }
    let channels = channels.map_or("C".to_string(), |c| c.to_string());
    Err(Error::shape(layer, format!("[{channels}, {}]", axes::<D>().join(", ")), shape, ""))
}

/// One size for each axis, if all fit.
pub(super) fn each<const D: usize>(size: impl Fn(usize) -> Option<usize>) -> Option<[usize; D]> {
    let mut out = [0; D];
    for (axis, out) in out.iter_mut().enumerate() {
        *out = size(axis)?;
    }
    Some(out)
}

/// Pairs of a cell that goes out and a cell of its window, of all of them together: what a table of windows may have.
const MOST_SEEN: usize = 1 << 28;

/// The sizes that go out, and the windows of all axes together, with `kernel` cells each; `None` where the layer does not fit.
///
/// # Errors
///
/// No table has room for the windows.
pub(super) fn windows<const D: usize>(
    layer: &str,
    size: [usize; D],
    out: Option<[usize; D]>,
    kernel: [usize; D],
    axis: impl Fn(usize, usize) -> Option<Axis>,
) -> Result<Option<([usize; D], Windows)>> {
    let Some(out) = out else { return Ok(None) };
    room(layer, &size, &out, &kernel)?;
    let axes = size.iter().enumerate().map(|(i, len)| axis(i, *len)).collect::<Option<Vec<_>>>();
    Ok(axes.map(|axes| (out, Windows::new(&axes))))
}

/// All cells of a space of these sizes, row by row.
pub(super) fn cells<const D: usize>(sizes: [usize; D]) -> impl Iterator<Item = [usize; D]> {
    (0..sizes.iter().product()).map(move |mut cell| {
        let mut at = [0; D];
        for (at, size) in at.iter_mut().zip(sizes).rev() {
            (*at, cell) = (cell % size, cell / size);
        }
        at
    })
}

/// Is there room for a table of windows, `kernel` cells from each of those that go out?
pub(super) fn room(layer: &str, size: &[usize], out: &[usize], kernel: &[usize]) -> Result<()> {
    if snn_shape::product(kernel).saturating_mul(snn_shape::product(out)) <= MOST_SEEN {
        return Ok(());
    }
    let wants = format!("windows of at most 2^28 cells together, not of {} for each of {}", by(kernel), by(out));
    Err(Error::shape(layer, wants, size, "let fewer cells go out, or use a smaller kernel"))
}

/// Every size that `sizes` names is at least 1.
pub(super) fn positive(sizes: &[(&'static str, usize)]) -> Result<(), Refused> {
    match sizes.iter().find(|(_, n)| *n == 0) {
        Some((argument, _)) => Err(Refused::new(argument, "must be at least 1, but is 0", "")),
        None => Ok(()),
    }
}

/// [`positive`] of all axes.
pub(super) fn all_positive(sizes: &[(&'static str, &[usize])]) -> Result<(), Refused> {
    sizes.iter().try_for_each(|(argument, sizes)| sizes.iter().try_for_each(|n| positive(&[(argument, *n)])))
}

/// A number that is added to a variance.
pub(super) fn not_negative(argument: &'static str, value: f64) -> Result<(), Refused> {
    match value >= 0.0 && value.is_finite() {
        true => Ok(()),
        false => Err(Refused::new(argument, format!("must be 0 or more, but is {value:?}"), "")),
    }
}

/// Each of the channels that `channels` names falls into `groups` equal parts.
pub(super) fn groups_divide(groups: usize, channels: &[(&'static str, usize)]) -> Result<(), Refused> {
    match channels.iter().find(|(_, n)| snn_shape::divide(*n, groups).is_none()) {
        Some((argument, n)) => Err(Refused::new(argument, format!("must be a multiple of `groups = {groups}`, but is {n}"), "")),
        None => Ok(()),
    }
}
