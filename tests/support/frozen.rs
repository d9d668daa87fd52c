//! Is a frozen model the net it was made of? In: a net, and the sizes of its inputs; out: nothing, or where the two differ.
//!
//! A spike whose potential is within a rounding of the threshold may come in one and not in the other. Which those are is asked of the net:
//! it runs again with weights a little off, and what changes then is not compared.

use snn::infer::Model;
use snn::{Kind, Result, Seq, Shape, Static, Tensor, nn, no_grad};

/// What the weights are multiplied by to see which outputs hang on a rounding.
const OFF: [f64; 2] = [1.0 + 1e-5, 1.0 - 1e-5];
/// How far numbers may be apart, in parts of 1 + their size.
const TOLERANCE: f64 = 1e-4;
/// The share of an output's numbers that has to be compared.
const COMPARED: f64 = 0.8;

/// What a net gives, as tensors.
pub(crate) trait Outputs {
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

macro_rules! tuples {
    ($(($($name:ident)+))+) => {$(
        impl<$($name: Outputs),+> Outputs for ($($name,)+) {
            #[allow(non_snake_case, reason = "values are named after their types")]
            fn tensors(self) -> Vec<Tensor> {
                let ($($name,)+) = self;
                [$($name.tensors()),+].into_iter().flatten().collect()
            }
        }
    )+};
}

tuples! { (A B) (A B C) (A B C D) (A B C D E F G H I J K L M N O P Q R) }

/// An input of a net.
pub(crate) struct Fed {
    tensor: Tensor,
    /// A step for each, in front of the batch.
    sequence: bool,
}

impl Fed {
    /// `[T, N, ..]`
    pub(crate) fn seq(sizes: &[i64]) -> Fed {
        Fed { tensor: super::input(sizes), sequence: true }
    }

    /// `[N, ..]`
    pub(crate) fn still(sizes: &[i64]) -> Fed {
        Fed { tensor: super::input(sizes), sequence: false }
    }
}

/// Inputs to outputs.
pub(crate) type Run<'a> = &'a dyn Fn(&[Tensor]) -> Result<Vec<Tensor>>;

/// A net and its weights: how it runs all steps, and each step by itself.
pub(crate) struct Case<'a> {
    pub(crate) vs: &'a nn::VarStore,
    pub(crate) steps: usize,
    pub(crate) inputs: Vec<Fed>,
    pub(crate) whole: Run<'a>,
    /// Outputs of the first step, of the second, ..; a net of whole sequences has none.
    pub(crate) single: Option<Run<'a>>,
}

impl Case<'_> {
    pub(crate) fn tensors(&self) -> Vec<Tensor> {
        self.inputs.iter().map(|fed| fed.tensor.shallow_clone()).collect()
    }

    /// Compares the model, and what it is after saving and loading, with the net.
    pub(crate) fn check(&self, name: &str, mut model: Model, load: impl Fn(&std::path::Path) -> snn::infer::Result<Model>) -> Result<()> {
        let whole = self.firm(|| (self.whole)(&self.tensors()))?;
        let single = self.single.map(|single| self.firm(|| single(&self.tensors()))).transpose()?;
        self.whole_and_steps(name, &mut model, &whole, single.as_ref())?;
        let file = std::env::temp_dir().join(format!("snn-frozen-{}-{name}.safetensors", std::process::id()));
        model.save(&file)?;
        let loaded = load(&file);
        std::fs::remove_file(&file).expect("the file was written");
        self.whole_and_steps(&format!("{name}, loaded"), &mut loaded?, &whole, single.as_ref())
    }

    fn whole_and_steps(&self, name: &str, model: &mut Model, whole: &Wanted, single: Option<&Wanted>) -> Result<()> {
        let inputs: Vec<Vec<f32>> = self.inputs.iter().map(|fed| numbers(&fed.tensor)).collect();
        let slices: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
        let mut got = zeros(&whole.outputs);
        model.infer(&slices, &mut views(&mut got))?;
        whole.compare(name, &got);
        let Some(single) = single else { return Ok(()) };

        let batch = self.inputs.first().map_or(1, |fed| fed.tensor.size()[usize::from(fed.sequence)] as usize);
        let mut state = model.state(batch);
        let mut got = zeros(&single.outputs);
        let outputs = got.len() / self.steps;
        for (t, y) in got.chunks_mut(outputs).enumerate() {
            let at = |(fed, x): (&Fed, &&[f32])| {
                let step = x.len() / self.steps;
                if fed.sequence { x[t * step..(t + 1) * step].to_vec() } else { x.to_vec() }
            };
            let now: Vec<Vec<f32>> = self.inputs.iter().zip(&slices).map(at).collect();
            model.step(&now.iter().map(Vec::as_slice).collect::<Vec<_>>(), &mut views(y), &mut state)?;
        }
        single.compare(&format!("{name}, step by step"), &got);
        Ok(())
    }

    /// What the net gives, and where that does not hang on a rounding.
    fn firm(&self, run: impl Fn() -> Result<Vec<Tensor>>) -> Result<Wanted> {
        let outputs = no_grad(&run)?;
        let mut firm: Vec<Tensor> = outputs.iter().map(|y| y.ones_like().to_kind(Kind::Bool)).collect();
        let kept: Vec<Tensor> = self.vs.trainable_variables().iter().map(Tensor::copy).collect();
        let set = |by: f64| no_grad(|| self.vs.trainable_variables().iter_mut().zip(&kept).for_each(|(w, kept)| w.copy_(&(kept * by))));
        for off in OFF {
            set(off);
            for ((firm, want), moved) in firm.iter_mut().zip(&outputs).zip(no_grad(&run)?) {
                *firm = firm.logical_and(&near(want, &moved));
            }
        }
        set(1.0);
        Ok(Wanted { outputs, firm })
    }
}

/// What a net gives.
struct Wanted {
    outputs: Vec<Tensor>,
    /// Where a number does not hang on a rounding.
    firm: Vec<Tensor>,
}

impl Wanted {
    #[track_caller]
    fn compare(&self, name: &str, got: &[Vec<f32>]) {
        for (i, ((got, want), firm)) in got.iter().zip(&self.outputs).zip(&self.firm).enumerate() {
            let got = Tensor::from_slice(got).view_as(want);
            let compared = firm.to_kind(Kind::Double).mean(None).double_value(&[]);
            assert!(compared >= COMPARED, "{name}: only {compared:.2} of output {i} hang on no rounding");
            let wrong = near(&got, want).logical_not().logical_and(firm);
            let count = wrong.to_kind(Kind::Int64).sum(None).int64_value(&[]);
            let apart = ((&got - want).abs() * &wrong).max().double_value(&[]);
            assert!(count == 0, "{name}: {count} of {} numbers of output {i} are up to {apart:e} apart", want.numel());
        }
    }
}

/// Where two tensors agree.
fn near(a: &Tensor, b: &Tensor) -> Tensor {
    ((a - b).abs() / (a.abs() + 1.0)).le(TOLERANCE)
}

fn numbers(x: &Tensor) -> Vec<f32> {
    Vec::try_from(x.contiguous().view([-1])).expect("floats")
}

fn zeros(like: &[Tensor]) -> Vec<Vec<f32>> {
    like.iter().map(|y| vec![f32::NAN; y.numel()]).collect()
}

fn views(y: &mut [Vec<f32>]) -> Vec<&mut [f32]> {
    y.iter_mut().map(Vec::as_mut_slice).collect()
}

/// `frozen!(Net, NetFrozen, x: seq [5, 2, 6], gate: still [2, 3])`: the frozen model does what the net does, all steps at once and one by one,
/// after saving and loading, too. Named outputs are listed: `=> logits, trace`.
macro_rules! frozen {
    ($net:ty, $frozen:ty, $($x:ident: $how:ident $sizes:expr),+ $(=> $($y:ident),+)?) => {{
        use $crate::support::frozen::{Case, Fed, Outputs as _, at, first, outputs, values};
        let vs = $crate::support::store();
        let net = <$net>::new(&vs.root())?;
        $crate::support::shake(&vs);
        let read = |inputs: &[snn::Tensor]| {
            let [$($x),+] = inputs else { unreachable!("as many as the net has") };
            <$net>::input($($x.shallow_clone()),+)
        };
        let whole = |inputs: &[snn::Tensor]| {
            let values!($($x),+) = read(inputs)?;
            let y = net.forward($(&$x),+)?;
            Ok(outputs!(y $($($y)+)?))
        };
        let single = |inputs: &[snn::Tensor]| {
            let values!($($x),+) = read(inputs)?;
            let mut s = net.state(first!($($x)+).batch());
            let mut all = Vec::new();
            for t in 0..<$net>::T {
                $(let $x = at!($how $x t);)+
                let y = net.step($(&$x),+, &mut s)?;
                all.extend(outputs!(y $($($y)+)?));
            }
            Ok(all)
        };
        let case = Case { vs: &vs, steps: <$net>::T, inputs: vec![$(Fed::$how(&$sizes)),+], whole: &whole, single: Some(&single) };
        // Running statistics that are not those of a fresh net.
        let values!($($x),+) = read(&case.tensors())?;
        net.forward_t($(&$x),+, true)?;
        case.check(stringify!($net), net.freeze()?.into_model(), |file| Ok(<$frozen>::load(file)?.into_model()))?;
    }};
}

/// [`frozen!`] of a net of whole sequences, which has no step.
macro_rules! frozen_whole {
    ($net:ty, $frozen:ty, $x:ident: $how:ident $sizes:expr) => {{
        use $crate::support::frozen::{Case, Fed, Outputs as _};
        let vs = $crate::support::store();
        let net = <$net>::new(&vs.root())?;
        $crate::support::shake(&vs);
        let whole = |inputs: &[snn::Tensor]| Ok(net.forward(&<$net>::input(inputs[0].shallow_clone())?)?.tensors());
        let case = Case { vs: &vs, steps: <$net>::T, inputs: vec![Fed::$how(&$sizes)], whole: &whole, single: None };
        net.forward_t(&<$net>::input(case.tensors().remove(0))?, true)?;
        case.check(stringify!($net), net.freeze()?.into_model(), |file| Ok(<$frozen>::load(file)?.into_model()))?;
    }};
}

macro_rules! outputs {
    ($y:ident) => { $y.tensors() };
    ($y:ident $($name:ident)+) => { [$($y.$name.tensors()),+].into_iter().flatten().collect::<Vec<_>>() };
}

macro_rules! at {
    (seq $x:ident $t:ident) => {
        $x.step($t).expect("a step")
    };
    (still $x:ident $t:ident) => {{
        let _: usize = $t;
        &$x
    }};
}

macro_rules! values {
    ($x:ident) => { $x };
    ($($x:ident),+) => { ($($x),+) };
}

macro_rules! first {
    ($x:ident $($rest:ident)*) => {
        $x
    };
}

/// `unfrozen!(Net, "layer", "what")`: the net trains and cannot be frozen; the error names the layer and says why.
macro_rules! unfrozen {
    ($net:ty, $($says:literal),+) => {{
        let vs = $crate::support::store();
        $crate::support::assert_says(<$net>::new(&vs.root())?.freeze(), &[$($says),+, "has no frozen form"]);
    }};
}

pub(crate) use {at, first, frozen, frozen_whole, outputs, unfrozen, values};
