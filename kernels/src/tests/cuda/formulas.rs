//! The CUDA source of every neuron and surrogate, compiled as plain C++ with the shim `cuda/host.hpp`, against the Rust functions: the same bits.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs, process};

use crate::tests::every_neuron::{Visit, every_neuron, numbers};
use crate::*;

const CASES: usize = 40;

/// What a step is given and gives, as the C++ program has it.
const PROGRAM: &str = r#"
template <typename F> F get() {
    double x;
    if (scanf("%la", &x) != 1) exit(2);
    return F(x);
}

template <typename F> void put(const F* x, int n) {
    for (int i = 0; i < n; i++) printf("%a\n", double(x[i]));
}

template <typename N, typename F> void run() {
    F c[16], s[4], slopes[2], grad_states[4], kept[4] = {}, over[2] = {}, spikes[2] = {}, next[4] = {}, y, grad_x, grad_s[4] = {}, grad_c[16] = {};
    for (F& v : c) v = get<F>();
    for (F& v : s) v = get<F>();
    for (F& v : slopes) v = get<F>();
    for (F& v : grad_states) v = get<F>();
    const F x = get<F>(), grad_y = get<F>();
    N::charge(c, s, x, over, kept);
    for (int i = 0; i < N::FIRES; i++) spikes[i] = over[i] >= F(0) ? F(1) : F(0);
    N::finish(c, s, x, kept, spikes, next, &y);
    N::adjoint(c, s, x, kept, spikes, slopes, grad_y, grad_states, &grad_x, grad_s, grad_c);
    put(over, N::FIRES);
    put(kept, N::KEPT);
    put(next, N::STATES);
    put(&y, 1);
    put(&grad_x, 1);
    put(grad_s, N::STATES);
    put(grad_c, N::LEARNED_CONSTANTS);
}
"#;

/// The program's text, its input and the output it has to give.
#[derive(Default)]
struct Comparison {
    structs: Vec<(&'static str, &'static str)>,
    calls: String,
    input: String,
    want: Vec<(String, f64)>,
}

impl Visit for Comparison {
    fn visit<N: Neuron>(&mut self, neuron: N) {
        if !self.structs.iter().any(|(name, _)| *name == N::NAME) {
            self.structs.push((N::NAME, N::CUDA));
        }
        self.compare::<N, f32>(&neuron, "float");
        self.compare::<N, f64>(&neuron, "double");
    }
}

impl Comparison {
    fn compare<N: Neuron, F: Real>(&mut self, neuron: &N, ty: &str) {
        let (mut learned, mut constants) = ([0.0; MAX_LEARNED], [0.0; MAX_CONSTANTS]);
        neuron.learned_start(&mut learned);
        neuron.constants(&learned, &mut constants);
        let c = constants.map(F::of);
        let _ = writeln!(self.calls, "    for (int i = 0; i < {CASES}; i++) run<snn::{}<{ty}, {}u>, {ty}>();", N::NAME, neuron.flags());
        for case in 0..CASES {
            let mut values = numbers(100 + case as u32, 12).into_iter().map(F::of);
            let mut next = || values.next().expect("twelve numbers");
            let (s, slopes): ([F; MAX_STATES], [F; MAX_FIRES]) = (std::array::from_fn(|_| next()), std::array::from_fn(|_| next()));
            let grad_states: [F; MAX_STATES] = std::array::from_fn(|_| next());
            let (x, grad_y) = (next(), next());
            for value in c.iter().chain(&s).chain(&slopes).chain(&grad_states).chain([&x, &grad_y]) {
                let _ = writeln!(self.input, "{}", hex(value.to_f64()));
            }
            let charged = neuron.charge(&c, &s, x);
            let mut spikes = [F::ZERO; MAX_FIRES];
            for (spike, over) in spikes.iter_mut().zip(charged.over).take(N::FIRES) {
                *spike = over.heaviside();
            }
            let finished = neuron.finish(&c, &s, x, &charged.kept, &spikes);
            let adjoint = neuron.adjoint(&c, &s, x, &charged.kept, &spikes, &slopes, grad_y, &grad_states);
            let mut want = |what: &str, values: &[F]| {
                self.want.extend(values.iter().enumerate().map(|(i, v)| (format!("{neuron:?} {ty} case {case} {what}[{i}]"), v.to_f64())));
            };
            want("over", &charged.over[..N::FIRES]);
            want("kept", &charged.kept[..N::KEPT]);
            want("states", &finished.states[..N::STATES.len()]);
            want("y", &[finished.y]);
            want("grad_x", &[adjoint.x]);
            want("grad_states", &adjoint.states[..N::STATES.len()]);
            want("grad_constants", &adjoint.constants[..N::LEARNED_CONSTANTS]);
        }
    }
}

impl Comparison {
    fn surrogate<S: SurrogateFunction>(&mut self, function: S) {
        self.structs.push((S::NAME, S::CUDA));
        self.compare_surrogate::<S, f32>(&function, "float");
        self.compare_surrogate::<S, f64>(&function, "double");
    }

    fn compare_surrogate<S: SurrogateFunction, F: Real>(&mut self, function: &S, ty: &str) {
        let c = function.constants().map(F::of);
        let has = |name: &str| S::CUDA.contains(&format!(" F {name}("));
        let names: Vec<&str> = ["spike", "derivative", "slope", "primitive"].into_iter().filter(|name| has(name)).collect();
        let _ = writeln!(self.calls, "    for (int i = 0; i < {CASES}; i++) {{\n        {ty} c[8], y;");
        let _ = writeln!(self.calls, "        for ({ty}& v : c) v = get<{ty}>();\n        const {ty} x = get<{ty}>();");
        for name in &names {
            let _ = writeln!(self.calls, "        y = snn::{}<{ty}, 0>::{name}(c, x);\n        put(&y, 1);", S::NAME);
        }
        self.calls.push_str("    }\n");
        for (case, x) in numbers(200, CASES).into_iter().map(F::of).enumerate() {
            for value in c.iter().chain([&x]) {
                let _ = writeln!(self.input, "{}", hex(value.to_f64()));
            }
            for name in &names {
                let y = match *name {
                    "spike" => function.spike(&c, x),
                    "derivative" => function.derivative(&c, x),
                    "slope" => function.slope(&c, x),
                    _ => function.primitive(&c, x),
                };
                self.want.push((format!("{function:?} {ty} case {case} {name}({x})"), y.to_f64()));
            }
        }
    }

    fn surrogates(&mut self) {
        macro_rules! each {
            ($($name:ident)*) => { $(self.surrogate($name::default());)* };
        }
        each! {
            ATan DeterministicPass Erf FakeNumericalGradient LeakyKReLU LogTailedReLU MultiLevelSpikeCount NonzeroSignLogAbs PiecewiseExp
            PiecewiseLeakyReLU PiecewiseQuadratic PoissonPass QPseudoSpike Rect S2NN Sigmoid SoftSign SquarewaveFourierSeries SuperSpike
        }
    }
}

/// A number that `scanf` reads without rounding.
fn hex(x: f64) -> String {
    let bits = x.to_bits();
    let (sign, exponent, mantissa) = (if x.is_sign_negative() { "-" } else { "" }, (bits >> 52 & 0x7ff) as i64, bits & ((1 << 52) - 1));
    match exponent {
        0 => format!("{sign}0x0.{mantissa:013x}p-1022"),
        0x7ff => format!("{sign}{}", if mantissa == 0 { "inf" } else { "nan" }),
        _ => format!("{sign}0x1.{mantissa:013x}p{}", exponent - 1023),
    }
}

/// What `printf("%a")` wrote.
fn parse(text: &str) -> f64 {
    let (sign, text) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
    if text == "inf" || text == "nan" {
        return sign * if text == "inf" { f64::INFINITY } else { f64::NAN };
    }
    let (digits, exponent) = text.trim_start_matches("0x").split_once('p').expect("an exponent");
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mantissa = u64::from_str_radix(&format!("{whole}{fraction}"), 16).expect("hexadecimal digits") as f64;
    // The digits are at most 53 bits: each step is exact, unless the number is subnormal.
    sign * mantissa * 2f64.powi(-4 * fraction.len() as i32) * 2f64.powi(exponent.parse().expect("a number"))
}

#[test]
fn the_cuda_source_gives_the_same_bits() {
    let mut comparison = Comparison::default();
    every_neuron(&mut comparison, true);
    comparison.surrogates();
    let structs: String = comparison.structs.iter().map(|(_, text)| *text).collect();
    let source = format!(
        "#include <cstdio>\n#include <cstdlib>\n#include \"host.hpp\"\n#include \"real.cuh\"\nnamespace snn {{\n{structs}}}\n{PROGRAM}\nint main() {{\n{}}}\n",
        comparison.calls
    );
    let dir = env::temp_dir().join(format!("snn-cuda-{}", process::id()));
    fs::create_dir_all(&dir).expect("a folder for the program");
    let (file, program) = (dir.join("neurons.cpp"), dir.join("neurons"));
    fs::write(&file, source).expect("the program's text");
    let headers = Path::new(env!("CARGO_MANIFEST_DIR")).join("cuda");
    let compiler = env::var("CXX").unwrap_or_else(|_| "c++".into());
    let flags = ["-std=c++17", "-O1", "-ffp-contract=off", "-Wall", "-Wno-unused", "-I"];
    let compiled = Command::new(&compiler).args(flags).arg(headers).arg(&file).arg("-o").arg(&program).output();
    let compiled = compiled.expect("a C++ compiler, which libtorch's bindings need, too");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));

    fs::write(dir.join("input"), &comparison.input).expect("the program's input");
    let input = Stdio::from(fs::File::open(dir.join("input")).expect("the program's input"));
    let out = Command::new(&program).stdin(input).output().expect("the program runs");
    assert!(out.status.success(), "{:?}", out.status);
    let text = String::from_utf8_lossy(&out.stdout);
    let got: Vec<f64> = text.lines().map(parse).collect();
    assert_eq!(got.len(), comparison.want.len());
    for (got, (what, want)) in got.iter().zip(&comparison.want) {
        assert!(got == want || got.is_nan() && want.is_nan(), "{what}: {got} in C++, {want} in Rust");
    }
    assert!(got.len() > 50_000, "{} numbers", got.len());
    let _ = fs::remove_dir_all(dir);
}
