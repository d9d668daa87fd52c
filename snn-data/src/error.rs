//! What can be wrong with data. In: a file and a place in it; out: a message that names both, what was wanted and what was found.

use std::error::Error as StdError;
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Everything that can go wrong with data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
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
        /// What is wrong with it, and where.
        problem: String,
    },
    /// A value that a function cannot work with.
    #[error("{function}: `{argument}` {problem}{}", tail(.help))]
    Argument {
        /// The function.
        function: &'static str,
        /// The argument.
        argument: &'static str,
        /// What is wrong with it.
        problem: String,
        /// The fix; may be empty.
        help: &'static str,
    },
    /// A sample could not be loaded.
    #[error("sample `{name}`: {source}")]
    Sample {
        /// The sample.
        name: String,
        /// Why.
        source: Box<dyn StdError + Send + Sync>,
    },
}

/// What every fallible function of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn argument(function: &'static str, argument: &'static str, problem: impl Into<String>, help: &'static str) -> Error {
        Error::Argument { function, argument, problem: problem.into(), help }
    }
}

fn tail(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("\n  help: {text}") }
}

/// A file that is not what it should be.
pub(crate) fn wrong(path: &Path, problem: impl Into<String>) -> Error {
    Error::Format { path: path.into(), problem: problem.into() }
}

/// A place in a file that holds something else than it should.
pub(crate) fn at(path: &Path, offset: impl Display, wants: impl Display, finds: impl Display) -> Error {
    wrong(path, format!("at byte {offset}: wants {wants}, but finds {finds}"))
}

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| Error::Io { path: path.into(), source })
}

/// Bytes that should be text, for a message.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

/// What a file, or the rest of one, starts with, for a message.
pub(crate) fn start_of(bytes: &[u8], len: usize) -> String {
    if bytes.is_empty() { "the end of the file".into() } else { quoted(&bytes[..len.min(bytes.len())]) }
}
