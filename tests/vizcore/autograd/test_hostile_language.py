# ruff: noqa: E501  (one hostile program a line reads best)
"""Programs that use functions, classes, texts and exceptions to break out, or to use up stack, memory and time."""

from __future__ import annotations

import os

import pytest
import torch

from vizcore.autograd import run_program

REFUSED = [
    # Python's machinery behind a value
    "'{0.__class__}'.format(1)", "'{0[0]}'.format([1])", "'{a.__init__.__globals__}'.format(a=print)", "'{0.real}'.format(1)", "'{:{0.__class__}}'.format(1)",
    "f'{1:{10**9}}'", "'%1000000000d' % 1", "'%.999999f' % 1.0", "'%*d' % (10**9, 1)", "'{:1000000000}'.format(1)", "format(1, '999999999')",
    "def f(): pass\nf.__globals__", "def f(): pass\nf.__code__", "def f(): pass\nf.__closure__", "(lambda: 0).__globals__", "class A: pass\nA.__dict__", "class A: pass\nA().__class__",
    "class A: pass\nA.__mro__", "class A: pass\nA.__subclasses__()", "class A:\n    def __getattr__(self, n): return 1", "class A:\n    def __new__(c): return 1", "class A:\n    def __del__(self): pass",
    "class A:\n    __slots__ = ['a']", "class A(type): pass", "class A(int): pass", "class A(metaclass=type): pass", "class A(torch.Tensor): pass", "class A(nn.Linear): pass",
    "type('A', (), {})", "getattr(1, '__class__')", "getattr(torch, '_C')", "getattr(torch.ones(1), 'data_ptr')", "getattr(nn.Linear(1, 1), '_parameters')", "hasattr", "vars(1)", "dir(1)", "globals()",
    "class N(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self._modules = {}\nN().x", "class N(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.parameters = nn.Linear(1, 1)\nN()",
    "n = nn.Linear(1, 1)\nn._parameters", "n = nn.Linear(1, 1)\nn.register_buffer('_modules', torch.ones(1))", "n = nn.Linear(1, 1)\nn.add_module('forward', nn.ReLU())",
    "try:\n    1 / 0\nexcept Exception as e:\n    e.__traceback__", "try:\n    1 / 0\nexcept Exception as e:\n    e.with_traceback(None)", "np.__loader__", "np.load('a')", "np.fromfile('a')", "np.array(print)", "np.random.__class__",
    "import os", "import sys", "import subprocess", "import builtins", "import importlib", "from torch import load", "from torch import save", "from os import system", "from . import a", "import torch.utils.cpp_extension",
    "torch.load('a')", "torch.save(1, 'a')", "plt.savefig.__self__", "open('a')", "eval('1')", "exec('1')", "compile('1', '', 'eval')", "__import__('os')", "@print\ndef f(): pass", "nn.Module.__init__", "sorted([print, len])",
    "x = torch.ones(1).cuda()", "x = torch.ones(1, device='cuda')", "x = torch.ones(1).to('cuda')", "torch.device('cuda')", "torch.device('meta')",
    # sizes
    "'a' * 10**9", "10**9 * 'a'", "[0] * 10**9", "x = {i: i for i in range(10**7)}", "x = {i for i in range(10**7)}", "list(map(lambda v: v, range(10**9)))", "sorted(range(10**9))", "np.zeros(10**9)", "np.ones((10**5, 10**5))",
    "np.arange(10**9)", "np.linspace(0, 1, 10**9)", "np.zeros((1000, 1)) + np.zeros((1, 1000))", "np.outer(np.ones(1000), np.ones(1000))", "np.random.randn(10**9)", "np.random.normal(size=10**9)", "2 ** 10**9", "pow(2, 10**9)",
    "','.join(['a' * 1000] * 1000)", "'a'.replace('', 'a' * 1999)", "'a'.center(10**9)", "'a'.zfill(10**9)", "a = []\na.extend(range(10**9))", "a = {}\nfor i in range(10**6):\n    a[i] = i", "plt.plot(range(10**9))",
    "a = []\na.append(a)\na.append(1)", "a = {}\na['a'] = a\na['b'] = 1", "s = 'a'\nwhile True:\n    s += s", "torch.autograd.functional.hessian(lambda x: x.sum(), torch.ones(4096))", "torch.autograd.functional.jacobian(lambda x: x, torch.ones(4096))",
    "for i in range(30):\n    plt.plot([1])", "random.sample(range(10**9), 10**8)", "torch.FloatTensor(10**9)", "torch.empty(10**9)", "divmod(10**30, 3)",
    "np.linspace(torch.ones(2, dtype=torch.bfloat16), 1)", "class A: pass\nnp.zeros(3)[A()]", "np.zeros(3)[print]", "q = np.zeros(3)\nq[{}] = 1",
    # stack and time
    "def f(): return f()\nf()", "f = lambda: f()\nf()", "def f(n): return g(n)\ndef g(n): return f(n)\nf(0)", "class A:\n    def __repr__(self): return str(self)\nprint(A())", "class A:\n    def __add__(self, o): return self + o\nA() + 1",
    "class N(nn.Module):\n    def forward(self, x): return self(x)\nN()(torch.ones(1))", "def f(x): return max([1], key=f)\nf(1)", "def f(x): return sorted([1, 2], key=f)\nf(1)", "def f():\n    while True:\n        yield 1\nf()",
    "class F(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x): return F.apply(x)\n    @staticmethod\n    def backward(ctx, g): return g\nF.apply(torch.ones(1))",
]  # fmt: skip

CATCHING = [
    "while True:\n    try:\n        {}\n    except:\n        pass", "try:\n    {}\nexcept Exception:\n    x = 1", "try:\n    {}\nexcept:\n    x = 1\nfinally:\n    y = 1", "def f():\n    try:\n        {}\n    except BaseExc:\n        pass",
]  # fmt: skip
BEYOND = [
    "torch.ones(10**9)",
    "[0] * 10**9",
    "(lambda f: f(f))(lambda f: f(f))",
    "'a' * 10**9",
    "2 ** 999",
    "np.zeros(10**9)",
]


@pytest.mark.parametrize("source", REFUSED, ids=[source[:50] for source in REFUSED])
def test_it_is_refused_with_a_sentence(source: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    error = run_program(source).error
    assert error is not None or source == "hasattr", source
    assert "could not record" not in str(error), error
    assert os.listdir(tmp_path) == []
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("beyond", BEYOND)
@pytest.mark.parametrize("form", CATCHING[:3])
def test_no_except_catches_a_limit(form: str, beyond: str) -> None:
    trace = run_program(form.format(beyond))
    assert trace.error is not None
    assert trace.error.kind == "limit"
    assert "x" not in trace.variables


def test_errors_of_the_program_itself_are_caught() -> None:
    for wrong in (
        "1 / 0",
        "torch.ones(2) + torch.ones(3)",
        "[][0]",
        "{}['a']",
        "int('a')",
        "undefined",
        "torch.ones(1).sun()",
    ):
        source = f"undefined = 1\ndel undefined\ntry:\n    {wrong}\nexcept Exception:\n    x = 1\n"
        trace = run_program(source)
        assert (trace.error, trace.variables.get("x")) == (None, 1), wrong
