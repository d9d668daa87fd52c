//! The one error of the library. In: what went wrong and where; out: a message that names the layer, what it wants, what it
//! got and the fix.

use std::path::PathBuf;

use snn_infer::__private::{list, tail};
use snn_kernels::Refused;
use tch::TchError;

use crate::scope::Scope;

/// Everything that can go wrong at run time. What the compiler can see is a compile error instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // ---- input ----------------------------------------------------------------------------------------------------------
    /// A tensor has another rank or other sizes than its place wants.
    #[error("{layer}: wants {wants}, but gets {got:?}{}", tail(.help))]
    Shape {
        /// The layer, or the input: `Csnn.conv1`, ``Csnn input `x` ``.
        layer: String,
        /// The shape wanted: `[N, 1, 28, 28]`.
        wants: String,
        /// The sizes that came.
        got: Vec<i64>,
        /// The fix; may be empty.
        help: String,
    },
    /// A tensor of another kind than its place wants.
    #[error("{layer}: wants a tensor of {wants}, but gets {got:?}\n  help: convert it: `x.to_kind(Kind::Float)`")]
    Kind {
        /// The layer or input.
        layer: String,
        /// The kinds it takes.
        wants: &'static str,
        /// The kind that came.
        got: tch::Kind,
    },
    /// A tensor on a device that the layer has no kernel for.
    #[error("{layer}: wants a tensor on {}, but gets one on {got:?}\n  help: keep the model and its input on `Device::{wants:?}`", place(*.wants))]
    Device {
        /// The layer.
        layer: String,
        /// Where it can work, or works already.
        wants: tch::Device,
        /// Where the tensor lies.
        got: tch::Device,
    },
    /// A kernel cannot run on a CUDA device: there is no driver, no NVRTC, or either refuses.
    #[error("{layer}: {problem}{}", tail(.help))]
    Cuda {
        /// The layer.
        layer: String,
        /// What is missing or was refused.
        problem: String,
        /// The fix.
        help: String,
    },
    /// A sequence without steps, or sequences with different numbers of steps.
    #[error("{layer}: {problem}\n  help: a sequence is `[T, N, ..]` with T at least 1")]
    Steps {
        /// The layer, the net or the input.
        layer: String,
        /// What is odd about the steps.
        problem: String,
    },

    /// A layer that needs a whole sequence is given one step of it.
    #[error(
        "{layer}: works on whole sequences, but gets one step\n  help: call `sequence` with `[T, N, ..]`; in a net, set `step_mode = 'm'`"
    )]
    WholeSequence {
        /// The layer.
        layer: String,
    },

    // ---- state ----------------------------------------------------------------------------------------------------------
    /// A state belongs to another batch size than the input. (SpikingJelly silently starts anew.)
    #[error("{layer}: its state is for a batch of {want}, but gets {got}\n  help: `reset()` the state, or make one with `state({got})`")]
    Batch {
        /// The layer or net.
        layer: String,
        /// Samples in the state.
        want: i64,
        /// Samples in the input.
        got: i64,
    },
    /// A stored state has other sizes than the input of one step.
    #[error("{layer}: its state has sizes {want:?}, but the input of one step has {got:?}\n  help: `reset()` the state first")]
    StateShape {
        /// The layer.
        layer: String,
        /// Sizes of the stored state.
        want: Vec<i64>,
        /// Sizes of one step.
        got: Vec<i64>,
    },

    // ---- arguments ------------------------------------------------------------------------------------------------------
    /// A value given when the layer is built, or a batch, that it cannot work with.
    #[error("{layer}: {argument} {problem}{}", tail(.help))]
    Argument {
        /// The layer.
        layer: String,
        /// The argument: `` `tau` ``.
        argument: String,
        /// What is wrong with it.
        problem: String,
        /// The fix; may be empty.
        help: String,
    },

    // ---- files ----------------------------------------------------------------------------------------------------------
    /// A file could not be read or written.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{}: {problem}", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file's weights and the model's do not match. Nothing has been loaded.
    #[error(transparent)]
    Weights(#[from] Box<WeightsMismatch>),

    /// A data set, a recording or a sample of it could not be read, or not made into frames.
    #[error(transparent)]
    Data(#[from] snn_data::Error),
    /// A net could not be frozen, or a frozen one not run.
    #[error(transparent)]
    Frozen(#[from] snn_infer::Error),

    /// A picture could not be drawn or written.
    #[cfg(feature = "plot")]
    #[error(transparent)]
    Plot(#[from] snn_plot::Error),
    /// A summary for TensorBoard could not be written.
    #[error(transparent)]
    TensorBoard(#[from] snn_tensorboard::Error),

    // ---- libtorch, own code ---------------------------------------------------------------------------------------------
    /// libtorch refused an operation in a layer.
    #[error("{layer}: {source}")]
    Layer {
        /// The layer.
        layer: String,
        /// What libtorch says.
        source: TchError,
    },
    /// libtorch refused an operation outside a layer.
    #[error(transparent)]
    Torch(#[from] TchError),
    /// A function of the user's own, named by `use` in a net, failed.
    #[error("{0}")]
    Own(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Something that cannot happen did.
    #[error("{layer}: {problem}\n  note: this is a bug of snn; please report it")]
    Bug {
        /// The layer.
        layer: String,
        /// What happened.
        problem: String,
    },
}

/// What does not match between a file's weights and a model's.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}: does not fit the model{}{}{}{}{}", .path.display(), list("missing", .missing), list("unexpected", .unexpected),
    list("of another shape", .shapes), list("of another kind", .kinds), tail(.help)
)]
#[non_exhaustive]
pub struct WeightsMismatch {
    /// The file.
    pub path: PathBuf,
    /// What the model has and the file lacks, by layer: `conv1: weight, bias`.
    pub missing: Vec<String>,
    /// What the file has and the model lacks, by layer.
    pub unexpected: Vec<String>,
    /// What has another shape, by layer: `fc1: weight wants [10, 128], but gets [10, 64]`.
    pub shapes: Vec<String>,
    /// What has numbers that would not survive, or is no tensor, by layer: `fc1: weight wants numbers of Float, but gets Int64`.
    pub kinds: Vec<String>,
    /// The fix: which names may be the same.
    pub help: String,
}

/// What every fallible function of the library returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An argument that a layer cannot work with; for layers of your own, where `layer` is [`Scope::name`](crate::Scope::name).
    ///
    /// ```
    /// let e = snn_runtime::Error::argument("Csnn.sn1", "tau", "must be greater than 1, but is 1", "");
    /// assert_eq!(e.to_string(), "Csnn.sn1: `tau` must be greater than 1, but is 1");
    /// ```
    pub fn argument(layer: &str, argument: &str, problem: impl Into<String>, help: &str) -> Error {
        Error::Argument { layer: layer.into(), argument: format!("`{argument}`"), problem: problem.into(), help: help.into() }
    }

    /// What the arguments of a layer say themselves.
    pub(crate) fn refused(scope: &Scope<'_>) -> impl FnOnce(Refused) -> Error {
        let layer = scope.name().to_string();
        move |r| Error::argument(&layer, r.argument, r.problem, r.help)
    }

    /// An input of another shape; for layers of your own.
    pub fn shape(layer: &str, wants: impl Into<String>, got: &[i64], help: impl Into<String>) -> Error {
        Error::Shape { layer: layer.into(), wants: wants.into(), got: got.into(), help: help.into() }
    }

    /// Names the layer in which libtorch failed.
    pub(crate) fn in_layer(layer: &str) -> impl FnOnce(TchError) -> Error {
        let layer = layer.to_string();
        move |source| Error::Layer { layer, source }
    }

    /// A bug of this library: what a kernel says that was called wrongly, or text.
    pub(crate) fn bug(layer: &str, problem: impl Into<Box<dyn std::error::Error>>) -> Error {
        Error::Bug { layer: layer.into(), problem: problem.into().to_string() }
    }

    /// The same error about a layer that was given steps and batch as one axis.
    pub(crate) fn of_sequence(self, sizes: Vec<i64>) -> Error {
        match self {
            Error::Shape { layer, wants, help, .. } => Error::Shape { layer, wants: wants.replace("[N", "[T, N"), got: sizes, help },
            other => other,
        }
    }
}

fn place(device: tch::Device) -> String {
    if device == tch::Device::Cpu { "the CPU".into() } else { format!("{device:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_layer_want_got_and_fix() {
        let e = Error::Batch { layer: "Csnn".into(), want: 4, got: 7 };
        assert_eq!(
            e.to_string(),
            "Csnn: its state is for a batch of 4, but gets 7\n  help: `reset()` the state, or make one with `state(7)`"
        );
        let e = Error::shape("Csnn.conv1", "[N, 3, H, W]", &[8, 1, 5, 5], "");
        assert_eq!(e.to_string(), "Csnn.conv1: wants [N, 3, H, W], but gets [8, 1, 5, 5]");
        let e = e.of_sequence(vec![2, 4, 1, 5, 5]);
        assert_eq!(e.to_string(), "Csnn.conv1: wants [T, N, 3, H, W], but gets [2, 4, 1, 5, 5]");
    }
}
