# ruff: noqa: E501  (one program a line reads best)
"""Random programs in the lab's Python, and plain torch that executes the same text in a fresh interpreter."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from typing import Any

UNARY = (
    "{a}.exp()", "{a}.tanh()", "torch.sigmoid({a})", "F.relu({a})", "{a} ** 2", "{a}.abs()", "-{a}", "torch.sin({a})", "{a}.cos()",
    "({a} ** 2 + 1).log()", "({a} * {a} + 0.5).sqrt()", "{a}.clamp(-0.5, 0.8)", "F.gelu({a})", "F.softplus({a})", "{a} / 3", "2 - {a}",
    "F.leaky_relu({a}, 0.1)", "{a}.clone()", "1 / ({a} * {a} + 1)", "F.elu({a})", "{a} * 1.5", "F.silu({a})", "torch.exp(-{a}.abs())",
    "{a}.detach() * {a}", "F.hardtanh({a})", "{a}.sign() * {a}", "torch.where({a} > 0, {a}, 0.2 * {a})", "F.logsigmoid({a})",
)  # fmt: skip
BINARY = (
    "{a} + {b}", "{a} - {b}", "{a} * {b}", "{a} / ({b} * {b} + 1)", "torch.maximum({a}, {b})", "torch.minimum({a}, {b})",
    "torch.where({a} > {b}, {a}, {b} * 2)", "{a} * {b} + {a}", "torch.lerp({a}, {b}, 0.3)", "torch.hypot({a}, {b} + 2)",
    "torch.stack([{a}, {b}]).sum(dim=0)", "torch.cat([{a}, {b}])[: {a}.shape[0]]",
)  # fmt: skip
MATRIX = (
    "{a} @ {a}.T @ {a}", "{a}.T.contiguous().T", "{a}.reshape(-1).view(2, 3)", "{a}.softmax(dim=1)", "F.log_softmax({a}, dim=1)",
    "{a} - {a}.mean(dim=0)", "{a} * {v}", "{a}[:, [2, 0, 1]]", "{a}.flip(0)", "{a}.cumsum(dim=1)", "F.layer_norm({a}, (3,))",
    "{a} @ torch.eye(3)", "F.linear({a}, {w}, {v})", "{a}.transpose(0, 1).reshape(2, 3)", "F.dropout({a}, 0.4)",
    "torch.einsum('ij,j->ij', {a}, {v})", "{a} + {a}.amax(dim=1, keepdim=True)", "{a}.masked_fill({a} > 0.7, 0.0)",
    "{a} / {a}.norm()", "{a}[:, :1] * {a}", "F.normalize({a}, dim=1)", "{a}.roll(1, 1)", "torch.outer({a}[:, 0], {v})", "{a}.std() * {a}",
)  # fmt: skip
LOSSES = (
    "{a}.sum()", "{a}.mean()", "({a} ** 2).mean()", "F.mse_loss({a}, torch.ones(2, 3))", "F.cross_entropy({a}, torch.tensor([0, 2]))",
    "F.smooth_l1_loss({a}, torch.zeros(2, 3))", "{a}.max()", "{a}.logsumexp(dim=1).sum()", "{a}.prod()", "F.binary_cross_entropy_with_logits({a}, torch.ones(2, 3))",
    "{a}.var()", "{a}.norm()", "F.huber_loss({a}, torch.ones(2, 3), delta=0.5)", "{a}.median()", "{a}.abs().sum() + {a}.min()",
)  # fmt: skip


def random_program(seed: int) -> str:
    """A program that builds a graph, changes tensors in place here and there, loops, branches and runs backward."""
    draw = random.Random(seed)
    lines = [
        "x0 = torch.randn(2, 3, requires_grad=True)",
        "x1 = torch.rand(2, 3, requires_grad=True)",
        "v = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)",
        "w = torch.randn(3, 3)",
    ]
    names = ["x0", "x1"]

    def operation() -> str:
        a, b = draw.choice(names), draw.choice(names)
        kind = draw.random()
        pool = UNARY if kind < 0.4 else BINARY if kind < 0.7 else MATRIX
        return draw.choice(pool).format(a=a, b=b, v="v", w="w")

    for index in range(draw.randint(3, 8)):
        kind = draw.random()
        name = f"y{index}"
        if kind < 0.62:
            lines.append(f"{name} = {operation()}")
        elif kind < 0.70:
            source = draw.choice(names)
            change = draw.choice(
                (
                    "{n} += 1",
                    "{n} *= 0.5",
                    "{n}.mul_(2)",
                    "{n}[0] = 0",
                    "{n}.add_(x0)",
                    "{n}[:, 1] *= 3",
                    "{n}.clamp_(-1, 1)",
                )
            )
            lines += [f"{name} = {source} * 2", change.format(n=name)]
        elif kind < 0.78:
            lines += [
                f"{name} = {draw.choice(names)}",
                f"for i in range({draw.randint(1, 3)}):",
                f"    {name} = {operation()} + {name}",
            ]
        elif kind < 0.86:
            lines += [
                f"if {draw.choice(names)}.sum() > 0:",
                f"    {name} = {operation()}",
                "else:",
                f"    {name} = {operation()}",
            ]
        elif kind < 0.90:
            lines += ["with torch.no_grad():", f"    {name} = {operation()}"]
        elif kind < 0.94:
            lines += [
                f"net{index} = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3))",
                f"{name} = net{index}({draw.choice(names)})",
            ]
        else:
            lines += [f"{name} = {operation()}", f"{name}.retain_grad()"]
        names.append(name)
    lines.append(f"loss = {draw.choice(LOSSES).format(a=names[-1])} + (x0 * x1).sum() * 0.1 + v.sum()")
    ending = draw.random()
    if ending < 0.5:
        lines.append("loss.backward()")
    elif ending < 0.6:
        lines += ["loss.backward(retain_graph=True)", "loss.backward()"]
    elif ending < 0.7:
        lines += ["(g,) = torch.autograd.grad(loss, x0, create_graph=True)", "(g ** 2).sum().backward()"]
    elif ending < 0.78:
        lines += [f"{names[-1]}.backward(gradient=torch.ones(2, 3), retain_graph=True)", "loss.backward()"]
    elif ending < 0.9:
        lines += [
            "loss.backward()",
            "with torch.no_grad():",
            "    for p in [x0, x1, v]:",
            "        p -= 0.1 * p.grad",
            "x0.grad.zero_()",
        ]
    else:
        lines += ["loss.backward()", "loss.backward()"]
    lines.append("print(loss.item(), x0.grad)")
    return "\n".join(lines) + "\n"


MAKERS = (
    "torch.optim.SGD({p}, lr=0.05)", "torch.optim.SGD({p}, lr=0.02, momentum=0.9)", "torch.optim.SGD({p}, 0.02, momentum=0.8, nesterov=True, weight_decay=0.01)",
    "torch.optim.Adam({p}, lr=0.03)", "torch.optim.Adam({p}, lr=0.01, betas=(0.8, 0.9), amsgrad=True)", "torch.optim.AdamW({p}, lr=0.02, weight_decay=0.1)",
    "torch.optim.RMSprop({p}, lr=0.01)", "torch.optim.RMSprop({p}, lr=0.01, momentum=0.5, centered=True)",
)  # fmt: skip
SCHEDULES = (
    "torch.optim.lr_scheduler.StepLR(opt, step_size=5, gamma=0.5)", "torch.optim.lr_scheduler.ExponentialLR(opt, gamma=0.97)",
    "torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=20)",
)  # fmt: skip
LAYERS = ("nn.Tanh()", "nn.ReLU()", "nn.Sigmoid()", "nn.Softplus()", "nn.LayerNorm(4)", "nn.Dropout(0.2)")


def training_program(seed: int) -> str:
    """A program as courses write it: a class, an optimizer, a schedule, a loop that folds, dicts and comprehensions."""
    draw = random.Random(seed)
    epochs = draw.choice((1, 3, 12, 13, 20, 40))
    lines = [
        "import torch",
        "from torch import nn",
        "x = torch.randn(6, 3)",
        "y = x.sum(dim=1, keepdim=True)",
        "def squared(a, b=y, *, scale=1.0):",
        "    return scale * ((a - b) ** 2).mean()",
    ]
    if draw.random() < 0.7:
        lines += [
            "class Net(nn.Module):",
            "    def __init__(self, width=4):",
            "        super().__init__()",
            "        self.first = nn.Linear(3, width)",
            f"        self.middle = {draw.choice(LAYERS)}",
            "        self.last = nn.Linear(width, 1)",
            "        self.calls = 0",
            draw.choice(("", "        self.bias = nn.Parameter(torch.zeros(1))")),
            "    def forward(self, x):",
            "        self.calls += 1",
            "        h = self.middle(self.first(x))",
            draw.choice(("        return self.last(h)", "        return self.last(h) + self.first.bias.sum()")),
            "net = Net()",
        ]
        parameters = "net.parameters()"
        if draw.random() < 0.2:
            parameters = "[{'params': net.first.parameters(), 'lr': 0.001}, {'params': net.last.parameters()}]"
    else:
        lines += ["w = torch.randn(3, 1, requires_grad=True)", "b = torch.zeros(1, requires_grad=True)"]
        lines += ["net = lambda v: v @ w + b"]
        parameters = "[w, b]"
    has_schedule = draw.random() < 0.4
    lines += [
        f"opt = {draw.choice(MAKERS).format(p=parameters)}",
        *([f"schedule = {draw.choice(SCHEDULES)}"] if has_schedule else []),
        "seen = {'loss': [], 'rate': []}",
        "best = None",
        f"for epoch in range({epochs}):",
        "    opt.zero_grad()",
        draw.choice(
            ("    loss = squared(net(x))", "    loss = F.mse_loss(net(x), y)", "    loss = squared(net(x), scale=0.5)")
        ),
        draw.choice(("    loss.backward()", "    if epoch % 2 == 0 or loss > 0.1:\n        loss.backward()")),
        "    opt.step()",
        *(["    schedule.step()"] if has_schedule else []),
        "    seen['loss'].append(loss.item())",
        "    seen['rate'].append(opt.param_groups[0]['lr'])",
        draw.choice(
            ("", "    for k, batch in enumerate(x.split(2)):\n        seen[k] = seen.get(k, 0) + batch.sum().item()")
        ),
        draw.choice(
            ("", "    if best is None or loss.item() < best:\n        best = loss.item()\n    else:\n        break")
        ),
        draw.choice(
            (
                "",
                "    if epoch % 10 == 0:\n        print(f'{epoch}: {loss.item():.4f}')",
                "    print(epoch, loss.item())",
            )
        ),
        draw.choice(("", "left = 30\nwhile left > 0:\n    left -= 1\n    x = x * 0.99")),
        "names = {name: len(values) for name, values in seen.items() if isinstance(values, list)}",
        "small = [round(value, 3) for value in seen['loss'] if value < 1.0][:3]",
        "pairs = [(a, b) for a, b in zip(seen['loss'], seen['rate'])][-1]",
        "print(names, small, pairs, sorted(seen['loss'])[0])",
    ]
    if draw.random() < 0.5:
        lines += [
            "try:",
            draw.choice(("    x @ x", "    seen['none']", "    1 / 0")),
            "except Exception as error:",
            "    print(type(error).__name__)",
        ]
    lines += ["last = seen['loss'][-1]", "loss = squared(net(x))", "loss.backward()", "print(loss)"]
    return "\n".join(line for line in lines if line) + "\n"


_ORACLE = """
import io, json, math, sys, warnings
from contextlib import redirect_stdout
import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
warnings.simplefilter("ignore")

def encode(tensor):
    tensor = tensor.detach()
    return [str(tensor.dtype), list(tensor.shape), tensor.contiguous().numpy().tobytes().hex()]

def names(node):
    found, seen, stack = [], set(), [node]
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        found.append(node.name().replace("torch::autograd::", ""))
        stack.extend(following for following, _ in node.next_functions)
    return sorted(found)

def maker(value):
    try:
        return value.grad_fn
    except RuntimeError:  # a stale view does not tell
        return None

results = []
for source, seed in json.load(sys.stdin):
    torch.manual_seed(seed)
    scope = {"torch": torch, "nn": nn, "F": F, "math": math}
    error, printed = None, io.StringIO()
    try:
        with redirect_stdout(printed):
            exec(source, scope)
    except Exception as failure:
        error = str(failure)
    tensors = {}
    for name, value in scope.items():
        if isinstance(value, torch.Tensor):
            tensors[name] = value
        elif isinstance(value, nn.Module) and name not in ("nn",):
            tensors.update({f"{name}.{path}": inner for path, inner in [*value.named_parameters(), *value.named_buffers()]})
    results.append({
        "error": error,
        "printed": printed.getvalue(),
        "variables": {name: encode(value) for name, value in tensors.items()},
        "grads": {name: encode(value.grad) for name, value in tensors.items() if value.grad is not None},
        "plain": {name: repr(value) for name, value in scope.items() if isinstance(value, (bool, int, float, str)) and name != "__name__"},
        "graph": {name: names(maker(value)) for name, value in tensors.items() if maker(value) is not None},
    })
json.dump(results, sys.stdout)
"""


def run_plain_torch(programs: list[tuple[str, int]]) -> list[dict[str, Any]]:
    """Executes programs with Python's own exec in one fresh interpreter and returns what they left behind."""
    done = subprocess.run(
        [sys.executable, "-c", _ORACLE], input=json.dumps(programs), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)
