"""PyTorch's forms of the frozen-encoder step and of the forward pass.

Formulas: L_q = sum_n a_n sum_k q_nk d_nk and its closed-form gradient, arXiv 2604.03850.
"""

import torch
import torch.nn.functional as F

# What the forms work on: z, a, p0, T, n, squares, weighted.
state = {}


def keep(z, a, p0, T):
    state.clear()
    # The tokens stay where they are, so a careful user keeps |z|^2 and a z from step to step.
    state.update(z=z, a=a, p0=p0, T=T, n=len(z), squares=row_dots(z, z), weighted=a.unsqueeze(1) * z)


def row_dots(x, y):
    """Sums over rows of x * y without that product in memory: several times faster than (x * y).sum(1)."""
    return torch.einsum("nm,nm->n", x, y)


def loss_by_products(z, a, p, T):
    """GEMM form, for autograd."""
    d = (z * z).sum(1, keepdim=True) - 2 * z @ p.T + (p * p).sum(1)
    q = torch.softmax(-d / T, dim=1)
    return (a * (q * d).sum(1)).sum()


def loss_by_logits(z, a, p, T):
    """The fewest N x K arrays that autograd can do with, |z|^2 kept."""
    logits = torch.addmm((p * p).sum(1) / -T, z, p.T, alpha=2 / T)
    return torch.dot(a, state["squares"] - T * row_dots(torch.softmax(logits, dim=1), logits))


def loss_by_cdist(z, a, p, T):
    d = torch.cdist(z, p).square()
    q = torch.softmax(-d / T, dim=1)
    return (a * (q * d).sum(1)).sum()


def closed_form(z, a, p, T):
    """Loss and gradient in two matrix products, as little memory traffic as eager mode allows."""
    logits = torch.addmm((p * p).sum(1) / -T, z, p.T, alpha=2 / T)
    q = torch.softmax(logits, dim=1)
    s = row_dots(q, logits)
    loss = torch.dot(a, row_dots(z, z) - T * s)
    w = logits.add_((1 - s).unsqueeze(1)).mul_(q).mul_(a.unsqueeze(1))
    return loss, 2 * (w.sum(0).unsqueeze(1) * p - w.T @ z)


def closed_form_kept(z, a, p, T):
    """The same with |z|^2 and a z kept."""
    logits = torch.addmm((p * p).sum(1) / -T, z, p.T, alpha=2 / T)
    q = torch.softmax(logits, dim=1)
    s = row_dots(q, logits)
    w = logits.add_((1 - s).unsqueeze(1)).mul_(q)
    return torch.dot(a, state["squares"] - T * s), 2 * ((w.T @ a).unsqueeze(1) * p - w.T @ state["weighted"])


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
    """L_q, L_OLS and V from [y, e], arXiv 2604.03850."""
    zz, yy, zy = row_dots(z, z), row_dots(y, y), row_dots(z, y)
    return {"y": y, "lq": torch.dot(a, zz - 2 * zy + e), "lols": torch.dot(a, zz - 2 * zy + yy), "v": torch.dot(a, e - yy)}


def augmented(x, column, width):
    """[x, column, 0...] in one copy."""
    n, m = x.shape
    return torch.cat([x, column.view(n, 1), x.new_zeros(n, width - m - 1)], 1)


def forward_sdpa(beforehand=False):
    z, a, p, T = state["z"], state["a"], state["p0"], state["T"]
    n, m = z.shape
    width = -(-(m + 1) // 16) * 16
    kept = augmented(z, z.new_ones(n), width) if beforehand else None

    @torch.no_grad()
    def run():
        squares = (p * p).sum(1)
        query = augmented(z, z.new_ones(n), width) if kept is None else kept
        key, value = augmented(p, squares / -2, width), augmented(p, squares, width)
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


def forward_sdpa_beforehand():
    return forward_sdpa(beforehand=True)


def compiled():
    return by_hand(torch.compile(closed_form_plain))()


def compiled_autograd():
    return autograd(torch.compile(loss_by_products))()


def closed_form_plain(z, a, p, T):
    logits = (2 * z @ p.T - (p * p).sum(1)) / T
    q = torch.softmax(logits, dim=1)
    s = (q * logits).sum(1)
    w = q * (logits + (1 - s).unsqueeze(1)) * a.unsqueeze(1)
    return (a * ((z * z).sum(1) - T * s)).sum(), 2 * (w.sum(0).unsqueeze(1) * p - w.T @ z)


forms = {
    "step: products, autograd": autograd(loss_by_products),
    "step: logits, squares of z kept, autograd": autograd(loss_by_logits),
    "step: products, closed form": by_hand(closed_form),
    "step: products, squares of z kept, closed form": by_hand(closed_form_kept),
    "step: cdist, autograd": autograd(loss_by_cdist),
    "compile: products, autograd": compiled_autograd,
    "compile: products, closed form": compiled,
    "forward: SDPA": forward_sdpa,
    "forward: SDPA, query made beforehand": forward_sdpa_beforehand,
    "forward: products": forward_eager,
}
