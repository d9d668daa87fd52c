//! torch's activations as layers: `ReLU`, `Sigmoid`, `Tanh`. In: any value; out: the same shape, element by element.

use std::fmt;
use std::sync::Arc;

use snn_kernels::Real;

use super::Frozen;
use super::dense::{Call, DenseKernel, DenseLayer};
use crate::builder::Builder;
use crate::error::Result;
use crate::graph::{Op, Value};

macro_rules! activations {
    ($($(#[$doc:meta])* $name:ident: $f:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}

        impl Frozen for $name {
            type Config = ();

            fn freeze(b: &mut Builder, label: &str, (): (), args: &[Value]) -> Result<Value> {
                let place = b.place(label, stringify!($name), &());
                let x = b.only(&place, args)?;
                let fact = b.fact(x).clone();
                Ok(b.push(place, Op::Dense(Arc::new(Map { name: stringify!($name), f: $f })), &[x], fact))
            }
        }
    )*};
}

activations! {
    /// Frozen `ReLU`: max(x, 0).
    ReLU: |x| if x < 0.0 { 0.0 } else { x };
    /// Frozen `Sigmoid`: 1 / (1 + e^-x).
    Sigmoid: Real::sigmoid;
    /// Frozen `Tanh`.
    Tanh: Real::tanh;
}

#[derive(Clone, Copy)]
struct Map {
    name: &'static str,
    f: fn(f32) -> f32,
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl DenseLayer for Map {
    fn kernel(&self, _: Vec<Vec<f32>>) -> Box<dyn DenseKernel> {
        Box::new(*self)
    }
}

impl DenseKernel for Map {
    fn run(&self, call: Call<'_>) -> Result<(), snn_kernels::Error> {
        for (x, y) in call.x.iter().zip(call.out) {
            *y = (self.f)(*x);
        }
        Ok(())
    }
}
