"""Writes the checkpoints of `tests/checkpoints.rs`: `python record.py`.

Needs torch 2.13.0, SpikingJelly 2.0.0 (and what its example imports: matplotlib, torchvision, tensorboard), safetensors.

tutorial.pth    The checkpoint of SpikingJelly's own `examples/conv_fashion_mnist.py`, two channels, after 15 epochs of the 1000 images in `data/`.
tutorial.safetensors  Its state dict, as `safetensors.torch.save_file` writes it.
golden.safetensors    Eight images `x` and the firing rates `y` of the net in that checkpoint.
plif.pth        The state dict of a net with a `ParametricLIFNode` behind `torch.nn.DataParallel`, whose names begin with `module.`.
kinds.pth       Views, shared and empty storages, every kind of number, and what is no dense tensor.
protocol4.pth, old.pth, script.pth, module.pth  Other ways to write a file.
"""

import argparse
import gzip
import os

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from spikingjelly.activation_based import functional, layer, neuron
from spikingjelly.activation_based.examples.conv_fashion_mnist import CSNN

here = os.path.dirname(os.path.abspath(__file__))
at = lambda name: os.path.join(here, name)
torch.manual_seed(0)
torch.set_num_threads(1)


def idx(name, offset, shape):
    with gzip.open(os.path.join(here, "../../data/fmnist-small", name)) as f:
        return torch.from_numpy(np.frombuffer(f.read()[offset:], np.uint8).copy()).view(shape)


images = idx("train-images-idx3-ubyte.gz", 16, [-1, 1, 28, 28]).float() / 255
labels = idx("train-labels-idx1-ubyte.gz", 8, [-1]).long()

net = CSNN(T=4, channels=2)
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
lr_scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 64)
net.train()
for epoch in range(15):
    for batch in torch.randperm(len(images)).split(50):
        optimizer.zero_grad()
        F.mse_loss(net(images[batch]), F.one_hot(labels[batch], 10).float()).backward()
        optimizer.step()
        functional.reset_net(net)
    lr_scheduler.step()
torch.save(
    {
        "net": net.state_dict(),
        "optimizer": optimizer.state_dict(),
        "lr_scheduler": lr_scheduler.state_dict(),
        "epoch": epoch,
        "max_test_acc": np.float64(0.25),
        "args": argparse.Namespace(T=4, channels=2),
    },
    at("tutorial.pth"),
)
save_file(net.state_dict(), at("tutorial.safetensors"))
net.eval()
with torch.no_grad():
    save_file({"x": images[:8].clone(), "y": net(images[:8])}, at("golden.safetensors"))

plif = torch.nn.Sequential(layer.Linear(6, 5), neuron.ParametricLIFNode(init_tau=3.0), layer.Linear(5, 5, bias=False), neuron.ParametricLIFNode())
functional.set_step_mode(plif, "m")
plif(torch.rand(3, 2, 6))  # its memories are not part of the state dict
torch.save(torch.nn.DataParallel(plif).state_dict(), at("plif.pth"))

base = torch.arange(12, dtype=torch.float32).view(3, 4)
kinds = {
    "transposed": base.t(),
    "part": base[1:, 1:3],
    "expanded": torch.tensor([7.0]).expand(3),
    "scalar": torch.tensor(2.5),
    "empty": torch.zeros(0, 3),
    "parameter": torch.nn.Parameter(torch.tensor([1.0, -1.0])),
    "f64": torch.tensor([0.1, 1e300], dtype=torch.float64),
    "f16": torch.tensor([0.5, -2.0], dtype=torch.float16),
    "bf16": torch.tensor([0.5, -2.0], dtype=torch.bfloat16),
    "i64": torch.tensor([-(1 << 40), 3]),
    "i32": torch.tensor([-5, 3], dtype=torch.int32),
    "i16": torch.tensor([-5, 3], dtype=torch.int16),
    "i8": torch.tensor([-5, 3], dtype=torch.int8),
    "u8": torch.tensor([250, 3], dtype=torch.uint8),
    "bool": torch.tensor([True, False]),
    "complex": torch.tensor([1 + 2j]),
    "sparse": torch.tensor([0.0, 1.0]).to_sparse(),
    "number": 3.5,
}
torch.save(kinds, at("kinds.pth"))
small = {"fc.weight": torch.tensor([[1.0, 2.0]]), "fc.bias": torch.tensor([3.0])}
torch.save(small, at("protocol4.pth"), pickle_protocol=4)
torch.save(small, at("old.pth"), _use_new_zipfile_serialization=False)
torch.save(torch.nn.Linear(2, 1), at("module.pth"))
torch.jit.save(torch.jit.script(torch.nn.Linear(2, 1)), at("script.pth"))
