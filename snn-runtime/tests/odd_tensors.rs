//! Tensors that nobody means to pass. In: layers and functions, and tensors without elements, axes, floats, or anything at all; out: a result
//! or an error that names the layer or function, and never a panic.

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};

use snn_runtime::encoding::PeriodicEncoder;
use snn_runtime::functional::{self, Distance, Kernel, Normalisation, Stdp, Traces};
use snn_runtime::monitor::FiringRate;
use snn_runtime::*;
use support::{EVAL, TRAIN, build};

/// Tensors with a name for messages.
fn odd() -> Vec<(&'static str, Tensor)> {
    let cpu = |kind| (kind, Device::Cpu);
    let float = cpu(Kind::Float);
    let dense = |sizes: &[i64]| Tensor::ones(sizes, float);
    vec![
        ("undefined", Tensor::new()),
        ("one number", dense(&[])),
        ("nothing", dense(&[0])),
        ("no steps", dense(&[0, 2, 4])),
        ("no samples", dense(&[3, 0, 4])),
        ("no features", dense(&[3, 2, 0])),
        ("a batch", dense(&[2, 4])),
        ("a sequence", dense(&[3, 2, 4])),
        ("images", dense(&[2, 4, 6, 6])),
        ("a sequence of images", dense(&[3, 2, 4, 6, 6])),
        ("volumes", dense(&[2, 4, 6, 6, 6])),
        ("many axes", dense(&[1, 1, 1, 1, 1, 1, 1, 2])),
        ("other features", dense(&[3, 2, 5])),
        ("not a number", dense(&[3, 2, 4]) * f64::NAN),
        ("infinite", dense(&[3, 2, 4]) * f64::INFINITY),
        ("double", Tensor::ones([3, 2, 4], cpu(Kind::Double))),
        ("half", Tensor::ones([3, 2, 4], cpu(Kind::Half))),
        ("integers", Tensor::ones([3, 2, 4], cpu(Kind::Int64))),
        ("booleans", Tensor::ones([3, 2, 4], cpu(Kind::Bool))),
        ("complex", Tensor::ones([3, 2, 4], cpu(Kind::ComplexFloat))),
        ("turned", dense(&[4, 2, 3]).transpose(0, 2)),
        ("seen often", dense(&[1, 1, 4]).expand([3, 2, 4], false)),
        ("sparse", dense(&[3, 2, 4]).to_sparse_sparse_dim(3)),
        ("with a gradient", dense(&[3, 2, 4]).set_requires_grad(true)),
    ]
}

/// Runs it: a panic is told with the name of what was passed, an error has to name `who`: by its name, or by its type where a trait speaks for it.
fn quiet<T>(who: &str, what: &str, wrong: &mut Vec<String>, run: impl FnOnce() -> Result<T>) {
    match catch_unwind(AssertUnwindSafe(run)) {
        Err(_) => wrong.push(format!("{who} panics at {what}")),
        Ok(Err(e)) if !e.to_string().contains(who) || e.to_string().contains("bug of snn") => wrong.push(format!("{who}, {what}: {e}")),
        Ok(_) => {}
    }
}

/// A layer at all odd tensors, in every way that it can be called.
fn layer<L: Layer>(name: &'static str, config: impl Fn() -> L::Config, wrong: &mut Vec<String>) {
    let vs = nn::VarStore::new(Device::Cpu);
    let layer = match build::<L>(&vs, name, config()) {
        Ok(layer) => layer,
        Err(e) => return wrong.push(format!("{name} is not built: {e}")),
    };
    // Where the trait speaks for it, it is called by its type, which is that of all numbers of axes, of both kinds of attention, or that of the
    // normalisation inside.
    let name = ["1d", "2d", "3d"].iter().find_map(|axes| name.strip_suffix(axes)).unwrap_or(name);
    let name = ["QKAttention", "BatchNorm"].into_iter().find(|inner| name.ends_with(inner)).unwrap_or(name);
    for (what, x) in odd() {
        for cx in [&EVAL, &TRAIN] {
            quiet(name, &format!("step of {what}"), wrong, || layer.step(&x, &mut layer.state(), cx));
            quiet(name, &format!("sequence of {what}"), wrong, || layer.sequence(&x, &mut layer.state(), cx));
            for steps in [-1, 0, 2] {
                quiet(name, &format!("{steps} times {what}"), wrong, || layer.repeat(&x, steps, &mut layer.state(), cx));
            }
        }
        // Behind a sequence that it takes, from the state it then has.
        let mut state = layer.state();
        if layer.sequence(&Tensor::ones([3, 2, 4], (Kind::Float, Device::Cpu)), &mut state, &EVAL).is_ok() {
            quiet(name, &format!("then {what}"), wrong, || layer.sequence(&x, &mut state, &EVAL));
        }
    }
}

macro_rules! layers {
    ($wrong:ident: $($layer:ident = $config:expr;)*) => {$(
        layer::<$layer>(stringify!($layer), || $config, &mut $wrong);
    )*};
}

fn told(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn neurons() {
    let mut wrong = Vec::new();
    layers! { wrong:
        IFNode = IFNodeConfig::default();
        LIFNode = LIFNodeConfig::default();
        ParametricLIFNode = ParametricLIFNodeConfig::default();
        QIFNode = QIFNodeConfig::default();
        EIFNode = EIFNodeConfig::default();
        IzhikevichNode = IzhikevichNodeConfig::default();
        KLIFNode = KLIFNodeConfig::default();
        LIAFNode = LIAFNodeConfig::default();
        ILIFNode = ILIFNodeConfig::default();
        CUBALIFNode = CUBALIFNodeConfig::default();
        ComplementaryLIFNode = ComplementaryLIFNodeConfig::default();
        GatedLIFNode = GatedLIFNodeConfig::new(3);
        MPBNLIFNode = MPBNLIFNodeConfig { out_features: Some(4), ..Default::default() };
        HalfThresholdIFNode = HalfThresholdIFNodeConfig::default();
        TernaryIFNode = TernaryIFNodeConfig::default();
        TernaryLIFNode = TernaryLIFNodeConfig::default();
        RAFNode = RAFNodeConfig::default();
        STBIFNode = STBIFNodeConfig::new(1.0, 4);
        DSRIFNode = DSRIFNodeConfig::default();
        DSRLIFNode = DSRLIFNodeConfig::default();
        NonSpikingIFNode = NonSpikingIFNodeConfig::default();
        NonSpikingLIFNode = NonSpikingLIFNodeConfig::default();
        PSN = PSNConfig::new(3);
        ActivationAwareIFNode = ActivationAwareIFNodeConfig::default();
        SimpleIFNode = SimpleIFNodeConfig::default();
        SimpleLIFNode = SimpleLIFNodeConfig::default();
        MaskedPSN = MaskedPSNConfig::new(2, 3);
        SlidingPSN = SlidingPSNConfig::new(2);
    }
    told(&wrong);
}

#[test]
fn layers_with_weights() {
    let mut wrong = Vec::new();
    layers! { wrong:
        Linear = LinearConfig::new(4, 3);
        DropConnectLinear = DropConnectLinearConfig::new(4, 3);
        Conv1d = Conv1dConfig::new(4, 3, [3]);
        Conv2d = Conv2dConfig::new(4, 3, [3, 3]);
        Conv3d = Conv3dConfig::new(4, 3, [3, 3, 3]);
        ConvTranspose1d = ConvTranspose1dConfig::new(4, 3, [3]);
        ConvTranspose3d = ConvTranspose3dConfig::new(4, 3, [3, 3, 3]);
        WSConv2d = WSConv2dConfig { conv: Conv2dConfig::new(4, 3, [3, 3]), gain: true, eps: 1e-4 };
        WSLinear = WSLinearConfig { linear: LinearConfig::new(4, 3), gain: true, eps: 1e-4 };
        ConvTranspose2d = ConvTranspose2dConfig::new(4, 3, [3, 3]);
        BatchNorm1d = BatchNorm1dConfig::new(4);
        BatchNorm2d = BatchNorm2dConfig::new(4);
        BatchNorm3d = BatchNorm3dConfig::new(4);
        ThresholdDependentBatchNorm1d = ThresholdDependentBatchNorm1dConfig { alpha: 1.0, v_th: 1.0, bn: BatchNorm1dConfig::new(4) };
        ThresholdDependentBatchNorm2d = ThresholdDependentBatchNorm2dConfig { alpha: 1.0, v_th: 1.0, bn: BatchNorm2dConfig::new(4) };
        ThresholdDependentBatchNorm3d = ThresholdDependentBatchNorm3dConfig { alpha: 1.0, v_th: 1.0, bn: BatchNorm3dConfig::new(4) };
        TemporalEffectiveBatchNorm1d = TemporalEffectiveBatchNorm1dConfig { steps: 3, bn: BatchNorm1dConfig::new(4) };
        TemporalEffectiveBatchNorm2d = TemporalEffectiveBatchNorm2dConfig { steps: 3, bn: BatchNorm2dConfig::new(4) };
        TemporalEffectiveBatchNorm3d = TemporalEffectiveBatchNorm3dConfig { steps: 3, bn: BatchNorm3dConfig::new(4) };
        BatchNormThroughTime1d = BatchNormThroughTime1dConfig { steps: 3, bn: BatchNorm1dConfig::new(4) };
        BatchNormThroughTime2d = BatchNormThroughTime2dConfig { steps: 3, bn: BatchNorm2dConfig::new(4) };
        BatchNormThroughTime3d = BatchNormThroughTime3dConfig { steps: 3, bn: BatchNorm3dConfig::new(4) };
        GroupNorm = GroupNormConfig::new(2, 4);
        NeuNorm = NeuNormConfig::new(4, 6, 6);
        SynapseFilter = SynapseFilterConfig { learnable: true, ..Default::default() };
        TemporalWiseAttention = TemporalWiseAttentionConfig { reduction: 1, ..TemporalWiseAttentionConfig::new(3) };
        MultiDimensionalAttention = MultiDimensionalAttentionConfig { reduction_t: 1, reduction_c: 1, ..MultiDimensionalAttentionConfig::new(3, 4) };
        SpikingSelfAttention = SpikingSelfAttentionConfig { num_heads: 2, ..SpikingSelfAttentionConfig::new(4) };
        SpikeDrivenSelfAttention = SpikeDrivenSelfAttentionConfig { num_heads: 2, ..SpikeDrivenSelfAttentionConfig::new(4) };
        TokenQKAttention = TokenQKAttentionConfig { num_heads: 2, ..TokenQKAttentionConfig::new(4) };
        ChannelQKAttention = ChannelQKAttentionConfig { num_heads: 2, ..ChannelQKAttentionConfig::new(4) };
        SpikingLSTM = SpikingLSTMConfig::new(4, 3, 2);
        SpikingGRU = SpikingGRUConfig::new(4, 3, 1);
        SpikingVanillaRNN = SpikingVanillaRNNConfig::new(4, 3, 1);
    }
    told(&wrong);
}

#[test]
fn layers_without_weights() {
    let mut wrong = Vec::new();
    layers! { wrong:
        MaxPool1d = MaxPool1dConfig::new([2]);
        MaxPool2d = MaxPool2dConfig::new([2, 2]);
        MaxPool3d = MaxPool3dConfig::new([2, 2, 2]);
        AvgPool1d = AvgPool1dConfig::new([2]);
        AvgPool3d = AvgPool3dConfig::new([2, 2, 2]);
        AdaptiveAvgPool1d = AdaptiveAvgPool1dConfig { output_size: [Some(2)] };
        AdaptiveAvgPool3d = AdaptiveAvgPool3dConfig { output_size: [Some(2), None, Some(3)] };
        AvgPool2d = AvgPool2dConfig::new([2, 2]);
        AdaptiveAvgPool2d = AdaptiveAvgPool2dConfig { output_size: [Some(2), None] };
        Upsample = UpsampleConfig { size: Some(vec![3]), ..Default::default() };
        Flatten = FlattenConfig { start_dim: 1, end_dim: 2 };
        Dropout = DropoutConfig { p: 0.5 };
        Dropout2d = Dropout2dConfig { p: 0.5 };
        Delay = DelayConfig { delay_steps: 2 };
        VotingLayer = VotingLayerConfig { voting_size: 2 };
        PoissonEncoder = ();
        LatencyEncoder = LatencyEncoderConfig { T: 3, enc_function: encoding::Latency::Log };
        PeriodicEncoder = encoding::PeriodicEncoderConfig { spike: Tensor::ones([3, 2, 4], (Kind::Float, Device::Cpu)) };
        SpikeCountToBinary = SpikeCountToBinaryConfig { num_slots: 2, always_convert: true };
        TemporalBinSum = TemporalBinSumConfig { num_slots: 2, always_convert: true };
        PrintShapeModule = PrintShapeModuleConfig { ext_str: String::new() };
        WeightedPhaseEncoder = WeightedPhaseEncoderConfig { K: 3 };
        ReLU = ();
        Sigmoid = ();
        Tanh = ();
    }
    told(&wrong);
}

/// A layer of the language that is in no list above would be forgotten.
#[test]
fn every_layer_is_here() {
    /// Those that hold others, and those with two inputs or none of their own.
    const OTHERS: [&str; 12] = [
        "ElementWiseRecurrentContainer",
        "Identity",
        "LinearRecurrentContainer",
        "MaxUnpool1d",
        "MaxUnpool2d",
        "MaxUnpool3d",
        "MeanOverTime",
        "MultiStepContainer",
        "SeqToANNContainer",
        "StepModeContainer",
        "TLastMultiStepContainer",
        "TLastSeqToANNContainer",
    ];
    let here = include_str!("odd_tensors.rs");
    let layers = include_str!("../../docs/layers.md").lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
    let absent: Vec<&str> = layers.filter(|name| !OTHERS.contains(name) && !here.contains(&format!("        {name} = "))).collect();
    assert!(absent.is_empty(), "{absent:?}");
}

#[test]
fn functions_of_one_tensor() {
    let mut wrong = Vec::new();
    for (what, x) in odd() {
        let mut at = |who: &str, run: &dyn Fn() -> Result<()>| quiet(who, what, &mut wrong, run);
        at("accuracy", &|| train::accuracy(&x, &x).map(drop));
        at("delay", &|| functional::delay(&x, 2).map(drop));
        at("delay", &|| functional::delay(&x, usize::MAX).map(drop));
        at("first_spike_index", &|| functional::first_spike_index(&x).map(drop));
        at("redundant_one_hot", &|| functional::redundant_one_hot(&x, 3, 2).map(drop));
        at("redundant_one_hot", &|| functional::redundant_one_hot(&x, usize::MAX, usize::MAX).map(drop));
        at("mean_over_time", &|| ops::mean_over_time(&x).map(drop));
        at("sum_over_time", &|| ops::sum_over_time(&x).map(drop));
        at("max_over_time", &|| ops::max_over_time(&x).map(drop));
        at("last_step", &|| ops::last_step(&x).map(drop));
        at("sn1", &|| FiringRate::of("sn1", &x).map(drop));
        at("the_input", &|| Static::<Shape1<4>>::named("the_input", x.shallow_clone()).map(drop));
        at("the_input", &|| Steps::<Shape1<4>>::named("the_input", x.shallow_clone()).map(|s| assert!(s.chunks(2).unwrap().count() <= 2)));
        at("the_input", &|| Seq::<Shape1<4>, 3>::named("the_input", x.shallow_clone()).map(|s| assert!(s.step(3).is_none())));
    }
    told(&wrong);
}

#[test]
fn functions_of_two_tensors() {
    let mut wrong = Vec::new();
    let rule = Stdp::new(2.0, 2.0);
    let kernel = Tensor::ones([3, 4, 3, 3], (Kind::Float, Device::Cpu));
    for (i, (a, x)) in odd().into_iter().enumerate() {
        // A third of the pairs, each tensor beside others of every kind: an error of libtorch's costs it a backtrace.
        for (b, y) in odd().into_iter().skip(i % 3).step_by(3) {
            let what = format!("{a} and {b}");
            let mut at = |who: &str, run: &dyn Fn() -> Result<()>| quiet(who, &what, &mut wrong, run);
            for (who, f) in [
                ("add", ops::add as fn(&Tensor, &Tensor) -> Result<Tensor>),
                ("mul", ops::mul),
                ("sub", ops::sub),
                ("max", ops::max),
                ("sew_add", ops::sew_add),
                ("sew_and", ops::sew_and),
                ("sew_iand", ops::sew_iand),
                ("rate_mse_loss", functional::rate_mse_loss),
                ("temporal_efficient_training_cross_entropy", functional::temporal_efficient_training_cross_entropy),
            ] {
                at(who, &|| f(&x, &y).map(drop));
            }
            at("cat", &|| ops::cat(&[&x, &y], 1).map(drop));
            at("stack", &|| ops::stack(&[&x, &y], 1).map(drop));
            at("count_mse_loss", &|| functional::count_mse_loss(&x, &y, 0.5, 0.1).map(drop));
            at("rate_cross_entropy", &|| functional::rate_cross_entropy(&x, &y, 0.1).map(drop));
            at("count_cross_entropy", &|| functional::count_cross_entropy(&x, &y, 0.1).map(drop));
            at("tet_loss", &|| functional::tet_loss(&x, &y, 1.0, 0.05).map(drop));
            at("kernel_dot_product", &|| functional::kernel_dot_product(&x, &y, Kernel::Linear).map(drop));
            at("spike_similar_loss", &|| functional::spike_similar_loss(&x, &y, Kernel::Linear, Distance::Bce).map(drop));
            at("stdp_linear_step", &|| functional::stdp_linear_step(&x, &y, &y, &mut Traces::default(), &rule).map(drop));
            at("mstdp_linear_step", &|| functional::mstdp_linear_step(&x, &y, &x, &mut Traces::default(), &rule).map(drop));
            at("stdp_conv2d_step", &|| {
                functional::stdp_conv2d_step(&kernel, [0, usize::MAX], &x, &y, &mut Traces::default(), &rule).map(drop)
            });
            let bn = Normalisation { weight: Some(&y), bias: None, running_mean: Some(&y), running_var: Some(&y), eps: 1e-5 };
            at("fold_conv_bn", &|| functional::fold_conv_bn(&x, None, &bn).map(drop));
        }
    }
    told(&wrong);
}

/// Numbers of samples that no net can have a state for.
#[test]
fn states_of_any_size() -> Result<()> {
    snn_net! {
        net Net(x: [T, 4]) -> [T, 3] {
            T = 3;
            step_mode = 'm';
            fc: Linear(_, 3), Dropout(0.5), sn: LIFNode(), syn: SynapseFilter(tau = 2.0), delay: Delay(1),
            psn: SlidingPSN(k = 2),
            rnn: SpikingLSTM(_, 3, 1),
        }
    }
    let vs = nn::VarStore::new(Device::Cpu);
    let net = Net::new(&vs.root())?;
    let x = Steps::new(Tensor::ones([3, 2, 4], (Kind::Float, Device::Cpu)))?;
    for batch in [i64::MIN, -1, 0, 1, i64::MAX] {
        let error = net.forward_chunk(&x, &mut net.state(batch), true).map(drop).unwrap_err().to_string();
        assert!(error.contains("Net") && error.contains("batch"), "{batch}: {error}");
    }
    Ok(())
}
