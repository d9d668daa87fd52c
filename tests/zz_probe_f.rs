//! probe
#![allow(dead_code, unused_imports, missing_docs)] use snn::*;
/// own
pub fn own1(x: &Tensor) -> Result<Tensor> { Err(snn::Error::argument("own", "x", "no", "")).or(Ok(x.shallow_clone())) }
/// own
pub fn own2(x: &Tensor, n: usize, f: f64) -> Result<Tensor, snn::TchError> { x.f_mul_scalar(n as f64 * f) }
snn_net! { use crate::{own1 as first, own2}; pub(crate) net F(x: [T, 6]) -> [T, 6] { T = 1; step_mode = 's'; a: IFNode(step_mode = 'm'), forward(x) { own2(first(a(x)), 2, 0.5) } } }
