"""Writes the whole files of the corpora that no crate of ours writes: `python3 fuzz/tests/corpus.py`, without packages."""

import gzip
import struct
from pathlib import Path

HERE = Path(__file__).parent
TESTS = HERE.parent.parent / "snn-data/tests/files"


def put(target, name, data):
    folder = HERE / "__fuzz__" / target / "corpus"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


events = [(t * 7 % 34, t * 5 % 34, t % 2, t * 300) for t in range(20)]
atis = b"".join(struct.pack(">BBBH", x, y, p << 7 | t >> 16, t & 0xFFFF) for x, y, p, t in events)
put("atis", "events", atis)
put("atis", "overflow", atis[:20] + b"\0\xf0\0\0\0" + atis[20:40])

header = b"#!AER-DAT2.0\r\n# made by corpus.py\r\n"
put("aedat2", "dvs128", header + b"".join(struct.pack(">II", (1 - p) | (127 - x) << 1 | y << 8, t) for x, y, p, t in events))
put("aedat2", "davis", header + b"".join(struct.pack(">II", p << 11 | x << 12 | y << 22, t) for x, y, p, t in events))

header = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#!END-HEADER\r\n"
pixels = b"".join(struct.pack("<II", x << 17 | y << 2 | p << 1 | 1, t) for x, y, p, t in events)
packet = struct.pack("<HHIIIIII", 1, 1, 8, 4, 0, 22, 20, 20) + pixels + bytes(16)
put("aedat3", "packets", header + packet + struct.pack("<HHIIIIII", 3, 1, 36, 4, 0, 1, 1, 1) + bytes(36) + packet[:28] + pixels + bytes(16))


def npy(descr, count, data, major=1):
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({count},), }}".ljust(53).encode() + b"\n"
    length = struct.pack("<H" if major == 1 else "<I", len(head))
    return b"\x93NUMPY" + bytes([major, 0]) + length + head + data


put("npz_array", "bool", npy("|b1", 2, b"\0\1"))
put("npz_array", "big_endian", npy(">i8", 2, struct.pack(">qq", 0, 1), 2))
put("npz_array", "unsigned", npy("<u2", 2, struct.pack("<HH", 0, 1)))
for name in ["events_u32.npz", "events_i64.npz"]:
    put("npz_archive", name, (TESTS / name).read_bytes())
for name in ["shd_tables.h5", "shd_h5py.h5"]:
    put("shd", name, (TESTS / name).read_bytes())

images = struct.pack(">HBBIII", 0, 8, 3, 2, 3, 4) + bytes(range(24))
put("idx", "plain", images)
put("idx", "gzip", gzip.compress(images, mtime=0))
