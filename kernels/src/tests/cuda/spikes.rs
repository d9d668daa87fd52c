//! Products with spikes. In: matrices of zeros and ones, and of other numbers; out: the sums of the CPU's `SpikeMatrix`, in their order.

use half::{bf16, f16};

use super::comparison::{Comparison, Memory, same};
use super::program::{Launch, Watch};
use crate::cuda::*;
use crate::{Real, SpikeMatrix};

/// (rows, columns, columns of the dense matrix): cut words, blocks and rows, and whole ones.
pub(super) const SIZES: [(usize, usize, usize); 4] = [(3, 64, 8), (70, 37, 130), (130, 5, 3), (1, 1, 1)];

/// Sums in order, one element after the other: what `SpikeMatrix` gives where x is spikes.
fn product<F: Real>(x: impl Fn(usize, usize) -> F, along: usize, rows: usize, dense: &[F], columns: usize, first: &[F]) -> Vec<F> {
    let of = |i: usize| {
        let (row, column) = (i / columns, i % columns);
        let add = |sum: F, k: usize| if x(row, k) == F::ZERO { sum } else { sum + x(row, k) * dense[k * columns + column] };
        (0..along).fold(first[column], add)
    };
    (0..rows * columns).map(of).collect()
}

fn bits(of: &[bool], columns: usize) -> Vec<u32> {
    let word = |bits: &[bool]| bits.iter().enumerate().fold(0, |word, (i, bit)| word | u32::from(*bit) << i);
    of.chunks(columns).flat_map(|row| row.chunks(32).map(word)).collect()
}

pub(super) fn add<E: Memory>(comparison: &mut Comparison, suffix: &str, (rows, columns, n): (usize, usize, usize), spikes: bool) {
    let kernel = SpikesKernel { element: E::ELEMENT };
    let stream = 1000 * comparison.len() as u32;
    let mut x = E::spikes(stream, rows * columns);
    if !spikes {
        let other = E::numbers(stream + 1, x.len());
        x.iter_mut().zip(other).skip(2).step_by(5).for_each(|(x, other)| *x = other);
    }
    let (weight, first, grad) = (E::numbers(stream + 2, columns * n), E::numbers(stream + 3, n), E::numbers(stream + 4, rows * n));
    let at = E::widened(&x);
    let is = |which: &dyn Fn(E::Compute) -> bool| -> Vec<bool> { at.iter().map(|x| which(*x)).collect() };
    let (one, other) = (is(&|x| x == E::Compute::ONE), is(&|x| x != E::Compute::ONE && x != E::Compute::ZERO));
    let turned = |of: &[bool]| -> Vec<bool> { (0..of.len()).map(|i| of[i % rows * columns + i / rows]).collect() };
    let (ones, others) = (bits(&one, columns), bits(&other, columns));
    let (turned_ones, turned_others) = (bits(&turned(&one), rows), bits(&turned(&other), rows));
    let what = format!("{:?} {rows} x {columns} x {n}", E::ELEMENT);
    let wide = |columns: usize| u32::from(is_wide(E::ELEMENT.lanes(), columns, []));

    let grid = kernel.pack(rows, columns);
    let mut launch = Launch::new(format!("{PACK_SPIKES}{suffix}"), grid);
    let words = rows * SpikesKernel::words(columns);
    let call = PackSpikesArguments {
        x: launch.buffer(&x),
        ones: launch.room::<u32>(words),
        others: launch.room::<u32>(words),
        counts: launch.room::<E::Compute>(2 * grid[0]),
        rows: rows as u32,
        columns: columns as u32,
        wide: wide(columns),
        padding: 0,
    };
    launch.argument(call);
    let (said, want) = (what.clone(), [ones.clone(), others.clone()]);
    let counts = [&one, &other].map(|of| of.iter().filter(|bit| **bit).count() as f64);
    comparison.push(launch, move |buffers| {
        same(&format!("{said}: ones"), &buffers.of(call.ones), &want[0]);
        same(&format!("{said}: others"), &buffers.of(call.others), &want[1]);
        let got: Vec<E::Compute> = buffers.of(call.counts);
        let got: Vec<f64> = got.chunks(grid[0]).map(|of| of.iter().map(|n| n.to_f64()).sum()).collect();
        same(&format!("{said}: counts"), &got, &counts);
    });

    for (from, to) in [(&ones, turned_ones.clone()), (&others, turned_others.clone())] {
        let mut launch = Launch::new(format!("{TRANSPOSE_BITS}{suffix}"), kernel.transpose(rows, columns));
        let (from, room) = (launch.buffer(from), launch.room::<u32>(to.len()));
        launch.argument(TransposeBitsArguments { from, to: room, rows: rows as u32, columns: columns as u32 });
        let said = what.clone();
        comparison.push(launch, move |buffers| same(&format!("{said}: transposed"), &buffers.of(room), &to));
    }

    // x times the weight, and transposed times the gradient; `along` is what is summed over.
    let zeros = vec![E::Compute::ZERO; n];
    let forward = product(|r, k| at[r * columns + k], columns, rows, &E::widened(&weight), n, &E::widened(&first));
    let backward = product(|k, r| at[r * columns + k], rows, columns, &E::widened(&grad), n, &zeros);
    if spikes {
        let packed = SpikeMatrix::pack(&at, rows, columns).unwrap().expect("spikes");
        let by_output: Vec<E::Compute> = (0..n * columns).map(|i| weight[i % columns * n + i / columns].widen()).collect();
        let (mut y, mut of_weight) = (vec![E::Compute::ZERO; rows * n], vec![E::Compute::ZERO; n * columns]);
        packed.times(&by_output, n, Some(&E::widened(&first)), &mut y).unwrap();
        packed.transposed_times(&E::widened(&grad), n, &mut of_weight).unwrap();
        same(&what, &forward, &y);
        same(&what, &backward, &(0..n * columns).map(|i| of_weight[i % n * columns + i / n]).collect::<Vec<_>>());
    }
    for (out, is_forward) in [(forward, true), (backward, false)] {
        let (height, along) = if is_forward { (rows, columns) } else { (columns, rows) };
        let mut launch = Launch::new(format!("{SPIKE_PRODUCT}{suffix}"), kernel.product(height, n));
        let call = SpikeProductArguments {
            ones: launch.buffer(if is_forward { &ones } else { &turned_ones }),
            others: launch.buffer(if is_forward { &others } else { &turned_others }),
            x: launch.buffer(&x),
            dense: launch.buffer(if is_forward { &weight } else { &grad }),
            first: if is_forward { launch.buffer(&first) } else { 0 },
            out: launch.room::<E>(out.len()),
            strides: if is_forward { [columns as u64, 1] } else { [1, columns as u64] },
            rows: height as u32,
            along: along as u32,
            columns: n as u32,
            wide: wide(n),
        };
        launch.argument(call);
        let said = format!("{what}: product, forward: {is_forward}");
        comparison.push(launch, move |buffers| same(&said, &buffers.of(call.out), &E::narrowed(&out)));
    }
}

#[test]
fn products_with_spikes_have_the_bits_of_the_cpu() {
    let mut comparison = Comparison::default();
    for (i, sizes) in SIZES.into_iter().enumerate() {
        add::<f32>(&mut comparison, "_0", sizes, i % 2 == 0);
        add::<f32>(&mut comparison, "_0", sizes, i % 2 == 1);
        add::<f64>(&mut comparison, "_1", sizes, i % 2 == 1);
    }
    add::<f16>(&mut comparison, "_2", SIZES[0], true);
    add::<bf16>(&mut comparison, "_3", SIZES[1], false);
    let instances = Element::ALL.iter().enumerate();
    let instances: String = instances.map(|(i, &element)| SpikesKernel { element }.instances(&format!("_{i}"))).collect();
    let source = text(headers::SPIKES, &[], &instances);
    comparison.run(&source, Watch::Addresses, 0..2);
    let mut comparison = Comparison::default();
    add::<f32>(&mut comparison, "", SIZES[1], false);
    comparison.run(&SpikesKernel { element: Element::F32 }.source().text(), Watch::Races, 0..1);
}
