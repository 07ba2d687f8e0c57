"""Checks an exported readout outside ddcl: the ONNX checker, Python's onnxruntime, and agreement with `ddcl encode`.

Usage: check_export.py FILE.onnx TOKENS.npy ENCODED.npy MODEL.safetensors [SEGMENTS.npy]
The bound is 1e-5 + 2e-8 max |2 z.p / T|. Runs the file whole and in parts of other lengths (per-token outputs).
"""

import json
import struct
import sys

import numpy as np
import onnx
import onnxruntime

file, tokens, encoded, model = sys.argv[1:5]
onnx.checker.check_model(onnx.load(file), full_check=True)

with open(model, "rb") as stream:
    size = struct.unpack("<Q", stream.read(8))[0]
    header = json.loads(stream.read(size))
    data = stream.read()
entry = header["prototypes"]
kind = {"F32": "<f4", "F64": "<f8"}[entry["dtype"]]
prototypes = np.frombuffer(data[slice(*entry["data_offsets"])], kind).reshape(entry["shape"]).astype(float)
temperature = float(header["__metadata__"]["temperature"])

z = np.load(tokens).astype(np.float32)
expected = np.load(encoded)
offset = np.frombuffer(data[slice(*header["offset"]["data_offsets"])], "<f8")
allowed = 1e-5 + 2e-8 * np.abs(2 * (z - offset) @ (prototypes - offset).T / temperature).max()


def masses(segments):
    """sum of assignments per segment and prototype, [s, K], in float64."""
    logits = (2 * (z - offset) @ (prototypes - offset).T - ((prototypes - offset) ** 2).sum(1)) / temperature
    q = np.exp(logits - logits.max(1, keepdims=True))
    q /= q.sum(1, keepdims=True)
    total = np.zeros((segments.max() + 1, len(prototypes)))
    np.add.at(total, segments, q)
    return total


session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
if len(sys.argv) > 5:
    runs = {len(z): session.run(None, {"tokens": z, "segments": np.load(sys.argv[5]).astype(np.int64)})[0]}
else:
    runs = {n: session.run(None, {"tokens": z[:n]})[0] for n in sorted({1, 2, 7, 63, len(z)}) if n <= len(z)}
worst = 0.0
left_out = 0
for n, got in runs.items():
    wanted = expected if len(sys.argv) > 5 else expected[:n]
    assert got.shape == wanted.shape, (got.shape, wanted.shape)
    deviation = np.abs(got - wanted)
    if deviation.ndim == 3:
        # The mean token of a prototype that no token of the segment belongs to: float32 has no assignments below 1e-38.
        with_mass = masses(np.load(sys.argv[5])) > 1e-30
        left_out = int((~with_mass).sum())
        deviation = deviation[with_mass]
    worst = max(worst, float(deviation.max()))
print(
    f"{file}: checker passed; {len(runs)} lengths; largest deviation {worst:.2e}, allowed {allowed:.2e}"
    + (f"; {left_out} summaries without mass left out" if left_out else ""))
sys.exit(int(worst > allowed))
