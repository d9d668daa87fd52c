"""usage: unpack.py WHEELS OUT LIBRARY.. -- takes libraries out of the wheels, with their licences and torch's headers."""

import pathlib
import sys
import zipfile

wheels, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
libraries = set(sys.argv[3:])  # paths as the wheels have them

for wheel in sorted(wheels.glob("*.whl")):
    with zipfile.ZipFile(wheel) as z:
        for info in z.infolist():
            path = info.filename
            keep = path in libraries or path.startswith("torch/include/") or "/licenses/" in path
            if keep and not info.is_dir():
                z.extract(info, out)

missing = sorted(path for path in libraries if not (out / path).exists())
if missing:
    sys.exit("not in the wheels: " + ", ".join(missing))
