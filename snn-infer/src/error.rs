//! The one error of frozen inference. In: what went wrong and where; out: a message that names the layer, what it wants, what it got and the
//! fix.

use std::path::PathBuf;

use snn_kernels::Refused;

/// Everything that can go wrong while a net is frozen, loaded or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // ---- freezing -------------------------------------------------------------------------------------------------------
    /// A value has another shape than its place wants. Shapes are those of one sample.
    #[error("{layer}: wants {wants}, but gets {got:?}{}", tail(.help))]
    Shape {
        /// The layer: `Csnn.conv1`.
        layer: String,
        /// The shape wanted: `[3, H, W]`.
        wants: String,
        /// The shape that came.
        got: Vec<usize>,
        /// The fix; may be empty.
        help: String,
    },
    /// An argument that a layer cannot work with.
    #[error("{layer}: `{argument}` {problem}{}", tail(.help))]
    Argument {
        /// The layer.
        layer: String,
        /// The argument: `tau`.
        argument: String,
        /// What is wrong with it.
        problem: String,
        /// The fix; may be empty.
        help: String,
    },
    /// A layer or function that has no frozen form.
    #[error("{layer}: has no frozen form: {problem}{}", tail(.help))]
    Unsupported {
        /// The layer.
        layer: String,
        /// Why.
        problem: String,
        /// The fix; may be empty.
        help: String,
    },
    /// A layer, or one of its arguments, that NIR has nothing for.
    #[error("{layer}: is not in NIR: {problem}{}", tail(.help))]
    NotInNir {
        /// The layer.
        layer: String,
        /// Why.
        problem: String,
        /// The fix; may be empty.
        help: String,
    },
    /// Weights and net do not match.
    #[error("the weights do not fit `{net}`{}{}", list("missing", .missing), list("of another shape", .shapes))]
    Weights {
        /// The net.
        net: String,
        /// What the net has and the weights lack, by layer: `conv1: weight, bias`.
        missing: Vec<String>,
        /// What has another shape, by layer: `fc1: weight wants [10, 128], but gets [10, 64]`.
        shapes: Vec<String>,
    },

    // ---- running --------------------------------------------------------------------------------------------------------
    /// The wrong number of inputs or outputs.
    #[error("{net}: wants {wants} {what}, but gets {got}")]
    Arity {
        /// The net.
        net: String,
        /// `inputs` or `outputs`.
        what: &'static str,
        /// How many it has.
        wants: usize,
        /// How many came.
        got: usize,
    },
    /// An input or output of the wrong length.
    #[error("{port}: wants {wants}, but gets {got} numbers{}", tail(.help))]
    Length {
        /// ``Csnn input `x` ``.
        port: String,
        /// What it wants: `a multiple of 784 numbers, [N, 1, 28, 28]`.
        wants: String,
        /// Numbers that came.
        got: usize,
        /// The fix; may be empty.
        help: String,
    },
    /// A state is for another batch size than the input.
    #[error("{net}: its state is for a batch of {want}, but gets {got}\n  help: make one with `state({got})`")]
    Batch {
        /// The net.
        net: String,
        /// Samples in the state.
        want: usize,
        /// Samples in the input.
        got: usize,
    },
    /// A state of another net.
    #[error("{net}: the state is not one of this net's\n  help: make one with `state({batch})`")]
    State {
        /// The net.
        net: String,
        /// Samples in the input.
        batch: usize,
    },
    /// A layer that needs a whole sequence is given one step of it.
    #[error("{layer}: works on whole sequences, but gets one step\n  help: use `infer`")]
    WholeSequence {
        /// The layer.
        layer: String,
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
    /// A file was saved by another net.
    #[error("{}: was saved by another net than `{net}`: {problem}\n  help: freeze and save the trained model again", .path.display())]
    Architecture {
        /// The file.
        path: PathBuf,
        /// The net.
        net: String,
        /// Where they differ first.
        problem: String,
    },

    /// Something that cannot happen did.
    #[error("{layer}: {problem}\n  note: this is a bug of snn; please report it")]
    Bug {
        /// The layer.
        layer: String,
        /// What happened.
        problem: String,
    },
}

/// What every fallible function of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn shape(layer: &str, wants: impl Into<String>, got: &[usize], help: impl Into<String>) -> Error {
        Error::Shape { layer: layer.into(), wants: wants.into(), got: got.into(), help: help.into() }
    }

    pub(crate) fn unsupported(layer: &str, problem: impl Into<String>, help: impl Into<String>) -> Error {
        Error::Unsupported { layer: layer.into(), problem: problem.into(), help: help.into() }
    }

    pub(crate) fn refused(layer: &str) -> impl FnOnce(Refused) -> Error {
        let layer = layer.to_string();
        move |r| Error::Argument { layer, argument: r.argument.into(), problem: r.problem, help: r.help.into() }
    }

    /// What a kernel says that was called wrongly.
    pub(crate) fn bug(layer: &str) -> impl FnOnce(snn_kernels::Error) -> Error {
        move |e| Error::Bug { layer: layer.into(), problem: e.to_string() }
    }
}

/// The fix, on a line of its own; nothing where there is none.
pub fn tail(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("\n  help: {text}") }
}

/// Names, on a line of their own; nothing where there are none.
pub fn list(what: &str, names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("\n  {what}: {}", names.join("; ")) }
}
