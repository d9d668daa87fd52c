//! Does the harness see faults? In: the kernels, each with one mistake planted in its text; out: the program dies and says why.

use super::program::{Launch, Program, Watch};
use crate::cuda::*;
use crate::{Activation, Channels, Constants, Draw, DropConnectSizes, IFNodeConfig, NeuNormSizes, PoolSizes};

/// `text` with `from`, which stands there once, replaced.
fn planted(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "`{from}` stands once in the text");
    text.replace(from, to)
}

/// How many of its elements a thread has.
pub(super) const TAIL: &str = "!there ? 0 : len - first < VEC ? (int)(len - first) : VEC";

/// 300 neurons, three steps.
fn neurons() -> (String, Launch) {
    let neuron = IFNodeConfig::default();
    let kernels = NeuronKernels::new(&neuron, Element::F32, 4);
    let constants = Constants::<f32>::new(&neuron, &[], Channels::ONE).unwrap();
    let mut launch = Launch::new(FORWARD.to_string(), [1, 1, 1]);
    let mut pass = kernels.pass(&constants, 3, 298, Draw::default());
    pass.x = launch.buffer(&[0.5f32; 3 * 298]);
    let mut out = ForwardArguments { y: launch.room::<f32>(3 * 298), bits: launch.room::<u32>(3 * 10), ..ForwardArguments::default() };
    out.states[0] = launch.room::<f32>(298);
    launch.argument(pass);
    launch.argument(out);
    (kernels.source.text(), launch)
}

/// 1000 numbers, summed by two blocks.
fn sums() -> (String, Launch) {
    let mut launch = Launch::new(SUM.to_string(), [1, 2, 1]);
    let (rows, sums) = (launch.buffer(&[1.0f32; 1000]), launch.room::<f64>(2));
    launch.argument(SumArguments { rows, sums, samples: 1000, channels: 1, inner: 1, padding: 0 });
    (SumKernel { ty: "float" }.source().text(), launch)
}

/// NeuNorm of 3 channels of 7 pixels.
fn neunorm() -> (String, Launch) {
    let sizes = NeuNormSizes { steps: 2, samples: 2, channels: 3, pixels: 7 };
    let kernel = NeuNormKernel { element: Element::F32 };
    let mut launch = Launch::new(NEUNORM.to_string(), kernel.blocks(sizes));
    let call = NeuNormArguments {
        x: launch.buffer(&[1.0f32; 84]),
        w: launch.buffer(&[0.5f32; 21]),
        u0: 0,
        y: launch.room::<f32>(84),
        u: launch.room::<f32>(14),
        u_seq: 0,
        norm: NeuNormNumbers::new(0.9, sizes, 21, 0),
    };
    launch.argument(call);
    (kernel.source().text(), launch)
}

/// A mask of 1026 elements.
fn dropout() -> (String, Launch) {
    let kernel = DropoutMaskKernel { element: Element::F32 };
    let mut launch = Launch::new(DROPOUT_MASK.to_string(), kernel.blocks(1026));
    let mask = launch.room::<f32>(1026);
    launch.argument(DropoutMaskArguments::new(mask, 1026, 0.5, Draw::default()).unwrap());
    (kernel.source().text(), launch)
}

/// Two outputs of 5 inputs.
fn drop_connect() -> (String, Launch) {
    let sizes = DropConnectSizes { steps: 1, samples: 1, inputs: 5, outputs: 2 };
    let kernel = DropConnectKernel { element: Element::F32 };
    let mut launch = Launch::new(DROP_CONNECT.to_string(), kernel.outputs(sizes));
    let call = DropConnectArguments::new(sizes, Activation::Relu, 0.5, 1, 1, 2, &[3]).unwrap();
    let (x, w, y) = (launch.buffer(&[1.0f32; 5]), launch.buffer(&[0.5f32; 10]), launch.room::<f32>(2));
    launch.argument(DropConnectArguments { x, w, y, ..call });
    (kernel.source().text(), launch)
}

/// The gradient of a plane of 3 x 5, of which the last row and column are in no window.
fn max_pool() -> (String, Launch) {
    let (kernel, stride) = ([2, 2], [2, 2]);
    let sizes = PoolSizes { planes: 1, input: [3, 5], output: [1, 2], kernel, stride, padding: [0, 0] };
    let kernels = MaxPoolKernel { element: Element::F32 };
    let mut launch = Launch::new(MAX_POOL_BACKWARD.to_string(), kernels.backward_blocks(sizes, false));
    let (places, grad_y, grad_x) = (launch.buffer(&[0u8; 2]), launch.buffer(&[1.0f32; 2]), launch.room::<f32>(15));
    launch.argument(MaxPoolArguments { places, grad_y, grad_x, ..MaxPoolArguments::new(sizes, false) });
    (kernels.source().text(), launch)
}

/// A product along 40 spikes, two words.
fn spike_product() -> (String, Launch) {
    let kernel = SpikesKernel { element: Element::F32 };
    let mut launch = Launch::new(SPIKE_PRODUCT.to_string(), kernel.product(9, 4));
    let call = SpikeProductArguments {
        ones: launch.buffer(&[0xffu32; 18]),
        others: launch.buffer(&[0u32; 18]),
        x: launch.buffer(&[1.0f32; 360]),
        dense: launch.buffer(&[0.5f32; 160]),
        first: 0,
        out: launch.room::<f32>(36),
        strides: [40, 1],
        rows: 9,
        along: 40,
        columns: 4,
        wide: 1,
    };
    launch.argument(call);
    (kernel.source().text(), launch)
}

fn dies(source: &str, launch: Launch, watch: Watch, says: &str) {
    let said = Program::build(source, watch).run(&[launch], 1).err().unwrap_or_else(|| panic!("nobody saw it: {says}"));
    assert!(said.contains(says), "{said}");
}

#[test]
fn without_a_fault_nobody_says_anything() {
    for (source, launch) in [neurons(), sums(), neunorm(), dropout(), drop_connect(), max_pool(), spike_product()] {
        Program::build(&source, Watch::Addresses).run(&[launch], 1).unwrap();
    }
}

#[test]
fn neurons_past_the_end() {
    let (source, launch) = neurons();
    let source = planted(&source, TAIL, "!there ? 0 : VEC");
    dies(&source, launch, Watch::Addresses, "heap-buffer-overflow");
}

#[test]
fn a_step_too_many() {
    let (source, launch) = neurons();
    let source = planted(&source, "if (first + j < pass.steps) block.input", "block.input");
    dies(&source, launch, Watch::Addresses, "heap-buffer-overflow");
}

#[test]
fn threads_that_leave_before_a_collective() {
    let (source, launch) = neurons();
    let head = "    F s[VEC][room(N::STATES)];\n    block.start(s);\n    for (unsigned first";
    let source = planted(&source, head, &format!("    if (block.left == 0) return;\n{head}"));
    dies(&source, launch, Watch::Addresses, "waits for a lane that has ended");
}

#[test]
fn a_collective_that_names_too_few() {
    let (source, launch) = neurons();
    let source = planted(&source, "word |= __shfl_xor_sync(0xffffffffu", "word |= __shfl_xor_sync(0x7fffffffu");
    dies(&source, launch, Watch::Addresses, "at a collective that does not name it");
}

#[test]
fn a_shared_array_that_is_too_small() {
    let (source, launch) = sums();
    let source = planted(&source, "SNN_SHARED(double, shared, SUM_THREADS)", "SNN_SHARED(double, shared, SUM_THREADS - 1)");
    dies(&source, launch, Watch::Addresses, "heap-buffer-overflow");
}

/// The barrier behind the last read of a shared array.
pub(super) const AGAIN: &str = "    // The array may be used again.\n    __syncthreads();";

/// In front of the barrier that two faults are about.
const HALVES: &str = "    for (unsigned half = SUM_THREADS / 2; half >= GROUP; half /= 2) {\n";

#[test]
fn a_barrier_that_is_not_there() {
    let (source, launch) = sums();
    let source = planted(&source, &format!("{HALVES}        __syncthreads();\n"), HALVES);
    dies(&source, launch, Watch::Races, "data race");
}

#[test]
fn a_barrier_that_some_do_not_reach() {
    let (source, launch) = sums();
    let source = planted(&source, AGAIN, "    if (threadIdx.x < GROUP) __syncthreads();\n");
    dies(&source, launch, Watch::Addresses, "wait at a barrier");
}

#[test]
fn barriers_in_two_places() {
    let (source, launch) = sums();
    let some = format!("{HALVES}        if (threadIdx.x < half) __syncthreads();\n");
    let source = planted(&source, &format!("{HALVES}        __syncthreads();\n"), &some);
    dies(&source, launch, Watch::Addresses, "threads of the block are at different barriers");
}

#[test]
fn blocks_that_write_to_one_place() {
    let (source, launch) = sums();
    let source = planted(&source, "* parts + part]", "* parts]");
    dies(&source, launch, Watch::Races, "data race");
}

/// Shared arrays start as NaN.
#[test]
fn an_array_that_is_read_before_it_is_written() {
    let (source, mut launch) = sums();
    let sums = launch.room::<f64>(0);
    let source = planted(&source, "    shared[threadIdx.x] = value;\n", "    if (threadIdx.x != 9) shared[threadIdx.x] = value;\n");
    let got: Vec<f64> = Program::build(&source, Watch::Addresses).run(&[launch], 1).unwrap()[0].of(sums - 1);
    assert!(got[0].is_nan(), "{got:?}");
}

#[test]
fn pixels_past_the_end() {
    let (source, launch) = neunorm();
    let source = planted(&source, TAIL, "!there ? 0 : VEC");
    dies(&source, launch, Watch::Addresses, "heap-buffer-overflow");
}

#[test]
fn a_mask_past_the_end() {
    let (source, launch) = dropout();
    let source = planted(&source, "quad.left - i < VEC ? quad.left - i : VEC", "VEC");
    dies(&source, launch, Watch::Addresses, "heap-buffer-overflow");
}

#[test]
fn outputs_that_leave_before_the_sum() {
    let (source, launch) = drop_connect();
    let source = planted(&source, "    const F sum = total(sums);\n", "    if (!at.there) return;\n    const F sum = total(sums);\n");
    dies(&source, launch, Watch::Addresses, "waits for a lane that has ended");
}

#[test]
fn windows_that_are_not_there() {
    let (source, launch) = max_pool();
    let source = planted(&source, "p * call.right <= c && p < call.columns", "p * call.right <= c");
    dies(&source, launch, Watch::Addresses, "heap-buffer-overflow");
}

#[test]
fn a_tile_that_is_read_before_it_is_written() {
    let (source, launch) = spike_product();
    let fill = "            tile[k * 32 + lane] = columns;\n        }\n";
    let source = planted(&source, &format!("{fill}        __syncthreads();\n"), fill);
    dies(&source, launch, Watch::Races, "data race");
}
