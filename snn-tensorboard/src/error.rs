//! What can be wrong with a summary. In: what was to be written; out: a message that names the tag or the file, and the fix.

use std::path::PathBuf;

/// Everything that can go wrong with event files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be made or written.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Values that TensorBoard could not show.
    #[error("`{tag}`: {problem}{}", tail(.help))]
    Value {
        /// The tag.
        tag: String,
        /// What is wrong.
        problem: String,
        /// The fix; may be empty.
        help: &'static str,
    },
}

/// What every fallible function of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn value(tag: &str, problem: impl Into<String>, help: &'static str) -> Error {
        Error::Value { tag: tag.into(), problem: problem.into(), help }
    }
}

fn tail(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("\n  help: {text}") }
}
