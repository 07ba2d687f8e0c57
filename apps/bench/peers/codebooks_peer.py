"""PyTorch's nearest codes and training step of a DDCL codebook, and faiss' product quantizer with given codebooks, timed one call at a time.

One JSON request a line on stdin: {"do": "load" | "loadPq" | "nearest" | "step" | "encode" | "quit", ...}; one JSON answer a line on stdout. With
"out" the first three write their results as raw little-endian files into that folder.
"""

import json
import sys
import time

import faiss
import numpy as np
import torch

given = {}


def read(request, name, *shape):
    return np.fromfile(request["folder"] + "/" + name, dtype="<f4").reshape(shape)


def load(request):
    torch.set_num_threads(request["threads"])
    n, m, k = request["shape"]
    tensor = lambda name, *shape: torch.from_numpy(read(request, name, *shape))
    given.update(z=tensor("tokens", n, m), p=tensor("codes", k, m), u=tensor("upstream", n, m), T=request["temperature"])
    return {"torch": torch.__version__}


def nearest(request):
    """Products, then argmin or min, in blocks of tokens."""
    z, p = given["z"][: request["tokens"]], given["p"]
    squares = (p * p).sum(1)
    best = {"argmin": lambda products: products.argmin(1), "min": lambda products: products.min(1).indices}[request["op"]]
    return {"indices": torch.cat([best(torch.addmm(squares, part, p.T, alpha=-2)) for part in z.split(request["block"])])}


def step(_):
    """Soft output y, L_q, and gradients of L_q + <y, u>: the fewest N x K arrays that autograd can do with, arXiv 2604.03850."""
    z, p, T = given["z"].detach().requires_grad_(True), given["p"].detach().requires_grad_(True), given["T"]
    logits = torch.addmm((p * p).sum(1) / -T, z, p.T, alpha=2 / T)
    q = torch.softmax(logits, dim=1)
    y = q @ p
    lq = torch.dot(z.view(-1), z.view(-1)) - T * torch.dot(q.view(-1), logits.view(-1))
    torch.autograd.backward([lq, y], [None, given["u"]])
    return {"y": y.detach(), "lq": lq.detach(), "byTokens": z.grad, "byCodes": p.grad}


def load_pq(request):
    faiss.omp_set_num_threads(request["threads"])
    m, groups, count = request["dimension"], request["groups"], request["vectors"]
    quantizer = faiss.ProductQuantizer(m, groups, 8)
    faiss.copy_array_to_vector(read(request, "books", -1), quantizer.centroids)
    given.update(quantizer=quantizer, vectors=np.resize(read(request, "vectors", -1, m), (count, m)))
    return {"faiss": faiss.__version__}


def encode(request):
    return {"indices": given["quantizer"].compute_codes(given["vectors"][: request.get("vectors")])}


def timed(work):
    def run(request):
        began = time.perf_counter()
        results = work(request)
        answer = {"milliseconds": 1e3 * (time.perf_counter() - began)}
        for name, value in results.items():
            if "out" in request:
                np.asarray(value).astype("<i4" if name == "indices" else "<f4").tofile(request["out"] + "/" + name)
        return answer

    return run


actions = {"load": load, "loadPq": load_pq, "nearest": timed(nearest), "step": timed(step), "encode": timed(encode)}
for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "quit":
        break
    try:
        answer = actions[request["do"]](request)
    except Exception as error:  # told to whoever asked
        answer = {"error": "%s: %s" % (type(error).__name__, str(error).strip().splitlines()[0][:300])}
    print(json.dumps(answer), flush=True)
