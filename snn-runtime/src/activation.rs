//! torch's activations as layers: `ReLU`, `Sigmoid`, `Tanh`. In: any shape; out: the same, element by element.

use tch::{TchError, Tensor};

use crate::error::{Error, Result};
use crate::layer::{Cx, Stateless};
use crate::scope::Scope;

macro_rules! layers {
    ($($(#[$doc:meta])* $name:ident: $f:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Shapes
        ///
        /// `[N, ..]` to the same.
        #[derive(Debug)]
        pub struct $name {
            name: String,
        }

        impl Stateless for $name {
            type Config = ();

            fn build(scope: &Scope<'_>, (): ()) -> Result<Self> {
                Ok($name { name: scope.name().to_string() })
            }

            fn forward(&self, x: &Tensor, _: &Cx) -> Result<Tensor> {
                let y: Result<Tensor, TchError> = x.$f();
                y.map_err(Error::in_layer(&self.name))
            }
        }
    )*};
}

layers! {
    /// max(x, 0); the gradient at 0 is 0. PyTorch equivalent: `torch.nn.ReLU()`.
    ReLU: f_relu;
    /// 1 / (1 + e^-x). PyTorch equivalent: `torch.nn.Sigmoid()`. The surrogate of that name is [`surrogate::Sigmoid`](crate::surrogate::Sigmoid).
    Sigmoid: f_sigmoid;
    /// tanh x. PyTorch equivalent: `torch.nn.Tanh()`.
    Tanh: f_tanh;
}
