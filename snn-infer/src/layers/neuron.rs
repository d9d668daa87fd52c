//! Neurons. In: the arguments of any neuron that `snn_neuron!` defines, and currents; out: what it sends, at every step.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use snn_kernels::{Compiled, Neuron, Per};

use super::Frozen;
use crate::builder::Builder;
use crate::error::{Error, Result};
use crate::graph::{Fact, Fire, Op, Time, Value};

/// Frozen neurons of one kind: `LIFNode` is `Node<LIFNodeConfig>`. Behind a convolution or linear layer it runs on the currents while they are
/// in the cache; what it sends are bits, if they are 0 and 1.
#[derive(Debug)]
pub struct Node<N>(PhantomData<N>);

macro_rules! nodes {
    ($($name:ident = $config:ident)*) => {$(
        #[doc = concat!("[`Node`] of [`", stringify!($config), "`](snn_kernels::", stringify!($config), ").")]
        pub type $name = Node<snn_kernels::$config>;
    )*};
}

nodes! {
    ActivationAwareIFNode = ActivationAwareIFNodeConfig
    CUBALIFNode = CUBALIFNodeConfig
    ComplementaryLIFNode = ComplementaryLIFNodeConfig
    EIFNode = EIFNodeConfig
    HalfThresholdIFNode = HalfThresholdIFNodeConfig
    IFNode = IFNodeConfig
    ILIFNode = ILIFNodeConfig
    IzhikevichNode = IzhikevichNodeConfig
    KLIFNode = KLIFNodeConfig
    LIAFNode = LIAFNodeConfig
    LIFNode = LIFNodeConfig
    ParametricLIFNode = ParametricLIFNodeConfig
    QIFNode = QIFNodeConfig
    RAFNode = RAFNodeConfig
    SimpleIFNode = SimpleIFNodeConfig
    SimpleLIFNode = SimpleLIFNodeConfig
    TernaryIFNode = TernaryIFNodeConfig
    TernaryLIFNode = TernaryLIFNodeConfig
}

impl<N: Neuron + Compiled> Frozen for Node<N> {
    type Config = N;

    fn freeze(b: &mut Builder, label: &str, config: N, args: &[Value]) -> Result<Value> {
        let place = match N::FORMULAS {
            0 => b.place(label, N::NAME, &config),
            // A neuron of the user's own, who may change it.
            formulas => b.place(label, N::NAME, &format_args!("{config:?}, formulas {formulas:016x}")),
        };
        config.check().and_then(|()| config.surrogate().check()).map_err(Error::refused(&place.full))?;
        if config.surrogate().draws() {
            return Err(Error::unsupported(&place.full, "its surrogate function fires at random", "use one that fires at the threshold"));
        }
        let mut x = b.only(&place, args)?;
        if N::LEARNED.iter().any(|l| l.per == Per::Channel) {
            x = b.canonical(x);
        }
        let fact = Fact { time: Time::Sequence, ..b.fact(x).clone() };
        let sizes = |per| if per == Per::Channel { vec![fact.layout.channels] } else { Vec::new() };
        let fire = Fire {
            neuron: Arc::new(config),
            kind: N::NAME,
            learned: N::LEARNED.iter().map(|l| place.weight(l.name, &sizes(l.per))).collect(),
        };
        Ok(b.push(place, Op::Fire(fire), &[x], fact))
    }
}
