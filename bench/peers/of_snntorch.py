"""The nets of the benchmark in snnTorch: one call per step.

`Leaky(beta=0.5, reset_mechanism="zero")` on half the input fires as a LIF neuron of tau 2 that decays its input. It always
detaches the reset, so its gradients are not those of the others."""

from importlib.metadata import version

import snntorch
import torch
from snntorch import surrogate
from torch import nn

ABOUT = f"snntorch {version('snntorch')}"
SAME_GRADIENT = False


def reset(net):
    """States are local to `forward`."""


def adapt(work, tensors):
    """Halves what reaches the neurons."""
    for name in ["x"] if work["net"] == "lif" else ["weight.fc.weight", "weight.fc.bias"]:
        tensors[name] = tensors[name] * 0.5


class Steps(nn.Module):
    """Leaky neurons over time, behind a layer or alone."""

    def __init__(self, fc=None):
        super().__init__()
        self.fc = fc
        self.sn = snntorch.Leaky(beta=0.5, reset_mechanism="zero", spike_grad=surrogate.atan(alpha=2.0))

    def forward(self, x):
        current = self.fc(x) if self.fc else x
        membrane = self.sn.reset_mem()
        spikes = []
        for step in current:
            spike, membrane = self.sn(step, membrane)
            spikes.append(spike)
        return torch.stack(spikes)

    def load_state_dict(self, weights):
        """Of the layer: the neuron keeps its constants among its buffers."""
        self.fc.load_state_dict({name.removeprefix("fc."): weight for name, weight in weights.items()})


def build(work):
    match work["net"]:
        case "lif":
            return Steps()
        case "dense":
            return Steps(nn.Linear(work["features"], work["features"]))
        case other:
            raise ValueError(f"no net {other} in snnTorch")
