//! What a kernel says when its arguments do not fit: a buffer of the wrong length, or a number out of range.

use std::fmt;

/// A refused call. Nothing has been read or written when it is returned.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// A buffer does not have the number of elements that the call needs.
    Length {
        /// The argument, e.g. `out.y`.
        what: &'static str,
        /// Elements needed.
        want: usize,
        /// Elements given.
        got: usize,
    },
    /// `steps * neurons` does not fit in `usize`.
    Overflow {
        /// Time steps asked for.
        steps: usize,
        /// Neurons asked for.
        neurons: usize,
    },
    /// A dropout probability outside `[0, 1)`.
    Probability(
        /// The probability given.
        f64,
    ),
    /// Planes of bits that hold no number, or more than `f32` has.
    Planes(
        /// The planes given.
        usize,
    ),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Length { what, want, got } => write!(f, "`{what}` holds {got} elements, the kernel needs {want}"),
            Error::Overflow { steps, neurons } => {
                write!(f, "{steps} steps of {neurons} neurons are more elements than the machine can address")
            }
            Error::Planes(planes) => write!(f, "a value of {planes} planes of bits: there are at least 1 and at most 24"),
            Error::Probability(p) => write!(f, "dropout probability {p} is not in [0, 1)"),
        }
    }
}

impl std::error::Error for Error {}

/// `Ok` if `got == want`.
pub(crate) fn check_len(what: &'static str, want: usize, got: usize) -> Result<(), Error> {
    if got == want { Ok(()) } else { Err(Error::Length { what, want, got }) }
}

/// [`check_len`] for a buffer that may be absent.
pub(crate) fn check_opt<F>(what: &'static str, want: usize, buffer: Option<&[F]>) -> Result<(), Error> {
    buffer.map_or(Ok(()), |b| check_len(what, want, b.len()))
}

/// `steps * neurons`, the length of a sequence.
pub(crate) fn sequence_len(steps: usize, neurons: usize) -> Result<usize, Error> {
    steps.checked_mul(neurons).ok_or(Error::Overflow { steps, neurons })
}
