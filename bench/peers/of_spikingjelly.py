"""The nets of the benchmark in SpikingJelly, as its tutorial and its model zoo write them. Weights are named as in bench/src/nets.rs."""

from collections import OrderedDict
from importlib.metadata import version

from spikingjelly.activation_based import functional, layer, neuron, surrogate
from spikingjelly.activation_based.model import sew_resnet
from torch import nn

ABOUT = f"spikingjelly {version('spikingjelly')}"
SAME_GRADIENT = True
STEPS = 4  # of nets that are shown one image

reset = functional.reset_net


def adapt(work, tensors):
    """Nothing to change: inputs and weights mean the same here."""


class Csnn(nn.Sequential):
    """spikingjelly/activation_based/examples/conv_fashion_mnist.py"""

    def __init__(self, channels=128):
        spiking = lambda: neuron.IFNode(surrogate_function=surrogate.ATan())
        super().__init__(OrderedDict(
            conv1=layer.Conv2d(1, channels, kernel_size=3, padding=1, bias=False),
            bn1=layer.BatchNorm2d(channels),
            sn1=spiking(),
            pool1=layer.MaxPool2d(2, 2),
            conv2=layer.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False),
            bn2=layer.BatchNorm2d(channels),
            sn2=spiking(),
            pool2=layer.MaxPool2d(2, 2),
            flatten=layer.Flatten(),
            fc1=layer.Linear(channels * 7 * 7, channels * 4 * 4, bias=False),
            sn3=spiking(),
            fc2=layer.Linear(channels * 4 * 4, 10, bias=False),
            sn4=spiking(),
        ))

    def forward(self, x):
        return super().forward(x.unsqueeze(0).expand(STEPS, -1, -1, -1, -1)).mean(0)


class SewResNet18(sew_resnet.SEWResNet):
    """spikingjelly/activation_based/model/sew_resnet.py, shown one image at every step."""

    def __init__(self):
        spiking = dict(spiking_neuron=neuron.IFNode, surrogate_function=surrogate.ATan(), detach_reset=True)
        super().__init__(sew_resnet.BasicBlock, [2, 2, 2, 2], num_classes=10, cnf="ADD", **spiking)

    def forward(self, x):
        return super().forward(x.unsqueeze(0).expand(STEPS, -1, -1, -1, -1)).mean(0)


def use(net, backend):
    """Neurons run on that backend of SpikingJelly's."""
    functional.set_backend(net, backend, neuron.BaseNode)


def build(work):
    lif = lambda: neuron.LIFNode(tau=2.0, surrogate_function=surrogate.ATan())
    match work["net"]:
        case "lif":
            net = lif()
        case "csnn":
            net = Csnn()
        case "dense":
            features = work["features"]
            net = nn.Sequential(OrderedDict(fc=layer.Linear(features, features), sn=lif()))
        case "sew-resnet18":
            net = SewResNet18()
        case other:
            raise ValueError(f"no net {other} in SpikingJelly")
    functional.set_step_mode(net, "m")
    return net
