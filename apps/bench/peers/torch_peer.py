"""PyTorch's forms of the frozen-encoder step and of the forward pass, timed one call at a time.

One JSON request a line on stdin: {"do": "load" | "check" | "time" | "quit", ...}; one JSON answer a line on stdout.
Formulas: L_q = sum_n a_n sum_k q_nk d_nk and its closed-form gradient, arXiv 2604.03850.
"""

import json
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

state = {}


def load(request):
    torch.set_num_threads(request["threads"])
    n, m, k = request["shape"]
    read = lambda name, *shape: torch.from_numpy(np.fromfile(request["folder"] + "/" + name, dtype="<f4").reshape(shape).copy())
    state.clear()
    state.update(z=read("tokens", n, m), a=read("weights", n), p0=read("prototypes", k, m), T=float(request["temperature"]), n=n)
    state["forms"] = {}
    answer = {"torch": torch.__version__, "threads": torch.get_num_threads(), "left_out": {}}
    for name, make in forms.items():
        if name in request["skip"]:
            continue
        try:
            run = make()
            run()
            state["forms"][name] = make() if not name.startswith("compile") else run
        except Exception as error:  # what does not work here is named in the table
            answer["left_out"][name] = str(error).strip().splitlines()[0][:200]
    answer["forms"] = list(state["forms"])
    return answer


def loss_by_products(z, a, p, T):
    """GEMM form, for autograd."""
    d = (z * z).sum(1, keepdim=True) - 2 * z @ p.T + (p * p).sum(1)
    q = torch.softmax(-d / T, dim=1)
    return (a * (q * d).sum(1)).sum()


def loss_by_cdist(z, a, p, T):
    d = torch.cdist(z, p).square()
    q = torch.softmax(-d / T, dim=1)
    return (a * (q * d).sum(1)).sum()


def closed_form(z, a, p, T):
    """Loss and gradient in two matrix products, as little memory traffic as eager mode allows."""
    logits = torch.addmm((p * p).sum(1) / -T, z, p.T, alpha=2 / T)
    q = torch.softmax(logits, dim=1)
    s = (q * logits).sum(1)
    loss = torch.dot(a, (z * z).sum(1) - T * s)
    w = logits.add_((1 - s).unsqueeze(1)).mul_(q).mul_(a.unsqueeze(1))
    return loss, 2 * (w.sum(0).unsqueeze(1) * p - w.T @ z)


def with_adam(work):
    """A step as a function; `work` gives the loss and leaves the mean gradient in p.grad."""

    def make():
        p = state["p0"].clone().requires_grad_(True)
        try:
            optimizer = torch.optim.Adam([p], lr=1e-3, fused=True)
        except Exception:
            optimizer = torch.optim.Adam([p], lr=1e-3)

        def run():
            optimizer.zero_grad(set_to_none=True)
            loss = work(p)
            optimizer.step()
            return {"lq": loss.detach(), "mean": optimizer.state[p]["exp_avg"]}

        return run

    return make


def autograd(loss):
    def work(p):
        value = loss(state["z"], state["a"], p, state["T"])
        (value / state["n"]).backward()
        return value.detach()

    return with_adam(work)


def by_hand(function):
    def work(p):
        with torch.no_grad():
            value, gradient = function(state["z"], state["a"], p, state["T"])
            p.grad = gradient / state["n"]
        return value

    return with_adam(work)


def quantities(z, a, y, e):
    zz, yy = (z * z).sum(1), (y * y).sum(1)
    lq = zz - 2 * (z * y).sum(1) + e
    return {"y": y, "lq": torch.dot(a, lq), "lols": torch.dot(a, (z - y).square().sum(1)), "v": torch.dot(a, e - yy)}


def forward_sdpa():
    z, a, p, T = state["z"], state["a"], state["p0"], state["T"]
    n, m = z.shape
    width = -(-(m + 1) // 16) * 16

    @torch.no_grad()
    def run():
        squares = (p * p).sum(1, keepdim=True)
        query = F.pad(torch.cat([z, torch.ones(n, 1)], 1), (0, width - m - 1))
        key = F.pad(torch.cat([p, -squares / 2], 1), (0, width - m - 1))
        value = F.pad(torch.cat([p, squares], 1), (0, width - m - 1))
        out = F.scaled_dot_product_attention(query[None, None], key[None, None], value[None, None], scale=2 / T)[0, 0]
        return quantities(z, a, out[:, :m], out[:, m])

    return run


def forward_eager():
    z, a, p, T = state["z"], state["a"], state["p0"], state["T"]

    @torch.no_grad()
    def run():
        squares = (p * p).sum(1)
        q = torch.softmax(torch.addmm(squares / -T, z, p.T, alpha=2 / T), dim=1)
        return quantities(z, a, q @ p, q @ squares)

    return run


def compiled():
    return by_hand(torch.compile(closed_form_plain))()


def closed_form_plain(z, a, p, T):
    logits = (2 * z @ p.T - (p * p).sum(1)) / T
    q = torch.softmax(logits, dim=1)
    s = (q * logits).sum(1)
    w = q * (logits + (1 - s).unsqueeze(1)) * a.unsqueeze(1)
    return (a * ((z * z).sum(1) - T * s)).sum(), 2 * (w.sum(0).unsqueeze(1) * p - w.T @ z)


forms = {
    "step: products, autograd": autograd(loss_by_products),
    "step: products, closed form": by_hand(closed_form),
    "step: cdist, autograd": autograd(loss_by_cdist),
    "compile: products, closed form": compiled,
    "forward: SDPA": forward_sdpa,
    "forward: products": forward_eager,
}


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
    run = state["forms"][request["form"]]
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
