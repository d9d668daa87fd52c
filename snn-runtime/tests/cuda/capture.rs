//! CUDA graphs. In: layers whose kernels are loaded; out: a forward pass that makes no call which a captured stream does not allow. On the
//! stand-ins: a real capture needs a GPU.

use snn_runtime::encoding::PoissonEncoder;
use snn_runtime::surrogate::{ATan, apply};
use snn_runtime::{
    DSRIFNode, DSRIFNodeConfig, Decode, Device, GatedLIFNode, GatedLIFNodeConfig, Kind, LIFNode, LIFNodeConfig, Layer, MPBNLIFNode,
    MPBNLIFNodeConfig, MultiDimensionalAttention, MultiDimensionalAttentionConfig, NonSpikingLIFNode, NonSpikingLIFNodeConfig, PSN,
    PSNConfig, TemporalWiseAttention, TemporalWiseAttentionConfig, Tensor, nn, no_grad,
};
use snn_stand_in::{Parts, captured, count};

use crate::process::{alone, on_a_gpu};
use crate::support::{EVAL, build};

/// Calls that are not allowed in a forward pass of a layer, after one that loads its kernels.
fn forbidden<L: Layer>(config: L::Config, x: &Tensor) -> u64 {
    let vs = nn::VarStore::new(Device::Cuda(0));
    let layer: L = build(&vs, "layer", config).unwrap();
    forbidden_in(|| layer.sequence(x, &mut layer.state(), &EVAL).unwrap())
}

/// The same of any forward pass.
fn forbidden_in(forward: impl Fn() -> Tensor) -> u64 {
    let run = || no_grad(&forward);
    let warm = run();
    let launches = count("snn_stand_in_launches");
    let mut y = None;
    let forbidden = captured(|| y = Some(run()));
    assert!(count("snn_stand_in_launches") > launches, "nothing was launched");
    assert!(y.unwrap().equal(&warm));
    forbidden
}

#[test]
fn a_forward_pass_can_be_captured() {
    alone("capture::a_forward_pass_can_be_captured", Parts::All, "", || {
        if on_a_gpu() {
            return; // what is counted are calls of the stand-ins
        }
        let x = Tensor::ones([3, 2, 4, 5, 2], (Kind::Float, Device::Cuda(0)));
        assert_eq!(forbidden::<LIFNode>(LIFNodeConfig::default(), &x), 0);
        assert_eq!(forbidden::<PSN>(PSNConfig::new(3), &x), 0);
        assert_eq!(forbidden::<GatedLIFNode>(GatedLIFNodeConfig { inplane: Some(4), ..GatedLIFNodeConfig::new(3) }, &x), 0);
        assert_eq!(forbidden::<MPBNLIFNode>(MPBNLIFNodeConfig { out_channels: Some(4), ..Default::default() }, &x), 0);
        let readout = NonSpikingLIFNodeConfig { decode: Decode::Max, ..Default::default() };
        assert_eq!(forbidden::<NonSpikingLIFNode>(readout, &x), 0);
        assert_eq!(
            forbidden::<TemporalWiseAttention>(TemporalWiseAttentionConfig { reduction: 1, ..TemporalWiseAttentionConfig::new(3) }, &x),
            0
        );
        let gates = MultiDimensionalAttentionConfig { reduction_t: 1, reduction_c: 1, ..MultiDimensionalAttentionConfig::new(3, 4) };
        assert_eq!(forbidden::<MultiDimensionalAttention>(gates, &x), 0);
        // Ones spike always, whichever the number of the draw.
        assert_eq!(forbidden::<PoissonEncoder>((), &x), 0);
        assert_eq!(forbidden_in(|| apply(ATan::default(), &x).unwrap()), 0);
        // And one that reads its threshold back, which is seen.
        assert!(forbidden::<DSRIFNode>(DSRIFNodeConfig { T: 3, ..Default::default() }, &x) > 0);
    });
}

/// A kernel that is loaded while a graph is captured is refused, as by a real driver.
#[test]
fn a_kernel_cannot_be_loaded_in_a_capture() {
    alone("capture::a_kernel_cannot_be_loaded_in_a_capture", Parts::All, "", || {
        if on_a_gpu() {
            return;
        }
        let vs = nn::VarStore::new(Device::Cuda(0));
        let layer: LIFNode = build(&vs, "sn", LIFNodeConfig::default()).unwrap();
        let x = Tensor::ones([3, 2, 4], (Kind::Float, Device::Cuda(0)));
        let mut said = String::new();
        let forbidden = captured(|| said = layer.sequence(&x, &mut layer.state(), &EVAL).unwrap_err().to_string());
        assert!(forbidden > 0 && said.contains("Net.sn"), "{said}");
    });
}
