//! A generated net under one roof with its state. In: a net's typed methods; out: [`Session`], which takes and gives plain
//! tensors, so that everything after it is compiled once and not once per net.

use anyhow::Result;
use snn::{Seq, Shape, Static, Steps};
use tch::Tensor;

/// A series asked for by `#[record(..)]`: its name, `.sn1.spikes`, and `[T, N, ..]`.
pub type Recorded = (&'static str, Tensor);

/// A net and one state of it, driven with plain tensors. Batch first, or time and then batch.
pub trait Session {
    /// One time step: `[N, ..]` in, one tensor per output out. Nets in mode 's' only.
    ///
    /// # Errors
    /// What the net says, as in all methods.
    fn step(&mut self, x: Tensor, train: bool) -> Result<Vec<Tensor>>;
    /// Any number of steps: `[steps, N, ..]`. Nets in mode 'm' only.
    ///
    /// # Errors
    /// As in [`Session::step`].
    fn chunk(&mut self, x: Tensor, train: bool) -> Result<Vec<Tensor>>;
    /// The net's own number of steps, on from the state: `[T, N, ..]`.
    ///
    /// # Errors
    /// As in [`Session::step`].
    fn whole(&mut self, x: Tensor, train: bool) -> Result<Vec<Tensor>>;
    /// `T` steps from a fresh state with what `#[record(..)]` asks for.
    ///
    /// # Errors
    /// As in [`Session::step`].
    fn recorded(&self, x: Tensor, train: bool) -> Result<(Vec<Tensor>, Vec<Recorded>)>;
    /// The state's tensors by dotted name, attached to the graph.
    fn states(&self) -> Vec<(String, Tensor)>;
    /// Puts a tensor into the state under its name with a dot in front, `.drop.mask`; `false` if there is no such name.
    fn set(&mut self, name: &str, value: Tensor) -> bool;
}

/// A typed input made from a tensor.
pub trait Inputs: Sized {
    /// Checks rank, sizes and kind.
    ///
    /// # Errors
    /// The library's own input error.
    fn typed(x: Tensor) -> Result<Self>;
}

impl<S: Shape> Inputs for Static<S> {
    fn typed(x: Tensor) -> Result<Self> {
        Ok(Static::new(x)?)
    }
}

impl<S: Shape, const T: usize> Inputs for Seq<S, T> {
    fn typed(x: Tensor) -> Result<Self> {
        Ok(Seq::new(x)?)
    }
}

impl<S: Shape> Inputs for Steps<S> {
    fn typed(x: Tensor) -> Result<Self> {
        Ok(Steps::new(x)?)
    }
}

/// One typed output or a tuple of them.
pub trait Outputs {
    /// The tensors in order.
    fn tensors(self) -> Vec<Tensor>;
}

impl<S: Shape> Outputs for Static<S> {
    fn tensors(self) -> Vec<Tensor> {
        vec![self.into_tensor()]
    }
}

impl<S: Shape, const T: usize> Outputs for Seq<S, T> {
    fn tensors(self) -> Vec<Tensor> {
        vec![self.into_tensor()]
    }
}

impl<S: Shape> Outputs for Steps<S> {
    fn tensors(self) -> Vec<Tensor> {
        vec![self.into_tensor()]
    }
}

macro_rules! tuples {
    ($(($($name:ident)+))+) => {$(
        impl<$($name: Outputs),+> Outputs for ($($name,)+) {
            #[allow(non_snake_case, reason = "type parameters name the fields")]
            fn tensors(self) -> Vec<Tensor> {
                let ($($name,)+) = self;
                [$($name.tensors()),+].into_iter().flatten().collect()
            }
        }
    )+};
}

tuples! {
    (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H) (A B C D E F G H I)
    (A B C D E F G H I J) (A B C D E F G H I J K) (A B C D E F G H I J K L)
    (A B C D E F G H I J K L M) (A B C D E F G H I J K L M N) (A B C D E F G H I J K L M N O) (A B C D E F G H I J K L M N O P)
}

/// Writes `open`, which builds a net with a fresh state: `session!(m, Net, NetState; record sn1.voltage; set drop.mask)`. The
/// first word is how the net is driven: `s` and `m` by its step mode, `whole` by one call alone; then what it records and what may be put into its state.
#[macro_export]
macro_rules! session {
    (s, $net:ident, $state:ident $(; record $($series:tt).+)* $(; set $($memory:tt).+)*) => {
        $crate::session! { @write $net, $state, [$([$($series).+])*], [$([$($memory).+])*],
            fn step(&mut self, x: Tensor, train: bool) -> Result<Vec<Tensor>> {
                Ok(self.net.step_t(&Inputs::typed(x)?, &mut self.state, train)?.tensors())
            }
            fn chunk(&mut self, _: Tensor, _: bool) -> Result<Vec<Tensor>> {
                unreachable!("nets in mode 's' are driven step by step")
            }
        }
    };
    (m, $net:ident, $state:ident $(; record $($series:tt).+)* $(; set $($memory:tt).+)*) => {
        $crate::session! { @write $net, $state, [$([$($series).+])*], [$([$($memory).+])*],
            fn step(&mut self, _: Tensor, _: bool) -> Result<Vec<Tensor>> {
                unreachable!("nets in mode 'm' are driven by sequences")
            }
            fn chunk(&mut self, x: Tensor, train: bool) -> Result<Vec<Tensor>> {
                Ok(self.net.forward_chunk(&Inputs::typed(x)?, &mut self.state, train)?.tensors())
            }
        }
    };
    (whole, $net:ident, $state:ident $(; record $($series:tt).+)* $(; set $($memory:tt).+)*) => {
        $crate::session! { @write $net, $state, [$([$($series).+])*], [$([$($memory).+])*],
            fn step(&mut self, _: Tensor, _: bool) -> Result<Vec<Tensor>> {
                unreachable!("this net is called once")
            }
            fn chunk(&mut self, _: Tensor, _: bool) -> Result<Vec<Tensor>> {
                unreachable!("this net is called once")
            }
        }
    };
    (@recorded) => {
        fn recorded(&self, _: Tensor, _: bool) -> Result<(Vec<Tensor>, Vec<Recorded>)> {
            unreachable!("this net records nothing")
        }
    };
    (@recorded $([$($series:tt).+])+) => {
        fn recorded(&self, x: Tensor, train: bool) -> Result<(Vec<Tensor>, Vec<Recorded>)> {
            let (y, r) = self.net.forward_recorded(&Inputs::typed(x)?, train)?;
            Ok((y.tensors(), vec![$((concat!($(".", stringify!($series)),+), r.$($series).+)),+]))
        }
    };
    (@write $net:ident, $state:ident, [$($series:tt)*], [$([$($memory:tt).+])*], $($drive:item)*) => {
        use $crate::__private::{Result, tch::{Tensor, nn}};
        use $crate::{Inputs, Outputs as _, Recorded, Session};

        struct Driven {
            net: $net,
            state: $state,
        }

        impl Session for Driven {
            $($drive)*
            $crate::session! { @recorded $($series)* }
            fn whole(&mut self, x: Tensor, train: bool) -> Result<Vec<Tensor>> {
                Ok(self.net.forward_from(&Inputs::typed(x)?, &mut self.state, train)?.tensors())
            }
            fn states(&self) -> Vec<(String, Tensor)> {
                self.state.named_tensors()
            }
            fn set(&mut self, name: &str, value: Tensor) -> bool {
                match name {
                    $(concat!($(".", stringify!($memory)),+) => self.state.$($memory).+ = Some(value),)*
                    _ => return false,
                }
                #[allow(unreachable_code, reason = "where nothing may be set")]
                true
            }
        }

        pub fn open(vs: &nn::Path, batch: i64) -> Result<Box<dyn Session>> {
            let net = $net::new(vs)?;
            let state = net.state(batch);
            Ok(Box::new(Driven { net, state }))
        }
    };
}

/// Writes `apply`, which applies a surrogate: `function!(snn::surrogate::ATan { alpha: 2.0, spiking: true })`.
#[macro_export]
macro_rules! function {
    ($surrogate:expr) => {
        pub fn apply(x: &$crate::__private::tch::Tensor) -> $crate::__private::Result<$crate::__private::tch::Tensor> {
            Ok(snn::surrogate::apply($surrogate, x)?)
        }
    };
}
