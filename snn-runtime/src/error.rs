//! The one error of the library. In: what went wrong and where; out: a message that names the layer, what it wants, what it
//! got and the fix.

use std::path::PathBuf;

use tch::TchError;

/// Everything that can go wrong at run time. What the compiler can see is a compile error instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // ---- input ----------------------------------------------------------------------------------------------------------
    /// A tensor has another rank or other sizes than its place wants.
    #[error("{layer}: wants {wants}, but gets {got:?}{}", fix(.help))]
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
    #[error("{layer}: has kernels for the CPU, but its input is on {got:?}\n  help: keep the model and its input on `Device::Cpu`")]
    Device {
        /// The layer.
        layer: String,
        /// Where the input lies.
        got: tch::Device,
    },

    // ---- state ----------------------------------------------------------------------------------------------------------
    /// A state belongs to another batch than the input.
    #[error("{layer}: its state is for a batch of {want}, but gets {got}\n  help: `reset()` the state, or make one with `state({got})`")]
    Batch {
        /// The layer or net.
        layer: String,
        /// Samples in the state.
        want: i64,
        /// Samples in the input.
        got: i64,
    },
    /// A stored state has other sizes than the input.
    #[error("{layer}: its state has sizes {want:?}, but the input of one step has {got:?}\n  help: `reset()` the state first")]
    StateShape {
        /// The layer.
        layer: String,
        /// Sizes of the stored state.
        want: Vec<i64>,
        /// Sizes of one step.
        got: Vec<i64>,
    },
    /// A sequence without steps, or inputs with different numbers of steps.
    #[error("{layer}: {problem}\n  help: a sequence is `[T, N, ..]` with T at least 1")]
    Steps {
        /// The net.
        layer: String,
        /// What is odd about the steps.
        problem: String,
    },

    // ---- arguments ------------------------------------------------------------------------------------------------------
    /// A value given when the layer is built, or a batch, that it cannot work with.
    #[error("{layer}: {argument} {problem}{}", fix(.help))]
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
    /// A file's weights and the model's do not match.
    #[error("{}: does not fit the model{}{}{}", .path.display(), list("missing", .missing), list("unexpected", .unexpected), list("of another shape", .shapes))]
    Weights {
        /// The file.
        path: PathBuf,
        /// Names the model has and the file lacks.
        missing: Vec<String>,
        /// Names the file has and the model lacks.
        unexpected: Vec<String>,
        /// Names with another shape: want and got.
        shapes: Vec<String>,
    },

    // ---- kernels and libtorch -------------------------------------------------------------------------------------------
    /// A kernel refused its arguments: a bug of this library.
    #[error("{layer}: {source}")]
    Kernel {
        /// The layer.
        layer: String,
        /// What the kernel says.
        source: snn_kernels::Error,
    },
    /// libtorch refused an operation.
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
}

/// What every fallible function of the library returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Names the layer in which libtorch failed.
    pub(crate) fn in_layer(layer: &str) -> impl FnOnce(TchError) -> Error {
        let layer = layer.to_string();
        move |source| Error::Layer { layer, source }
    }

    pub(crate) fn argument(layer: &str, argument: &str, problem: impl Into<String>, help: &str) -> Error {
        Error::Argument { layer: layer.into(), argument: format!("`{argument}`"), problem: problem.into(), help: help.into() }
    }
}

fn fix(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("\n  help: {text}") }
}

fn list(what: &str, names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("\n  {what}: {}", names.join(", ")) }
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
        let e = Error::argument("Csnn.sn1", "tau", "must be greater than 1, but is 1", "");
        assert_eq!(e.to_string(), "Csnn.sn1: `tau` must be greater than 1, but is 1");
    }
}
