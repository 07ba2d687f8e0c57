"""Quantizers of vector-quantize-pytorch on given numbers: outputs, indices, losses, gradients, and what it does where it is known to be wrong.

One JSON request a line on stdin: {"do": "versions" | "quantize" | "faults" | "quit", ...}; one JSON answer a line on stdout.
"""

import json
import sys

import torch
from importlib.metadata import version
from vector_quantize_pytorch import FSQ, LFQ, SimVQ, VectorQuantize

torch.manual_seed(0)


def double(values, *shape):
    return torch.tensor(values, dtype=torch.float64).reshape(*shape)


def averaged(request):
    """EMA and rotation: codes as running averages without Laplace smoothing, as counts where ddcl has shares."""
    n, m, k = request["n"], request["m"], request["k"]
    layer = VectorQuantize(
        dim=m, codebook_size=k, decay=request["decay"], eps=0.0, commitment_weight=request["commitment"],
        rotation_trick=request["kind"] == "rotation", use_cosine_sim=request["kind"] == "cosine")
    layer = layer.double()
    book = layer._codebook
    codes, counts = double(request["codes"], 1, k, m), double(request["mass"], 1, k) * n
    book.embed.data.copy_(codes)
    book.cluster_size.data.copy_(counts)
    book.embed_avg.data.copy_(codes * counts[..., None])
    return layer.train(), lambda: {"codes": book.embed.reshape(-1).tolist()}


def layer_of(request):
    kind, m, k = request["kind"], request["m"], request["k"]
    if kind in ("ema", "rotation", "cosine"):
        return averaged(request)
    if kind == "fsq":
        symmetric = request["variant"] == "symmetric"
        return FSQ(request["levels"], preserve_symmetry=symmetric, force_quantization_f32=False).double().train(), dict
    if kind == "lfq":
        layer = LFQ(
            dim=m, codebook_size=k, entropy_loss_weight=request["entropyWeight"], diversity_gamma=request["diversity"],
            commitment_loss_weight=request["commitment"], force_quantization_f32=False)
        return layer.double().train(), dict
    layer = SimVQ(dim=m, codebook_size=k, rotation_trick=request["estimator"] == "rotation").double()
    layer.frozen_codebook.data.copy_(double(request["frame"], k, m))
    layer.code_transform.weight.data.copy_(double(request["matrix"], m, m).T)
    return layer, lambda: {"matrixGradient": layer.code_transform.weight.grad.T.reshape(-1).tolist()}


def quantize(request):
    layer, after = layer_of(request)
    z = double(request["z"], 1, request["n"], request["m"]).requires_grad_()
    found = layer(z, inv_temperature=request["inverseTemperature"]) if request["kind"] == "lfq" else layer(z)
    output, indices, loss = (*found, torch.zeros(())) if len(found) == 2 else found
    loss = loss.sum()
    ((output * double(request["upstream"], *output.shape)).sum() + loss).backward()
    return {
        "output": output.reshape(-1).tolist(), "indices": indices.reshape(-1).tolist(), "loss": loss.item(),
        "zGradient": z.grad.reshape(-1).tolist(), **after(),
    }


def said(run):
    try:
        return run()
    except Exception as error:  # what a user would see
        return "%s: %s" % (type(error).__name__, str(error).strip().splitlines()[0][:120])


def faults(_request):
    x, mask = torch.randn(2, 8, 4), torch.ones(2, 8, dtype=torch.bool)

    def masked(**options):
        layer = VectorQuantize(dim=4, codebook_size=6, **options).eval().train()
        return lambda: [float(layer(x)[2]), float(layer(x, mask=mask)[2])]

    def negative():
        layer = VectorQuantize(dim=4, codebook_size=6)
        decoded = layer.get_output_from_indices(torch.tensor([[-1]]))
        return bool(torch.equal(decoded.reshape(-1), layer.codebook[-1].reshape(-1)))

    def zero():
        layer = VectorQuantize(dim=4, codebook_size=6, rotation_trick=True, commitment_weight=0.0)
        z = torch.zeros(1, 1, 4, requires_grad=True)
        output = layer(z)[0]
        output.sum().backward()
        return [float(output.abs().max()), float(z.grad.abs().max())]

    return {
        "maskCodebookDim": said(masked(codebook_dim=2, freeze_codebook=True)),
        "maskHeads": said(masked(heads=2, freeze_codebook=True)),
        "maskCosine": said(masked(use_cosine_sim=True, freeze_codebook=True)),
        "negative": said(negative),
        "zero": said(zero),
    }


def versions(_request):
    return {"library": version("vector-quantize-pytorch"), "torch": torch.__version__.split("+")[0], "python": sys.version.split()[0]}


for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "quit":
        break
    try:
        answer = {"versions": versions, "quantize": quantize, "faults": faults}[request["do"]](request)
    except Exception as error:  # told to whoever asked
        answer = {"error": "%s: %s" % (type(error).__name__, str(error).strip().splitlines()[0][:300])}
    print(json.dumps(answer), flush=True)
