"""Product quantization as Python users have it, and the exact search that recall is counted against.

One JSON request a line on stdin: {"do": "load" | "train" | "recall" | "encode" | "quit", ...}; one JSON answer a line on stdout.
"""

import json
import sys
import time

import faiss
import numpy as np

base, queries, truth = None, None, None
quantizer = None


def load(request):
    global base, queries, truth
    faiss.omp_set_num_threads(request["threads"])
    base = np.load(request["base"]).astype("float32")
    queries = np.load(request["queries"]).astype("float32")
    truth = neighbours(base)
    return {"faiss": faiss.__version__, "shape": list(base.shape), "queries": len(queries), "variance": float(base.var(axis=0).sum())}


def neighbours(vectors):
    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors, dtype="float32"))
    return index.search(queries, 10)[1]


def quality(decoded):
    """Mean squared error, and the share of the 10 nearest that is among the 10 nearest of the decoded vectors."""
    found = neighbours(decoded)
    hits = [len(set(a) & set(b)) / 10 for a, b in zip(found, truth)]
    error = float(((decoded.astype("float64") - base) ** 2).sum(axis=1).mean())
    return {"distortion": error, "recall": float(np.mean(hits))}


def train(request):
    """faiss' PQ of 8 bits, with its 25 iterations on all vectors (its default takes 65,536 at most)."""
    global quantizer
    began = time.perf_counter()
    rotation = faiss.OPQMatrix(base.shape[1], request["groups"]) if request["contestant"] == "faiss OPQ" else None
    if rotation is not None:
        rotation.train(base)
    turned = base if rotation is None else rotation.apply(base)
    quantizer = faiss.ProductQuantizer(base.shape[1], request["groups"], 8)
    quantizer.train(turned)
    seconds = time.perf_counter() - began
    decoded = quantizer.decode(quantizer.compute_codes(turned))
    return {"seconds": seconds, **quality(decoded if rotation is None else rotation.reverse_transform(decoded))}


def recall(request):
    return quality(np.load(request["decoded"]))


def encode(request):
    """Seconds that the PQ trained last takes for the codes of `count` vectors, which repeat the base."""
    vectors = np.resize(base, (request["count"], base.shape[1]))
    began = time.perf_counter()
    quantizer.compute_codes(vectors)
    return {"seconds": time.perf_counter() - began}


for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "quit":
        break
    try:
        answer = {"load": load, "train": train, "recall": recall, "encode": encode}[request["do"]](request)
    except Exception as error:  # told to whoever asked
        answer = {"error": "%s: %s" % (type(error).__name__, str(error).strip().splitlines()[0][:300])}
    print(json.dumps(answer), flush=True)
