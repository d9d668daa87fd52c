//! Neurons without a surrogate function: bipolar ones, those trained by rates, those that do not fire. In: inputs, states and gradients; out:
//! the bits of the CPU's kernels.

use half::{bf16, f16};

use super::comparison::{Comparison, Memory, compute, same};
use super::program::{Launch, Watch};
use crate::cuda::*;
use crate::{Decode, Dsr, DsrLeak, NonSpiking, Real, Stbif, StbifState};

/// Whole and cut blocks, wide rows and not.
const SIZES: [(usize, usize); 3] = [(5, 1040), (3, 37), (1, 42)];

fn wide<E: Memory>(neurons: usize) -> u32 {
    u32::from(is_wide(E::ELEMENT.lanes(), neurons, []))
}

pub(super) fn stbif<E: Memory>(comparison: &mut Comparison, suffix: &str, (steps, neurons): (usize, usize), given: bool) {
    let kernel = StbifKernel { element: E::ELEMENT };
    let stream = 1000 * comparison.len() as u32;
    let x = E::numbers(stream, steps * neurons);
    let of = |x: f64| E::Compute::of(x);
    let whole = |numbers: Vec<E::Compute>| numbers.into_iter().map(Real::round).collect::<Vec<_>>();
    let (q0, acc0) = match given {
        true => (compute(stream + 1, neurons), whole(compute(stream + 2, neurons))),
        false => (vec![of(0.5); neurons], vec![of(0.0); neurons]),
    };
    let (mut q, mut acc, mut cur, mut y) = (q0.clone(), acc0.clone(), vec![of(0.0); neurons], vec![of(0.0); steps * neurons]);
    let quantiser = [0.3, 3.0, -2.0];
    let on_cpu = Stbif { q_threshold: of(0.3), pos_max: of(3.0), neg_min: of(-2.0) };
    let state = StbifState { q: &mut q, acc_q: &mut acc, cur_output: &mut cur };
    on_cpu.forward(steps, &E::widened(&x), state, &mut y).unwrap();

    let mut launch = Launch::new(format!("{STBIF}{suffix}"), kernel.blocks(neurons));
    let arguments = StbifArguments {
        x: launch.buffer(&x),
        y: launch.room::<E>(y.len()),
        q0: if given { launch.buffer(&q0) } else { 0 },
        acc_q0: if given { launch.buffer(&acc0) } else { 0 },
        after: [(); 3].map(|()| launch.room::<E::Compute>(neurons)),
        quantiser,
        sizes: [steps as u32, neurons as u32],
        wide: wide::<E>(neurons),
        padding: 0,
    };
    launch.argument(arguments);
    comparison.push(launch, move |buffers| {
        same("spikes of both signs", &buffers.of(arguments.y), &E::narrowed(&y));
        for (after, want) in arguments.after.iter().zip([&q, &acc, &cur]) {
            same("a bipolar state", &buffers.of(*after), want);
        }
    });
}

pub(super) fn dsr<E: Memory>(comparison: &mut Comparison, suffix: &str, (steps, neurons): (usize, usize), leak: Option<DsrLeak>) {
    let kernels = DsrKernels { element: E::ELEMENT };
    let stream = 1000 * comparison.len() as u32;
    let (x, grad_y) = (E::numbers(stream, steps * neurons), E::numbers(stream + 1, steps * neurons));
    let on_cpu = Dsr { v_threshold: E::Compute::of(0.7), alpha: E::Compute::of(0.5), leak };
    let zeros = |len: usize| vec![E::Compute::ZERO; len];
    let (mut y, mut regime, mut grad_x) = (zeros(x.len()), vec![0; neurons], zeros(neurons));
    on_cpu.forward(steps, &E::widened(&x), &mut y, &mut regime).unwrap();
    let saturated = on_cpu.backward(steps, &E::widened(&grad_y), &regime, &mut grad_x).unwrap();

    for name in [DSR, DSR_BACKWARD] {
        let mut launch = Launch::new(format!("{name}{suffix}"), kernels.blocks(neurons));
        let arguments = DsrArguments {
            x: launch.buffer(&x),
            weights: on_cpu.step_weights(steps).map_or(0, |weights| launch.buffer(&weights)),
            y: launch.room::<E>(y.len()),
            regime: if name == DSR { launch.room::<u8>(neurons) } else { launch.buffer(&regime) },
            grad_y: launch.buffer(&grad_y),
            grad_x: launch.room::<E>(neurons),
            saturated: launch.room::<E::Compute>(neurons),
            numbers: DsrNumbers::new(&on_cpu, steps),
            sizes: [steps as u32, neurons as u32],
            leaks: u32::from(leak.is_some()),
            wide: wide::<E>(neurons),
        };
        launch.argument(arguments);
        let (y, regime, grad_x) = (E::narrowed(&y), regime.clone(), E::narrowed(&grad_x));
        comparison.push(launch, move |buffers| {
            if name == DSR {
                same("spikes of rates", &buffers.of(arguments.y), &y);
                same("regimes", &buffers.of(arguments.regime), &regime);
            } else {
                same("gradients of rates", &buffers.of(arguments.grad_x), &grad_x);
                let sum: f64 = buffers.of::<E::Compute>(arguments.saturated).iter().map(|x| x.to_f64()).sum();
                let got = sum * leak.map_or(1.0, |leak| leak.delta_t);
                assert!((got - saturated).abs() <= 1e-11 * (1.0 + got.abs()), "{got} instead of {saturated}");
            }
        });
    }
}

pub(super) fn non_spiking<E: Memory>(
    comparison: &mut Comparison,
    suffix: &str,
    (steps, neurons): (usize, usize),
    tau: Option<f64>,
    decode: Decode,
) {
    let kernels = NonSpikingKernels { element: E::ELEMENT, decode };
    let stream = 1000 * comparison.len() as u32;
    let outputs = if decode.keeps_time() { steps * neurons } else { neurons };
    let (mut x, grad_y) = (E::numbers(stream, steps * neurons), E::numbers(stream + 1, outputs));
    // A NaN, which is the maximum from then on.
    x[neurons / 2] = E::narrow(E::Compute::of(f64::NAN));
    let on_cpu = NonSpiking { tau: tau.map(E::Compute::of), decode };
    let (mut y, mut chosen, mut grad_x) = (vec![E::Compute::ZERO; outputs], vec![0; neurons], vec![E::Compute::ZERO; x.len()]);
    on_cpu.forward(steps, neurons, &E::widened(&x), &mut y, Some(&mut chosen)).unwrap();
    let taken = decode.chooses().then_some(&chosen[..]);
    on_cpu.backward(steps, neurons, &E::widened(&grad_y), taken, &mut grad_x).unwrap();

    for name in [NON_SPIKING, NON_SPIKING_BACKWARD] {
        let mut launch = Launch::new(format!("{name}{suffix}"), kernels.blocks(neurons));
        let forward = name == NON_SPIKING;
        let arguments = NonSpikingArguments {
            x: launch.buffer(&x),
            y: launch.room::<E>(outputs),
            chosen: if !decode.chooses() {
                0
            } else if forward {
                launch.room::<u32>(neurons)
            } else {
                launch.buffer(&chosen)
            },
            grad_y: launch.buffer(&grad_y),
            grad_x: launch.room::<E>(x.len()),
            tau: tau.unwrap_or(0.0),
            sizes: [steps as u32, neurons as u32],
            wide: wide::<E>(neurons),
            padding: 0,
        };
        launch.argument(arguments);
        let (y, chosen, grad_x) = (E::narrowed(&y), chosen.clone(), E::narrowed(&grad_x));
        let what = format!("{decode:?} {:?} {steps} {name}", E::ELEMENT);
        comparison.push(launch, move |buffers| {
            if !forward {
                same(&what, &buffers.of(arguments.grad_x), &grad_x);
                return;
            }
            same(&what, &buffers.of(arguments.y), &y);
            if decode.chooses() {
                same(&what, &buffers.of(arguments.chosen), &chosen);
            }
        });
    }
}

/// `$add::<E>(suffix, sizes)` for each element type, sizes in turns.
macro_rules! each_element {
    ($add:expr) => {{
        let add = $add;
        for (i, sizes) in SIZES.into_iter().enumerate() {
            add(0, sizes, i);
        }
        (1..4).for_each(|element| add(element, SIZES[element % 3], element));
    }};
}

#[test]
fn plain_neurons_have_the_bits_of_the_cpu() {
    const DECODES: [Decode; 5] = [Decode::Sequence, Decode::Last, Decode::Mean, Decode::Max, Decode::MaxAbs];
    let comparison = std::cell::RefCell::new(Comparison::default());
    let leak = Some(DsrLeak { tau: 2.0, delta_t: 0.3 });
    each_element!(|element: usize, sizes: (usize, usize), turn: usize| {
        let (to, suffix, given, leak) = (&mut *comparison.borrow_mut(), format!("_{element}"), turn != 1, leak.filter(|_| turn != 2));
        match element {
            0 => (stbif::<f32>(to, &suffix, sizes, given), dsr::<f32>(to, &suffix, sizes, leak)),
            1 => (stbif::<f64>(to, &suffix, sizes, given), dsr::<f64>(to, &suffix, sizes, leak)),
            2 => (stbif::<f16>(to, &suffix, sizes, given), dsr::<f16>(to, &suffix, sizes, leak)),
            _ => (stbif::<bf16>(to, &suffix, sizes, given), dsr::<bf16>(to, &suffix, sizes, leak)),
        };
        for (i, decode) in DECODES.into_iter().enumerate() {
            let (suffix, tau) = (format!("_{element}_{i}"), (turn != 0).then_some(1.7));
            match element {
                0 => non_spiking::<f32>(to, &suffix, sizes, tau, decode),
                1 => non_spiking::<f64>(to, &suffix, sizes, tau, decode),
                2 => non_spiking::<f16>(to, &suffix, sizes, tau, decode),
                _ => non_spiking::<bf16>(to, &suffix, sizes, tau, decode),
            }
        }
    });
    let mut instances = String::new();
    for (i, element) in [Element::F32, Element::F64, Element::F16, Element::Bf16].into_iter().enumerate() {
        let suffix = format!("_{i}");
        instances += &(StbifKernel { element }.instance(&suffix) + &DsrKernels { element }.instances(&suffix));
        for (k, decode) in DECODES.into_iter().enumerate() {
            instances += &NonSpikingKernels { element, decode }.instances(&format!("{suffix}_{k}"));
        }
    }
    let headers: Vec<&str> = [headers::STBIF, &headers::DSR[2..], &headers::NON_SPIKING[2..]].concat();
    let source = text(&headers, &[], &instances);
    comparison.borrow().run(&source, Watch::Addresses, 0..2);
    comparison.borrow().run(&source, Watch::Races, 0..1);
}
