//! What the device compiler makes of the kernels. In: sources and targets; out: `docs/cuda-kernels.md`, registers and bytes in a table.
//!
//! Needs NVRTC, and no GPU: `cargo xtask setup --cuda` installs it, and `cargo xtask test` finds it there. Without it the test says so and
//! passes. With `SNN_UPDATE=1` it writes the page.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Mutex;
use std::{env, fs, thread};

use snn_kernels::cuda::{
    AdamKernel, AddScaledKernel, AloneKernels, AttentionKernels, DropConnectKernel, DropoutMaskKernel, DsrKernels, Element,
    GatedLifKernels, GatesKernels, MaxPoolKernel, MpbnKernels, NeuNormKernel, NonSpikingKernels, PoissonKernel, PsnKernels, Source,
    SpikesKernel, StbifKernel, SumKernel, THREADS,
};
use snn_kernels::{Compiled, Surrogate};

use super::nvrtc::{self, Program};

/// Compute capabilities: Turing, Ampere, Hopper, Blackwell of data centres and of desks.
const TARGETS: [u32; 5] = [75, 80, 90, 100, 120];

/// What `ptxas` says of one kernel.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    registers: u32,
    spilled: u32,
}

/// A row of the page: sources that are compiled for one target.
struct Row {
    what: String,
    target: u32,
    source: Source,
    /// Bytes per neuron and step, forward and backward, where the page says them.
    bytes: String,
    /// How PTX says that an access takes all that a thread has of a row.
    access: Option<&'static str>,
    /// Is it on the page? Else it has to compile, without spilling.
    listed: bool,
}

fn rows() -> Vec<Row> {
    use snn_kernels as k;
    let mut rows = Vec::new();
    let mut add = |name: &str, neuron: &dyn Compiled, element: Element, steps: usize, targets: &[u32]| {
        let kernels = neuron.cuda(element, steps);
        let (size, access) = match element {
            Element::F32 => (4.0, ".v4.f32"),
            Element::F64 => (8.0, ".v2.f64"),
            Element::F16 | Element::Bf16 => (2.0, ".v4.u16"),
        };
        // One segment: nothing is read twice.
        let bytes = format!("{} / {}", 2.0 * size, 3.0 * size);
        for &target in targets {
            rows.push(Row {
                what: format!("{name}, {element:?}, T = {}", kernels.segment),
                target,
                source: kernels.source.clone(),
                bytes: bytes.clone(),
                access: Some(access),
                listed: true,
            });
        }
    };
    let surrogate_function: Surrogate = k::ATan::default().into();
    let lif = k::LIFNodeConfig { surrogate_function, ..Default::default() };
    add("LIFNode", &lif, Element::F32, 4, &TARGETS);
    for (element, steps) in [(Element::F32, 1), (Element::F32, 8), (Element::F64, 4), (Element::F16, 4), (Element::Bf16, 4)] {
        add("LIFNode", &lif, element, steps, &[90]);
    }
    macro_rules! each {
        ($($config:ident)*) => {$(
            add(stringify!($config).trim_end_matches("Config"), &k::$config::default(), Element::F32, 4, &[90]);
        )*};
    }
    each! {
        IFNodeConfig ParametricLIFNodeConfig QIFNodeConfig EIFNodeConfig IzhikevichNodeConfig KLIFNodeConfig LIAFNodeConfig ILIFNodeConfig
        CUBALIFNodeConfig ComplementaryLIFNodeConfig HalfThresholdIFNodeConfig TernaryIFNodeConfig TernaryLIFNodeConfig
        ActivationAwareIFNodeConfig RAFNodeConfig SimpleIFNodeConfig SimpleLIFNodeConfig
    }
    add("ElementWiseRecurrentContainer of LIFNode", &k::Feedback { neuron: lif, join: k::Join::Add }, Element::F32, 4, &[90]);
    add("SynapseFilter", &k::SynapseCurrent::<true> { tau: 2.0 }, Element::F32, 4, &TARGETS);
    let mut add = |element: Element, target: u32, listed: bool| {
        rows.extend(others(element).into_iter().map(|(what, source, bytes, wide)| Row {
            what: format!("{what}, {element:?}"),
            target,
            source,
            bytes: bytes.into(),
            access: Some(".v4.f32").filter(|_| listed && wide),
            listed,
        }));
    };
    TARGETS.into_iter().for_each(|target| add(Element::F32, target, true));
    for (element, target) in [(Element::F64, 80), (Element::F16, 75), (Element::Bf16, 120)] {
        add(element, target, false);
    }
    rows
}

/// Kernels that are no pointwise neuron's: what they are, their source, bytes per element of `f32`, and whether rows are read by 128 bits.
fn others(element: Element) -> Vec<(&'static str, Source, &'static str, bool)> {
    use snn_kernels as k;
    let fire = &Surrogate::from(k::ATan::default());
    let lstm = k::Gates { cell: k::Cell::Lstm, hidden: 64, surrogate: *fire, content: None };
    let states = if element == Element::F64 { "double" } else { "float" };
    vec![
        ("sums of channels", SumKernel { ty: states }.source(), "-", false),
        ("through the statistics of a norm", AddScaledKernel { element }.source(), "-", true),
        ("NeuNorm (forward / backward / of weights / their sums)", NeuNormKernel { element }.source(), "8 / 12", true),
        ("dropout masks", DropoutMaskKernel { element }.source(), "-", false),
        ("DropConnectLinear (forward / of x / of weights)", DropConnectKernel { element }.source(), "-", true),
        ("DropConnectLinear, mean", DropConnectKernel { element }.mean_source(), "-", false),
        ("max pool", MaxPoolKernel { element }.source(), "5.25 / 5.25", true),
        ("PSN, T = 4 (forward / slopes / of x / of weights / their sums)", PsnKernels::new(fire, element, 4).source, "8 / 28", true),
        ("GatedLIFNode, T = 4", GatedLifKernels::new(fire, element, 4).source, "8 / 25", true),
        ("GatedLIFNode, T = 16", GatedLifKernels::new(fire, element, 16).source, "8 / 29.25", true),
        ("MPBNLIFNode, [N, C, H, W]", MpbnKernels::new(fire, element, 64, true).source, "28 / 48", true),
        ("MPBNLIFNode, [N, F]", MpbnKernels::new(fire, element, 1, true).source, "28 / 48", false),
        ("STBIFNode", StbifKernel { element }.source(), "8", true),
        ("DSRIFNode, DSRLIFNode", DsrKernels { element }.source(), "8 / 4", true),
        ("NonSpikingLIFNode", NonSpikingKernels { element, decode: k::Decode::Sequence }.source(), "8 / 8", true),
        ("gates of SpikingLSTM", GatesKernels::new(&lstm, element).source, "44 / 92", true),
        (
            "attention (rows / steps / channels / pixels / y / gates of pixels / along x / gates of channels / gates of steps / of x)",
            AttentionKernels { element }.source(),
            "16 / 28",
            true,
        ),
        ("PoissonEncoder", PoissonKernel { element }.source(), "8", true),
        ("surrogate functions alone", AloneKernels::new(fire, element).source, "8 / 12", true),
        ("Adam", AdamKernel { element }.source(), "28", true),
        ("products with spikes (bits / transposed / product)", SpikesKernel { element }.source(), "-", true),
    ]
}

/// What `ptxas -v` says of each kernel, in the order of the text; and the code in PTX.
fn compiled(row: &Row) -> (Vec<(String, Figures)>, String) {
    let options =
        [format!("--gpu-architecture=sm_{}", row.target), "--std=c++17".into(), "--fmad=false".into(), "--ptxas-options=-v".into()];
    let text = row.source.text();
    let program = Program::new(&text, &options).unwrap_or_else(|e| panic!("{}: {e:?}", row.what));
    let mut figures = BTreeMap::<String, Figures>::new();
    let mut kernel = String::new();
    for line in program.log().lines() {
        let number = |before: &str| line.split(before).next()?.split_whitespace().next_back()?.parse::<u32>().ok();
        if let Some(name) = line.split("entry function '").nth(1).and_then(|rest| rest.split('\'').next()) {
            kernel = name.to_string();
        } else if line.contains("spill stores") {
            figures.entry(kernel.clone()).or_default().spilled = number(" bytes spill stores").expect("a number");
        } else if line.contains(" registers") {
            figures.entry(kernel.clone()).or_default().registers = number(" registers").expect("a number");
        }
    }
    assert!(!figures.is_empty(), "{}: ptxas says nothing", row.what);
    let mut figures: Vec<_> = figures.into_iter().collect();
    figures.sort_by_key(|(kernel, _)| text.find(&format!(" {kernel}(")));
    (figures, String::from_utf8_lossy(&program.ptx().expect("PTX of a compiled program")).into_owned())
}

/// Warps that fit into a multiprocessor beside each other, of those it can hold, in percent: 65536 registers, given out by 256 to a warp.
fn occupancy(registers: u32, target: u32) -> u32 {
    let warps = match target {
        75 => 32,
        120 => 48,
        _ => 64,
    };
    let (block, warp) = (THREADS / 32, (registers * 32).next_multiple_of(256));
    let blocks = (65536 / (warp * block)).min(warps / block);
    100 * blocks * block / warps
}

fn page(results: &[(Row, Vec<(String, Figures)>)]) -> String {
    let mut page = String::from(include_str!("report.md"));
    for (row, figures) in results.iter().filter(|(row, _)| row.listed) {
        let join = |f: &dyn Fn(&Figures) -> u32| figures.iter().map(|(_, x)| f(x).to_string()).collect::<Vec<_>>().join(" / ");
        let _ = writeln!(
            page,
            "| {} | sm_{} | {} | {} | {} | {} |",
            row.what,
            row.target,
            join(&|f| f.registers),
            join(&|f| f.spilled),
            join(&|f| occupancy(f.registers, row.target)),
            row.bytes,
        );
    }
    page
}

#[test]
fn the_page_says_what_the_device_compiler_says() {
    if nvrtc::load().is_err() {
        // Not `println!`: the harness shows that only of tests that fail.
        let _ = writeln!(io::stderr(), "skipped: there is no NVRTC here; `cargo xtask setup --cuda` installs it");
        return;
    }
    let rows = Mutex::new(rows().into_iter().enumerate().collect::<Vec<_>>());
    let results = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some((place, row)) = rows.lock().expect("no thread panicked").pop() else { break };
                    let (figures, ptx) = compiled(&row);
                    if let Some(access) = row.access {
                        for kind in ["ld.global", "st.global"] {
                            assert!(ptx.contains(&format!("{kind}{access}")), "{}: there is no {kind}{access}", row.what);
                        }
                    }
                    for (kernel, figures) in &figures {
                        assert_eq!(figures.spilled, 0, "{}: {kernel} spills registers", row.what);
                    }
                    results.lock().expect("no thread panicked").push((place, (row, figures)));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no thread panicked");
    results.sort_by_key(|(place, _)| *place);
    let page = page(&results.into_iter().map(|(_, result)| result).collect::<Vec<_>>());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cuda-kernels.md");
    if env::var_os("SNN_UPDATE").is_some() {
        fs::write(&file, page).expect("the page is written");
        return;
    }
    let stored = fs::read_to_string(&file).unwrap_or_default();
    // Another NVRTC gives out registers otherwise: the rest of the test holds with any, the page with its own.
    if nvrtc::version() != Ok((13, 0)) {
        let _ = writeln!(io::stderr(), "docs/cuda-kernels.md was written with NVRTC 13.0: not compared");
        return;
    }
    assert!(stored == page, "docs/cuda-kernels.md is not what NVRTC says; `SNN_UPDATE=1 cargo test -p snn-runtime --lib report` writes it");
}
