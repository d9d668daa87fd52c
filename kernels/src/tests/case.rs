//! A random problem: a neuron with its settings and its data, and short calls to run the kernels on it.

use proptest::prelude::*;
use pulp::Arch;

use crate::backward::backward_on;
use crate::forward::forward_on;
use crate::{
    ATan, BackwardOut, Channels, Constants, Draw, ForwardOut, IFNodeConfig, Input, LIFNodeConfig, ParametricLIFNodeConfig, Pass,
    PiecewiseQuadratic, Real, Sigmoid, Surrogate, Upstream, learned_gradient, philox4x32,
};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    If,
    Lif {
        tau: f64,
    },
    /// 1 / tau = sigmoid(w).
    Plif {
        w: f64,
    },
}

/// A layer of neurons and its data, in `f64`; values survive the conversion to `f32`.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) kind: Kind,
    pub(super) decay_input: bool,
    pub(super) v_threshold: f64,
    pub(super) v_reset: Option<f64>,
    pub(super) detach_reset: bool,
    pub(super) surrogate: Surrogate,
    pub(super) spiking: bool,
    pub(super) steps: usize,
    pub(super) neurons: usize,
    pub(super) is_static: bool,
    pub(super) with_v0: bool,
    pub(super) seed: u64,
}

/// What the forward kernel wrote.
#[derive(Clone, Debug)]
pub(super) struct Forward<F> {
    pub(super) spikes: Vec<F>,
    pub(super) v: Vec<F>,
    pub(super) v_seq: Vec<F>,
}

/// What the backward kernel wrote.
#[derive(Clone, Debug)]
pub(super) struct Backward<F> {
    pub(super) x: Vec<F>,
    pub(super) v0: Vec<F>,
    /// dL/dw of a learned parameter, if there is one.
    pub(super) params: Vec<f64>,
}

pub(super) fn surrogates() -> impl Strategy<Value = Surrogate> {
    prop_oneof![
        (0.5..4.0).prop_map(|alpha| ATan { alpha, spiking: true }.into()),
        (0.5..5.0).prop_map(|alpha| Sigmoid { alpha, spiking: true }.into()),
        (0.3..2.0).prop_map(|alpha| PiecewiseQuadratic { alpha, spiking: true }.into()),
    ]
}

/// Problems of up to `steps` steps and `neurons` neurons.
pub(super) fn cases(steps: usize, neurons: usize) -> impl Strategy<Value = Case> {
    let kinds = prop_oneof![
        Just(Kind::If),
        prop_oneof![Just(2.0), Just(4.0), 1.1..20.0].prop_map(|tau| Kind::Lif { tau }),
        prop_oneof![Just(0.0), -3.0..3.0].prop_map(|w| Kind::Plif { w }),
    ];
    let resets = prop_oneof![Just(None), Just(Some(0.0)), Just(Some(-0.25)), Just(Some(0.125))];
    let switches = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (kinds, resets, prop_oneof![Just(1.0), 0.3..2.0], surrogates(), switches, 1..=steps, 1..=neurons, any::<u64>()).prop_map(
        |(kind, v_reset, v_threshold, surrogate, (decay_input, detach_reset, spiking, is_static, with_v0), steps, neurons, seed)| Case {
            kind,
            decay_input,
            v_threshold: f64::from(v_threshold as f32),
            v_reset,
            detach_reset,
            surrogate,
            spiking,
            steps,
            neurons,
            is_static,
            with_v0,
            seed,
        },
    )
}

/// The same expression with the case's neuron and the values of its learned parameters.
macro_rules! each {
    ($case:expr, $neuron:ident, $learned:ident => $value:expr) => {{
        let Case { decay_input, v_threshold, v_reset, detach_reset, .. } = *$case;
        let surrogate_function = $case.surrogate.with_spiking($case.spiking);
        match $case.kind {
            Kind::If => {
                let ($neuron, $learned) = (IFNodeConfig { v_threshold, v_reset, surrogate_function, detach_reset }, &[]);
                $value
            }
            Kind::Lif { tau } => {
                let $neuron = LIFNodeConfig { tau, decay_input, v_threshold, v_reset, surrogate_function, detach_reset };
                let $learned = &[];
                $value
            }
            Kind::Plif { w } => {
                let init_tau = 2.0;
                let $neuron = ParametricLIFNodeConfig { init_tau, decay_input, v_threshold, v_reset, surrogate_function, detach_reset };
                let $learned: &[&[f64]] = &[&[w]];
                $value
            }
        }
    }};
}

impl Case {
    /// A plain LIF with ATan.
    pub(super) fn lif(steps: usize, neurons: usize) -> Case {
        Case {
            kind: Kind::Lif { tau: 2.0 },
            decay_input: true,
            v_threshold: 1.0,
            v_reset: Some(0.0),
            detach_reset: false,
            surrogate: ATan::default().into(),
            spiking: true,
            steps,
            neurons,
            is_static: false,
            with_v0: false,
            seed: 7,
        }
    }

    /// `len` numbers in [-1.5, 2.5], many of them multiples of 1/4 so that potentials meet the threshold exactly.
    fn numbers<F: Real>(&self, stream: u32, len: usize) -> Vec<F> {
        let number = |i: usize| {
            let [a, b, ..] = philox4x32([i as u32, stream, 0, 0], [self.seed as u32, (self.seed >> 32) as u32]);
            let fine = f64::from(a >> 12) / f64::from(1 << 20) * 4.0 - 1.5;
            F::of(if b % 2 == 0 { (fine * 4.0).round() / 4.0 } else { fine })
        };
        (0..len).map(number).collect()
    }

    pub(super) fn x<F: Real>(&self) -> Vec<F> {
        self.numbers(0, if self.is_static { self.neurons } else { self.steps * self.neurons })
    }

    /// x as a whole sequence.
    pub(super) fn x_sequence<F: Real>(&self) -> Vec<F> {
        if self.is_static { self.x().repeat(self.steps) } else { self.x() }
    }

    pub(super) fn v0<F: Real>(&self) -> Option<Vec<F>> {
        self.with_v0.then(|| self.numbers(1, self.neurons))
    }

    pub(super) fn grad_spikes<F: Real>(&self) -> Vec<F> {
        self.numbers(2, self.steps * self.neurons)
    }

    pub(super) fn grad_v<F: Real>(&self) -> Vec<F> {
        self.numbers(3, self.neurons)
    }

    fn input<'a, F>(&self, x: &'a [F]) -> Input<'a, F> {
        if self.is_static { Input::Static(x) } else { Input::Sequence(x) }
    }

    /// The forward kernel on this case's own data.
    pub(super) fn forward<F: Real>(&self, arch: Arch) -> Forward<F> {
        self.forward_of(arch, &self.x(), self.v0().as_deref())
    }

    /// The forward kernel; outputs start as NaN, so that an element left out shows.
    pub(super) fn forward_of<F: Real>(&self, arch: Arch, x: &[F], v0: Option<&[F]>) -> Forward<F> {
        let nan = |len: usize| vec![F::of(f64::NAN); len];
        let len = self.steps * self.neurons;
        let mut out = Forward { spikes: nan(len), v: nan(self.neurons), v_seq: nan(len) };
        each!(self, neuron, learned => {
            let into = ForwardOut { y: &mut out.spikes, states: vec![&mut out.v], sequences: vec![Some(&mut out.v_seq)] };
            let constants = Constants::new(&neuron, learned, Channels::ONE).expect("one number");
            forward_on(arch, &neuron, self.pass(x, &[v0], &constants), into)
        })
        .expect("buffers of the right size");
        out
    }

    fn pass<'a, F: Real>(&self, x: &'a [F], start: &'a [Option<&'a [F]>], constants: &'a Constants<F>) -> Pass<'a, F> {
        Pass { steps: self.steps, neurons: self.neurons, x: self.input(x), scale: None, start, constants, draw: Draw::default() }
    }

    /// The backward kernel on this case's own data.
    pub(super) fn backward<F: Real>(&self, arch: Arch) -> Backward<F> {
        self.backward_of(arch, &self.x(), self.v0().as_deref(), &self.grad_spikes(), &self.grad_v())
    }

    pub(super) fn backward_of<F: Real>(&self, arch: Arch, x: &[F], v0: Option<&[F]>, grad_spikes: &[F], grad_v: &[F]) -> Backward<F> {
        let nan = |len: usize| vec![F::of(f64::NAN); len];
        let mut out = Backward { x: nan(x.len()), v0: nan(self.neurons), params: Vec::new() };
        out.params = each!(self, neuron, learned => {
            let into = BackwardOut { x: Some(&mut out.x), start: vec![Some(&mut out.v0)], scale: None };
            let constants = Constants::new(&neuron, learned, Channels::ONE).expect("one number");
            let upstream = Upstream { y: Some(grad_spikes), states: &[Some(grad_v)] };
            let sums = backward_on(arch, &neuron, self.pass(x, &[v0], &constants), upstream, into).expect("sizes");
            learned_gradient(&neuron, learned, Channels::ONE, &sums).expect("one number").concat()
        });
        out
    }
}

/// Asserts the same bits; any NaN equals any other.
#[track_caller]
pub(super) fn assert_bits<F: Real>(what: &str, got: &[F], want: &[F]) {
    assert_eq!(got.len(), want.len(), "{what}: length");
    let bits = |x: F| if x.to_f64().is_nan() { u64::MAX } else { x.to_f64().to_bits() };
    for (i, (&g, &w)) in got.iter().zip(want).enumerate() {
        assert_eq!(bits(g), bits(w), "{what}[{i}]: {g} instead of {w}");
    }
}

/// Asserts |got - want| <= tolerance (1 + |want|).
#[track_caller]
pub(super) fn assert_close<F: Real>(what: &str, got: &[F], want: &[F], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}: length");
    for (i, (&g, &w)) in got.iter().zip(want).enumerate() {
        let (g, w) = (g.to_f64(), w.to_f64());
        assert!((g - w).abs() <= tolerance * (1.0 + w.abs()), "{what}[{i}]: {g} instead of {w}");
    }
}
