//! Recurrent networks whose gates spike (SpikingJelly: `rnn`). In: sequences `[T, N, input_size]`; out: `[T, N, hidden_size]`, or twice as
//! wide where both directions are read; state: the last output of each layer, and of an LSTM its memory.
//!
//! A layer and direction is one node of the graph: the loop over time runs inside, its matrix products in libtorch, everything else in
//! one kernel per step.

mod cell;
mod stack;

use tch::Tensor;

use crate::error::Result;
use crate::layer::{Cx, Layer};
use crate::scope::Scope;
use crate::state::State;
use crate::surrogate::{Erf, Surrogate};

pub use cell::RecurrentCell;
use stack::{Shape, Stack};

/// The three networks: their configs, their states, and their layers around a [`Stack`].
macro_rules! networks {
    ($(
        $(#[$doc:meta])*
        $layer:ident, $(#[$config_doc:meta])* $config:ident { $(#[$first_doc:meta])* $first:ident $(, $(#[$second_doc:meta])* $second:ident)? },
        $(#[$state_doc:meta])* $state:ident { $(#[$h_doc:meta])* h $(, $(#[$c_doc:meta])* $c:ident)? }, $cell:ident;
    )+) => {$(
        $(#[$config_doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $config {
            /// Features that come in.
            pub input_size: usize,
            /// Features of an output, per direction.
            pub hidden_size: usize,
            /// Layers, one behind the other.
            pub num_layers: usize,
            /// Is something learned added to each gate?
            pub bias: bool,
            /// The share of outputs that is dropped between layers in training, from 0 up to but not including 1.
            pub dropout_p: f64,
            /// Is the same dropped at every step of a sequence?
            pub invariant_dropout_mask: bool,
            /// Is the sequence read from its end, too, with weights of its own?
            pub bidirectional: bool,
            $(#[$first_doc])*
            pub $first: Surrogate,
            $(
                $(#[$second_doc])*
                pub $second: Option<Surrogate>,
            )?
        }

        impl $config {
            /// SpikingJelly's defaults for the rest: with biases, one direction, nothing dropped, `Erf`.
            pub fn new(input_size: usize, hidden_size: usize, num_layers: usize) -> Self {
                $config {
                    input_size,
                    hidden_size,
                    num_layers,
                    bias: true,
                    dropout_p: 0.0,
                    invariant_dropout_mask: false,
                    bidirectional: false,
                    $first: Erf::default().into(),
                    $($second: None,)?
                }
            }
        }

        $(#[$state_doc])*
        #[derive(Debug, Default)]
        pub struct $state {
            $(#[$h_doc])*
            pub h: Option<Tensor>,
            $(
                $(#[$c_doc])*
                pub $c: Option<Tensor>,
            )?
        }

        impl State for $state {
            fn reset(&mut self) {
                *self = $state::default();
            }

            fn detach(&mut self) {
                self.h.detach();
                $(self.$c.detach();)?
            }

            fn visit(&self, f: &mut dyn FnMut(&str, &Tensor)) {
                self.h.iter().for_each(|t| f("h", t));
                $(self.$c.iter().for_each(|t| f(stringify!($c), t));)?
            }

            fn visit_mut(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
                self.h.visit_mut(f);
                $(self.$c.visit_mut(f);)?
            }

            fn shallow_clone(&self) -> Self {
                $state { h: self.h.shallow_clone(), $($c: self.$c.shallow_clone(),)? }
            }
        }

        $(#[$doc])*
        #[derive(Debug)]
        pub struct $layer {
            /// By layer: `cells.0.linear_ih.weight`, ..
            pub cells: Vec<RecurrentCell>,
            /// The same for the other direction; empty where there is none.
            pub cells_reverse: Vec<RecurrentCell>,
            config: $config,
            stack: Stack,
        }

        impl $layer {
            /// What it was built with.
            pub fn config(&self) -> &$config {
                &self.config
            }
        }

        impl Layer for $layer {
            type Config = $config;
            type State = $state;

            fn build(scope: &Scope<'_>, config: $config) -> Result<Self> {
                let shape = Shape {
                    network: stringify!($layer),
                    cell: snn_kernels::Cell::$cell,
                    input_size: config.input_size,
                    hidden_size: config.hidden_size,
                    num_layers: config.num_layers,
                    bias: config.bias,
                    bidirectional: config.bidirectional,
                };
                #[allow(unused_mut, unused_assignments, reason = "one of the networks has one function alone")]
                let mut content = None;
                $(content = config.$second;)?
                let surrogates = [(stringify!($first), Some(config.$first)), ("surrogate_function2", content)];
                let stack = Stack::new(scope, shape, surrogates, config.dropout_p, config.invariant_dropout_mask)?;
                let (cells, cells_reverse) = stack.cells(scope)?;
                Ok($layer { cells, cells_reverse, config, stack })
            }

            fn state(&self) -> $state {
                $state::default()
            }

            fn step(&self, _: &Tensor, _: &mut $state, _: &Cx) -> Result<Tensor> {
                Err(self.stack.needs_a_sequence())
            }

            fn sequence(&self, x: &Tensor, s: &mut $state, cx: &Cx) -> Result<Tensor> {
                #[allow(unused_mut, unused_assignments, reason = "only an LSTM has a memory")]
                let mut c: Option<&mut Option<Tensor>> = None;
                $(c = Some(&mut s.$c);)?
                self.stack.run([&self.cells, &self.cells_reverse], x, &mut s.h, c, cx)
            }
        }
    )+};
}

networks! {
    /// Long short-term memory with gates that spike: c = min(c f + i g, 1), h = c o, where i, f, g and o are surrogate functions of W x + W' h.
    ///
    /// From "Long Short-Term Memory Spiking Networks and Their Applications" (Lotfi Rezaabad and Vishwanath, ICONS 2020).
    /// SpikingJelly equivalent: `rnn.SpikingLSTM(..)`; its final states are the state `h`, `c` here. Whole sequences only.
    ///
    /// # Shapes
    ///
    /// `[T, N, input_size]` to `[T, N, hidden_size]`, twice as wide if bidirectional. Weights from U(-b, b) with
    /// b = 1 / sqrt(hidden_size).
    SpikingLSTM,
    /// Arguments of [`SpikingLSTM`], in SpikingJelly's words.
    SpikingLSTMConfig {
        /// Makes the gates.
        surrogate_function1,
        /// Makes the content g; `None`: the same as the gates.
        surrogate_function2
    },
    /// What is left of a sequence in a [`SpikingLSTM`].
    SpikingLSTMState {
        /// `[layers * directions, N, hidden_size]`, all layers forward before those in reverse: the last outputs; `None` for 0.
        h,
        /// The same of the memories.
        c
    },
    Lstm;

    /// Gated recurrent units with gates that spike: h = (1 - z) n + z h, where r, z and n are surrogate functions of W x + W' h, and n sees
    /// r times W' h.
    ///
    /// SpikingJelly equivalent: `rnn.SpikingGRU(..)`; its final state is the state `h` here. Whole sequences only.
    ///
    /// # Shapes
    ///
    /// As [`SpikingLSTM`].
    SpikingGRU,
    /// Arguments of [`SpikingGRU`], in SpikingJelly's words.
    SpikingGRUConfig {
        /// Makes the gates.
        surrogate_function1,
        /// Makes the content n; `None`: the same as the gates.
        surrogate_function2
    },
    /// What is left of a sequence in a [`SpikingGRU`].
    SpikingGRUState {
        /// `[layers * directions, N, hidden_size]`, all layers forward before those in reverse: the last outputs; `None` for 0.
        h
    },
    Gru;

    /// A recurrent layer that spikes: h is a surrogate function of W x + W' h.
    ///
    /// SpikingJelly equivalent: `rnn.SpikingVanillaRNN(..)`; its final state is the state `h` here. Whole sequences only.
    ///
    /// # Shapes
    ///
    /// As [`SpikingLSTM`].
    SpikingVanillaRNN,
    /// Arguments of [`SpikingVanillaRNN`], in SpikingJelly's words.
    SpikingVanillaRNNConfig {
        /// Makes the output.
        surrogate_function
    },
    /// What is left of a sequence in a [`SpikingVanillaRNN`].
    SpikingVanillaRNNState {
        /// `[layers * directions, N, hidden_size]`, all layers forward before those in reverse: the last outputs; `None` for 0.
        h
    },
    Vanilla;
}
