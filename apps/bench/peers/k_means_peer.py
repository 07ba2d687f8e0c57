"""k-means as Python users have it, one fit at a time.

One JSON request a line on stdin: {"do": "load" | "fit" | "quit", ...}; one JSON answer a line on stdout.
"""

import json
import sys
import time

import faiss
import numpy as np
import sklearn
from sklearn.cluster import KMeans, MiniBatchKMeans

tokens = None


def load(request):
    global tokens
    faiss.omp_set_num_threads(request["threads"])
    # Whoever cares for digits takes the mean off first; all contestants get the same numbers.
    tokens = np.load(request["file"]).astype("float32")
    tokens -= tokens.mean(axis=0, dtype="float64").astype("float32")
    variance = float(sum((part.astype("float64") ** 2).sum() for part in np.array_split(tokens, 64)) / len(tokens))
    return {"faiss": faiss.__version__, "sklearn": sklearn.__version__, "shape": list(tokens.shape), "variance": variance}


def hard_error(centroids):
    """Mean squared distance to the nearest centroid, and how many are nearest to some token."""
    index = faiss.IndexFlatL2(tokens.shape[1])
    index.add(np.ascontiguousarray(centroids, dtype="float32"))
    total, used = 0.0, set()
    for part in np.array_split(tokens, max(1, len(tokens) // 65536)):
        distances, codes = index.search(part, 1)
        total += float(distances.astype("float64").sum())
        used.update(np.unique(codes).tolist())
    return total / len(tokens), len(used)


def fit(request):
    count, seed, name = request["prototypes"], request["seed"], request["contestant"]
    began = time.perf_counter()
    if name.startswith("faiss"):
        # Its default looks at 256 tokens per centroid, and no more.
        most = {} if name == "faiss sampled" else {"max_points_per_centroid": len(tokens)}
        clustering = faiss.Kmeans(tokens.shape[1], count, niter=25, seed=seed + 1, **most)
        clustering.train(tokens)
        centroids = clustering.centroids
    elif name == "sklearn":
        centroids = KMeans(count, n_init=1, random_state=seed).fit(tokens).cluster_centers_
    else:
        centroids = MiniBatchKMeans(count, n_init=1, random_state=seed).fit(tokens).cluster_centers_
    seconds = time.perf_counter() - began
    hard, used = hard_error(centroids)
    return {"seconds": seconds, "hard": hard, "used": used}


for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "quit":
        break
    try:
        answer = {"load": load, "fit": fit}[request["do"]](request)
    except Exception as error:  # told to whoever asked
        answer = {"error": "%s: %s" % (type(error).__name__, str(error).strip().splitlines()[0][:300])}
    print(json.dumps(answer), flush=True)
