//! The facade of snn: what users depend on. In: nothing of its own; out: everything public in `snn-runtime`, or, with the feature `infer`
//! and without `train`, in `snn-infer`.
//!
//! | feature | what is there | what it needs |
//! |---|---|---|
//! | `train` (default) | models that train, and the frozen ones that `freeze` gives | libtorch, a C++ compiler |
//! | `infer`, with `default-features = false` | frozen models alone, of the same `snn_net!` | nothing but Rust |
//! | `plot` | besides: `snn::plot`, pictures of what nets do, as SVG and PNG | time to compile a plotting library |

#[cfg(not(any(feature = "train", feature = "infer")))]
compile_error!("`snn` without features is empty\n  help: leave its default features on, or write `features = [\"infer\"]`");

#[cfg(all(doctest, feature = "train"))]
mod book;

#[cfg(all(feature = "infer", not(feature = "train")))]
pub use snn_infer as infer;
#[cfg(all(feature = "infer", not(feature = "train")))]
pub use snn_infer::*;
#[cfg(all(feature = "plot", not(feature = "train")))]
pub use snn_plot as plot;
#[cfg(feature = "train")]
pub use snn_runtime::*;
