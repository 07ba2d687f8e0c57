"""Topics of BERTopic, for `experiments hierarchies --peers`.

usage: topics_peer.py VECTORS.npy TEXT.jsonl OUT.jsonl [SEEDS]

Needs bertopic (which brings umap-learn, hdbscan and scikit-learn). VECTORS has a row per line of TEXT, so that no
encoder is asked for. A line of OUT is a fit: {"method", "seed", "topics": one per document, -1 for none, "cpuSeconds"}.
Each seed's first method is fitted again on shuffled documents: "shuffled" has these topics in the first order.
"""

import json
import sys
import time

import numpy as np
from bertopic import BERTopic
from hdbscan import HDBSCAN
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import CountVectorizer
from umap import UMAP


def model(method, seed):
    # UMAP as BERTopic has it by default, but for the seed.
    umap = UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=seed, low_memory=False)
    words = CountVectorizer(stop_words="english", min_df=5, token_pattern=r"(?u)\b[a-zA-Z]{3,}\b")
    kept = {"umap_model": umap, "vectorizer_model": words, "embedding_model": None}
    if method == "BERTopic, UMAP and k-means of 20":
        return BERTopic(hdbscan_model=KMeans(20, n_init=10, random_state=seed), **kept)
    hdbscan = HDBSCAN(min_cluster_size=10, metric="euclidean", cluster_selection_method="eom", prediction_data=True)
    # One topic more than wanted: it counts the documents of none as one.
    return BERTopic(hdbscan_model=hdbscan, nr_topics=21, **kept)


def main(vectors, text, out, seeds=5):
    rows = np.load(vectors).astype(np.float32)
    with open(text) as lines:
        texts = [json.loads(line)["text"] for line in lines]
    order = np.random.default_rng(0).permutation(len(texts))
    # Numba compiles at the first fit, which is not what is measured.
    model("BERTopic, UMAP and k-means of 20", 0).fit_transform(texts, rows)
    with open(out, "w") as found:
        for method in ["BERTopic, UMAP and k-means of 20", "BERTopic, nr_topics"]:
            for seed in range(seeds):
                began = time.process_time()
                topics, _ = model(method, seed).fit_transform(texts, rows)
                run = {"method": method, "seed": seed, "topics": [int(topic) for topic in topics]}
                run["cpuSeconds"] = time.process_time() - began
                if seed == 0:
                    again, _ = model(method, seed).fit_transform([texts[i] for i in order], rows[order])
                    back = np.empty(len(texts), int)
                    back[order] = again
                    run["shuffled"] = back.tolist()
                print(method, seed, len(set(topics)), round(run["cpuSeconds"], 1), file=sys.stderr)
                found.write(json.dumps(run) + "\n")
                found.flush()


if __name__ == "__main__":
    main(*sys.argv[1:4], *(int(seeds) for seeds in sys.argv[4:]))
