//! What can be wrong with a picture. In: what was asked for; out: a message that names the plot, what it wants, what it got, and the fix.

use std::path::PathBuf;

/// Everything that can go wrong with pictures.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Numbers or options that a plot cannot show.
    #[error("{plot}: {argument} {problem}{}", tail(.help))]
    Argument {
        /// The function.
        plot: &'static str,
        /// The argument: `` `spikes` ``.
        argument: String,
        /// What is wrong with it.
        problem: String,
        /// The fix; may be empty.
        help: &'static str,
    },
    /// A picture could not be written.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file name says neither SVG nor PNG.
    #[error("{}: wants a name that ends in .svg or .png", .path.display())]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// A picture could not be made a PNG.
    #[error("no PNG of this picture: {0}")]
    Png(String),
}

/// What every fallible function of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn argument(plot: &'static str, argument: impl Into<String>, problem: impl Into<String>, help: &'static str) -> Error {
        Error::Argument { plot, argument: argument.into(), problem: problem.into(), help }
    }
}

fn tail(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("\n  help: {text}") }
}
