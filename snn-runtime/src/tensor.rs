//! Typed tensors: a `tch::Tensor` with its sizes in the type. In: a tensor, checked once; out: a value that only fits where
//! its shape fits.
//!
//! `Static<S>` is `[N, ..S]`, `Seq<S, T>` is `[T, N, ..S]`, `Steps<S>` the same for any number of steps.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use tch::{Kind, Tensor};

use crate::elements::plain;
use crate::error::{Error, Result};

/// The sizes of one sample, without batch and time.
pub trait Shape {
    /// The sizes, outermost first.
    const DIMS: &'static [usize];
}

macro_rules! shapes {
    ($($(#[$doc:meta])* $name:ident<$($d:ident),*>;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name<$(const $d: usize),*>;

        impl<$(const $d: usize),*> Shape for $name<$($d),*> {
            const DIMS: &'static [usize] = &[$($d),*];
        }
    )*};
}

shapes! {
    /// One number per sample.
    Shape0<>;
    /// `[A]`, features.
    Shape1<A>;
    /// `[A, B]`, channels and length.
    Shape2<A, B>;
    /// `[A, B, C]`, channels, height and width.
    Shape3<A, B, C>;
    /// `[A, B, C, D]`, channels, depth, height and width.
    Shape4<A, B, C, D>;
    /// `[A, B, C, D, E]`.
    Shape5<A, B, C, D, E>;
}

/// `lead` and the shape's sizes, as text: `[N, 1, 28, 28]`.
fn show<S: Shape>(lead: &str) -> String {
    let sizes: String = S::DIMS.iter().map(|d| format!(", {d}")).collect();
    format!("[{lead}{sizes}]")
}

/// Checks rank, sizes and kind; `leading` is the number of axes before the sample's.
fn check<S: Shape>(what: &str, x: &Tensor, steps: Option<usize>, sequence: bool) -> Result<()> {
    let lead = match (sequence, steps) {
        (false, _) => "N".to_string(),
        (true, Some(t)) => format!("{t}, N"),
        (true, None) => "T, N".to_string(),
    };
    plain(what, x)?;
    let size = x.size();
    let leading = if sequence { 2 } else { 1 };
    let sizes_fit = size.len() == S::DIMS.len() + leading && size[leading..].iter().zip(S::DIMS).all(|(&a, &b)| a == b as i64);
    let steps_fit = !sequence || steps.is_none_or(|t| size.first() == Some(&(t as i64)));
    if !sizes_fit || !steps_fit {
        let help = advice::<S>(&size, leading, steps);
        return Err(Error::Shape { layer: what.into(), wants: show::<S>(&lead), got: size, help });
    }
    if sequence && size[0] == 0 {
        return Err(Error::Steps { layer: what.into(), problem: "the sequence has no steps".into() });
    }
    match x.kind() {
        Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16 => Ok(()),
        got => Err(Error::Kind { layer: what.into(), wants: "floats", got }),
    }
}

/// The likely slip behind a wrong shape.
fn advice<S: Shape>(size: &[i64], leading: usize, steps: Option<usize>) -> String {
    let dims: Vec<i64> = S::DIMS.iter().map(|&d| d as i64).collect();
    let tail = size.len().checked_sub(dims.len()).map(|n| &size[n..]);
    match (leading, size.len().checked_sub(dims.len())) {
        (1, Some(0)) if tail == Some(&dims[..]) => "the batch is missing: `x.unsqueeze(0)`".into(),
        (1, Some(2)) if tail == Some(&dims[..]) => {
            "this net is shown the same input at every step; declare `[T, ..]` for a sequence".into()
        }
        (2, Some(1)) if tail == Some(&dims[..]) => "the time axis is missing: time comes first, `[T, N, ..]`".into(),
        (2, Some(2)) if steps.is_some_and(|t| size[1] == t as i64 && size[0] != t as i64) => "time comes first: `x.transpose(0, 1)`".into(),
        _ => String::new(),
    }
}

macro_rules! wrapper {
    ($(#[$doc:meta])* $name:ident<S $(, $steps:ident)?>, $batch_axis:literal, $sequence:literal, $fixed:expr) => {
        $(#[$doc])*
        pub struct $name<S: Shape $(, const $steps: usize)?> {
            tensor: Tensor,
            shape: PhantomData<fn() -> S>,
        }

        impl<S: Shape $(, const $steps: usize)?> $name<S $(, $steps)?> {
            /// Checks rank, sizes and kind once, here.
            ///
            /// # Errors
            ///
            /// [`Error::Shape`], [`Error::Steps`] or [`Error::Kind`], saying what was wanted and what came.
            pub fn new(tensor: Tensor) -> Result<Self> {
                Self::named("input", tensor)
            }

            /// [`new`](Self::new) with a name for the error message.
            ///
            /// # Errors
            ///
            /// As [`new`](Self::new).
            pub fn named(what: &str, tensor: Tensor) -> Result<Self> {
                check::<S>(what, &tensor, $fixed, $sequence)?;
                Ok(Self::trusted(tensor))
            }

            /// For generated code, which has proved the sizes at compile time.
            #[doc(hidden)]
            pub fn trusted(tensor: Tensor) -> Self {
                debug_assert_eq!(&tensor.size()[$batch_axis + 1..], S::DIMS.iter().map(|&d| d as i64).collect::<Vec<_>>().as_slice());
                Self { tensor, shape: PhantomData }
            }

            /// The tensor behind it.
            pub fn tensor(&self) -> &Tensor {
                &self.tensor
            }

            /// Gives the tensor back.
            pub fn into_tensor(self) -> Tensor {
                self.tensor
            }

            /// Samples in the batch.
            pub fn batch(&self) -> i64 {
                self.tensor.size()[$batch_axis]
            }
        }

        impl<S: Shape $(, const $steps: usize)?> Deref for $name<S $(, $steps)?> {
            type Target = Tensor;

            fn deref(&self) -> &Tensor {
                &self.tensor
            }
        }

        impl<S: Shape $(, const $steps: usize)?> fmt::Debug for $name<S $(, $steps)?> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{:?}", stringify!($name), self.tensor.size())
            }
        }
    };
}

wrapper! {
    /// `[N, ..S]`: no time axis. As an input, the same at every step.
    Static<S>, 0, false, None
}
wrapper! {
    /// `[T, N, ..S]`: one value per step, time first.
    Seq<S, T>, 1, true, Some(T)
}
wrapper! {
    /// `[T, N, ..S]` for a number of steps that is known at run time.
    Steps<S>, 1, true, None
}

impl<S: Shape, const T: usize> Seq<S, T> {
    /// The value at step `t`, counted from 0; `None` from `T` on.
    pub fn step(&self, t: usize) -> Option<Static<S>> {
        (t < T).then(|| Static::trusted(self.tensor.get(t as i64)))
    }
}

impl<S: Shape> Steps<S> {
    /// The number of steps.
    pub fn steps(&self) -> i64 {
        self.tensor.size()[0]
    }
}

impl<S: Shape> Steps<S> {
    /// The recording in pieces of `steps` steps, in order; the last may be shorter. They share its memory.
    ///
    /// For truncated backpropagation through time, from "An Efficient Gradient-Based Algorithm for On-Line Training of Recurrent Network
    /// Trajectories" (Williams and Peng, 1990): a long recording is run piece by piece from one state, which is cut off from the graph between them,
    /// so that memory is that of one piece.
    ///
    /// ```
    /// use snn_runtime::{Device, Kind, Shape1, Steps, Tensor, nn, snn_net};
    ///
    /// snn_net! {
    ///     net Long(x: [T, 3]) -> [T, 2] {
    ///         T = 10;
    ///         step_mode = 'm';
    ///         fc: Linear(_, 2),
    ///         sn: LIFNode(tau = 20.0),
    ///     }
    /// }
    ///
    /// let vs = nn::VarStore::new(Device::Cpu);
    /// let net = Long::new(&vs.root())?;
    /// let recording = Steps::<Shape1<3>>::new(Tensor::rand([1000, 4, 3], (Kind::Float, Device::Cpu)))?; // [T, N, 3]
    /// let mut state = net.state(recording.batch());
    /// for piece in recording.chunks(100)? {
    ///     let y = net.forward_chunk(&piece, &mut state, true)?;
    ///     y.mean(Kind::Float).backward(); // through the 100 steps of this piece
    ///     // .. optimizer.step(), optimizer.zero_grad() ..
    ///     state.detach(); // what came before is taken as given
    /// }
    /// # Ok::<(), snn_runtime::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `steps` is 0.
    pub fn chunks(&self, steps: usize) -> Result<Chunks<'_, S>> {
        match i64::try_from(steps) {
            Ok(0) => Err(Error::argument("Steps", "steps", "must be at least 1, but is 0", "it is the length of a piece")),
            steps => Ok(Chunks { of: self, steps: steps.unwrap_or(i64::MAX), at: 0 }),
        }
    }
}

/// The pieces of a recording: see [`Steps::chunks`].
#[derive(Debug)]
pub struct Chunks<'a, S: Shape> {
    of: &'a Steps<S>,
    steps: i64,
    at: i64,
}

impl<S: Shape> Iterator for Chunks<'_, S> {
    type Item = Steps<S>;

    fn next(&mut self) -> Option<Steps<S>> {
        let steps = self.steps.min(self.of.steps() - self.at);
        if steps < 1 {
            return None;
        }
        let piece = self.of.tensor.narrow(0, self.at, steps);
        self.at += steps;
        Some(Steps::trusted(piece))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // At most the number of steps.
        let left = (self.of.steps() - self.at).unsigned_abs().div_ceil(self.steps.unsigned_abs()) as usize;
        (left, Some(left))
    }
}

impl<S: Shape> ExactSizeIterator for Chunks<'_, S> {}

impl<S: Shape, const T: usize> From<Seq<S, T>> for Steps<S> {
    fn from(seq: Seq<S, T>) -> Self {
        Steps::trusted(seq.into_tensor())
    }
}
