//! THE layer table: every layer the language knows, one family per file. In: a name; out: its parameters, defaults, step
//! modes, state, shape rule and what it becomes at run time.
//!
//! Names, order and defaults are SpikingJelly's, hence torch's. Adding a layer is adding its row here, its runtime type, its
//! kernel and its goldens.

mod activation;
mod adaptive_pool;
mod args;
mod attention;
mod batchnorm;
mod container;
mod conv;
mod conv_transpose;
mod delay;
mod drop_connect;
mod dropout;
mod dsr;
mod encoding;
mod flatten;
mod gated_lif;
mod groupnorm;
mod linear;
mod mpbn;
mod neunorm;
mod neuron;
mod non_spiking;
mod pool;
mod print_shape;
mod psn;
mod rnn;
mod rule;
mod spiking_attention;
mod stbif;
mod surrogate;
mod synapse_filter;
mod time;
mod unpool;
mod upsample;
mod value;
mod voting;
mod weight_standard;

pub(crate) use args::{ArgValue, Args, Settings, bind, blame_of, count, derived, signature};
pub(crate) use container::{Container, FUSED_INSIDE, How, SEVERAL, computes, is_container};
pub(crate) use rule::{Built, Rule};
#[cfg(test)]
pub(crate) use {args::Arg, surrogate::calls as surrogates};

/// One row of the table.
pub(crate) struct LayerSpec {
    pub(crate) name: &'static str,
    pub(crate) params: &'static [Param],
    pub(crate) modes: Modes,
    /// `None`: nothing is carried from step to step.
    pub(crate) state: Option<State>,
    /// The function on time that the layer stands for: `MeanOverTime` is `mean_over_time`.
    pub(crate) reduces: Option<&'static str>,
    /// Runs without libtorch: `snn_infer::frozen` has a marker of its runtime type's name. A container: what is in it runs as if it stood there.
    pub(crate) frozen: bool,
    /// What comes out for what goes in; reports what does not fit.
    pub(crate) rule: fn(&mut Rule<'_>) -> Result<Built, ()>,
}

impl LayerSpec {
    /// Values it takes, all of one shape: one, but for the maxima and indices of `MaxUnpool2d`.
    pub(crate) fn inputs(&self) -> usize {
        if unpool::LAYERS.iter().any(|l| l.name == self.name) { 2 } else { 1 }
    }

    /// Does it give one value per step even for an input that is the same at every step?
    pub(crate) fn per_step(&self) -> bool {
        matches!(self.state, Some(State::Neuron | State::Memory | State::Draws)) || self.modes == Modes::MultiOnly
    }
}

/// Which step modes a layer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Modes {
    Both,
    /// Needs the whole sequence at once.
    MultiOnly,
}

/// What a layer remembers between steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// A membrane potential per element; sends spikes.
    Neuron,
    /// A mask for one step, the same at every step: a static input stays static.
    Mask,
    /// Anything else that changes from step to step: a trace, a queue, a new mask.
    Memory,
    /// Nothing; but every step is drawn anew.
    Draws,
}

/// One parameter, in the order it may be given by position.
#[derive(Debug)]
pub(crate) struct Param {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) default: Default,
}

/// What an argument has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The input side: a size, or `_` to infer it.
    Inferred,
    /// A size, `_` to infer it, or `None`.
    OptInferred,
    /// A size of at least 1.
    Size,
    /// A whole number, 0 or more.
    Count,
    /// A size or `None`.
    OptSize,
    /// One size for all `n` axes, or `n` of them.
    Sizes(usize),
    /// The same, or `None`.
    OptSizes(usize),
    /// One size for all `n` axes, or `n` of them, of which each may be `None`.
    SizesOrNone(usize),
    /// One size, or one for each axis of space: how many there are, the input says. Or `None`.
    OptSpace,
    /// One number greater than 0, whole or not, or one for each axis of space, or `None`.
    OptFactors,
    /// Sizes that may be 0, `"same"` or `"valid"`.
    Padding(usize),
    /// The same without the words.
    Zeros(usize),
    /// A whole number, negative ones count from the end.
    Axis,
    Bool,
    /// `true`, `false` or `None`.
    OptBool,
    Float,
    /// A float or `None`.
    OptFloat,
    /// Any string.
    Text,
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// One of these strings, or `None`.
    OptChoice(&'static [&'static str]),
    /// `relu`, `tanh`, .., or `None`.
    Activation,
    /// Layers in brackets, or one layer; lowered where they stand.
    Layers,
    /// A function of `(y_prev, x)`; lowered where it stands.
    Function,
    Surrogate,
    /// A surrogate function or `None`.
    OptSurrogate,
}

/// What an argument is when it is not given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Default {
    Required,
    Int(i64),
    Bool(bool),
    Float(f64),
    None,
    Text(&'static str),
    /// A name of the language: `relu`.
    Name(&'static str),
    /// The net's surrogate, or SpikingJelly's default, `Sigmoid`.
    Surrogate,
    /// The net's surrogate, or the one of that name, with its own defaults.
    SurrogateOf(&'static str),
    /// A surrogate of that name, whatever the net's is.
    OwnSurrogate(&'static str),
}

const fn param(name: &'static str, kind: Kind, default: Default) -> Param {
    Param { name, kind, default }
}

/// Every layer, by family.
pub(crate) fn all() -> impl Iterator<Item = &'static LayerSpec> {
    [
        conv::LAYERS,
        conv_transpose::LAYERS,
        linear::LAYERS,
        batchnorm::LAYERS,
        groupnorm::LAYERS,
        pool::MAX,
        pool::AVG,
        adaptive_pool::LAYERS,
        unpool::LAYERS,
        upsample::LAYERS,
        weight_standard::LAYERS,
        print_shape::LAYERS,
        flatten::LAYERS,
        dropout::LAYERS,
        encoding::LAYERS,
        neunorm::LAYERS,
        synapse_filter::LAYERS,
        delay::LAYERS,
        drop_connect::LAYERS,
        attention::LAYERS,
        spiking_attention::LAYERS,
        rnn::LAYERS,
        voting::LAYERS,
        neuron::LAYERS,
        psn::LAYERS,
        mpbn::LAYERS,
        gated_lif::LAYERS,
        non_spiking::LAYERS,
        dsr::LAYERS,
        stbif::LAYERS,
        time::LAYERS,
        container::LAYERS,
        activation::LAYERS,
    ]
    .into_iter()
    .flatten()
}

/// The row of that name.
pub(crate) fn find(name: &str) -> Option<&'static LayerSpec> {
    all().find(|l| l.name == name)
}

/// A neuron that can normalise its input in the kernel that runs its steps.
pub(crate) fn takes_norm(spec: &LayerSpec) -> bool {
    neuron::LAYERS.iter().any(|row| row.name == spec.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_parameters_in_order() {
        let mut seen = HashSet::new();
        for layer in all() {
            assert!(seen.insert(layer.name), "{} stands twice in the table", layer.name);
            let mut names = HashSet::new();
            assert!(layer.params.iter().all(|p| names.insert(p.name)), "{} has a parameter twice", layer.name);
            let first_optional = layer.params.iter().position(|p| !matches!(p.default, Default::Required)).unwrap_or(layer.params.len());
            assert!(
                layer.params[first_optional..].iter().all(|p| !matches!(p.default, Default::Required)),
                "{}: a required parameter follows an optional one",
                layer.name
            );
        }
    }
}
