//! A runtime of types alone, for `tests/ui`: what the expansion names, and nothing behind it.
#![allow(dead_code, unused_imports, unused_macros)]

macro_rules! snn_net {
    ($($tokens:tt)*) => { snn_macros::snn_net! { (crate::snn) $($tokens)* } };
}

// That of a build without libtorch.
macro_rules! snn_frozen_net {
    ($($tokens:tt)*) => { snn_macros::snn_frozen_net! { (crate::snn) $($tokens)* } };
}

pub mod __private {
    pub use snn_shape as shape;

    #[derive(Debug)]
    pub struct Tensor;
    impl Tensor {
        pub fn shallow_clone(&self) -> Tensor {
            Tensor
        }
    }
    pub mod nn {
        pub struct Path<'a>(pub &'a ());
    }
    pub struct Error;
    pub type Result<T, E = Error> = std::result::Result<T, E>;
    pub struct Cx {
        pub train: bool,
    }
    pub struct Tap;
    pub trait State {
        fn reset(&mut self) {}
        fn detach(&mut self) {}
        fn visit(&self, _: &mut dyn FnMut(&str, &Tensor)) {}
        fn visit_mut(&mut self, _: &mut dyn FnMut(&mut Tensor)) {}
        fn shallow_clone(&self) -> Self
        where
            Self: Sized,
        {
            unreachable!()
        }
    }
    impl State for () {}
    pub trait Layer: Sized {
        type Config;
        type State: State + std::fmt::Debug;
        fn build(_: &Scope, _: Self::Config) -> Result<Self>;
        fn state(&self) -> Self::State;
        fn step(&self, _: &Tensor, _: &mut Self::State, _: &Cx) -> Result<Tensor>;
        fn sequence(&self, _: &Tensor, _: &mut Self::State, _: &Cx) -> Result<Tensor>;
        fn repeat(&self, _: &Tensor, _: i64, _: &mut Self::State, _: &Cx) -> Result<Tensor>;
    }
    pub struct Scope;
    impl Scope {
        pub fn root(_: &str, _: &nn::Path<'_>) -> Scope {
            Scope
        }
        pub fn child(&self, _: impl std::fmt::Display) -> Scope {
            Scope
        }
        pub fn with_input(self, _: &[usize]) -> Scope {
            self
        }
    }
    pub struct Summary {
        pub net: &'static str,
        pub steps: usize,
        pub rows: &'static [SummaryRow],
    }
    pub struct SummaryRow {
        pub name: &'static str,
        pub layer: &'static str,
        pub out: &'static [usize],
        pub sequence: bool,
        pub params: usize,
        pub state: usize,
        pub macs: usize,
        pub saved: usize,
    }
    pub struct Activity;
    pub struct OpsReport;
    impl OpsReport {
        pub fn new(_: &Summary, _: &Activity) -> OpsReport {
            OpsReport
        }
    }
    pub fn measure<R>(_: i64, run: impl FnOnce() -> Result<R>) -> Result<(R, Activity)> {
        Ok((run()?, Activity))
    }
    pub struct Recorded<'a>(&'a ());
    pub trait Recording {
        fn visit(&self, f: &mut dyn FnMut(&str, Recorded<'_>));
    }
    pub fn visit_recorded(_: &str, _: &impl Sized, _: &mut dyn FnMut(&str, Recorded<'_>)) {}

    pub struct Shape1<const A: usize>;
    pub struct Shape3<const A: usize, const B: usize, const C: usize>;
    macro_rules! typed {
        ($($name:ident<S $(, $t:ident)?>)*) => {$(
            pub struct $name<S $(, const $t: usize)?>(std::marker::PhantomData<S>);
            impl<S $(, const $t: usize)?> $name<S $(, $t)?> {
                pub fn named(_: &str, _: Tensor) -> Result<Self> { Ok(Self(std::marker::PhantomData)) }
                pub fn trusted(_: Tensor) -> Self { Self(std::marker::PhantomData) }
                pub fn batch(&self) -> i64 { 1 }
                pub fn steps(&self) -> i64 { 1 }
            }
            impl<S $(, const $t: usize)?> std::ops::Deref for $name<S $(, $t)?> {
                type Target = Tensor;
                fn deref(&self) -> &Tensor { &Tensor }
            }
        )*};
    }
    typed! { Static<S> Seq<S, T> Steps<S> }

    macro_rules! layers {
        ($($name:ident $config:ident { $($field:ident: $ty:ty),* })*) => {$(
            #[derive(Debug)]
            pub struct $name;
            pub struct $config { $(pub $field: $ty),* }
            impl Layer for $name {
                type Config = $config;
                type State = ();
                fn build(_: &Scope, _: $config) -> Result<Self> { Ok($name) }
                fn state(&self) {}
                fn step(&self, _: &Tensor, _: &mut (), _: &Cx) -> Result<Tensor> { Ok(Tensor) }
                fn sequence(&self, _: &Tensor, _: &mut (), _: &Cx) -> Result<Tensor> { Ok(Tensor) }
                fn repeat(&self, _: &Tensor, _: i64, _: &mut (), _: &Cx) -> Result<Tensor> { Ok(Tensor) }
            }
        )*};
    }
    layers! {
        Linear LinearConfig { in_features: usize, out_features: usize, bias: bool }
        GroupNorm GroupNormConfig { num_groups: usize, num_channels: usize, eps: f64, affine: bool }
        Flatten FlattenConfig { start_dim: usize, end_dim: usize }
        IFNode IFNodeConfig { v_threshold: f64, v_reset: Option<f64>, surrogate_function: surrogate::Surrogate, detach_reset: bool }
        LIFNode LIFNodeConfig { tau: f64, decay_input: bool, v_threshold: f64, v_reset: Option<f64>, surrogate_function: surrogate::Surrogate, detach_reset: bool }
    }
    pub mod surrogate {
        pub struct Surrogate;
        pub struct Sigmoid {
            pub alpha: f64,
            pub spiking: bool,
        }
        impl From<Sigmoid> for Surrogate {
            fn from(_: Sigmoid) -> Surrogate {
                Surrogate
            }
        }
    }
    #[derive(Debug)]
    pub struct Weights;
    impl Weights {
        pub fn of(_: &infer::Result<infer::Graph>, _: &nn::Path<'_>) -> Weights {
            Weights
        }
        pub fn freeze(&self, _: infer::Graph) -> Result<infer::Model> {
            Ok(infer::Model)
        }
        pub fn export_nir(&self, _: &infer::Graph, _: &std::path::Path, _: f64) -> Result<()> {
            Ok(())
        }
    }
    pub fn freeze<L>(_: &mut infer::Builder, _: &str, _: impl Sized, _: &[infer::Value]) -> infer::Result<infer::Value> {
        Ok(infer::Value)
    }
    pub fn freeze_own<L: Layer>(
        _: &mut infer::Builder,
        _: &str,
        _: impl FnOnce(&mut L::Config),
        _: &[infer::Value],
        _: &[usize],
    ) -> infer::Result<infer::Value> {
        Ok(infer::Value)
    }
    pub fn unfrozen(_: &str, _: &str) -> infer::Error {
        infer::Error
    }
    pub mod infer {
        pub struct Error;
        impl From<Error> for super::Error {
            fn from(_: Error) -> super::Error {
                super::Error
            }
        }
        pub type Result<T, E = Error> = std::result::Result<T, E>;
        #[derive(Clone, Copy)]
        pub struct Value;
        pub struct Graph;
        pub struct State;
        pub struct Builder;
        impl Builder {
            pub fn new(_: &str, _: usize) -> Builder {
                Builder
            }
            pub fn input(&mut self, _: &str, _: &[usize], _: bool) -> Value {
                Value
            }
            pub fn function(&mut self, _: &str, _: &[Value]) -> Result<Value> {
                Ok(Value)
            }
            pub fn output(&mut self, _: &str, _: Value) {}
            pub fn finish(self) -> Graph {
                Graph
            }
        }
        #[derive(Debug)]
        pub struct Model;
        impl Model {
            pub fn load(_: Graph, _: impl AsRef<std::path::Path>) -> Result<Model> {
                Ok(Model)
            }
            pub fn save(&self, _: impl AsRef<std::path::Path>) -> Result<()> {
                Ok(())
            }
            pub fn infer(&mut self, _: &[&[f32]], _: &mut [&mut [f32]]) -> Result<()> {
                Ok(())
            }
            pub fn step(&mut self, _: &[&[f32]], _: &mut [&mut [f32]], _: &mut State) -> Result<()> {
                Ok(())
            }
            pub fn state(&self, _: usize) -> State {
                State
            }
        }
        /// The layers themselves stand in for their markers.
        pub mod frozen {
            pub use super::super::*;
        }
    }
    pub mod ops {
        use super::{Result, Tensor};
        pub fn mean_over_time(_: &Tensor) -> Result<Tensor> {
            Ok(Tensor)
        }
        pub fn at_step(_: &Tensor, _: i64) -> Result<Tensor> {
            Ok(Tensor)
        }
        pub fn series(_: &[Tensor]) -> Result<Tensor> {
            Ok(Tensor)
        }
    }
    pub fn as_one_batch(_: &str, _: &Tensor, layers: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
        layers(&Tensor)
    }
    #[diagnostic::on_unimplemented(
        message = "a layer that remembers `{Self}` is given all steps as one batch",
        label = "has state",
        note = "use `MultiStepContainer([..])`, which gives it one step after the other"
    )]
    pub trait Nothing {}
    impl Nothing for () {}
    pub fn remembers_nothing<L: Layer<State: Nothing>>() {}
    pub fn named_tensors(_: &impl State) -> Vec<(String, Tensor)> {
        Vec::new()
    }
    pub fn visit_inside(_: &str, _: &impl State, _: &mut dyn FnMut(&str, &Tensor)) {}
    pub fn check_batch(_: &str, _: i64, _: &[i64]) -> Result<()> {
        Ok(())
    }
    pub fn check_steps(_: &str, _: &[i64]) -> Result<i64> {
        Ok(1)
    }
}

pub mod own {
    use super::__private::{Cx, Layer, Result, Scope, State, Tensor};

    #[derive(Debug)]
    pub struct Accumulate;
    #[derive(Debug)]
    pub struct Sum;
    impl State for Sum {}
    impl Layer for Accumulate {
        type Config = ();
        type State = Sum;
        fn build(_: &Scope, _: ()) -> Result<Self> { Ok(Accumulate) }
        fn state(&self) -> Sum { Sum }
        fn step(&self, _: &Tensor, _: &mut Sum, _: &Cx) -> Result<Tensor> { Ok(Tensor) }
        fn sequence(&self, _: &Tensor, _: &mut Sum, _: &Cx) -> Result<Tensor> { Ok(Tensor) }
        fn repeat(&self, _: &Tensor, _: i64, _: &mut Sum, _: &Cx) -> Result<Tensor> { Ok(Tensor) }
    }
}
