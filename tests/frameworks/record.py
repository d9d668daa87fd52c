"""Records what the LIF neurons of other frameworks do: `python record.py lif.safetensors`.

Needs spikingjelly 2.0.0, snntorch 1.0.0, norse 1.1.0, sinabs 3.1.3, safetensors. Input: 200 steps, two neurons, uniform(0, 0.5), from torch's seeds 0 and 1; of
each neuron the spikes `NAME.y` and the potentials `NAME.v`, `[200, 2]`, for the input times a factor that the test names as well.
"""

import sys

import sinabs.layers as sl
import snntorch
import torch
from norse.torch.functional.lif import LIFFeedForwardState, LIFParameters, lif_feed_forward_step
from norse.torch.functional.lif_box import LIFBoxFeedForwardState, LIFBoxParameters, lif_box_feed_forward_step
from safetensors.torch import save_file
from spikingjelly.activation_based import neuron

STEPS = 200
x = torch.stack([torch.rand(STEPS, generator=torch.Generator().manual_seed(seed)) * 0.5 for seed in (0, 1)], 1)
out = {"x": x}


def record(name, step):
    rows = [step(x[t]) for t in range(STEPS)]
    out[f"{name}.y"] = torch.stack([y for y, _ in rows]).detach().float().contiguous()
    out[f"{name}.v"] = torch.stack([v for _, v in rows]).detach().float().contiguous()


def spikingjelly(v_reset):
    node = neuron.LIFNode(tau=5.0, decay_input=False, v_reset=v_reset)
    return lambda x: (node(x), node.v)


def leaky(**arguments):
    node = snntorch.Leaky(beta=0.8, **arguments)
    memory = [node.init_leaky()]

    def step(x):
        spikes, memory[0] = node(x, memory[0])
        return spikes, memory[0]

    return step


def norse_box(x, state=[LIFBoxFeedForwardState(v=torch.zeros(2))]):
    spikes, state[0] = lif_box_feed_forward_step(x * 8, state[0], LIFBoxParameters())
    return spikes, state[0].v


def norse_lif(x, state=[LIFFeedForwardState(v=torch.zeros(2), i=torch.zeros(2))]):
    spikes, state[0] = lif_feed_forward_step(x * 2, state[0], LIFParameters())
    return spikes, state[0].v


def sinabs(layer, factor):
    def step(x):
        spikes = layer(x[None, None] * factor)[0, 0]
        return spikes, layer.v_mem[0].clone()

    return step


record("spikingjelly.hard", spikingjelly(0.0))
record("spikingjelly.soft", spikingjelly(None))
record("snntorch.subtract", leaky())
record("snntorch.zero", leaky(reset_mechanism="zero"))
record("snntorch.subtract_now", leaky(reset_delay=False))
record("snntorch.zero_now", leaky(reset_mechanism="zero", reset_delay=False))
record("norse.lif_box", norse_box)
record("norse.lif", norse_lif)
record("sinabs.lif", sinabs(sl.LIF(tau_mem=5.0), 8))
record("sinabs.lif_plain", sinabs(sl.LIF(tau_mem=5.0, norm_input=False), 3))
record("sinabs.iaf", sinabs(sl.IAF(), 8))
save_file(out, sys.argv[1])
