//! Parallel spiking neurons on a CUDA device. In: tensors there; out: the same bits as from the CPU's kernels, but for the weights' gradients,
//! which are sums in another order. Nothing is read back.

use snn_kernels::Draw;
use snn_kernels::cuda::{FiresArguments, PSN, PSN_FOLD, PSN_INPUTS, PSN_SLOPES, PSN_WEIGHTS, PsnArguments, PsnKernels};
use tch::{Kind, TchError, Tensor};

use super::{Parallel, Sees};
use crate::autograd::{Backward, Gradients, Save, attach_one, recorded};
use crate::cuda::{Launcher, address};
use crate::error::{Error, Result};
use crate::report::probe;
use crate::state::steps_of;
use crate::surrogate::Surrogate;

impl Parallel<'_> {
    /// As [`run`](Parallel::run).
    pub(super) fn run_on(&self, on: &Launcher<'_>, before: &[Tensor], x: &Tensor) -> Result<Tensor> {
        on.tell(&self.firing.told, self.label);
        let sizes = x.size();
        let (steps, step) = steps_of(self.layer, &sizes)?;
        let neurons = on.neurons(step)?;
        let inputs = self.inputs(on, before, x).map_err(Error::in_layer(self.layer))?;
        let kept = [on.dense(&inputs[0], on.kind)?, on.dense(&inputs[1], on.compute())?, on.dense(&inputs[2], on.compute())?];
        if let Sees::Matrix(_) = self.sees {
            on.sized(&kept[1], &[steps as i64, (before.len() + steps) as i64])?;
        }
        if kept[2].numel() != 1 {
            on.sized(&kept[2], &[steps as i64])?;
        }
        let (surrogate, draw) = (self.firing.surrogate, self.firing.draw());
        let node = Node { layer: self.layer.to_string(), kind: on.kind, sees: self.sees, surrogate, draw, steps, neurons };

        let spikes = on.fresh(&sizes, on.kind)?;
        let mut call = node.arguments(on, [&kept[0], &kept[1], &kept[2]], &[&spikes]);
        call.y = address(&spikes);
        let kernels = node.kernels(on);
        // SAFETY: the kernel's own argument; all tensors are on this device and of the sizes and kinds that it says.
        unsafe { on.call(&kernels.source, PSN, kernels.blocks(neurons), call) }?;
        probe::fired(self.layer, &spikes, 1).map_err(Error::in_layer(self.layer))?;
        let inputs: Vec<&Tensor> = inputs.iter().collect();
        if !recorded(&inputs) {
            return Ok(spikes);
        }
        let save = [Save::Tensor(&kept[0]), Save::Tensor(&kept[1]), Save::Tensor(&kept[2])];
        attach_one(self.layer, self.label, &inputs, spikes, &save, move |b| node.backward(&b))
    }

    /// Inputs as rows of one tensor, weights and bias, parts of the graph.
    fn inputs(&self, on: &Launcher<'_>, before: &[Tensor], x: &Tensor) -> Result<[Tensor; 3], TchError> {
        let rows = match before {
            [] => x.shallow_clone(),
            _ => {
                let before = before.iter().map(|row| row.f_to_kind(on.kind)?.f_unsqueeze(0)).collect::<Result<Vec<_>, _>>()?;
                Tensor::f_cat(&before.iter().chain([x]).collect::<Vec<_>>(), 0)?
            }
        };
        Ok([rows, self.weight.f_to_kind(on.compute())?, self.bias.f_to_kind(on.compute())?])
    }
}

/// What both passes know besides tensors.
struct Node {
    layer: String,
    kind: Kind,
    sees: Sees,
    surrogate: Surrogate,
    draw: Draw,
    steps: usize,
    neurons: usize,
}

impl Node {
    fn kernels(&self, on: &Launcher<'_>) -> PsnKernels {
        PsnKernels::new(&self.surrogate, on.element, self.steps)
    }

    /// What all kernels are given: inputs, weights and bias. `rows` are the other tensors of which a row is read or written at once.
    fn arguments(&self, on: &Launcher<'_>, [x, weight, bias]: [&Tensor; 3], rows: &[&Tensor]) -> PsnArguments {
        let (window, sliding) = match self.sees {
            Sees::Matrix(window) => (window.unwrap_or(0), 0),
            Sees::Sliding => (weight.numel(), 1),
        };
        let inputs = x.size()[0] as usize;
        PsnArguments {
            x: address(x),
            weight: address(weight),
            bias: address(bias),
            y: 0,
            grad_y: 0,
            grad_h: 0,
            grad_x: 0,
            parts: 0,
            grad_weight: 0,
            grad_bias: 0,
            fires: FiresArguments::new(&self.surrogate, self.draw, on.element),
            sizes: [self.steps, inputs, self.neurons].map(|n| n as u32),
            window: window as u32,
            sliding,
            biases: bias.numel() as u32,
            part_count: PsnKernels::parts(self.neurons) as u32,
            wide: on.wide(self.neurons, rows.iter().copied().chain([x]).map(address)),
        }
    }

    fn backward(&self, b: &Backward<'_>) -> Gradients {
        let Some(grad) = &b.grads[0] else { return Ok(b.needs.iter().map(|_| None).collect()) };
        let [Some(x), Some(weight), Some(bias)] = &b.saved[..] else { return Err("what it saved is gone".into()) };
        let on = &Launcher::at(&self.layer, x, self.kind)?;
        let (neurons, states) = (self.neurons as i64, on.compute());
        let grad_y = on.dense(grad, on.kind)?;
        let grad_h = on.fresh(&[self.steps as i64, neurons], states)?;
        let grad_x = on.fresh_if(b.needs[0], &x.size(), on.kind)?;
        let of_weights = b.needs[1] || b.needs[2];
        let grad_weight = on.fresh_if(of_weights, &weight.size(), states)?;
        let grad_bias = on.fresh_if(of_weights, &bias.size(), states)?;
        let rows: Vec<&Tensor> = [&grad_y, &grad_h].into_iter().chain(&grad_x).collect();
        let mut call = self.arguments(on, [x, weight, bias], &rows);
        let inputs = call.sizes[1] as usize;
        let parts = on.fresh_if(of_weights, &[i64::from(call.part_count), self.steps as i64, inputs as i64 + 1], Kind::Double)?;
        let at = |t: &Option<Tensor>| t.as_ref().map_or(0, address);
        (call.grad_y, call.grad_h, call.grad_x) = (address(&grad_y), address(&grad_h), at(&grad_x));
        (call.parts, call.grad_weight, call.grad_bias) = (at(&parts), at(&grad_weight), at(&grad_bias));
        let kernels = self.kernels(on);
        // SAFETY: as above, for these kernels, whose tensors are there where they are launched.
        let launch = |name: &str, grid: [usize; 3]| unsafe { on.call(&kernels.source, name, grid, call) };
        launch(PSN_SLOPES, kernels.blocks(self.neurons))?;
        if grad_x.is_some() {
            launch(PSN_INPUTS, kernels.blocks(self.neurons))?;
        }
        if of_weights {
            launch(PSN_WEIGHTS, kernels.tiles(self.steps, inputs, self.neurons))?;
            launch(PSN_FOLD, kernels.fold(weight.numel(), bias.numel()))?;
        }
        Ok(vec![grad_x, grad_weight, grad_bias])
    }
}
