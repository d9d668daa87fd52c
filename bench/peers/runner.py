"""The peers' runner of `cargo xtask bench`: what `bench/src` is for snn. In: requests, one JSON object a line on stdin; out: one
reply a line on stdout.

usage: runner.py spikingjelly|spikingjelly-compiled|spikingjelly-cupy|snntorch|norse
"""

import importlib
import json
import re
import sys
import time

WARM_UP = 2  # timed iterations rest on these: allocators filled, pages touched, code compiled
LEARNING_RATE = 1e-3


def memory(field):
    """Resident bytes as Linux counts them: VmRSS now, VmHWM at most since the last reset."""
    with open("/proc/self/status") as status:
        return int(re.search(rf"^{field}:\s*(\d+) kB", status.read(), re.MULTILINE)[1]) * 1024


def reset_peak():
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")


class Job:
    """A model at work: weights and inputs of a file, one task."""

    def __init__(self, side, work, file, compiled, backend, device):
        self.on_gpu = device is not None
        tensors = load_file(file, device=f"cuda:{device}" if self.on_gpu else "cpu")
        side.adapt(work, tensors)
        self.reset = side.reset
        self.task = work["task"]
        self.same_gradient = side.SAME_GRADIENT
        self.net = side.build(work)
        weights = {name.removeprefix("weight."): t for name, t in tensors.items() if name.startswith("weight.")}
        if weights:
            self.net.load_state_dict(weights)
        if self.on_gpu:
            self.net.to(f"cuda:{device}")
        if backend:
            side.use(self.net, backend)
        self.net.train(self.task != "infer")
        self.forward = torch.compile(self.net) if compiled else self.net
        self.x = tensors["x"]
        self.wrt = dict(self.net.named_parameters())
        if self.task == "backward":
            self.upstream = tensors["upstream"]
            if not self.wrt:
                self.wrt = {"x": self.x.requires_grad_()}
        if self.task == "train":
            self.target = tensors["target"]
            self.optimizer = torch.optim.Adam(self.net.parameters(), lr=LEARNING_RATE)

    def iterate(self):
        """The work, once: the output, and gradients or the loss."""
        rest = None
        if self.task in ("forward", "infer"):
            with torch.no_grad():
                y = self.forward(self.x)
        elif self.task == "backward":
            y = self.forward(self.x)
            rest = torch.autograd.grad(y, list(self.wrt.values()), self.upstream)
        else:
            y = self.forward(self.x)
            rest = F.mse_loss(y, self.target)
            self.optimizer.zero_grad()
            rest.backward()
            self.optimizer.step()
        self.reset(self.net)
        return y, rest

    def timed(self):
        """One iteration, with what it frees."""
        start = time.perf_counter()
        self.iterate()
        if self.on_gpu:
            torch.cuda.synchronize()
        return time.perf_counter() - start

    def write_results(self, y, rest, file):
        """What the first iteration computed, and what it made of the weights."""
        results = {"y": y}
        if self.task == "backward" and self.same_gradient:
            results |= {f"gradient.{name}": g for name, g in zip(self.wrt, rest)}
        if self.task == "train" and self.same_gradient:
            results["loss"] = rest
            for name, weight in self.wrt.items():
                results[f"gradient.{name}"] = weight.grad
                results[f"after.{name}"] = weight
        save_file({name: t.detach().cpu().clone().contiguous() for name, t in results.items()}, file)


class Runner:
    """Answers requests for one framework."""

    def __init__(self, name):
        name, _, suffix = name.partition("-")
        self.compiled = suffix == "compiled"
        self.backend = suffix if suffix == "cupy" else None
        self.side = importlib.import_module(f"of_{name}")
        self.job = None

    def prepare(self, work, file, results, threads, device=None):
        torch.set_num_threads(threads)
        if device is not None:
            torch.cuda.set_device(device)  # what `synchronize` waits for
        base = memory("VmRSS")
        self.job = Job(self.side, work, file, self.compiled, self.backend, device)
        self.job.write_results(*self.job.iterate(), results)
        seconds = [self.job.timed() for _ in range(WARM_UP)]
        reset_peak()
        about = f"{self.side.ABOUT}{', torch.compile' if self.compiled else ''}{', cupy' if self.backend else ''}"
        if device is not None:
            about += f", CUDA device {device}"
        return {"about": about, "base": base, "seconds": seconds[-1]}

    def run(self, iterations):
        return {"seconds": [self.job.timed() for _ in range(iterations)], "peak": memory("VmHWM")}

    def answer(self, line):
        try:
            request = json.loads(line)
            return getattr(self, request.pop("do"))(**request)
        except Exception as error:  # whatever a framework raises is an answer
            return {"error": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    import torch
    import torch.nn.functional as F
    from safetensors.torch import load_file, save_file

    runner = Runner(sys.argv[1])
    out, sys.stdout = sys.stdout, sys.stderr  # what frameworks print is no reply
    for line in sys.stdin:
        print(json.dumps(runner.answer(line)), file=out, flush=True)
