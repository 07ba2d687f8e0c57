"""PyTorch's forms of torch_forms.py, timed one call at a time.

One JSON request a line on stdin: {"do": "load" | "check" | "time" | "quit", ...}; one JSON answer a line on stdout.
"""

import json
import sys
import time

import numpy as np
import torch

from torch_forms import forms, keep

# The forms that work here, warmed up.
running = {}


def load(request):
    torch.set_num_threads(request["threads"])
    n, m, k = request["shape"]
    read = lambda name, *shape: torch.from_numpy(np.fromfile(request["folder"] + "/" + name, dtype="<f4").reshape(shape).copy())
    keep(read("tokens", n, m), read("weights", n), read("prototypes", k, m), float(request["temperature"]))
    running.clear()
    answer = {"torch": torch.__version__, "threads": torch.get_num_threads(), "left_out": {}}
    for name, make in forms.items():
        if name in request["skip"]:
            continue
        try:
            run = make()
            run()
            running[name] = make() if not name.startswith("compile") else run
        except Exception as error:  # what does not work here is named in the table
            answer["left_out"][name] = str(error).strip().splitlines()[0][:200]
    answer["forms"] = list(running)
    return answer


def check(request):
    """Results of the first call, as files and numbers."""
    make = forms[request["form"]]
    results = make()()
    answer = {}
    for name, value in results.items():
        if value.dim() == 0:
            answer[name] = float(value)
        else:
            path = "%s/%s" % (request["folder"], "result")
            value.contiguous().numpy().astype("<f4").tofile(path)
            answer[name] = {"file": path}
    return answer


def time_once(request):
    run = running[request["form"]]
    began = time.perf_counter()
    run()
    return {"milliseconds": 1e3 * (time.perf_counter() - began)}


actions = {"load": load, "check": check, "time": time_once}
for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "quit":
        break
    try:
        answer = actions[request["do"]](request)
    except Exception as error:
        answer = {"error": "%s: %s" % (type(error).__name__, error)}
    print(json.dumps(answer), flush=True)
