//! What holds for every net, on nets drawn at random. In: some layers one behind the other, a sequence; out: single steps give what
//! the sequence gives, forward and backward; a sequence may be cut anywhere; a reset starts anew, however often; a sequence in chunks
//! of its batch is the sequence.

mod support;

use proptest::prelude::*;
use snn_runtime::encoding::{Latency, LatencyEncoder, LatencyEncoderConfig};
use snn_runtime::{
    BatchNorm1d, BatchNorm1dConfig, Delay, DelayConfig, Device, Dropout, DropoutConfig, GroupNorm, GroupNormConfig, IFNode, IFNodeConfig,
    Kind, LIFNode, LIFNodeConfig, Layer, Linear, LinearConfig, ParametricLIFNode, ParametricLIFNodeConfig, Scope, State, SynapseFilter,
    SynapseFilterConfig, Tensor, named_tensors, nn,
};
use support::{EVAL, assert_near, rand, randn};

const FEATURES: usize = 6;

/// A layer that keeps the shape `[N, 6]`, with the state of one run.
trait Link {
    fn step(&mut self, x: &Tensor) -> Tensor;
    fn sequence(&mut self, x: &Tensor) -> Tensor;
    fn reset(&mut self);
    fn states(&self) -> Vec<(String, Tensor)>;
}

struct Held<L: Layer> {
    layer: L,
    state: L::State,
}

impl<L: Layer> Link for Held<L> {
    fn step(&mut self, x: &Tensor) -> Tensor {
        self.layer.step(x, &mut self.state, &EVAL).unwrap()
    }

    fn sequence(&mut self, x: &Tensor) -> Tensor {
        self.layer.sequence(x, &mut self.state, &EVAL).unwrap()
    }

    fn reset(&mut self) {
        self.state.reset();
    }

    fn states(&self) -> Vec<(String, Tensor)> {
        named_tensors(&self.state)
    }
}

#[derive(Clone, Copy, Debug)]
enum Kinds {
    Linear,
    BatchNorm,
    GroupNorm,
    Dropout,
    SynapseFilter { learnable: bool },
    Delay(usize),
    If { hard: bool },
    Lif { hard: bool, decay_input: bool },
    ParametricLif { detach_reset: bool },
}

fn kinds() -> impl Strategy<Value = Kinds> {
    prop_oneof![
        Just(Kinds::Linear),
        Just(Kinds::Linear),
        Just(Kinds::BatchNorm),
        Just(Kinds::GroupNorm),
        Just(Kinds::Dropout),
        any::<bool>().prop_map(|learnable| Kinds::SynapseFilter { learnable }),
        (0usize..4).prop_map(Kinds::Delay),
        any::<bool>().prop_map(|hard| Kinds::If { hard }),
        (any::<bool>(), any::<bool>()).prop_map(|(hard, decay_input)| Kinds::Lif { hard, decay_input }),
        any::<bool>().prop_map(|detach_reset| Kinds::ParametricLif { detach_reset }),
    ]
}

/// The nets that a run of the test compares have the same weights: they are built under one seed.
struct Net {
    links: Vec<Box<dyn Link>>,
    _store: nn::VarStore,
}

impl Net {
    fn new(kinds: &[Kinds]) -> Net {
        fn held<L: Layer + 'static>(scope: &Scope<'_>, config: L::Config) -> Box<dyn Link> {
            let layer = L::build(scope, config).unwrap();
            Box::new(Held { state: layer.state(), layer })
        }
        let mut store = nn::VarStore::new(Device::Cpu);
        let links = kinds
            .iter()
            .enumerate()
            .map(|(i, kind)| {
                let scope = &Scope::root("Net", &store.root()).child(format!("layer{i}"));
                let reset = |hard: bool| if hard { Some(-0.1) } else { None };
                match *kind {
                    Kinds::Linear => held::<Linear>(scope, LinearConfig::new(FEATURES, FEATURES)),
                    Kinds::BatchNorm => held::<BatchNorm1d>(scope, BatchNorm1dConfig::new(FEATURES)),
                    Kinds::GroupNorm => held::<GroupNorm>(scope, GroupNormConfig::new(2, FEATURES)),
                    Kinds::Dropout => held::<Dropout>(scope, DropoutConfig { p: 0.5 }),
                    Kinds::SynapseFilter { learnable } => held::<SynapseFilter>(scope, SynapseFilterConfig { tau: 3.0, learnable }),
                    Kinds::Delay(delay_steps) => held::<Delay>(scope, DelayConfig { delay_steps }),
                    Kinds::If { hard } => {
                        held::<IFNode>(scope, IFNodeConfig { v_threshold: 0.5, v_reset: reset(hard), ..IFNodeConfig::default() })
                    }
                    Kinds::Lif { hard, decay_input } => {
                        let config = LIFNodeConfig { v_threshold: 0.3, v_reset: reset(hard), decay_input, ..LIFNodeConfig::default() };
                        held::<LIFNode>(scope, config)
                    }
                    Kinds::ParametricLif { detach_reset } => {
                        let config = ParametricLIFNodeConfig { v_threshold: 0.3, detach_reset, ..ParametricLIFNodeConfig::default() };
                        held::<ParametricLIFNode>(scope, config)
                    }
                }
            })
            .collect();
        // The same weights in every net, and not those that layers start with: a value from each parameter's own shape.
        store.double();
        let mut variables: Vec<_> = store.variables().into_iter().filter(|(_, v)| v.requires_grad()).collect();
        variables.sort_by(|(a, _), (b, _)| a.cmp(b));
        tch::no_grad(|| {
            for (i, (_, variable)) in variables.iter_mut().enumerate() {
                let n = variable.numel() as i64;
                let ramp = (Tensor::arange(n, (Kind::Double, Device::Cpu)) * 1.7 + i as f64).sin() * 0.8;
                variable.copy_(&ramp.reshape(variable.size()));
            }
        });
        Net { links, _store: store }
    }

    fn sequence(&mut self, x: &Tensor) -> Tensor {
        self.links.iter_mut().fold(x.shallow_clone(), |x, link| link.sequence(&x))
    }

    fn steps(&mut self, x: &Tensor) -> Tensor {
        let steps: Vec<Tensor> =
            x.unbind(0).iter().map(|x| self.links.iter_mut().fold(x.shallow_clone(), |x, link| link.step(&x))).collect();
        Tensor::stack(&steps, 0)
    }

    fn states(&self) -> Vec<(String, Tensor)> {
        let of =
            |(i, link): (usize, &dyn Link)| link.states().into_iter().map(move |(name, t)| (format!("{i}.{name}"), t)).collect::<Vec<_>>();
        self.links.iter().map(|link| &**link).enumerate().flat_map(of).collect()
    }
}

fn assert_same_states(got: &Net, want: &Net) {
    let (got, want) = (got.states(), want.states());
    assert_eq!(got.iter().map(|(name, _)| name).collect::<Vec<_>>(), want.iter().map(|(name, _)| name).collect::<Vec<_>>());
    for ((name, got), (_, want)) in got.iter().zip(&want) {
        assert_near(got, want, 1e-12, name);
    }
}

fn input(steps: i64) -> Tensor {
    randn(&[steps, 3, FEATURES as i64], Kind::Double)
}

/// Outputs and the gradient of the input, for one upstream gradient; a delay may leave nothing of the input, and no graph.
fn with_gradient(x: &Tensor, up: &Tensor, run: impl FnOnce(&Tensor) -> Tensor) -> [Tensor; 2] {
    let x = x.copy().set_requires_grad(true);
    let y = run(&x);
    let loss = (&y * up).sum(Kind::Double) + x.sum(Kind::Double) * 0.0;
    loss.backward();
    // A net may be deaf: a delay longer than the sequence.
    let grad = if x.grad().defined() { x.grad() } else { x.zeros_like() };
    [y.detach(), grad]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn steps_give_what_a_sequence_gives(kinds in prop::collection::vec(kinds(), 1..6), steps in 1i64..7) {
        let (x, up) = (input(steps), input(steps));
        let (mut whole, mut single) = (Net::new(&kinds), Net::new(&kinds));
        let [want, want_grad] = with_gradient(&x, &up, |x| whole.sequence(x));
        let [got, got_grad] = with_gradient(&x, &up, |x| single.steps(x));
        assert_near(&got, &want, 1e-12, "outputs");
        assert_near(&got_grad, &want_grad, 1e-10, "gradient of the input");
        assert_same_states(&single, &whole);
    }

    #[test]
    fn a_sequence_may_be_cut_anywhere(kinds in prop::collection::vec(kinds(), 1..6), steps in 2i64..8, cut in 0i64..8, by_step: bool) {
        let cut = 1 + cut % (steps - 1);
        let (x, up) = (input(steps), input(steps));
        let (mut whole, mut pieces) = (Net::new(&kinds), Net::new(&kinds));
        let [want, want_grad] = with_gradient(&x, &up, |x| whole.sequence(x));
        let [got, got_grad] = with_gradient(&x, &up, |x| {
            let first = pieces.sequence(&x.narrow(0, 0, cut));
            let rest = x.narrow(0, cut, steps - cut);
            let second = if by_step { pieces.steps(&rest) } else { pieces.sequence(&rest) };
            Tensor::cat(&[first, second], 0)
        });
        assert_near(&got, &want, 1e-12, "outputs");
        assert_near(&got_grad, &want_grad, 1e-10, "gradient of the input, through the cut");
        assert_same_states(&pieces, &whole);
    }

    #[test]
    fn a_reset_starts_anew(kinds in prop::collection::vec(kinds(), 1..6), steps in 1i64..6, resets in 1usize..4) {
        let x = input(steps);
        let mut net = Net::new(&kinds);
        let want = net.sequence(&x);
        for _ in 0..resets {
            net.links.iter_mut().for_each(|link| link.reset());
        }
        prop_assert!(net.states().is_empty(), "a fresh state stores nothing");
        assert_near(&net.sequence(&x), &want, 0.0, "after a reset");
    }

    /// Samples do not see each other, in evaluation.
    #[test]
    fn chunks_of_the_batch_give_the_batch(kinds in prop::collection::vec(kinds(), 1..6), steps in 1i64..6, cut in 1i64..3) {
        let x = input(steps);
        let want = Net::new(&kinds).sequence(&x);
        let chunk = |from: i64, n: i64| Net::new(&kinds).sequence(&x.narrow(1, from, n));
        assert_near(&Tensor::cat(&[chunk(0, cut), chunk(cut, 3 - cut)], 1), &want, 1e-12, "outputs");
    }

    /// An encoder in front: a net shown one input at every step is the net shown its spikes.
    #[test]
    fn an_encoder_in_front_is_its_spikes(kinds in prop::collection::vec(kinds(), 1..4), steps in 1i64..6) {
        let x = rand(&[3, FEATURES as i64], Kind::Double);
        let store = nn::VarStore::new(Device::Cpu);
        let config = LatencyEncoderConfig { T: steps as usize, enc_function: Latency::Linear };
        let encoder = LatencyEncoder::build(&Scope::root("Net", &store.root()).child("encoder"), config).unwrap();
        let spikes = encoder.repeat(&x, steps, &mut encoder.state(), &EVAL).unwrap();
        let mut s = encoder.state();
        let mut net = Net::new(&kinds);
        let by_step: Vec<Tensor> = (0..steps).map(|_| net.steps(&encoder.step(&x, &mut s, &EVAL).unwrap().unsqueeze(0))).collect();
        assert_near(&Tensor::cat(&by_step, 0), &Net::new(&kinds).sequence(&spikes), 1e-12, "outputs");
    }
}
