# ruff: noqa: E501  (tables of words read best in long lines)
"""Programs from a grammar over the whole vocabulary, with extreme arguments, in workers; valid ones beside plain torch.

``FUZZ_HOSTILE`` and ``FUZZ_VALID`` say how many, ``FUZZ_SEED`` where to begin. What fails prints its program.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.vizcore.autograd_programs import MAKERS, SCHEDULES, random_program, run_plain_torch, training_program
from vizcore.autograd import run_in_worker, vocabulary
from vizcore.autograd.worker import TASK
from vizcore.sandbox import Sandbox

NUM_HOSTILE = int(os.environ.get("FUZZ_HOSTILE", "10000"))
NUM_VALID = int(os.environ.get("FUZZ_VALID", "5000"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
MOST_SECONDS = 1.5
MOST_MEMORY = 2**30
BATCH = 100

HEAD = """\
x = torch.ones(3, requires_grad=True)
y = x * 2
m = torch.rand(3, 3, requires_grad=True)
i = torch.tensor([0, 2])
k = torch.tensor([-2**63, 2**63 - 1])
b = torch.tensor([True, False, True])
c = torch.rand(1, 2, 4, 4)
e = torch.zeros(0, 3)
s = torch.tensor(7)
a = [x, 1, [y, 2.0]]
n = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))
"""
CLASSES = """\
import numpy as np
import matplotlib.pyplot as plt
class Net(nn.Module):
    def __init__(self, width=3):
        super().__init__()
        self.fc = nn.Linear(3, width)
        self.seen = {}
    def forward(self, v):
        return self.fc(v) * 2
class Plain:
    size = 3
    def __init__(self, v=1):
        self.v = v
    def __len__(self):
        return self.v
    def __getitem__(self, at):
        return self.v
    def __call__(self, v):
        return v
net = Net()
p = Plain()
f = lambda v, w=2: v * w
d = {'a': x, 1: [y], 'n': net}
q = np.linspace(0, 1, 5)
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
schedule = torch.optim.lr_scheduler.StepLR(opt, 2)
"""
OBJECTS = (
    "net",
    "p",
    "f",
    "d",
    "q",
    "opt",
    "schedule",
    "Net",
    "Plain",
    "np.random",
    "plt",
    "opt.param_groups",
    "net.fc",
    "super()",
    "self",
    "torch.optim.Adam",
)
WORDS_OF = (
    "fc", "fc.weight", "fc.weight.data", "seen", "forward", "parameters()", "named_parameters()", "state_dict()", "load_state_dict", "train()", "eval()", "zero_grad", "step", "state",
    "param_groups", "param_groups[0]", "param_groups[0]['lr']", "get_last_lr()", "get", "items()", "keys()", "values()", "pop", "update", "setdefault", "v", "size", "__len__", "__class__", "__dict__",
    "add_param_group", "defaults", "last_epoch", "register_buffer", "register_hook", "requires_grad_", "apply", "to", "plot", "randn", "reshape", "mean", "T", "copy", "tolist", "children()", "modules()",
)  # fmt: skip
NAMES = ("x", "y", "m", "i", "k", "b", "c", "e", "s", "a", "n")
NUMBERS = (
    "0", "1", "2", "3", "-1", "-2", "0.5", "64", "4096", "5000", "10**5", "10**9", "-10**9", "2**31", "-2**31", "2**62", "2**63 - 1", "-2**63", "1e9", "1e300",
    "float('nan')", "float('inf')", "True", "None", "'a'", "'%9d'", "''",
)  # fmt: skip
SEQUENCES = (
    "[]", "()", "[0]", "[[0]] * 300", "[0] * 4000", "[x] * 300", "(x,) * 4", "range(3)", "range(10**9)", "range(2**63)", "[1, -1]", "(0, 2**62)", "[a] * 9",
    "(3, 0)", "[[[0]]]", "a", "list(x)", "[n] * 3", "torch.float64", "...", "slice_", "x.shape",
)  # fmt: skip
TENSORS = (
    "x[0]", "m.T", "m[None]", "torch.ones(64, 64)", "torch.ones(4096)", "torch.tensor(10**9)", "torch.zeros(4096, 0)", "torch.zeros(0)", "x.detach()", "m @ m",
    "torch.tensor(-128, dtype=torch.int8)", "torch.ones(2, dtype=torch.bfloat16)", "torch.ones(2, dtype=torch.float16)", "torch.tensor([2**31 - 1], dtype=torch.int32)",
    "torch.full((2,), float('nan'))", "x.expand(4, 3)", "c[0]", "torch.ones(1, 1, 1, 1, 1, 1, 1, 1)", "y.grad_fn", "x.sgn()",
)  # fmt: skip
FUNCTIONS = sorted(
    f"{space.path}.{name}"
    for space in (
        vocabulary.TORCH,
        vocabulary.FUNCTIONAL,
        vocabulary.TORCH.words["linalg"],
        vocabulary.TORCH.words["autograd"],
        vocabulary.NN.words["init"],
        vocabulary.MATH,
    )
    for name, word in space.words.items()
    if isinstance(word, vocabulary.Word)
) + sorted(vocabulary.PYTHON_FUNCTIONS)
MODULES = sorted(name for name, word in vocabulary.NN.words.items() if isinstance(word, vocabulary.Word))
METHODS = sorted(vocabulary.TENSOR_METHODS | vocabulary.TENSOR_ATTRIBUTES)
MODULE_WORDS = sorted(vocabulary.MODULE_METHODS | vocabulary.MODULE_ATTRIBUTES)
KEYWORDS = (
    "dim", "keepdim", "dtype", "size", "rounding_mode", "n", "diagonal", "offset", "requires_grad", "create_graph", "retain_graph", "allow_unused", "key", "default",
    "start", "ndigits", "padding", "stride", "groups", "scale_factor", "mode", "reduction", "weight", "p", "full_matrices", "descending", "other", "input", "chunks",
)  # fmt: skip
WORDS = (
    "'trunc'",
    "'floor'",
    "'mean'",
    "'none'",
    "'nearest'",
    "'bicubic'",
    "'reflect'",
    "'complete'",
    "'meta'",
    "'nuc'",
)


class Grammar:
    """Draws programs; one seed gives one program."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)

    def value(self, depth: int) -> str:
        """An expression."""
        kind = self.draw.random()
        if depth <= 0 or kind < 0.15:
            return self.draw.choice(self.draw.choice((NAMES, NUMBERS, SEQUENCES, TENSORS)))
        if kind < 0.45:
            return f"{self.draw.choice(FUNCTIONS)}({self.arguments(depth)})"
        if kind < 0.70:
            owner = self.draw.choice((*NAMES, *TENSORS))
            word = self.draw.choice(METHODS)
            return (
                f"{owner}.{word}({self.arguments(depth)})" if word in vocabulary.TENSOR_METHODS else f"{owner}.{word}"
            )
        if kind < 0.78:
            return f"nn.{self.draw.choice(MODULES)}({self.arguments(depth)})({self.value(depth - 1)})"
        if kind < 0.81:
            return f"n.{self.draw.choice(MODULE_WORDS)}({self.arguments(depth)})"
        if kind < 0.90:
            sign = self.draw.choice(("+", "-", "*", "/", "@", "**", "//", "%", "<", "==", "in", "<<", "&", "and", "is"))
            return f"({self.value(depth - 1)} {sign} {self.value(depth - 1)})"
        if kind < 0.94:
            return f"({self.value(depth - 1)})[{self.value(depth - 1)}]"
        if kind < 0.97:
            return f"[{self.value(depth - 1)} for j in {self.value(depth - 1)}]"
        return f"f'{{{self.draw.choice(NAMES)}!r:>9}}'"

    def arguments(self, depth: int) -> str:
        """What stands between the brackets of a call."""
        given = [self.value(depth - 1) for _ in range(self.draw.choice((0, 1, 1, 2, 2, 3, 4)))]
        for word in self.draw.sample(KEYWORDS, self.draw.choice((0, 0, 0, 1, 2))):
            given.append(f"{word}={self.draw.choice(WORDS) if self.draw.random() < 0.4 else self.value(depth - 1)}")
        return ", ".join(given)

    def statement(self) -> str:
        """A line, or a block of one line."""
        value = self.value(2).replace("slice_", "x[::2]")
        name = self.draw.choice(NAMES)
        forms = (
            f"{name} = {value}", f"{name} {self.draw.choice('+-*/@%')}= {value}", f"for j in range(7):\n    {name} = {value}", f"for j in {value}:\n    y = y + 1",
            f"while {value}:\n    y = y + 1", f"with torch.no_grad():\n    {name} = {value}", f"({value}).sum().backward(create_graph=True)", f"print({value})",
            f"a.append({value})", f"{name}[{self.value(1).replace('slice_', '0')}] = {value}", f"x.grad = {value}", f"{name}, y = {value}",
        )  # fmt: skip
        return self.draw.choice((*forms[:1], *forms[:1], *forms))


class Language(Grammar):
    """Draws programs with classes, optimizers, dicts, comprehensions and loops that fold, and puts extremes into them."""

    def value(self, depth: int) -> str:
        """An expression."""
        kind = self.draw.random()
        if depth <= 0:
            return self.draw.choice(OBJECTS) if kind < 0.3 else super().value(depth)
        if kind < 0.20:
            word = f"{self.draw.choice(OBJECTS)}.{self.draw.choice(WORDS_OF)}"
            return word if word.endswith((")", "]")) or kind < 0.1 else f"{word}({self.arguments(depth)})"
        if kind < 0.30:
            return f"{self.draw.choice(OBJECTS)}({self.arguments(depth)})"
        if kind < 0.36:
            return f"{{{self.value(depth - 1)}: {self.value(depth - 1)}, 'b': {self.value(0)}}}"
        if kind < 0.42:
            return f"{{k: {self.value(depth - 1)} for k in {self.value(depth - 1)} if {self.value(0)}}}"
        if kind < 0.47:
            return f"[(k, v) for k, v in {self.draw.choice(('zip', 'enumerate'))}({self.value(depth - 1)})]"
        if kind < 0.52:
            return f"(lambda a, *b, c=1, **e: {self.value(depth - 1)})({self.arguments(depth)})"
        if kind < 0.56:
            maker = self.draw.choice(MAKERS).format(p=self.value(depth - 1))
            return maker.replace("0.9", self.value(0)).replace("0.01", self.draw.choice(NUMBERS))
        if kind < 0.59:
            return (
                self.draw.choice(SCHEDULES)
                .replace("opt", self.value(depth - 1))
                .replace("5", self.draw.choice(NUMBERS))
            )
        if kind < 0.64:
            return f"np.{self.draw.choice(('array', 'zeros', 'linspace', 'arange', 'random.randn', 'dot', 'exp'))}({self.arguments(depth)})"
        if kind < 0.67:
            return f"{self.draw.choice(('%d', '%9.3f', '{:>5}', '{a}', '%s %s'))!r} {self.draw.choice('%+')} {self.value(depth - 1)}"
        if kind < 0.70:
            return f"'{{:{self.draw.choice(('>9', '.3f', '099', 'x', '%'))}}}'.format({self.value(depth - 1)})"
        if kind < 0.74:
            return f"sorted({self.value(depth - 1)}, key=lambda v: {self.value(depth - 1)})"
        return super().value(depth)

    def statement(self) -> str:
        """A line, a block or a definition."""
        one, two = self.value(2), self.value(1)
        name = self.draw.choice((*NAMES, "d", "opt", "net"))
        body = super().statement().replace("\n", "\n    ")
        forms = (
            f"for j in range({self.draw.choice((13, 60, 300))}):\n    {body}\n    z = j * 0.5", f"k = 0\nwhile k < {self.draw.choice((5, 40, 1000))}:\n    k += 1\n    {body}",
            f"def g(v, n=3):\n    {body}\n    return {one} if n < 1 else g(v, n - 1)\n{name} = g({two})", f"class C(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.w = {one}\n    def forward(self, v):\n        return {two}\n{name} = C()(x)",
            f"class D(Plain):\n    def __add__(self, o):\n        return {one}\n    __radd__ = __add__\n{name} = D() + {two}", f"d[{two}] = {one}", f"net.{self.draw.choice(('fc', 'seen', 'w', 'weight', 'training', '_modules'))} = {one}",
            f"try:\n    {body}\nexcept {self.draw.choice(('Exception', 'ValueError', '(KeyError, RuntimeError)'))} as e:\n    print(e)\nfinally:\n    z = {two}",
            f"opt.zero_grad()\nnet({two}).sum().backward()\nopt.step()\nschedule.step()", f"opt.param_groups[0]['lr'] = {one}", f"net.fc.weight.register_hook(lambda g: {two})\nnet(x).sum().backward()",
            f"plt.plot({one}, {two})\nplt.title({two})\nplt.show()", f"del {name}", f"{name}, *rest = {one}", f"global_ = [{name}]\nglobal_[0] = global_", f"assert {two}, {one}", f"with torch.enable_grad():\n    {body}",
            f"for j in range(50):\n    opt.zero_grad()\n    loss = net(x).sum() * {two}\n    loss.backward()\n    opt.step()\n    print(loss)",
        )  # fmt: skip
        return self.draw.choice((*forms, f"{name} = {one}", f"print({one})", super().statement()))


def language_program(seed: int) -> str:
    """A hostile program over the whole language."""
    language = Language(seed)
    return HEAD + CLASSES + "\n".join(language.statement() for _ in range(language.draw.randint(1, 5))) + "\n"


def hostile_program(seed: int) -> str:
    """A program that does what nobody would."""
    grammar = Grammar(seed)
    return HEAD + "\n".join(grammar.statement() for _ in range(grammar.draw.randint(1, 5))) + "\n"


@pytest.fixture(scope="module")
def place() -> Iterator[Sandbox]:
    sandbox = Sandbox([TASK], most_at_once=os.cpu_count() or 1)
    sandbox.run(TASK, b'{"source": "", "seed": 0}')
    yield sandbox
    sandbox.close()


def server_memory() -> int:
    """Resident bytes of this process."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("make", [hostile_program, language_program])
def test_hostile_programs(place: Sandbox, make: Callable[[int], str]) -> None:
    """No process dies, nothing escapes, nothing takes long; prints what happened and the slowest."""
    found: Counter[str] = Counter()
    faults: list[str] = []
    slowest: list[tuple[float, str]] = []
    lock = threading.Lock()

    def attack(seed: int) -> None:
        source = make(seed)
        start = time.monotonic()
        run = run_in_worker(source, wall_s=30, place=place)
        took = time.monotonic() - start
        with lock:
            found[run.stopped or ("right" if run.error is None else run.error.kind)] += 1
            if run.stopped in ("ended", "wall") or "could not record" in str(run.error):
                faults.append(f"seed {seed}: {run.stopped} {run.error}\n{source}")
            slowest.append((took, f"seed {seed} {run.stopped} {run.error}"))

    for first in range(SEED, SEED + 50):
        attack(first)
    found.clear()
    before = server_memory()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(attack, range(SEED, SEED + NUM_HOSTILE)))
    growth = server_memory() - before
    slowest.sort(reverse=True)
    late = sum(took > MOST_SECONDS for took, _ in slowest)
    print(
        f"\n{NUM_HOSTILE} programs: {dict(found)}; server grew by {growth / 2**20:.1f} MiB; {late} took over {MOST_SECONDS} s"
    )
    for took, what in slowest[:8]:
        print(f"  {took:5.2f} s  {what[:160]}")
    for fault in faults[:20]:
        print("-- FAULT", fault)
    assert not faults
    assert growth < 64 * 2**20


@pytest.mark.parametrize("make", [random_program, training_program])
def test_valid_programs_beside_plain_torch(place: Sandbox, make: Callable[[int], str]) -> None:
    """Values, gradients and prints equal those of plain torch to the last bit."""
    num_right = 0
    for first in range(SEED, SEED + NUM_VALID, BATCH):
        programs = [(make(seed), seed) for seed in range(first, min(first + BATCH, SEED + NUM_VALID))]
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            runs = list(pool.map(lambda program: run_in_worker(*program, wall_s=30, place=place), programs))
        for (source, _), run, expected in zip(programs, runs, run_plain_torch(programs), strict=True):
            assert not run.stopped, source
            assert (run.error is None) == (expected["error"] is None), f"{run.error}\n{expected['error']}\n{source}"
            assert run.trace.printed == expected["printed"], source
            for kind, values in (("variables", run.trace.variables), ("grads", run.trace.grads)):
                for name, (_, shape, data) in expected[kind].items():
                    value = values[name]
                    assert (list(value.shape), np.ascontiguousarray(value).tobytes().hex()) == (shape, data), source
            num_right += run.error is None
    print(f"\n{NUM_VALID} programs, {num_right} to their end: as plain torch")
    assert num_right > NUM_VALID / 2
