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
    ATTENTION_ALONG, ATTENTION_CHANNEL_GATES, ATTENTION_CHANNELS, ATTENTION_ROWS, ATTENTION_STEP_GATES, ATTENTION_STEPS, AdamKernel,
    AddScaledKernel, AloneKernels, AttentionKernels, DROP_CONNECT, DROP_CONNECT_MEAN, DROPOUT_MASK, DropConnectKernel, DropoutMaskKernel,
    DsrKernels, Element, GatedLifKernels, GatesKernels, MaxPoolKernel, MpbnKernels, NEUNORM_FOLD, NeuNormKernel, NonSpikingKernels,
    PACK_SPIKES, PSN_FOLD, PSN_WEIGHTS, PoissonKernel, PsnKernels, SUM, Source, SpikesKernel, StbifKernel, SumKernel, THREADS,
    TRANSPOSE_BITS,
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

/// A row of the page: a source, compiled for each target.
struct Row {
    what: String,
    source: Source,
    /// Bytes per neuron and step, forward and backward, where the page says them.
    bytes: &'static str,
    element: Element,
    /// Do neighbours in memory have neighbouring threads, so that one takes several at once?
    rows: bool,
    targets: &'static [u32],
}

impl Row {
    /// Is it on the page? Else it has to compile, without spilling and with wide accesses.
    fn listed(&self) -> bool {
        self.targets == TARGETS
    }

    /// How PTX says that an access takes all that a thread has of a row: of elements, or of states.
    fn accesses(&self) -> &'static [&'static str] {
        match self.element {
            Element::F32 => &[".v4.f32"],
            Element::F64 => &[".v2.f64"],
            Element::F16 | Element::Bf16 => &[".v4.u16", ".v4.f32"],
        }
    }
}

/// What a kernel takes by one access of 128 bits (64 with 16-bit elements), where rows are aligned.
enum Wide {
    Both,
    Loads,
    Stores,
    /// Each thread folds numbers that lie apart.
    None,
}

fn wide(kernel: &str) -> Wide {
    match kernel {
        SUM
        | NEUNORM_FOLD
        | PSN_FOLD
        | TRANSPOSE_BITS
        | ATTENTION_STEPS
        | ATTENTION_CHANNELS
        | ATTENTION_CHANNEL_GATES
        | ATTENTION_STEP_GATES => Wide::None,
        DROP_CONNECT | DROP_CONNECT_MEAN | PSN_WEIGHTS | PACK_SPIKES | ATTENTION_ROWS | ATTENTION_ALONG => Wide::Loads,
        DROPOUT_MASK => Wide::Stores,
        _ => Wide::Both,
    }
}

/// Features without pixels: a thread has all samples of one feature, which lie apart.
const MPBN_FLAT: &str = "MPBNLIFNode, [N, F]";

fn rows() -> Vec<Row> {
    use snn_kernels as k;
    let mut rows = Vec::new();
    let mut add = |name: &str, neuron: &dyn Compiled, element: Element, steps: usize| {
        let kernels = neuron.cuda(element, steps);
        // One segment: nothing is read twice.
        let bytes = match element {
            Element::F32 => "8 / 12",
            Element::F64 => "16 / 24",
            Element::F16 | Element::Bf16 => "4 / 6",
        };
        let what = format!("{name}, {element:?}, T = {}", kernels.segment);
        rows.push(Row { what, source: kernels.source, bytes, element, rows: true, targets: &TARGETS });
    };
    let surrogate_function: Surrogate = k::ATan::default().into();
    let lif = k::LIFNodeConfig { surrogate_function, ..Default::default() };
    for (element, steps) in
        [(Element::F32, 4), (Element::F32, 1), (Element::F32, 8), (Element::F64, 4), (Element::F16, 4), (Element::Bf16, 4)]
    {
        add("LIFNode", &lif, element, steps);
    }
    macro_rules! each {
        ($($config:ident)*) => {$(
            add(stringify!($config).trim_end_matches("Config"), &k::$config::default(), Element::F32, 4);
        )*};
    }
    each! {
        IFNodeConfig ParametricLIFNodeConfig QIFNodeConfig EIFNodeConfig IzhikevichNodeConfig KLIFNodeConfig LIAFNodeConfig ILIFNodeConfig
        CUBALIFNodeConfig ComplementaryLIFNodeConfig HalfThresholdIFNodeConfig TernaryIFNodeConfig TernaryLIFNodeConfig
        ActivationAwareIFNodeConfig RAFNodeConfig SimpleIFNodeConfig SimpleLIFNodeConfig
    }
    add("ElementWiseRecurrentContainer of LIFNode", &k::Feedback { neuron: lif, join: k::Join::Add }, Element::F32, 4);
    add("SynapseFilter", &k::SynapseCurrent::<true> { tau: 2.0 }, Element::F32, 4);
    let mut add = |element: Element, targets: &'static [u32]| {
        rows.extend(others(element).into_iter().map(|(what, source, bytes)| Row {
            what: format!("{what}, {element:?}"),
            source,
            bytes,
            element,
            rows: what != MPBN_FLAT,
            targets,
        }));
    };
    add(Element::F32, &TARGETS);
    add(Element::F64, &[80]);
    add(Element::F16, &[75]);
    add(Element::Bf16, &[120]);
    rows
}

/// Kernels that are no pointwise neuron's: what they are, their source, bytes per element of `f32`.
fn others(element: Element) -> Vec<(&'static str, Source, &'static str)> {
    use snn_kernels as k;
    let fire = &Surrogate::from(k::ATan::default());
    let lstm = k::Gates { cell: k::Cell::Lstm, hidden: 64, surrogate: *fire, content: None };
    let states = if element == Element::F64 { "double" } else { "float" };
    vec![
        ("sums of channels", SumKernel { ty: states }.source(), "-"),
        ("through the statistics of a norm", AddScaledKernel { element }.source(), "-"),
        ("NeuNorm (forward / backward / of weights / their sums)", NeuNormKernel { element }.source(), "8 / 12"),
        ("dropout masks", DropoutMaskKernel { element }.source(), "-"),
        ("DropConnectLinear (forward / of x / of weights)", DropConnectKernel { element }.source(), "-"),
        ("DropConnectLinear, mean", DropConnectKernel { element }.mean_source(), "-"),
        ("max pool", MaxPoolKernel { element }.source(), "5.25 / 5.25"),
        ("PSN, T = 4 (forward / slopes / of x / of weights / their sums)", PsnKernels::new(fire, element, 4).source, "8 / 28"),
        ("GatedLIFNode, T = 4", GatedLifKernels::new(fire, element, 4).source, "8 / 25"),
        ("GatedLIFNode, T = 16", GatedLifKernels::new(fire, element, 16).source, "8 / 29.25"),
        ("MPBNLIFNode, [N, C, H, W]", MpbnKernels::new(fire, element, 64, true).source, "28 / 48"),
        (MPBN_FLAT, MpbnKernels::new(fire, element, 1, true).source, "28 / 48"),
        ("STBIFNode", StbifKernel { element }.source(), "8"),
        ("DSRIFNode, DSRLIFNode", DsrKernels { element }.source(), "8 / 4"),
        ("NonSpikingLIFNode", NonSpikingKernels { element, decode: k::Decode::Sequence }.source(), "8 / 8"),
        ("gates of SpikingLSTM", GatesKernels::new(&lstm, element).source, "44 / 92"),
        (
            "attention (rows / steps / channels / pixels / y / gates of pixels / along x / gates of channels / gates of steps / of x)",
            AttentionKernels { element }.source(),
            "16 / 28",
        ),
        ("PoissonEncoder", PoissonKernel { element }.source(), "8"),
        ("surrogate functions alone", AloneKernels::new(fire, element).source, "8 / 12"),
        ("Adam", AdamKernel { element }.source(), "28"),
        ("products with spikes (bits / transposed / product)", SpikesKernel { element }.source(), "-"),
    ]
}

/// What `ptxas -v` says of each kernel, in the order of the text; and the code in PTX.
fn compiled(row: &Row, target: u32) -> (Vec<(String, Figures)>, String) {
    let mut options = nvrtc::options(&format!("sm_{target}"));
    options.push("--ptxas-options=-v".into());
    let text = row.source.text();
    let program = Program::new(&text, &options).unwrap_or_else(|e| panic!("{} for sm_{target}: {e:?}", row.what));
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

/// What was made of each row for each target.
type Results = BTreeMap<(usize, u32), Vec<(String, Figures)>>;

fn page(rows: &[Row], results: &Results) -> String {
    let mut page = String::from(include_str!("report.md"));
    let targets = TARGETS.map(|target| format!("sm_{target} |")).join(" ");
    let _ = writeln!(page, "| kernel | {targets} bytes |\n| --- |{} --- |", " --- |".repeat(TARGETS.len()));
    for (i, row) in rows.iter().enumerate().filter(|(_, row)| row.listed()) {
        let cell = |target: u32| {
            let join = |f: &dyn Fn(u32) -> u32| {
                results[&(i, target)].iter().map(|(_, figures)| f(figures.registers).to_string()).collect::<Vec<_>>().join(" / ")
            };
            format!("{} ({}) |", join(&|registers| registers), join(&|registers| occupancy(registers, target)))
        };
        let _ = writeln!(page, "| {} | {} {} |", row.what, TARGETS.map(cell).join(" "), row.bytes);
    }
    page
}

/// Every kernel takes what it can of a row by one access.
fn has_wide_accesses(row: &Row, target: u32, kernel: &str, ptx: &str) {
    let body = ptx.split(".entry ").find(|body| body.starts_with(&format!("{kernel}(")));
    let body = body.unwrap_or_else(|| panic!("{} for sm_{target}: there is no {kernel}", row.what));
    let kinds: &[&str] = match wide(kernel) {
        Wide::Both => &["ld.global", "st.global"],
        Wide::Loads => &["ld.global"],
        Wide::Stores => &["st.global"],
        Wide::None => &[],
    };
    for kind in kinds {
        // A load of what nobody writes may go through another cache: `ld.global.nc.v4.f32`.
        let found = body.lines().any(|line| line.contains(kind) && row.accesses().iter().any(|access| line.contains(access)));
        assert!(found, "{} for sm_{target}: {kernel} has no {kind}{}", row.what, row.accesses()[0]);
    }
}

#[test]
fn the_page_says_what_the_device_compiler_says() {
    if nvrtc::load().is_err() {
        // Not `println!`: the harness shows that only of tests that fail.
        let _ = writeln!(io::stderr(), "skipped: there is no NVRTC here; `cargo xtask setup --cuda` installs it");
        return;
    }
    let rows = rows();
    let tasks = rows.iter().enumerate().flat_map(|(i, row)| row.targets.iter().map(move |&target| (i, target)));
    let tasks = Mutex::new(tasks.collect::<Vec<_>>());
    let results = Mutex::new(Results::new());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some((i, target)) = tasks.lock().expect("no thread panicked").pop() else { break };
                    let (figures, ptx) = compiled(&rows[i], target);
                    for (kernel, figures) in &figures {
                        assert_eq!(figures.spilled, 0, "{} for sm_{target}: {kernel} spills registers", rows[i].what);
                        if rows[i].rows {
                            has_wide_accesses(&rows[i], target, kernel, &ptx);
                        }
                    }
                    results.lock().expect("no thread panicked").insert((i, target), figures);
                }
            });
        }
    });
    let page = page(&rows, &results.into_inner().expect("no thread panicked"));
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
    assert!(
        stored == page,
        "docs/cuda-kernels.md is not what NVRTC says; `SNN_UPDATE=1 cargo test --workspace --lib -- cuda::report` writes it"
    );
}
