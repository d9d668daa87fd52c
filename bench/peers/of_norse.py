"""The nets of the benchmark in Norse: `Lift` calls a cell per step.

A `LIFBoxCell` with dt / tau_mem = 0.5 is the LIF neuron of tau 2 that decays its input. Norse has no ATan surrogate: its own
default, SuperSpike, costs about the same, but gives other gradients."""

from importlib.metadata import version

import norse.torch as norse
import torch
from torch import nn

ABOUT = f"norse {version('norse')}"
SAME_GRADIENT = False


def reset(net):
    """States are local to `forward`."""


def adapt(work, tensors):
    """Nothing to change: inputs and weights mean the same here."""


class Steps(nn.Module):
    """LIF neurons over time, behind a layer or alone."""

    def __init__(self, fc=None):
        super().__init__()
        self.fc = fc
        self.sn = norse.Lift(norse.LIFBoxCell(norse.LIFBoxParameters(tau_mem_inv=torch.tensor(0.5)), dt=1.0))

    def forward(self, x):
        spikes, _ = self.sn(self.fc(x) if self.fc else x)
        return spikes


def build(work):
    match work["net"]:
        case "lif":
            return Steps()
        case "dense":
            return Steps(nn.Linear(work["features"], work["features"]))
        case other:
            raise ValueError(f"no net {other} in Norse")
