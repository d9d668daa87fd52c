//! Pools, `Flatten`, `Identity` and `VotingLayer`. In: images and features; out: what their definitions give, the same for steps
//! and for sequences, and the gradient at the first of equal maxima.

mod support;

use snn_runtime::{AvgPool2d, AvgPool2dConfig, Device, Flatten, FlattenConfig, Identity, Kind, Layer, MaxPool2d, MaxPool2dConfig};
use snn_runtime::{
    MaxPool, MaxPool2dWithIndices, MaxPoolConfig, MaxPoolWithIndices, MaxUnpool, MaxUnpoolConfig, Scope, Stateless, Tensor, VotingLayer,
    VotingLayerConfig, nn,
};
use support::{EVAL, TRAIN, assert_near, assert_same, assert_says, build, grads, lone, randn};

const MAX: MaxPool2dConfig = MaxPool2dConfig { kernel_size: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1], ceil_mode: false };
const AVG: AvgPool2dConfig = AvgPool2dConfig {
    kernel_size: [2, 2],
    stride: [2, 2],
    padding: [0, 0],
    ceil_mode: false,
    count_include_pad: true,
    divisor_override: None,
};

fn indexed(config: MaxPool2dConfig) -> MaxPool2dWithIndices {
    let vs = nn::VarStore::new(Device::Cpu);
    <MaxPool2dWithIndices as Stateless>::build(&Scope::root("Net", &vs.root()).child("pool"), config).unwrap()
}

fn step<L: Layer<State = ()>>(layer: &L, x: &Tensor) -> Tensor {
    layer.step(x, &mut (), &EVAL).unwrap()
}

/// A layer without memory: steps, a sequence and a static input agree, in values and gradients.
fn same_in_both_modes<L: Layer<State = ()>>(layer: &L, sample: &[i64]) {
    let sizes = [&[4, 3], sample].concat();
    let x = randn(&sizes, Kind::Float).set_requires_grad(true);
    let whole = layer.sequence(&x, &mut (), &TRAIN).unwrap();
    let steps: Vec<Tensor> = (0..4).map(|t| layer.step(&x.get(t), &mut (), &TRAIN).unwrap()).collect();
    let steps = Tensor::stack(&steps, 0);
    assert_same(&whole, &steps, &format!("{layer:?}"));
    let weight = randn(&whole.size(), Kind::Float);
    assert_near(&grads(&whole, &weight, &[&x])[0], &grads(&steps, &weight, &[&x])[0], 1e-6, &format!("{layer:?}"));
    let still = layer.repeat(&x.get(1), 3, &mut (), &EVAL).unwrap();
    assert_same(&still, &steps.get(1).unsqueeze(0).expand_as(&still), &format!("{layer:?}, a static input"));
    // Any layout of memory.
    let strided = x.transpose(0, 1).contiguous().transpose(0, 1);
    assert_same(&layer.sequence(&strided, &mut (), &EVAL).unwrap(), &whole, &format!("{layer:?}, transposed"));
}

#[test]
fn stateless_layers_are_the_same_in_both_modes() {
    same_in_both_modes(&lone::<MaxPool2d>(MAX), &[2, 6, 5]);
    same_in_both_modes(&lone::<AvgPool2d>(AvgPool2dConfig { padding: [1, 0], ..AVG }), &[2, 6, 5]);
    same_in_both_modes(&lone::<Flatten>(FlattenConfig { start_dim: 1, end_dim: 3 }), &[2, 6, 5]);
    same_in_both_modes(&lone::<VotingLayer>(VotingLayerConfig { voting_size: 5 }), &[20]);
    same_in_both_modes(&lone::<Identity>(()), &[2, 6]);
}

#[test]
fn the_maximum_of_each_window() {
    let x = randn(&[2, 3, 7, 6], Kind::Float);
    let configs = [
        MAX,
        MaxPool2dConfig { kernel_size: [3, 2], stride: [1, 2], ..MAX },
        MaxPool2dConfig { kernel_size: [3, 3], padding: [1, 1], ..MAX },
        MaxPool2dConfig { dilation: [2, 2], ..MAX },
        MaxPool2dConfig { kernel_size: [3, 3], ceil_mode: true, ..MAX },
    ];
    for c in configs {
        let y = step(&lone::<MaxPool2d>(c.clone()), &x);
        let (values, indices) = indexed(c.clone()).step(&x, &EVAL).unwrap();
        assert_same(&y, &values, "with and without indices");
        assert_eq!(indices.kind(), Kind::Int64);
        assert_same(&x.flatten(2, 3).gather(2, &indices.flatten(2, 3), false), &y.flatten(2, 3), "an index points at its maximum");
        for (i, j) in (0..y.size()[2]).flat_map(|i| (0..y.size()[3]).map(move |j| (i, j))) {
            let cells = |axis: usize, out: i64, len: i64| -> Vec<i64> {
                let start = out * c.stride[axis] as i64 - c.padding[axis] as i64;
                (0..c.kernel_size[axis]).map(|k| start + (k * c.dilation[axis]) as i64).filter(|i| (0..len).contains(i)).collect()
            };
            let window = x.index_select(2, &Tensor::from_slice(&cells(0, i, 7))).index_select(3, &Tensor::from_slice(&cells(1, j, 6)));
            assert_same(&y.select(3, j).select(2, i), &window.amax([2, 3], false), &format!("{c:?} at {i}, {j}"));
        }
    }
}

/// Spikes are full of ties.
#[test]
fn of_equal_maxima_the_first_counts() {
    let x = Tensor::ones([1, 1, 4, 4], (Kind::Float, Device::Cpu)).set_requires_grad(true);
    let (y, indices) = indexed(MAX).step(&x, &EVAL).unwrap();
    assert_eq!(Vec::<i64>::try_from(indices.flatten(0, 3)).unwrap(), [0, 2, 8, 10]);
    y.sum(Kind::Float).backward();
    let want = Tensor::zeros([4, 4], (Kind::Float, Device::Cpu));
    for (i, j) in [(0, 0), (0, 2), (2, 0), (2, 2)] {
        let _ = want.get(i).get(j).fill_(1.0);
    }
    assert_same(&x.grad().view([4, 4]), &want, "gradient with indices");
    let x = x.detach().set_requires_grad(true);
    step(&lone::<MaxPool2d>(MAX), &x).sum(Kind::Float).backward();
    assert_same(&x.grad().view([4, 4]), &want, "gradient without");
}

/// All elements of such a window lie in padding, before and behind the input: -inf, and a gradient of 0, whether one is wanted or not.
#[test]
fn windows_without_a_cell_give_minus_infinity() {
    #[allow(clippy::needless_pass_by_value, reason = "callers write it in place")]
    fn gives<const D: usize>(c: MaxPoolConfig<D>, space: &[i64], out: &[i64]) {
        let x = randn(&[&[2, 3], space].concat(), Kind::Float).set_requires_grad(true);
        let pool: MaxPool<D> = lone(c.clone());
        let y = step(&pool, &x);
        assert_same(&y, &Tensor::full([&[2, 3], out].concat(), f64::NEG_INFINITY, (Kind::Float, Device::Cpu)), "padding");
        assert_same(&step(&pool, &x.detach()), &y, "without a gradient");
        assert_same(&grads(&y, &y.ones_like(), &[&x])[0], &x.zeros_like(), "gradient");
        for x in [&x, &x.detach()] {
            let indexed: MaxPoolWithIndices<D> = lone(c.clone());
            assert_says(indexed.step(x, &EVAL), &["Net.layer: wants a cell under each window"]);
        }
    }
    let image = MaxPoolConfig { kernel_size: [3, 2], stride: [3, 2], padding: [0, 1], dilation: [2, 2], ceil_mode: false };
    gives(image, &[9, 1], &[2, 1]);
    let series = MaxPoolConfig { kernel_size: [3], stride: [4], padding: [1], dilation: [3], ceil_mode: true };
    gives(series, &[2], &[1]);
    let volume = MaxPoolConfig { kernel_size: [2, 1, 2], stride: [1; 3], padding: [1, 0, 0], dilation: [3, 1, 1], ceil_mode: false };
    gives(volume, &[2, 3, 3], &[1, 3, 2]);
}

/// A sample and channel counts its own cells, at every step.
#[test]
fn indices_of_a_sequence_are_those_of_its_steps() {
    let (pool, x) = (indexed(MAX), randn(&[4, 3, 2, 6, 5], Kind::Float));
    let (values, indices) = pool.sequence(&x, &EVAL).unwrap();
    assert_eq!((values.size(), indices.size()), (vec![4, 3, 2, 3, 2], vec![4, 3, 2, 3, 2]));
    for t in 0..4 {
        let (v, i) = pool.step(&x.get(t), &EVAL).unwrap();
        assert_same(&values.get(t), &v, "values");
        assert!(indices.get(t).equal(&i));
    }
    assert!(indices.max().int64_value(&[]) < 30);
}

/// Worked by hand on `[[1, 2, 3], [4, 5, 6], [7, 8, 9]]`.
#[test]
fn the_mean_of_each_window() {
    let x = Tensor::arange_start(1, 10, (Kind::Float, Device::Cpu)).view([1, 1, 3, 3]);
    let mean = |c: AvgPool2dConfig| Vec::<f32>::try_from(step(&lone::<AvgPool2d>(c), &x).flatten(0, 3)).unwrap();
    assert_eq!(mean(AVG), [3.0]);
    assert_eq!(mean(AvgPool2dConfig { stride: [1, 1], ..AVG }), [3.0, 4.0, 6.0, 7.0]);
    assert_eq!(mean(AvgPool2dConfig { ceil_mode: true, ..AVG }), [3.0, 4.5, 7.5, 9.0]);
    assert_eq!(mean(AvgPool2dConfig { padding: [1, 1], ..AVG }), [0.25, 1.25, 2.75, 7.0]);
    assert_eq!(mean(AvgPool2dConfig { padding: [1, 1], count_include_pad: false, ..AVG }), [1.0, 2.5, 5.5, 7.0]);
    assert_eq!(mean(AvgPool2dConfig { divisor_override: Some(2), ..AVG }), [6.0]);
}

#[test]
fn pools_check_their_arguments_and_inputs() {
    let vs = nn::VarStore::new(Device::Cpu);
    assert_says(build::<AvgPool2d>(&vs, "pool", AvgPool2dConfig { divisor_override: Some(0), ..AVG }), &["Net.pool", "`divisor_override`"]);
    let (max, avg): (MaxPool2d, AvgPool2d) = (build(&vs, "max", MAX).unwrap(), build(&vs, "avg", AVG).unwrap());
    for sizes in [&[2, 3, 1, 1][..], &[2, 3]] {
        let x = randn(sizes, Kind::Float);
        assert_says(max.step(&x, &mut (), &EVAL), &["Net.max"]);
        assert_says(avg.step(&x, &mut (), &EVAL), &["Net.avg"]);
        assert_says(indexed(MAX).step(&x, &EVAL), &["Net.pool"]);
    }
    let too_much = MaxPool2dConfig { padding: [2, 2], ..MAX };
    let refused = build::<MaxPool2d>(&vs, "max", too_much).and_then(|p| p.step(&randn(&[1, 1, 6, 6], Kind::Float), &mut (), &EVAL));
    assert_says(refused, &["Net.max"]);
    let never = MaxPool2dConfig { stride: [0, 0], ..MAX };
    let refused = build::<MaxPool2d>(&vs, "max", never).and_then(|p| p.step(&randn(&[1, 1, 6, 6], Kind::Float), &mut (), &EVAL));
    assert!(refused.is_err(), "a window that does not move");
}

/// Axes count from the batch of one step, in a sequence as well.
#[test]
fn flatten_joins_axes_of_a_sample() {
    let x = randn(&[4, 3, 2, 6, 5], Kind::Float);
    let all: Flatten = lone(FlattenConfig { start_dim: 1, end_dim: 3 });
    assert_same(&all.sequence(&x, &mut (), &EVAL).unwrap(), &x.view([4, 3, 60]), "all");
    let some: Flatten = lone(FlattenConfig { start_dim: 2, end_dim: 3 });
    assert_same(&some.sequence(&x, &mut (), &EVAL).unwrap(), &x.view([4, 3, 2, 30]), "the last two");
    assert_same(&step(&some, &x.get(0)), &x.get(0).view([3, 2, 30]), "of one step");
    let vs = nn::VarStore::new(Device::Cpu);
    let far: Flatten = build(&vs, "flat", FlattenConfig { start_dim: 1, end_dim: 3 }).unwrap();
    assert_says(far.step(&randn(&[3, 2], Kind::Float), &mut (), &EVAL), &["Net.flat"]);
}

#[test]
fn flatten_of_an_empty_batch_keeps_its_features() {
    let flat: Flatten = lone(FlattenConfig { start_dim: 1, end_dim: 3 });
    assert_eq!(flat.sequence(&randn(&[4, 0, 2, 6, 5], Kind::Float), &mut (), &EVAL).unwrap().size(), [4, 0, 60]);
}

#[test]
fn voters_of_a_class_stand_side_by_side() {
    let vote: VotingLayer = lone(VotingLayerConfig { voting_size: 2 });
    let y = step(&vote, &Tensor::from_slice(&[1.0f32, 2.0, 3.0, 5.0, 0.0, 0.0]).view([1, 6]));
    assert_eq!(Vec::<f32>::try_from(y.view([3])).unwrap(), [1.5, 4.0, 0.0]);
}

/// SpikingJelly drops a remainder in silence.
#[test]
fn voters_come_in_whole_groups() {
    let vs = nn::VarStore::new(Device::Cpu);
    assert_says(build::<VotingLayer>(&vs, "vote", VotingLayerConfig { voting_size: 0 }), &["Net.vote", "`voting_size`"]);
    let vote: VotingLayer = build(&vs, "vote", VotingLayerConfig { voting_size: 10 }).unwrap();
    assert_says(vote.step(&randn(&[2, 105], Kind::Float), &mut (), &EVAL), &["Net.vote"]);
}

/// A layer of the user's own that loses samples is caught when its steps are taken apart again.
#[test]
fn a_stateless_layer_keeps_the_batch() {
    #[derive(Debug)]
    struct Halve;
    impl Stateless for Halve {
        type Config = ();
        fn build(_: &Scope<'_>, (): ()) -> snn_runtime::Result<Self> {
            Ok(Halve)
        }
        fn forward(&self, x: &Tensor, _: &snn_runtime::Cx) -> snn_runtime::Result<Tensor> {
            Ok(x.f_narrow(0, 0, x.size()[0] / 2)?)
        }
    }
    assert!(lone::<Halve>(()).sequence(&randn(&[4, 3, 2], Kind::Float), &mut (), &EVAL).is_err());
}

/// Maxima go back where they came from, the rest is zero; and a size that the pool has cut off comes back if asked for.
fn undone<const D: usize>() {
    let space = &[5, 4, 6][..D];
    let x = randn(&[&[3, 2, 2], space].concat(), Kind::Float).set_requires_grad(true);
    let vs = nn::VarStore::new(Device::Cpu);
    let scope = Scope::root("Net", &vs.root());
    let pool = <MaxPoolWithIndices<D> as Stateless>::build(&scope.child("pool"), MaxPoolConfig::new([2; D])).unwrap();
    let output_size = Some(std::array::from_fn(|i| space[i] as usize));
    let c = MaxUnpoolConfig { output_size, ..MaxUnpoolConfig::new([2; D]) };
    let unpool = <MaxUnpool<D> as Stateless>::build(&scope.child("unpool"), c).unwrap();
    let (y, indices) = pool.sequence(&x, &EVAL).unwrap();
    let back = unpool.sequence(&y, &indices, &EVAL).unwrap();
    let plane = |t: &Tensor| t.flatten(3, -1);
    let (y, indices) = pool.sequence(&x, &EVAL).unwrap(); // a graph of its own
    let want = plane(&x).zeros_like().scatter(3, &plane(&indices), &plane(&y)).reshape_as(&x);
    assert_same(&back, &want, "a sequence");
    for t in 0..3 {
        assert_same(&unpool.step(&y.get(t), &indices.get(t), &EVAL).unwrap(), &want.get(t), "a step");
    }
    let upstream = randn(&x.size(), Kind::Float);
    assert_near(&grads(&back, &upstream, &[&x])[0], &grads(&want, &upstream, &[&x])[0], 1e-6, "gradient");

    assert_says(unpool.step(&y.get(0), &indices.get(0).to_kind(Kind::Int), &EVAL), &["Net.unpool", "Int64"]);
    assert_says(unpool.step(&y.get(0), &indices.get(0).narrow(1, 0, 1), &EVAL), &["Net.unpool", "the values' shape"]);
    assert_says(unpool.sequence(&y, &indices.get(0), &EVAL), &["Net.unpool", "one shape [T, N, C"]);
    assert_says(unpool.step(&y.get(0), &(indices.get(0) + 1000), &EVAL), &["Net.unpool"]);
    assert_says(Stateless::forward(&unpool, &y.get(0), &EVAL), &["Net.unpool", "values and their indices"]);
    let c = MaxUnpoolConfig { output_size: Some([9; D]), ..MaxUnpoolConfig::new([2; D]) };
    let far = <MaxUnpool<D> as Stateless>::build(&scope.child("far"), c).unwrap();
    assert_says(far.step(&y.get(0), &indices.get(0), &EVAL), &["Net.far", "that become 9"]);
}

#[test]
fn maxima_go_back_where_they_came_from() {
    undone::<1>();
    undone::<2>();
    undone::<3>();
}
