//! Does the harness see faults in each family of kernels? In: their text with some mistakes, all of them in one program, which is told at each run
//! which one is real; out: the program dies, or gives other numbers than the CPU.

use super::comparison::Comparison;
use super::faults::{AGAIN, TAIL};
use super::program::{Program, Watch};
use super::{
    adam, attention, drop_connect, encode, gated_lif, gates, max_pool, mpbn, neunorm, neurons, plain, psn, scale, spikes, surrogates,
};
use crate::cuda::*;
use crate::{ATan, Cell, Decode, DsrLeak, Gates, Surrogate, SynapseCurrent};

/// An expression or a statement that stands once in the text, the mistake instead of it, and what is said then, one of these. A mistake with `$` in it says
/// itself where that is to be asked for.
type Fault = (&'static str, &'static str, &'static [&'static str]);

const OVERFLOW: &[&str] = &["heap-buffer-overflow"];
const RACE: &[&str] = &["data race"];
/// Other numbers.
const CPU: &[&str] = &["the CPU has"];
/// Whatever lies at a wrong place, which may be outside the buffer.
const ELSEWHERE: &[&str] = &["heap-buffer-overflow", "the CPU has"];

/// The text with all of them, each behind a question.
fn planted(source: &str, faults: &[Fault]) -> String {
    let told = "#include <cstdlib>\nstatic const int snn_fault = std::getenv(\"SNN_FAULT\") ? std::atoi(std::getenv(\"SNN_FAULT\")) : 0;\n";
    faults.iter().enumerate().fold(told.to_string() + source, |text, (i, (from, to, _))| {
        assert_eq!(text.matches(from).count(), 1, "`{from}` stands once in the text");
        let is = format!("snn_fault == {}", i + 1);
        let with = match () {
            () if to.contains('$') => to.replace('$', &is),
            () if from.ends_with(';') => format!("if ({is}) {{ {to} }} else {{ {from} }}"),
            () => format!("({is} ? ({to}) : ({from}))"),
        };
        text.replace(from, &with)
    })
}

/// Nobody says anything of the kernels as they are, and somebody what is expected of each fault.
fn seen((comparison, source): (Comparison, String), watch: Watch, faults: &[Fault]) {
    let program = Program::build(&planted(&source, faults), watch);
    comparison.verdict(&program, 0).expect("there is no fault in it");
    for (i, (from, to, says)) in faults.iter().enumerate() {
        let said = comparison.verdict(&program, i + 1).err().unwrap_or_else(|| panic!("nobody saw `{to}` instead of `{from}`"));
        assert!(says.iter().any(|says| said.contains(says)), "`{to}` instead of `{from}`: {said}");
    }
}

fn smooth() -> Surrogate {
    ATan::default().into()
}

/// One element type, and one case with rows that are not wide.
fn psn() -> (Comparison, String) {
    let (mut comparison, mut instances) = (Comparison::default(), String::new());
    psn::add::<f32>(&mut comparison, &mut instances, smooth(), psn::CASES[1]);
    (comparison, text(headers::PSN, &[smooth().cuda()], &instances))
}

fn mpbn() -> (Comparison, String) {
    let (mut comparison, mut instances) = (Comparison::default(), String::new());
    mpbn::add::<f32>(&mut comparison, &mut instances, smooth(), false, mpbn::CASES[0]);
    (comparison, text(headers::MPBN, &[smooth().cuda()], &instances))
}

fn spikes() -> (Comparison, String) {
    let mut comparison = Comparison::default();
    spikes::add::<f32>(&mut comparison, "", spikes::SIZES[1], false);
    (comparison, SpikesKernel { element: Element::F32 }.source().text())
}

fn attention() -> (Comparison, String) {
    let mut comparison = Comparison::default();
    attention::add::<f32>(&mut comparison, "", attention::CASES[1]);
    // Without gates in front many values are the largest.
    attention::add::<f32>(&mut comparison, "", attention::CASES[4]);
    (comparison, AttentionKernels { element: Element::F32 }.source().text())
}

#[test]
fn in_parallel_neurons() {
    seen(
        psn(),
        Watch::Addresses,
        &[
            (
                "psn.x + (size_t)j * psn.neurons + at.first, psn.wide, at.left);",
                "psn.x + (size_t)j * psn.neurons + at.first, psn.wide, $ ? VEC : at.left);",
                OVERFLOW,
            ),
            ("own(i) - j < window", "own(i) - j <= window", CPU),
            ("mul(Fire::slope(psn.fires.surrogate, h[k]), grad[k])", "grad[k]", CPU),
            ("psn.sees(i, first + o)", "true", CPU),
        ],
    );
}

#[test]
fn in_gated_neurons() {
    let (mut comparison, mut instances) = (Comparison::default(), String::new());
    gated_lif::add::<f32>(&mut comparison, &mut instances, smooth(), gated_lif::CASES[1]);
    seen(
        (comparison, text(headers::GATED_LIF, &[smooth().cuda()], &instances)),
        Watch::Addresses,
        &[
            ("(at.first + k) / call.plane % call.channels", "(at.first + k) % call.channels", CPU),
            ("sub(sub(charged, mul(mul(kept, gate[k]), s[k])), mul(drop[k], s[k]))", "sub(charged, mul(mul(kept, gate[k]), s[k]))", CPU),
            ("grad_v[k] = mul(mul(g, block.keep[k]), held);", "grad_v[k] = mul(g, block.keep[k]);", CPU),
            ("block.step(5 + t)", "block.step(6 + t)", OVERFLOW),
            (TAIL, "!there ? 0 : VEC", OVERFLOW),
        ],
    );
}

#[test]
fn in_normalised_potentials() {
    seen(
        mpbn(),
        Watch::Addresses,
        &[
            ("sub(h[i], centre)", "h[i]", CPU),
            ("mul(sub(F(1), s[i]), y[i])", "y[i]", CPU),
            ("F(div(weight, count))", "F(weight)", CPU),
            ("SUM_THREADS / CHANNELS * VEC", "SUM_THREADS / CHANNELS", CPU),
        ],
    );
}

#[test]
fn in_neurons_without_a_surrogate_function() {
    let mut comparison = Comparison::default();
    let (sizes, leak) = ((3, 37), Some(DsrLeak { tau: 2.0, delta_t: 0.3 }));
    plain::stbif::<f32>(&mut comparison, "", sizes, true);
    plain::dsr::<f32>(&mut comparison, "", sizes, leak);
    plain::non_spiking::<f32>(&mut comparison, "", sizes, Some(1.7), Decode::Max);
    let (element, decode) = (Element::F32, Decode::Max);
    let instances =
        [StbifKernel { element }.instance(""), DsrKernels { element }.instances(""), NonSpikingKernels { element, decode }.instances("")];
    let headers = [headers::STBIF, &headers::DSR[2..], &headers::NON_SPIKING[2..]].concat();
    seen(
        (comparison, text(&headers, &[], &instances.concat())),
        Watch::Addresses,
        &[
            ("acc[k] < most", "acc[k] <= most", CPU),
            ("q[k] = sub(q[k], c[k]);", "", CPU),
            ("v[k] = sub(v[k], s);", "", CPU),
            ("div(s, delta_t)", "s", CPU),
            ("mul(div(rate[k], total), steps)", "div(rate[k], total)", CPU),
            ("add(v[k], div(sub(x[k], v[k]), tau))", "add(v[k], div(x[k], tau))", CPU),
            ("chosen[k] == t ?", "chosen[k] == ($ ? t + 1 : t) ?", CPU),
            (TAIL, "!there ? 0 : VEC", OVERFLOW),
        ],
    );
}

#[test]
fn in_gates_of_recurrent_cells() {
    let (mut comparison, mut instances) = (Comparison::default(), String::new());
    let lstm = Gates { cell: Cell::Lstm, hidden: 7, surrogate: smooth().with_spiking(false), content: None };
    gates::add::<f32>(&mut comparison, &mut instances, lstm, 5, false);
    seen(
        (comparison, text(headers::GATES, &[smooth().cuda()], &instances)),
        Watch::Addresses,
        &[
            ("full > F(1) ? F(1) : full", "full", CPU),
            ("mul(grad_h[k], next_c[k])", "mul(grad_h[k], c[k])", CPU),
            ("(size_t)lanes.row * GATES + n", "(size_t)lanes.row + n * call.samples", CPU),
            (TAIL, "!there ? 0 : VEC", OVERFLOW),
        ],
    );
}

#[test]
fn in_a_step_of_adam() {
    let mut comparison = Comparison::default();
    adam::add::<f32>(&mut comparison, "", 37, 0.125, false);
    seen(
        (comparison, AdamKernel { element: Element::F32 }.source().text()),
        Watch::Addresses,
        &[
            ("mul(fresh, sub(g[k], m[k]))", "mul(fresh, g[k])", CPU),
            ("add(div(sqrt(v[k]), root), eps)", "div(sqrt(v[k]), root)", CPU),
            ("call.elements - at < VEC ? (int)(call.elements - at) : VEC", "VEC", OVERFLOW),
        ],
    );
}

#[test]
fn in_neunorm() {
    let mut comparison = Comparison::default();
    neunorm::add::<f32>(&mut comparison, "", neunorm::SIZES[1], true, true);
    seen(
        (comparison, NeuNormKernel { element: Element::F32 }.source().text()),
        Watch::Addresses,
        &[
            ("carried[i] = mul(k, carried[i]);", "", CPU),
            ("first + NEUNORM_SAMPLES < call.samples ? first + NEUNORM_SAMPLES : call.samples", "first + NEUNORM_SAMPLES", OVERFLOW),
            ("part * NEUNORM_SAMPLES < call.samples", "part <= call.samples", OVERFLOW),
            ("add(mul(k, u[i]), mul(gain, sum[i]))", "add(u[i], mul(gain, sum[i]))", CPU),
        ],
    );
}

#[test]
fn in_synapse_filters() {
    let mut comparison = neurons::Comparison::default();
    comparison.add::<_, f32>(&SynapseCurrent::<true> { tau: 4.0 }, 4);
    seen(
        comparison.parts(),
        Watch::Addresses,
        &[
            ("grad_s[0] = mul(grad, sub(F(1), mul(none, c[0])));", "grad_s[0] = grad;", CPU),
            ("fixed[k] = add(fixed[k], grad_x[k]);", "fixed[k] = grad_x[k];", CPU),
            ("of_scale[1][k] = add(of_scale[1][k], grad_x[k]);", "", CPU),
            ("block.input(x[j], (segment - 1) * SEG + j);", "block.input(x[j], segment * SEG + j);", ELSEWHERE),
        ],
    );
}

#[test]
fn in_max_pools() {
    let mut comparison = Comparison::default();
    max_pool::add::<f32>(&mut comparison, "", max_pool::every_size()[4], true);
    seen(
        (comparison, MaxPoolKernel { element: Element::F32 }.source().text()),
        Watch::Addresses,
        &[
            ("x > y || x != x", "x >= y || x != x", CPU),
            ("(r - o * call.down) * call.broad", "(r - o * call.down) * call.tall", CPU),
            ("from >= call.height", "from > call.height", OVERFLOW),
        ],
    );
}

#[test]
fn in_dropped_connections() {
    let mut comparison = Comparison::default();
    drop_connect::add::<f32>(&mut comparison, "", drop_connect::CASES[1]);
    let kernel = DropConnectKernel { element: Element::F32 };
    let mean = kernel.instances(&[(DROP_CONNECT_MEAN, "drop_connect_mean")], "");
    seen(
        (comparison, kernel.source().text() + &mean),
        Watch::Addresses,
        &[
            ("j * 16 + threadIdx.x % 4 * 4 + i", "j * 16 + i", CPU),
            ("first + k == inputs ? bias : values[k]", "values[k]", CPU),
            ("words[w][i] <= call.last_kept", "words[w][i] > call.last_kept", CPU),
            ("if (call.more)", "if (call.more && !($))", CPU),
            ("mul(total(means), F(call.share))", "total(means)", CPU),
        ],
    );
}

#[test]
fn in_products_of_spikes() {
    seen(
        spikes(),
        Watch::Addresses,
        &[
            ("others >> k & 1", "false", CPU),
            ("(word * 32ull + k) * call.along_stride", "(word * 32ull + k) * call.row_stride", ELSEWHERE),
            ("low ^= low << apart / 2;", "low ^= low << apart;", CPU),
            ("from < call.along ? left : 0", "left", OVERFLOW),
        ],
    );
}

#[test]
fn in_attention_gates() {
    seen(
        attention(),
        Watch::Addresses,
        &[
            ("other == max && place < first", "other == max && place > first", CPU),
            ("z[k] > max[k]", "z[k] >= max[k]", CPU),
            ("there.of[k] > max[k]", "there.of[k] >= max[k]", CPU),
            ("slice * each < count ? slice * each : count", "slice * each < count ? slice * each + 1 : count", CPU),
            ("call.planes_back + plane + call.pixels", "call.planes_back + plane", CPU),
            ("call.relu && !(mul(at.gated(x[k]), gate[k]) > F(0))", "false", CPU),
            ("mul(grad[k], scale)", "grad[k]", CPU),
            ("call.pixel_gates ? left(p) : 0", "VEC", OVERFLOW),
            ("mul(mul(call.channel_back[channel], F(call.channel_share)), call.row_sum[row])", "F(0)", CPU),
        ],
    );
}

#[test]
fn in_spikes_at_random() {
    let mut comparison = Comparison::default();
    // Two accesses of a thread, and a last thread with one of them.
    encode::add::<f64>(&mut comparison, "", 1026);
    seen(
        (comparison, PoissonKernel { element: Element::F64 }.source().text()),
        Watch::Addresses,
        &[
            ("elements - element < 4 ? (int)(elements - element) : 4", "4", OVERFLOW),
            ("quad.words[i + k]", "quad.words[k]", CPU),
            ("<= double(x[k])", "<= ($ ? 0.5 : double(x[k]))", CPU),
        ],
    );
}

#[test]
fn in_surrogate_functions_alone() {
    let (mut comparison, mut instances) = (Comparison::default(), String::new());
    surrogates::add::<f32>(&mut comparison, &mut instances, smooth(), 37);
    seen(
        (comparison, text(headers::SURROGATE, &[smooth().cuda()], &instances)),
        Watch::Addresses,
        &[(TAIL, "!there ? 0 : VEC", OVERFLOW), ("mul(grad[k], Fire::slope(call.fires.surrogate, x[k]))", "grad[k]", CPU)],
    );
}

#[test]
fn in_scaled_inputs() {
    let mut comparison = Comparison::default();
    scale::add(&mut comparison, scale::CASES[0]);
    seen(
        (comparison, AddScaledKernel { element: Element::F32 }.source().text()),
        Watch::Addresses,
        &[
            ("call.elements - element < VEC ? (int)(call.elements - element) : VEC", "VEC", OVERFLOW),
            ("(element + k) / call.inner % call.channels", "(element + k) % call.channels", CPU),
            ("add(mul(x[k], call.scale[channel]), call.shift[channel])", "mul(x[k], call.scale[channel])", CPU),
        ],
    );
}

/// A helper that is called twice writes what others may still read.
#[test]
fn a_barrier_behind_the_last_read() {
    let faults: &[Fault] = &[(AGAIN, "", RACE)];
    seen(psn(), Watch::Races, faults);
    seen(mpbn(), Watch::Races, faults);
}

#[test]
fn a_barrier_at_the_end_of_a_turn() {
    const END: &str = "        __syncthreads();\n    }\n#pragma unroll\n    for (int r = 0; r < PRODUCT_ROWS_OF_WARP; r++) {\n        if (row + r < call.rows) store";
    const WITHOUT: &str = "        if (!($)) __syncthreads();\n    }\n#pragma unroll\n    for (int r = 0; r < PRODUCT_ROWS_OF_WARP; r++) {\n        if (row + r < call.rows) store";
    seen(spikes(), Watch::Races, &[(END, WITHOUT, RACE)]);
}

#[test]
fn slices_that_are_added_before_they_are_there() {
    const SLICES: &str = "    shared[threadIdx.x] = pack;\n    __syncthreads();";
    seen(attention(), Watch::Races, &[(SLICES, "    shared[threadIdx.x] = pack;\n    if (!($)) __syncthreads();", RACE)]);
}
