//! A case of `kind: functional`. In: the function's name, its arguments and recorded tensors; out: every tensor that differs.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value};
use snn::functional::{self, Distance, Kernel, Normalisation, Stdp, Traces};
use tch::{Kind, Tensor};

use crate::case::{Tensors, Tolerance};
use crate::compare::{Allowed, Difference, compare};

/// A function and what it has been given.
#[derive(Debug, Deserialize)]
pub(crate) struct Call {
    pub(crate) id: String,
    path: PathBuf,
    case: Recording,
}

/// What the index says about it (GOLDENS.md).
#[derive(Debug, Deserialize)]
struct Recording {
    #[serde(rename = "fn")]
    function: String,
    args: Map<String, Value>,
    /// The inputs whose gradients are recorded.
    grad: Vec<String>,
    tol: Tolerance,
}

/// Calls the function and compares all outputs and gradients.
///
/// # Errors
/// What the function or libtorch says; a difference is no error.
pub(crate) fn run(call: &Call) -> Result<Vec<Difference>> {
    let tensors = Tensors::read(&call.path)?;
    let Recording { function, args, grad, tol } = &call.case;
    let differentiable = |name: &str| grad.iter().any(|g| g == name);
    let inputs: Vec<(String, Tensor)> = tensors
        .under("in.")
        .into_iter()
        .map(|(name, t)| (name.to_string(), if differentiable(name) { t.copy().set_requires_grad(true) } else { t.shallow_clone() }))
        .collect();
    let given = Given { inputs: &inputs, args };
    let mut found = Vec::new();
    let mut check = |what: String, got: &Tensor, want: &Tensor, allowed: Allowed| -> Result<()> {
        let text = compare(got, want, if want.kind() == Kind::Float { allowed } else { Allowed::Nothing })?;
        found.extend(text.map(|text| Difference { run: "function", what, text }));
        Ok(())
    };
    let outputs = given.call(function).with_context(|| format!("in {function}"))?;
    for (name, want) in tensors.under("out.") {
        let got = outputs.iter().find(|(n, _)| *n == name).with_context(|| format!("the function has no output `{name}`"))?;
        check(format!("out.{name}"), &got.1, want, Allowed::Each { atol: tol.y_atol, rtol: 1e-5 })?;
    }
    if !grad.is_empty() {
        let y = &outputs.iter().find(|(name, _)| *name == "y").context("gradients of no `y`")?.1;
        (y * tensors.get("loss_w")?).sum(Kind::Float).f_backward()?;
        let allowed = Allowed::Largest { atol: tol.grad_atol, rtol: tol.grad_rtol };
        for name in grad {
            check(format!("grad.{name}"), &given.input(name)?.grad(), tensors.get(&format!("grad.{name}"))?, allowed)?;
        }
    }
    Ok(found)
}

/// Inputs and arguments by name.
struct Given<'a> {
    inputs: &'a [(String, Tensor)],
    args: &'a Map<String, Value>,
}

type Outputs = Vec<(&'static str, Tensor)>;

impl Given<'_> {
    fn call(&self, function: &str) -> Result<Outputs> {
        let y = match function {
            "delay" => functional::delay(self.input("x_seq")?, self.size("delay_steps")?)?,
            "first_spike_index" => functional::first_spike_index(self.input("spikes")?)?,
            "redundant_one_hot" => functional::redundant_one_hot(self.input("labels")?, self.size("num_classes")?, self.size("n")?)?,
            "kernel_dot_product" => functional::kernel_dot_product(self.input("x")?, self.input("y")?, self.kernel("kernel")?)?,
            "spike_similar_loss" => {
                let distance = match self.text("loss_type")? {
                    "mse" => Distance::Mse,
                    "l1" => Distance::L1,
                    "bce" => Distance::Bce,
                    other => bail!("there is no loss_type {other}"),
                };
                functional::spike_similar_loss(self.input("spikes")?, self.input("labels")?, self.kernel("kernel_type")?, distance)?
            }
            "temporal_efficient_training_cross_entropy" => {
                functional::temporal_efficient_training_cross_entropy(self.input("x_seq")?, self.input("target")?)?
            }
            "fold_conv_bn" => return self.fold(),
            "stdp_linear_step" => return self.learn(functional::stdp_linear_step),
            "mstdp_linear_step" => return self.learn(functional::mstdp_linear_step),
            "mstdpet_linear_step" => return self.learn(functional::mstdpet_linear_step),
            "stdp_conv2d_step" => {
                let stride: [usize; 2] = serde_json::from_value(self.arg("stride")?.clone())?;
                return self.learn(|w, x, y, traces, rule| functional::stdp_conv2d_step(w, stride, x, y, traces, rule));
            }
            unknown => bail!("snn has no function {unknown}"),
        };
        Ok(vec![("y", y)])
    }

    fn learn(&self, step: impl FnOnce(&Tensor, &Tensor, &Tensor, &mut Traces, &Stdp) -> snn::Result<Tensor>) -> Result<Outputs> {
        let trace = |name| self.input(name).map(|t| Some(t.shallow_clone()));
        let mut traces = Traces { trace_pre: trace("trace_pre")?, trace_post: trace("trace_post")? };
        let rule = Stdp::new(self.float("tau_pre")?, self.float("tau_post")?);
        let y = step(self.input("weight")?, self.input("in_spike")?, self.input("out_spike")?, &mut traces, &rule)?;
        let left = |t: Option<Tensor>| t.context("no trace is left");
        Ok(vec![("y", y), ("trace_pre", left(traces.trace_pre)?), ("trace_post", left(traces.trace_post)?)])
    }

    /// `y` is what the two layers give one after the other, `y_fused` what the folded one gives.
    fn fold(&self) -> Result<Outputs> {
        let find = |name: &str| self.inputs.iter().find(|(n, _)| n == name).map(|(_, t)| t);
        let (x, weight, bias) = (self.input("x")?, self.input("conv.weight")?, find("conv.bias"));
        let bn = Normalisation {
            weight: find("bn.weight"),
            bias: find("bn.bias"),
            running_mean: find("bn.running_mean"),
            running_var: find("bn.running_var"),
            eps: self.float("eps")?,
        };
        let folded = functional::fold_conv_bn(weight, bias, &bn)?;
        let conv = self.arg("conv")?;
        let axes = weight.dim() - 2;
        let number = |name: &str, default: i64| conv.get(name).and_then(Value::as_i64).unwrap_or(default);
        let (padding, groups) = (vec![number("padding", 0); axes], number("groups", 1));
        let apply = |weight: &Tensor, bias: Option<&Tensor>| {
            let (one, none) = (vec![1; axes], vec![0; axes]);
            x.f_flatten(0, 1)?.f_convolution(weight, bias, &one, &padding, &one, false, &none, groups)
        };
        let plain = apply(weight, bias)?.f_batch_norm(bn.weight, bn.bias, bn.running_mean, bn.running_var, false, 0.0, bn.eps, true)?;
        let fused = apply(&folded.weight, Some(&folded.bias))?;
        let time = |y: &Tensor| Ok::<_, anyhow::Error>(y.f_reshape([&x.size()[..2], &y.size()[1..]].concat())?);
        Ok(vec![("weight", folded.weight), ("bias", folded.bias), ("y", time(&plain)?), ("y_fused", time(&fused)?)])
    }

    fn input(&self, name: &str) -> Result<&Tensor> {
        self.inputs.iter().find(|(n, _)| n == name).map(|(_, t)| t).with_context(|| format!("the file has no tensor `in.{name}`"))
    }

    fn arg(&self, name: &str) -> Result<&Value> {
        self.args.get(name).with_context(|| format!("there is no argument `{name}`"))
    }

    fn text(&self, name: &str) -> Result<&str> {
        self.arg(name)?.as_str().with_context(|| format!("`{name}` is no text"))
    }

    fn float(&self, name: &str) -> Result<f64> {
        self.arg(name)?.as_f64().with_context(|| format!("`{name}` is no number"))
    }

    fn size(&self, name: &str) -> Result<usize> {
        let size = self.arg(name)?.as_u64().with_context(|| format!("`{name}` is no size"))?;
        Ok(usize::try_from(size)?)
    }

    /// The name of a kernel, and its constant in `args`.
    fn kernel(&self, name: &str) -> Result<Kernel> {
        let constant = || self.arg("args")?.get(0).and_then(Value::as_f64).context("a kernel without its constant");
        Ok(match self.text(name)? {
            "linear" => Kernel::Linear,
            "polynomial" => Kernel::Polynomial { d: constant()? },
            "sigmoid" => Kernel::Sigmoid { alpha: constant()? },
            "gaussian" => Kernel::Gaussian { sigma: constant()? },
            other => bail!("there is no kernel {other}"),
        })
    }
}
