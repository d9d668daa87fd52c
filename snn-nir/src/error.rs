//! The one error of the crate. In: what is wrong, and where; out: a message that names the file, the node, the field, what is wanted, what
//! was found and the fix.

use std::path::PathBuf;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can be wrong with a NIR graph.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What is wrong is in this file.
    #[error("{}: {problem}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: Box<Error>,
    },
    /// The system cannot read or write it.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It is no HDF5 file, or one that is damaged.
    #[error("{0}")]
    Hdf5(String),
    /// Weights that safetensors does not take.
    #[error("{0}")]
    Safetensors(String),
    /// A field of a node is missing, or something else than it should be.
    #[error("node `{node}`: {field} wants {wants}, but is {got}")]
    Field {
        /// The node, by its path through nested graphs: `lif1.lif`.
        node: String,
        /// The field: `` `tau` ``.
        field: String,
        /// What it should be.
        wants: String,
        /// What it is.
        got: String,
    },
    /// A node is of a type that NIR does not have.
    #[error("node `{node}`: there is no type `{kind}`\n  help: NIR has {}", list(.known))]
    Kind {
        /// The node.
        node: String,
        /// The type it names.
        kind: String,
        /// The types that there are.
        known: Vec<&'static str>,
    },
    /// An edge leads from or to a node that is not there.
    #[error("graph `{graph}`: the edge `{from}` -> `{to}` names `{missing}`, which is not there\n  note: the nodes are {}", list(.nodes))]
    Edge {
        /// The graph, by its path; the outermost one is ``.
        graph: String,
        /// Where the edge starts.
        from: String,
        /// Where it ends.
        to: String,
        /// Which of the two is missing.
        missing: String,
        /// The nodes that there are.
        nodes: Vec<String>,
    },
    /// A node does not fit the nodes around it.
    #[error("node `{node}`: wants an input of {wants}, but gets {got:?} from {}", list(.from))]
    Shape {
        /// The node.
        node: String,
        /// What it takes.
        wants: String,
        /// What arrives.
        got: Vec<usize>,
        /// The nodes it comes from.
        from: Vec<String>,
    },
    /// The wiring of a graph.
    #[error("node `{node}`: {problem}{}", tail(.help))]
    Wiring {
        /// The node.
        node: String,
        /// What is wrong with it.
        problem: String,
        /// The fix; may be empty.
        help: String,
    },
    /// A graph with time constants needs to know how long a step is.
    #[error("node `{node}`: {field} counts seconds, and nothing says how long a step is\n  help: give the step in seconds, `--dt 1e-4`")]
    StepLength {
        /// The first node with a time.
        node: String,
        /// Its field.
        field: String,
    },
    /// The length of a step that was given.
    #[error("a step of {dt} seconds: {problem}")]
    Dt {
        /// The length given.
        dt: f64,
        /// What is wrong with it.
        problem: String,
    },
    /// A node that the language has nothing for.
    #[error("node `{node}`: {problem}, which the language has no layer for{}", tail(.help))]
    Unmapped {
        /// The node.
        node: String,
        /// What it is.
        problem: String,
        /// The fix; may be empty.
        help: String,
    },
    /// What a graph is run on.
    #[error("input `{input}`: wants {wants}, but gets {got}")]
    Input {
        /// The name of the graph's input.
        input: String,
        /// What it takes.
        wants: String,
        /// What is given.
        got: String,
    },
}

impl Error {
    pub(crate) fn in_file(self, path: &std::path::Path) -> Error {
        Error::File { path: path.into(), problem: Box::new(self) }
    }

    pub(crate) fn field(node: &str, field: &str, wants: impl Into<String>, got: impl Into<String>) -> Error {
        Error::Field { node: node.into(), field: format!("`{field}`"), wants: wants.into(), got: got.into() }
    }
}

/// `` `a`, `b` and `c` ``.
fn list<S: AsRef<str>>(names: &[S]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match quoted.split_last() {
        None => "nothing".into(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

fn tail(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("\n  help: {text}") }
}
