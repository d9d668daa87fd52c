"""Writes the files beside it, as their users write them: needs numpy, h5py and tables. Not run by any test."""

import h5py
import numpy as np
import tables

rng = np.random.default_rng(6)


def recording(n, seconds):
    """Times in order, as 16-bit floats, and channels of a cochlea of 700."""
    return np.sort(rng.uniform(0, seconds, n)).astype(np.float16), rng.integers(0, 700, n).astype(np.uint16)


recordings = [recording(n, 1.2) for n in (40, 0, 65, 12)]
labels = np.array([3, 19, 0, 7], np.uint16)

# As the Spiking Heidelberg Digits are: PyTables, variable-length arrays of float16 and uint16.
with tables.open_file("shd_tables.h5", "w") as f:
    spikes = f.create_group("/", "spikes")
    times = f.create_vlarray(spikes, "times", tables.Float16Atom(), chunkshape=(3,))
    units = f.create_vlarray(spikes, "units", tables.UInt16Atom(), chunkshape=(3,))
    for t, x in recordings:
        times.append(t)
        units.append(x)
    f.create_array("/", "labels", labels)

# The same through h5py, in the newest format, chunks compressed, as a converted copy is.
with h5py.File("shd_h5py.h5", "w", libver="latest") as f:
    times = f.create_dataset("spikes/times", (4,), h5py.vlen_dtype(np.float32), chunks=(2,), compression="gzip")
    units = f.create_dataset("spikes/units", (4,), h5py.vlen_dtype(np.int64), chunks=(2,), compression="gzip")
    for i, (t, x) in enumerate(recordings):
        times[i] = t
        units[i] = x
    f["labels"] = labels.astype(np.int64)

# What the two hold.
with open("shd.txt", "w") as f:
    for (t, x), label in zip(recordings, labels):
        us = np.round(t.astype(np.float64) * 1e6).astype(int)
        print(label, *(f"{a}:{b}" for a, b in zip(us, x)), file=f)

# SpikingJelly's N-MNIST holds uint32, its DVS128 Gesture int64, and `p` is a bool in its CIFAR10-DVS.
n = 25
t = np.sort(rng.integers(0, 300_000, n))
x, y, p = rng.integers(0, 34, n), rng.integers(0, 30, n), rng.integers(0, 2, n)
np.savez("events_u32.npz", t=t.astype(np.uint32), x=x.astype(np.uint32), y=y.astype(np.uint32), p=p.astype(np.uint32))
np.savez_compressed("events_i64.npz", t=t, x=x.astype(np.uint16), y=y.astype(">i2"), p=p.astype(bool))
with open("events.txt", "w") as f:
    for row in zip(t, x, y, p):
        print(*row, file=f)
