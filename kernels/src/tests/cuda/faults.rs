//! Does the harness see faults? In: the kernels, each with one mistake planted in its text; out: the program dies and says why.

use super::program::{Launch, Program, Watch};
use crate::cuda::{Element, FORWARD, ForwardArguments, NeuronKernels, SUM, SumArguments, SumKernel};
use crate::{Channels, Constants, Draw, IFNodeConfig};

/// `text` with `from`, which stands there once, replaced.
fn planted(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "`{from}` stands once in the text");
    text.replace(from, to)
}

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

fn dies(source: &str, launch: Launch, watch: Watch, says: &str) {
    let said = Program::build(source, watch).run(&[launch], 1).err().unwrap_or_else(|| panic!("nobody saw it: {says}"));
    assert!(said.contains(says), "{said}");
}

#[test]
fn without_a_fault_nobody_says_anything() {
    for (source, launch) in [neurons(), sums()] {
        Program::build(&source, Watch::Addresses).run(&[launch], 1).unwrap();
    }
}

#[test]
fn neurons_past_the_end() {
    let (source, launch) = neurons();
    let source = planted(&source, "? (int)(pass.neurons - element) : VEC", "? VEC : VEC");
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
    let source = planted(&source, "__shfl_xor_sync(0xffffffffu", "__shfl_xor_sync(0x7fffffffu");
    dies(&source, launch, Watch::Addresses, "at a collective that does not name it");
}

#[test]
fn a_shared_array_that_is_too_small() {
    let (source, launch) = sums();
    let source = planted(&source, "SNN_SHARED(double, shared, SUM_THREADS)", "SNN_SHARED(double, shared, SUM_THREADS - 1)");
    dies(&source, launch, Watch::Addresses, "heap-buffer-overflow");
}

#[test]
fn a_barrier_that_is_not_there() {
    let (source, launch) = sums();
    let source = planted(&source, "        __syncthreads();\n", "");
    dies(&source, launch, Watch::Races, "data race");
}

#[test]
fn a_barrier_that_some_do_not_reach() {
    let (source, launch) = sums();
    let source = planted(&source, "        __syncthreads();\n", "        if (threadIdx.x < half) __syncthreads();\n");
    dies(&source, launch, Watch::Addresses, "wait at a barrier");
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
    let source = planted(&source, "    shared[threadIdx.x] = total;\n", "    if (threadIdx.x != 9) shared[threadIdx.x] = total;\n");
    let got: Vec<f64> = Program::build(&source, Watch::Addresses).run(&[launch], 1).unwrap()[0].of(sums - 1);
    assert!(got[0].is_nan(), "{got:?}");
}
