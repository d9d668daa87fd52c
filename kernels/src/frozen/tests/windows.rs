//! Windows against the definitions of their layers.

use proptest::prelude::*;

use crate::frozen::{Axis, Border, Windows};

/// What each output sees, by tap.
fn seen(axis: Option<Axis>) -> Vec<Vec<Option<usize>>> {
    let windows = Windows::new(&[axis.unwrap()]);
    (0..windows.outputs()).map(|output| (0..windows.taps()).map(|tap| windows.cell(tap, output)).collect()).collect()
}

#[test]
fn borders() {
    let at_the_ends = |border| {
        let seen = seen(Axis::conv(5, 3, 1, (2, 2), 1, border));
        (seen[0].clone(), seen[6].clone())
    };
    assert_eq!(at_the_ends(Border::Zeros), (vec![None, None, Some(0)], vec![Some(4), None, None]));
    assert_eq!(at_the_ends(Border::Reflect), (vec![Some(2), Some(1), Some(0)], vec![Some(4), Some(3), Some(2)]));
    assert_eq!(at_the_ends(Border::Replicate), (vec![Some(0), Some(0), Some(0)], vec![Some(4), Some(4), Some(4)]));
    assert_eq!(at_the_ends(Border::Circular), (vec![Some(3), Some(4), Some(0)], vec![Some(4), Some(0), Some(1)]));
}

#[test]
fn pools() {
    let overhanging = seen(Axis::pool(5, 2, 2, 0, 1, true));
    assert_eq!(overhanging, [[Some(0), Some(1)], [Some(2), Some(3)], [Some(4), None]]);
    assert_eq!(seen(Axis::pool(4, 3, 2, 1, 1, false)), [[None, Some(0), Some(1)], [Some(1), Some(2), Some(3)]]);
    // floor(7 i / 3) .. ceil(7 (i + 1) / 3): 0..3, 2..5, 4..7.
    let adaptive: Vec<Vec<usize>> = seen(Axis::adaptive_pool(7, 3)).into_iter().map(|seen| seen.into_iter().flatten().collect()).collect();
    assert_eq!(adaptive, [[0, 1, 2], [2, 3, 4], [4, 5, 6]]);
    let uneven: Vec<Vec<usize>> = seen(Axis::adaptive_pool(5, 3)).into_iter().map(|seen| seen.into_iter().flatten().collect()).collect();
    assert_eq!(uneven, [vec![0, 1], vec![1, 2, 3], vec![3, 4]]);
}

proptest! {
    /// A transposed convolution sends each input to where the convolution of the same sizes reads.
    #[test]
    fn transposed(len in 1usize..8, kernel in 1usize..4, stride in 1usize..4, pad in 0usize..2, dilation in 1usize..3) {
        let Some(axis) = Axis::conv_transpose(len, kernel, stride, pad, dilation, 0) else { return Ok(()) };
        let transposed = Windows::new(&[axis]);
        let conv = Windows::new(&[Axis::conv(transposed.outputs(), kernel, stride, (pad, pad), dilation, Border::Zeros).unwrap()]);
        prop_assert_eq!(conv.outputs(), len);
        for tap in 0..kernel {
            for output in 0..transposed.outputs() {
                let senders: Vec<usize> = (0..len).filter(|input| conv.cell(tap, *input) == Some(output)).collect();
                let got: Vec<usize> = transposed.cell(tap, output).into_iter().collect();
                prop_assert_eq!(got, senders);
            }
        }
    }

    /// Two axes: both see, or none does.
    #[test]
    fn axes_multiply(h in 3usize..6, w in 3usize..6, stride in 1usize..3, pad in 0usize..2) {
        let axis = |len| Axis::conv(len, 3, stride, (pad, pad), 1, Border::Zeros).unwrap();
        let (rows, columns) = (Windows::new(&[axis(h)]), Windows::new(&[axis(w)]));
        let both = Windows::new(&[axis(h), axis(w)]);
        prop_assert_eq!((both.inputs(), both.outputs(), both.taps()), (h * w, rows.outputs() * columns.outputs(), 9));
        for tap in 0..9 {
            for output in 0..both.outputs() {
                let (y, x) = (rows.cell(tap / 3, output / columns.outputs()), columns.cell(tap % 3, output % columns.outputs()));
                prop_assert_eq!(both.cell(tap, output), y.zip(x).map(|(y, x)| y * w + x));
            }
        }
    }
}

#[test]
fn linear_layers() {
    let (each, all) = (Windows::each(3), Windows::all(3));
    assert_eq!((each.taps(), each.outputs(), each.cell(0, 2)), (1, 3, Some(2)));
    assert_eq!((all.taps(), all.outputs(), all.cell(2, 0)), (3, 1, Some(2)));
}
