//! The layer table of `snn_net!` and the definitions of `snn_neuron!` agree. In: every pointwise neuron in a net, without arguments; out:
//! what it was built with, compared with the defaults of its definition.

mod support;

use snn::prelude::*;
use snn::*;
use support::frozen::frozen;

snn_net! {
    net Defaults(x: [T, 4]) -> (
        [T, 4], [T, 4], [T, 4], [T, 4], [T, 4], [T, 4], [T, 4], [T, 4], [T, 4], [T, 4], [T, 4], [T, 4], [T, 4], [T, 4], [T, 4], [T, 4],
        [T, 4], [T, 4]
    ) {
        T = 3;
        step_mode = 'm';

        integrate: IFNode(),
        leaky: LIFNode(),
        parametric: ParametricLIFNode(),
        quadratic: QIFNode(),
        exponential: EIFNode(),
        izhikevich: IzhikevichNode(),
        klif: KLIFNode(),
        liaf: LIAFNode(relu, true),
        half: HalfThresholdIFNode(),
        ternary: TernaryIFNode(),
        ternary_leaky: TernaryLIFNode(),
        aware: ActivationAwareIFNode(),
        resonate: RAFNode(),
        simple: SimpleIFNode(),
        simple_leaky: SimpleLIFNode(),
        integer: ILIFNode(),
        current: CUBALIFNode(),
        complementary: ComplementaryLIFNode(),

        forward(x) {
            (
                integrate(x), leaky(x), parametric(x), quadratic(x), exponential(x), izhikevich(x), klif(x), liaf(x), half(x), ternary(x),
                ternary_leaky(x), aware(x), resonate(x), simple(x), simple_leaky(x), integer(x), current(x), complementary(x)
            )
        }
    }
}

#[test]
fn rows_have_the_defaults_of_the_definitions() {
    let vs = nn::VarStore::new(Device::Cpu);
    let net = Defaults::new(&vs.root()).expect("defaults are accepted");
    assert_eq!(*net.integrate.config(), IFNodeConfig::default());
    assert_eq!(*net.leaky.config(), LIFNodeConfig::default());
    assert_eq!(*net.parametric.config(), ParametricLIFNodeConfig::default());
    assert_eq!(*net.quadratic.config(), QIFNodeConfig::default());
    assert_eq!(*net.exponential.config(), EIFNodeConfig::default());
    assert_eq!(*net.izhikevich.config(), IzhikevichNodeConfig::default());
    assert_eq!(*net.klif.config(), KLIFNodeConfig::default());
    assert_eq!(*net.liaf.config(), LIAFNodeConfig::default());
    assert_eq!(*net.half.config(), HalfThresholdIFNodeConfig::default());
    assert_eq!(*net.ternary.config(), TernaryIFNodeConfig::default());
    assert_eq!(*net.ternary_leaky.config(), TernaryLIFNodeConfig::default());
    assert_eq!(*net.aware.config(), ActivationAwareIFNodeConfig::default());
    assert_eq!(*net.resonate.config(), RAFNodeConfig::default());
    assert_eq!(*net.simple.config(), SimpleIFNodeConfig::default());
    assert_eq!(*net.simple_leaky.config(), SimpleLIFNodeConfig::default());
    assert_eq!(*net.integer.config(), ILIFNodeConfig::default());
    assert_eq!(*net.current.config(), CUBALIFNodeConfig::default());
    assert_eq!(*net.complementary.config(), ComplementaryLIFNodeConfig::default());
}

/// What is learned stands in the `VarStore`, buffers beside it, under SpikingJelly's names.
#[test]
fn learned_parameters_and_buffers_are_stored() {
    let vs = nn::VarStore::new(Device::Cpu);
    Defaults::new(&vs.root()).expect("defaults are accepted");
    let mut stored: Vec<(String, bool)> = vs.variables().into_iter().map(|(name, tensor)| (name, tensor.requires_grad())).collect();
    stored.sort();
    let wanted = [("aware.v_offset", false), ("aware.v_threshold", false), ("klif.k", true), ("parametric.w", true)];
    assert_eq!(stored, wanted.map(|(name, trained)| (name.to_string(), trained)));
}

#[test]
fn frozen_models_are_their_nets() -> Result<()> {
    frozen!(Defaults, DefaultsFrozen, x: seq [3, 5, 4]);
    Ok(())
}
