# ruff: noqa: E501  (one hostile program a line reads best)
"""Programs that try to break out, to use up memory or time, or to crash the interpreter."""

from __future__ import annotations

import ast
import builtins
import inspect
import os
import threading

import pytest
import torch

from vizcore.autograd import guard, interpreter, limits, parsing, run_program, vocabulary

X = "x = torch.ones(4, requires_grad=True)\n"

# Names of Python that must not exist.
NAMES = [
    f"{name}"
    for name in (
        "eval", "exec", "compile", "open", "input", "__import__", "globals", "locals", "vars", "dir", "setattr", "delattr",
        "classmethod", "staticmethod", "property", "memoryview", "bytes", "bytearray", "breakpoint",
        "help", "exit", "quit", "id", "issubclass", "chr",
        "ord", "hex", "frozenset", "slice", "complex", "hash", "__builtins__",
        "__file__", "__loader__", "__spec__", "self", "os", "sys", "subprocess", "numpy", "pickle", "Ellipsis",
        "NotImplemented", "copyright", "credits", "license", "BaseException",
    )
]  # fmt: skip

UNDERSCORES = [
    f"{owner}.{word}"
    for owner in (
        "x",
        "torch",
        "nn",
        "F",
        "[1]",
        "(1,)",
        "'a'",
        "1.5",
        "x.exp",
        "print",
        "torch.exp",
        "x.shape",
        "nn.Linear(1, 1)",
    )
    for word in ("__class__", "__dict__", "__init__", "__globals__", "__reduce__", "_C", "__subclasses__")
]

TORCH_WORDS = [
    f"torch.{word}"
    for word in (
        "load('/etc/passwd')", "save(x, '/tmp/evil')", "from_file('/etc/passwd', size=4)", "ops.aten.add", "jit.script", "hub.load('a', 'b')",
        "classes.load_library('a')", "ops.load_library('a')", "compile(x)", "multiprocessing", "distributed", "set_default_dtype(torch.float64)",
        "set_default_device('meta')", "set_num_threads(64)", "set_default_tensor_type('a')", "use_deterministic_algorithms(True)", "serialization",
        "package", "library.Library('a', 'DEF')", "autograd.graph.save_on_cpu",
        "autograd.graph.disable_saved_tensors_hooks", "autograd.graph.Node", "distributions.Distribution.__init__",
        "overrides", "fx", "onnx", "export", "frombuffer(b'a')", ("as_strided(x, "
                                                                                              "(10, 10), (1, 1))"), "storage", "Storage",
        "set_grad_enabled.func", "inference_mode()", "get_rng_state()", "seed()", "initial_seed()", "default_generator", "Generator()", "device('cuda')",
        "cartesian_prod(x, x, x)", "combinations(x, 4)", "bincount(x)", "histc(x)", "fft.fft(x)", "special", "sparse_coo_tensor", "quantize_per_tensor",
        "func.functionalize(torch.exp)", "func.linearize(torch.exp, x)", "nn.Parameter.__new__", "nn.parallel", "nn.modules",
        "nn.Transformer()", "nn.functional.torch", "nn.functional.handle_torch_function", "nn.functional.warnings", "nn.init.torch", "nn.init.math", "linalg.torch",
    )
]  # fmt: skip

METHODS = [
    f"x.{word}"
    for word in (
        "numpy()", "data_ptr()", "storage()", "untyped_storage()", "share_memory_()", "register_hook(print)", "register_post_accumulate_grad_hook(print)",
        "apply_(print)", "map_(x, print)", "resize_(10 ** 9)", "resize_as_(x)", "set_(x)", "as_strided((9,), (1,))", "cuda()", "to('cuda')", "to('meta')",
        "to(device='cuda')", "cpu()", "type('torch.FloatTensor')", "backward.__self__", "grad_fn.apply", "grad_fn.metadata", "grad_fn.register_hook(print)",
        "grad_fn.saved_tensors", "T.__class__", "new()", "new_empty(10)", "pin_memory()", "names", "is_shared()", "module_load(x)", "volatile", "output_nr",
        "retain_graph()", "sparse_mask(x)", "to_sparse()", "unsafe_chunk(2)", "index_put_((x,), x)", "put_(x, x)", "bincount()", "histc()", "cauchy_()", "random_()",
    )
]  # fmt: skip

SYNTAX = [
    "import os", "import torch.utils", "from os import system", "from torch import load", "import torch as t", "from torch import *", "import sys, os",
    "from torch.nn import Linear", "import numpy as np", "def f(): return f()", "class A: pass", "lambda: 1", "f = lambda x: x", "yield 1", "await x",
    "async def f(): pass", "try:\n    1\nexcept Exception:\n    pass", "raise ValueError", "assert True", "global x", "nonlocal x", "{1: 2}", "{1, 2}", "{i for i in [1]}",
    "{i: i for i in [1]}", "(i for i in [1])", "(x := 1)", "x: int = 1", "with open('a') as f:\n    pass", "with torch.no_grad() as g:\n    pass", "with 1:\n    pass",
    "match 1:\n    case 1:\n        pass", "1j", "b'bytes'", "print(*{})", "print(**{})", "x = y = z", "del x.y", "del torch", "torch = 1", "nn = 2", "F = 3", "math = 4",
    "torch.exp = 1", "nn.Linear = 1", "torch.nn.functional.relu = 1", "for torch in [1]:\n    pass", "[torch for torch in [1]]", "__x = 1", "print(__x)", "a, *b = [1, 2]",
    "return 1", "break", "continue", "@print\ndef f(): pass", "type X = int", "f'{1!r:>{10**9}}'", "f'{1:{10**9}}'", "f'{1:1000000000}'", "f'{1:.99999}'",
    "'a' * 10 ** 9", "'a' * 3", "'%d' % 1", "'%1000000000d' % 1", "'a'.join(['b'])", "'a'.format(1)", "'{0.__class__}'.format(1)", "'a'[0]", "('a' + 'b').upper()", "x = 'a' 'b' . x",
    "print.__self__", "print = eval", "exec('1')", "x\x00", "\ud800", "x = \x0c1;;", "if", "1 +", "(", ")", "'", '"""', "\\", "\t x = 1\n y = 2", "x = 0777", "5 = x", "None = 1", "print 'a'",
    "async for i in [1]:\n    pass", "[i async for i in [1]]", "...", "x = ...\nx.__class__",
]  # fmt: skip

MEMORY = [
    "torch.ones(10 ** 6)", "torch.ones(10 ** 9)", "torch.ones(10 ** 18)", "torch.zeros(64, 65)", "torch.zeros((10 ** 5, 10 ** 5))", "torch.full((10 ** 9,), 1.0)",
    "torch.arange(10 ** 9)", "torch.arange(0, 1, 1e-9)", "torch.arange(0, torch.tensor(10 ** 9))", "torch.linspace(0, 1, 10 ** 9)", "torch.logspace(0, 1, 10 ** 9)",
    "torch.eye(65)", "torch.eye(4096)", "torch.eye(10 ** 6)", "torch.eye(2, 10 ** 9)", "torch.rand(10 ** 9)", "torch.randn(5000)", "torch.randint(0, 2, (10 ** 9,))",
    "torch.randperm(10 ** 9)", "torch.normal(0.0, 1.0, size=(10 ** 9,))", "torch.ones(torch.tensor(10 ** 9))", "torch.ones([1] * 9)", "torch.ones(*([2] * 30))",
    "torch.ones(1).expand(10 ** 9)", "torch.ones(1).expand(torch.tensor(10 ** 9))", "torch.ones(1).repeat(10 ** 9)", "torch.ones(4).repeat(torch.tensor(10 ** 9))",
    "torch.tile(torch.ones(4), (10 ** 9,))", "torch.ones(4).tile(10 ** 9)", "torch.ones(4).repeat_interleave(10 ** 9)", "torch.repeat_interleave(torch.ones(1), torch.tensor([10 ** 9]))",
    "torch.ones(2).repeat_interleave(torch.tensor([10 ** 9, 1]))", "torch.broadcast_to(torch.ones(1), (10 ** 9,))", ("torch.ones(4096, 1) "
                                                                                                                    "+ torch.ones(1, 4096)"),
    "torch.ones(4096, 1) * torch.ones(4096)", "torch.ones(4096, 1) @ torch.ones(1, 4096)", "torch.outer(torch.ones(4096), torch.ones(4096))", "torch.ones(4096).outer(torch.ones(4096))",
    "torch.kron(torch.ones(64, 64), torch.ones(64, 64))", ("torch.einsum('i,j->ij', torch.ones(4096), "
                                                          "torch.ones(4096))"), "torch.einsum('ij,kl->ijkl', torch.ones(64, 64), torch.ones(64, 64))",
    "torch.tensordot(torch.ones(4096), torch.ones(4096), dims=0)", ("torch.cdist(torch.ones(4096, 1), "
                                                                   "torch.ones(4096, 1))"), "torch.diag(torch.ones(4096))", "torch.ones(4096).diag()",
    "torch.diag_embed(torch.ones(4096))", "torch.ones(1).diag_embed(10 ** 6)", "torch.diag(torch.ones(2), 10 ** 6)", "torch.cat([torch.ones(4096)] * 2)", "torch.stack([torch.ones(4096)] * 4000)",
    "torch.hstack([torch.ones(4096), torch.ones(1)])", "torch.meshgrid(torch.ones(4096), torch.ones(4096))", "torch.broadcast_tensors(torch.ones(4096, 1), torch.ones(4096))",
    "F.pad(torch.ones(1, 1), (10 ** 9, 10 ** 9))", "F.pad(torch.ones(1, 1), (4000, 4000))", ("F.pad(torch.ones(1, 1, 2, 2), "
                                                                                            "(1000, 1000, 1000, "
                                                                                            "1000), mode='replicate')"),
    "F.interpolate(torch.ones(1, 1, 4, 4), size=(4000, 4000))", ("F.interpolate(torch.ones(1, 1, 4, 4), "
                                                                "scale_factor=10 ** 9)"), "F.interpolate(torch.ones(1, 1, 4, 4), scale_factor=1e9)",
    "F.interpolate(torch.ones(1, 1, 4, 4), scale_factor=1e300)", ("F.interpolate(torch.ones(1, 1, 4, 4), "
                                                                 "scale_factor=1e4, mode='bicubic')"),
    "F.conv2d(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3), padding=10 ** 9)", ("F.conv2d(torch.ones(1, 1, "
                                                                                 "4, 4), torch.ones(1, 1, "
                                                                                 "3, 3), padding=4000)"),
    "F.conv2d(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3), padding=10 ** 6, stride=10 ** 6)", ("F.conv2d(torch.ones(1, 1, 64, "
                                                                                                 "64), torch.ones(4096, 1, 1, 1))"),
    "F.conv2d(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3), padding=2 ** 62)", "F.conv_transpose2d(torch.ones(1, 1, 64, 64), torch.ones(1, 1, 64, 64), stride=64)",
    "F.conv_transpose2d(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 2, 2), stride=4000)", "F.conv1d(torch.ones(1, 1, 4), torch.ones(1, 1, 1), padding=4096)",
    "F.adaptive_avg_pool2d(torch.ones(1, 1, 4, 4), 4000)", ("F.adaptive_max_pool2d(torch.ones(1, 1, 4, 4), "
                                                           "(10 ** 9, 1))"), ("F.max_unpool2d(torch.ones(1, "
                                                                             "1, 1, 1), torch.zeros(1, 1, "
                                                                             "1, 1, dtype=torch.long), 2, "
                                                                             "output_size=(10 ** 9, 10 ** 9))"),
    "F.one_hot(torch.tensor([10 ** 9]))", "F.one_hot(torch.tensor([1]), num_classes=10 ** 9)", "F.one_hot(torch.arange(4096))", "F.pixel_shuffle(torch.ones(1, 4, 1, 1), 10 ** 9)",
    "F.unfold(torch.ones(1, 1, 64, 64), 8)", "F.fold(torch.ones(1, 1, 1), (10 ** 9, 10 ** 9), 1)", "F.affine_grid(torch.ones(1, 2, 3), (1, 1, 4000, 4000))",
    "F.grid_sample(torch.ones(1, 64, 8, 8), torch.ones(1, 64, 32, 2))", ("F.embedding(torch.zeros(4096, "
                                                                        "dtype=torch.long), torch.ones(1, 4096))"), "F.linear(torch.ones(4096, 1), torch.ones(4096, 1))",
    "nn.Linear(10 ** 5, 10 ** 5)", "nn.Linear(4096, 4096)", "nn.Linear(65, 64)", "nn.Conv2d(4096, 4096, 3)", "nn.Conv2d(1, 1, 10 ** 9)", "nn.Embedding(10 ** 9, 10)", "nn.BatchNorm2d(10 ** 9)",
    "nn.LayerNorm((10 ** 9,))", "nn.Upsample(scale_factor=1000)(torch.ones(1, 1, 4, 4))", "nn.ZeroPad2d(4000)(torch.ones(1, 1, 4, 4))", "nn.PixelShuffle(4096)(torch.ones(1, 4, 1, 1))",
    "nn.Conv2d(1, 1, 1, padding=4000)(torch.ones(1, 1, 4, 4))", ("nn.Conv2d(1, 1, 1, padding=4000, "
                                                                "padding_mode='circular')(torch.ones(1, 1, 4, 4))"), ("nn.Linear(1, "
                                                                                                                     "4096)(torch.ones(4096, 1))"),
    "nn.Bilinear(64, 64, 64)", "nn.AdaptiveAvgPool2d(4000)(torch.ones(1, 1, 4, 4))", ("torch.ones(64, "
                                                                                     "64)[torch.zeros(4096, "
                                                                                     "dtype=torch.long)]"), ("torch.ones(1, "
                                                                                                            "4096)[torch.zeros(4096, dtype=torch.long)]"),
    "torch.ones(1, 1, 4096)[torch.ones(1, dtype=torch.bool), torch.zeros(4096, dtype=torch.long)]", ("torch.ones(1, "
                                                                                                     "4096).index_select(0, "
                                                                                                    "torch.zeros(4096, "
                                                                                                    "dtype=torch.long))"),
    "torch.ones(4096)[None].expand(4096, 4096)", "torch.ones(2).new_zeros(10 ** 9)", "torch.ones(2).new_full((10 ** 9,), 1.0)", ("torch.ones(4).unfold(0, "
                                                                                                                                "1, 1).expand(4, 10 ** 9)"),
    "torch.multinomial(torch.ones(2), 10 ** 9, replacement=True)", "torch.tensor([0] * 10 ** 9)", "torch.tensor([[0] * 100] * 100)", "torch.tensor([[[[[[[[[[[1]]]]]]]]]]])", "[0] * 10 ** 9", "[0] * 5000",
    "[[0] * 100] * 100", "(0,) * 10 ** 9", "list(range(10 ** 9))", "tuple(range(10 ** 6))", "sum(range(10 ** 9))", "max(range(10 ** 9))", "enumerate(range(10 ** 9))", ("zip(range(10 ** "
                                                                                                                                                                       "9), range(10 ** 9))"),
    "reversed(range(10 ** 9))", "[i for i in range(10 ** 9)]", "[0 for i in range(100) for j in range(100)]", "print(*range(10 ** 9))", "a, b = range(10 ** 9)", "10 ** 10 ** 10", "2 ** 65", "9 ** 99", "-2 ** 999", "2 ** 2 ** 2 ** 2 ** 2",
    "1 << 10 ** 9", "1 << 100", "99999999999999999999999999", "0x" + "f" * 50, "2.0 ** 10000", "torch.quantile(torch.ones(4096), torch.ones(4096))",
    "torch.ones(4096).median().expand(10 ** 9)", "torch.ones(4).view(4, 1, 1, 1, 1, 1, 1, 1, 1)", ("torch.full((4,), "
                                                                                                  "1.0).expand(1, 1, "
                                                                                                  "1, 1, 1, 1, 1, 1, 4)"),
    "math.exp(10 ** 6)", "math.floor(1e300)", "int(1e300)", "int('9' * 100)", "float('9' * 999)", "round(1e300)", "torch.tril(torch.ones(64, 64)).repeat(2, 2)", "torch.ones(1).rot90(10 ** 18)", "nn.Linear(-1, 2)", "torch.ones(-1)",
    "torch.ones(4).split(1)[0].expand(5000)", "torch.ones(0).expand(10 ** 9, 0)", "torch.zeros(10 ** 9, 0)", "torch.manual_seed(10 ** 40)", "torch.manual_seed('a')", "torch.ones(4096).unsqueeze(1).cumsum(1) @ torch.ones(1, 4096)",
]  # fmt: skip

TIME = [
    "while True:\n    pass", "while True:\n    x = 1", "while 1:\n    if True:\n        continue", ("for i in "
                                                                                                   "range(10 ** 18):\n    pass"), ("for i in range(1000):\n    for "
                                                                                                                                  "j in range(1000):\n        pass"),
    "a = 2\nwhile True:\n    a = a * a", "a = 2\nfor i in range(100):\n    a = a ** a", "x = torch.ones(4)\nwhile (x > 0).all():\n    x = x + 1", "s = 'a'\nfor i in range(100):\n    s = s + s",
    "a = [1]\nfor i in range(100):\n    a = a + a", "a = [1]\nfor i in range(100):\n    a = [a, a]", "a = [1]\na.append(a)", "a = [1]\na[0] = a", "a = (1,)\nfor i in range(100):\n    a = (a, a)",
    "a = [1]\nb = [1]\nfor i in range(60):\n    a = [a]\n    b = [b]\nprint(a == b)", "x = torch.ones(1)\nfor i in range(100):\n    x = torch.cat([x, x])", "x = torch.ones(1)\nfor i in range(30):\n    x = torch.outer(x, torch.ones(2)).flatten()",
    "net = nn.Linear(1, 1)\nfor i in range(400):\n    net = nn.Sequential(net)", "net = nn.Sequential()\nfor i in range(400):\n    net = nn.Sequential(net, nn.ReLU())\nnet(torch.ones(1))",
    "x = torch.ones(1, requires_grad=True)\nfor i in range(490):\n    x = x * 2 + x - x / 3 + x * x - x", "x = torch.ones(1, requires_grad=True)\nfor i in range(200):\n    x = x * 2\nfor i in range(200):\n    x.backward(retain_graph=True)",
    "x = torch.ones(64, 64)\nfor i in range(490):\n    x = torch.linalg.svd(x)[0]", "x = torch.ones(64, 64)\nfor i in range(480):\n    print(x)", "for i in range(490):\n    print('a' * 1 if False else 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')",
    "a = []\nfor i in range(450):\n    a.append(torch.ones(4096, dtype=torch.float64))", "a = [torch.ones(4096) for i in range(490)]\nb = [torch.ones(4096) for i in range(490)]", "x = torch.ones(64, 64)\nfor i in range(400):\n    y = torch.matrix_exp(x)",
    "x = torch.ones(64, 64)\nfor i in range(490):\n    a = [torch.linalg.svd(x), torch.linalg.svd(x), torch.linalg.svd(x), torch.linalg.svd(x), torch.linalg.svd(x), torch.linalg.svd(x)]",
    "x = torch.ones(1, 1, 64, 64)\nw = torch.ones(1, 1, 64, 64)\nfor i in range(400):\n    y = F.conv2d(x, w, padding=32)", "x = torch.linalg.matrix_power(torch.ones(64, 64), 10 ** 18)", "torch.matrix_power(torch.eye(2), 2 ** 63)",
    "x = torch.ones(4096, requires_grad=True)\ny = x\nfor i in range(400):\n    y = y * 2\ny.sum().backward()", "for i in range(450):\n    nn.Linear(64, 64)", "x = torch.ones(8, 8, requires_grad=True)\nfor i in range(450):\n    (g,) = torch.autograd.grad((x @ x @ x).sum(), x, create_graph=True)",
    "-" * 900 + "1", "not " * 200 + "1", "(" * 85 + "1" + ")" * 85, "[" * 85 + "]" * 85, "+".join(["1"] * 300), "a" + "[0]" * 200, "a" + ".T" * 300, "x = " * 200 + "1", "(" * 5000, "-" * 100_000 + "1", "x" * 30_000, "if True:\n" + " " * 900 + "x = 1",
    "".join(f"{' ' * depth}if True:\n" for depth in range(100)) + " " * 100 + "x = 1", "1 if 1 else " * 80 + "1", "1 and " * 160 + "1", "1 < " * 200 + "1", "lambda: " * 100 + "1", "x = 1\n" * 201, "\n" * 300 + "x = 1", "x=1;" * 240, "\n".join(["x=1;" * 240] * 50),
    "\\\n" * 150 + "1", "'" + "a" * 990 + "'\n" * 1, "f'{" * 100, "f'{f\"{1}\"}'", "print(f'{x}')",
]  # fmt: skip

BEHAVIOUR = [
    X + "x.data = 5", X + "x.grad = 1", X + "x.grad = torch.ones(3)", X + "x.requires_grad = 5", X + "x.shape = 1", X + "x.foo = 1", X + "x.dtype.foo", X + "x.grad_fn.x", X + "(x * 2).grad_fn.next_functions[0][0].y", X + "x.backward(inputs=[print])",
    X + "torch.autograd.grad(x, print)", X + "torch.autograd.grad(1, 2)", X + "torch.autograd.grad()", X + "torch.autograd.grad(x.sum(), [x] * 4000)", X + "x.sum().backward(1, 2, 3, 4, 5, 6)", X + "x(1)", X + "x.exp", X + "x.exp.foo", X + "x.exp(print)", X + "torch.exp(torch)",
    X + "torch.where(x > 0, print, x)", X + "torch.add(x, x, out=x)", X + "torch.rand(3, generator=1)", X + "torch.ones(3, device='cuda')", X + "torch.ones(3, device='meta')", X + "torch.ones(3, layout=1)", X + "x.sum(dtype='a')", X + "torch.tensor(print)", X + "torch.tensor([x, [x]])",
    X + "torch.tensor('a')", X + "torch.cat(5)", X + "x[print]", X + "x['a']", X + "x[torch.exp]", X + "x[0] = print", X + "x[0] = 'a'", X + "x[10 ** 30]", X + "x[::0]", X + "x[::-1]", X + "x[None, None, None, None, None, None, None, None, None]", X + "del x\nprint(x)", X + "x + print", X + "print + print",
    X + "-print", X + "torch + 1", X + "x @ 'a'", X + "x ** 'a'", X + "x < print", X + "print < print", X + "1 in x", X + "x in [x]", X + "1 in 5", X + "for i in 5:\n    pass", X + "for i in torch:\n    pass", X + "for i in x.exp:\n    pass", X + "len(5)", X + "len(torch)", X + "abs('a')", X + "min()", X + "round(1, 2, 3)",
    X + "range(1.5)", X + "range('a')", X + "print(sep=5)", X + "print(file=1)", X + "print(x, flush=True)", X + "float('abc')", X + "int(x)", X + "bool(x)", X + "list(5)", X + "zip(5)", X + "enumerate(5)", X + "with torch.no_grad:\n    pass", X + "torch.no_grad()", X + "g = torch.no_grad()", X + "torch.set_grad_enabled(False)",
    X + "with torch.set_grad_enabled(print):\n    pass", X + "with torch.set_grad_enabled(x):\n    pass", X + "nn.Linear(print, 1)", X + "nn.Linear('a', 1)", X + "nn.Linear(2, 2).weight = 5", X + "nn.Linear(2, 2).forward = 5", X + "nn.Linear(2, 2).forward(x)", X + "nn.Linear(2, 2).register_forward_hook(print)",
    X + "nn.Linear(2, 2).apply(print)", X + "nn.Linear(2, 2).state_dict()", X + "nn.Linear(2, 2).cuda()", X + "nn.Linear(2, 2).to('cuda')", X + "nn.Linear(2, 2).share_memory()", X + "nn.Sequential(5)", X + "nn.Sequential(print)", X + "nn.Sequential(nn.ReLU())[print]", X + "nn.Sequential(nn.ReLU())['a']", X + "nn.ReLU().weight",
    X + "nn.ReLU().weight = nn.Parameter(torch.ones(1))", X + "nn.Parameter(5)", X + "nn.Parameter(print)", X + "nn.init.ones_(5)", X + "F.dropout(x, p=5)", X + "F.interpolate(x, mode='evil')", X + "torch.einsum('i->" + "j" * 500 + "', x)", X + "torch.einsum('i,i,i,i,i,i,i,i->', x, x, x, x, x, x, x, x)",
    X + "x.permute(0, 0)", X + "x.view(-1, -1)", X + "x.reshape(10 ** 30)", X + "x.norm(p='nuc')", X + "torch.linalg.inv(torch.zeros(2, 2))", X + "torch.linalg.cholesky(-torch.eye(2))", X + "F.cross_entropy(x, torch.tensor(100))", X + "F.nll_loss(torch.ones(1, 2), torch.tensor([-5]))", X + "F.embedding(torch.tensor([99]), torch.ones(2, 2))",
    X + "x.gather(0, torch.tensor([99]))", X + "x.scatter_(0, torch.tensor([99]), 1.0)", X + "x.index_select(0, torch.tensor([-9]))", X + "torch.take(x, torch.tensor([99]))", X + "F.max_unpool2d(torch.ones(1, 1, 1, 1), torch.tensor([[[[999]]]]), 2)", X + "F.grid_sample(torch.ones(1, 1, 2, 2), torch.full((1, 1, 1, 2), float('nan')))",
    X + "torch.searchsorted(x, x, sorter=torch.tensor([9, 9, 9, 9]))", X + "torch.bucketize(x, torch.tensor([float('nan')]))", X + "F.ctc_loss(x, x, x, x)", X + "torch.multinomial(torch.tensor([-1.0, 2.0]), 2)", X + "F.max_pool2d(torch.ones(1, 1, 4, 4), 0)", X + "F.max_pool2d(torch.ones(1, 1, 4, 4), 2, stride=0)", X + "F.conv2d(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3), stride=0)",
    X + "F.conv2d(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3), groups=0)", X + "F.pixel_shuffle(torch.ones(1, 4, 2, 2), 0)", X + "F.fold(torch.ones(1, 4, 1), (2, 2), 2, stride=0)", X + "F.unfold(torch.ones(1, 1, 4, 4), 2, dilation=0)", X + "torch.roll(x, 10 ** 18)", X + "x.select(0, 10 ** 18)", X + "x.narrow(0, -10 ** 18, 1)", X + "torch.arange(0, 1, 0)",
    X + "torch.arange(0, float('nan'))", X + "torch.arange(0, float('inf'))", X + "torch.linspace(0, 1, -5)", X + "torch.remainder(torch.tensor(1), torch.tensor(0))", X + "torch.tensor(1) // torch.tensor(0)", X + "torch.tensor(-2 ** 63) // torch.tensor(-1)", X + "torch.tensor(1) << 100", X + "x.bfloat16().sum().backward()", X + "x.half().exp().sum().backward()",
    X + "y = x.detach()\ny.requires_grad_()\ny.data = torch.ones(2, 2)\n(y * 2).sum().backward()", X + "y = (x * 2)\nx.data = torch.ones(9)\ny.sum().backward()", X + "y = x.expand(4, 4)\ny += 1", X + "z = torch.ones(3)\nz[:] = z.expand(3, 3)[0]", X + "a = x.unbind()\na[0].mul_(2)", X + "print(x.sum().item.__class__)", X + "net = nn.Linear(4, 4)\nnet.weight = net",
]  # fmt: skip

HOSTILE = [
    *NAMES,
    *(f"{name}('x')" for name in NAMES[:20]),
    *(X + word for word in UNDERSCORES),
    *(X + word for word in TORCH_WORDS),
    *(X + word for word in METHODS),
    *SYNTAX,
    *MEMORY,
    *TIME,
    *BEHAVIOUR,
]
NUM_BATCHES = 12


def test_there_are_enough_of_them() -> None:
    assert len(set(HOSTILE)) >= 300


def peak_memory() -> int:
    """Highest resident memory of this process so far, in bytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


@pytest.mark.parametrize("batch", range(NUM_BATCHES))
def test_hostile_programs_end_in_a_trace(batch: int, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for source in HOSTILE[batch::NUM_BATCHES]:
        before = peak_memory()
        trace = run_program(source)  # no exception comes out, whatever goes in
        assert peak_memory() - before < 400 * 2**20, source[:200]
        if trace.error is not None:
            assert trace.error.line >= 1
            assert trace.error.column >= 1
            assert str(trace.error.message)
        for array in (value for value in trace.variables.values() if hasattr(value, "size")):
            assert array.size <= limits.MAX_ELEMENTS, source[:200]
        assert len(trace.nodes) <= limits.MAX_NODES
        assert torch.is_grad_enabled()
        assert torch.get_default_dtype() == torch.float32
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("source", [*NAMES, *(X + word for word in UNDERSCORES)])
def test_names_of_python_do_not_exist(source: str) -> None:
    assert run_program(source).error.kind in ("name", "unsupported", "syntax")


@pytest.mark.parametrize("source", [X + word for word in TORCH_WORDS])
def test_words_of_torch_that_are_not_listed_do_not_exist(source: str) -> None:
    assert run_program(source).error.kind in ("name", "unsupported")


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("torch.ones(131073)", "A tensor may have at most 131,072 elements"),
        ("torch.ones(1, 1, 1, 1, 1, 1, 1, 1, 1)", "A tensor may have at most 8 dimensions"),
        ("while True:\n    pass", "The program ran for more than 1 s"),
        ("def f(n):\n    return f(n + 1)\nf(0)", "Functions may call each other at most 40 deep"),
        (
            "x = torch.ones(1, requires_grad=True)\nfor i in range(250):\n    x = x * 1 + 2 * x * 3 - x * 4 / 5 + x",
            "A graph may have at most 2,000 nodes",
        ),
        ("x = 1\n" * 601, "A program may have at most 600 lines"),
        ("x = '" + "a" * 1000 + "'", "A line may have at most 1000 characters"),
        ("\n".join(["x = 1" + " " * 400] * 120), "A program may have at most 40000 characters"),
        ("+".join(["1"] * 100), "This is nested too deeply"),
        ("x = 2 ** 64", "A whole number may have at most 64 bits"),
        ("x = [0] * 4097", "A list may have at most 4,096 elements"),
        ("for i in range(450):\n    print('" + "a" * 900 + "')", "A program may print at most 20,000 characters"),
        ("a = [1]\nfor i in range(20):\n    a = [a]", "Lists may be nested at most 10 deep"),
        ("net = nn.ReLU()\nfor i in range(20):\n    net = nn.Sequential(net)", "Modules may be nested at most 10 deep"),
        ("F.pad(torch.ones(1, 1), (5000, 0))", "A size may be at most 4,096"),
        (
            "x = torch.ones(131072, requires_grad=True)\n" + "x = x.exp()\n" * 40,
            "The record of this program has more than",
        ),
        (
            "x = torch.ones(1, requires_grad=True)\ny = x\nfor i in range(200):\n    y = y * 2\n"
            + "y.backward(retain_graph=True)\n" * 26,
            "The engine may visit at most 5,000 nodes",
        ),
    ],
)
def test_each_limit_has_its_own_sentence(source: str, sentence: str) -> None:
    error = run_program(source).error
    assert error.kind == "limit"
    assert sentence in str(error.message)


def test_time_runs_out_with_a_sentence(monkeypatch) -> None:
    seconds = iter(range(10_000))
    for clock in ("thread_time", "perf_counter"):  # of this thread, and on the wall
        monkeypatch.setattr(guard.time, clock, lambda: float(next(seconds)))
    error = run_program("x = 1\ny = 2\n").error
    assert error.kind == "limit"
    assert "more than 1 s" in str(error.message)


def test_what_just_fits_runs() -> None:
    for source in (
        "x = torch.ones(131072)",
        "for i in range(4999):\n    pass",
        "x = 2 ** 63",
        "x = [0] * 4096",
        "\n".join(["x = 1"] * 600),
        "x = torch.ones(64, 64) @ torch.ones(64, 64)",
        "x = torch.outer(torch.ones(64), torch.ones(64))",
        "x = F.interpolate(torch.ones(1, 1, 8, 8), scale_factor=8)",
        "x = F.conv2d(torch.ones(1, 3, 16, 16), torch.ones(8, 3, 3, 3), padding=1)",
        "net = nn.Linear(64, 64)",
    ):
        assert run_program(source).error is None, source


def test_nothing_of_the_learner_reaches_pythons_own_machinery() -> None:
    for module in (interpreter, parsing, vocabulary, limits):
        tree = ast.parse(inspect.getsource(module))
        called = {
            node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not called & {"eval", "exec", "compile", "__import__"}


def test_the_vocabulary_holds_only_what_computes() -> None:
    forbidden = {
        builtins.eval,
        builtins.exec,
        builtins.open,
        builtins.compile,
        builtins.getattr,
        torch.load,
        torch.save,
    }
    stack, num_words = [*vocabulary.NAMESPACES.values()], 0
    while stack:
        for name, word in stack.pop().words.items():
            assert not name.startswith("_") or isinstance(word, str)  # __version__
            if isinstance(word, vocabulary.Namespace):
                stack.append(word)
            elif isinstance(word, vocabulary.Word):
                num_words += 1
                assert word.function not in forbidden
                assert callable(word.function)
    assert num_words > 300
    assert all(hasattr(torch.Tensor, name) for name in vocabulary.TENSOR_METHODS | vocabulary.TENSOR_ATTRIBUTES)


def test_deep_programs_do_not_depend_on_the_callers_stack() -> None:
    errors: list[object] = []

    def work() -> None:
        errors.append(run_program("x = " + "(" * 75 + "1" + ")" * 75 + "\ny = " + "-" * 70 + "1").error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert errors == [None]


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        ("print(__name__)", "__main__\n"),
        ("x = torch.empty(3)\nprint(x)", "tensor([0., 0., 0.])\n"),  # never memory that held something else
        ("x = torch.empty_like(torch.ones(2))\nprint(x)", "tensor([0., 0.])\n"),
        ("print(torch.cuda.is_available())", "False\n"),
        ("x = torch.ones(2)\nx += 1\nprint(x._version)", "1\n"),
    ],
)
def test_words_that_look_dangerous_are_harmless(source: str, printed: str) -> None:
    trace = run_program(f"import torch\n{source}")
    assert trace.error is None
    assert "".join(step.printed for step in trace.steps) == printed
