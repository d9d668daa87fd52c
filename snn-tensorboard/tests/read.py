"""What TensorBoard finds in a run, as JSON."""

import json
import math
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

run = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "histograms": 0, "images": 0}).Reload()
tags = run.Tags()


def number(value):
    return "nan" if math.isnan(value) else value


def histogram(tag):
    (event,) = run.Histograms(tag)
    value = event.histogram_value
    fields = ("min", "max", "num", "sum", "sum_squares")
    found = {name: getattr(value, name) for name in fields}
    return found | {"step": event.step, "bucket_limit": list(value.bucket_limit), "bucket": list(value.bucket)}


def image(tag):
    (event,) = run.Images(tag)
    return {"step": event.step, "size": [event.height, event.width], "png": event.encoded_image_string.startswith(b"\x89PNG")}


found = {
    "scalars": {tag: [(e.step, number(e.value)) for e in run.Scalars(tag)] for tag in tags["scalars"]},
    "histograms": {tag: histogram(tag) for tag in tags["histograms"]},
    "images": {tag: image(tag) for tag in tags["images"]},
}
print(json.dumps(found))
