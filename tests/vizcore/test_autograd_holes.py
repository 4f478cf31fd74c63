# ruff: noqa: E501  (one hostile program a line reads best)
"""Programs that ended the process, held it, filled its memory or got an exception out of the lab: each kind refused.

Each runs in a worker, so that a fault shows as one and not as the end of this test. The vocabulary has to answer
itself: a program that had to be stopped from outside is a failure here, and the worker's own limits are tested elsewhere.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import pytest
import torch

from vizcore.autograd import ProgramRun, place_nodes, programs_sandbox, run_in_worker, run_program, to_json
from vizcore.autograd.worker import TASK
from vizcore.sandbox import Sandbox

LIST = "A list may have at most 4,096 elements"
EMPTY = "The sides of an empty tensor"
TENSOR = "A tensor may have at most 131,072 elements"
FITS = "divided by -1 does not fit"
ARGUMENT = "The argument"
PIECES = "A tensor can be taken apart into at most 512 pieces"


@pytest.fixture(scope="module")
def place() -> Iterator[Sandbox]:
    sandbox = Sandbox([TASK])
    yield sandbox
    sandbox.close()


def run(source: str, place: Sandbox) -> ProgramRun:
    done = run_in_worker(source, wall_s=60, place=place)  # a busy computer is no fault
    assert not done.stopped, f"{done.error}\n{source}"
    assert "could not record" not in str(done.error), f"{done.error}\n{source}"
    json.loads(done.packed)
    return done


# source, then a part of the error's text, or None where the program is right.
HOLES = [
    # 1. division of whole numbers
    ("torch.div(torch.tensor(-2**63), -1, rounding_mode='trunc')", FITS),
    ("torch.divide(torch.tensor(-2**31, dtype=torch.int32), torch.tensor(-1, dtype=torch.int32), rounding_mode='trunc')", FITS),
    ("torch.tensor([1, -2**63]).div_(torch.tensor([2, -1]), rounding_mode='trunc')", FITS),
    ("torch.div(input=torch.tensor(-2**63), other=-1, rounding_mode='trunc')", FITS),
    ("torch.tensor(-2**63) // -1", FITS),
    ("torch.div(torch.tensor(-128, dtype=torch.int8), torch.tensor(-1), rounding_mode='trunc')", None),
    ("torch.div(torch.tensor(-7), 2, rounding_mode='trunc')", None),
    ("torch.tensor(-2.0 ** 63) // -1", None),
    # 2. time that nobody looks at
    ("x = 0.5 in range(10**18)", None),
    ("x = torch.tensor(0.5) in range(10**18)", None),
    ("x = None not in range(10**18)", None),
    ("x = 'a' in range(10**18)", None),
    ("x = round(1, -10**9)", None),
    ("x = round(number=1, ndigits=-10**9)", ARGUMENT),
    ("l=[torch.ones(1,requires_grad=True) for i in range(40)]\ny=l[0]\nfor i in range(200): y=torch.stack([y,*l]).sum(0)", None),
    ("x=torch.ones(1,requires_grad=True)\ny=x\nfor i in range(490): y = y*x + x", None),
    # 3. powers
    ("torch.linalg.matrix_power(torch.eye(2), -2**63)", "A matrix can be raised to the power"),
    ("torch.eye(2).matrix_power(-2**63)", "A matrix can be raised to the power"),
    ("torch.linalg.matrix_power(torch.eye(2), n=2**62)", "A matrix can be raised to the power"),
    ("torch.linalg.matrix_power(torch.eye(2), 10)", None),
    # 4. lists that stand in several places
    ("a=[]\nb=[]\nc=[b]*3000\nb+=[a]*3000\na+=[0]*4000", LIST),
    ("a=[]\nb=[a]*4000\na.append(1)\na.append(1)", LIST),
    ("a=[0]\nb=[a]*2000\na*=3", LIST),
    ("a=[0]\nb=(a,)*1000\nfor i in range(9): a+=[0]", LIST),
    # 5. modules that stand in several places
    ("n=nn.Identity()\nfor i in range(9): n=nn.Sequential(*[n]*20)\nn(torch.ones(1))", "A module may hold at most 1,000 modules"),
    ("n=nn.Identity()\nfor i in range(9): n=nn.Sequential(*[n]*20)\nprint(n)", "A module may hold at most 1,000 modules"),
    ("n=nn.Linear(1,1)\nfor i in range(9): n=nn.Sequential(*[n]*20)\np=n.parameters()", "A module may hold at most 1,000 modules"),
    ("n=nn.Sequential(*[nn.Linear(1, 1)]*20)\nn(torch.ones(1))", None),
    # 6. nodes without a number
    ("l=[torch.ones(1,requires_grad=True)]\nx=[l.append(torch.heaviside(l[-1],l[-1])) for i in range(40)]", None),
    ("x=torch.ones(1,requires_grad=True)\nfor i in range(450): x = x // x", None),
    # 7. orders of a product
    ("torch.linalg.multi_dot([torch.ones(1,1)]*4000)", "multi_dot takes at most"),
    ("torch.linalg.multi_dot([torch.ones(1,1)]*4)", None),
    # 8. empty tensors with a huge side
    ("torch.zeros(0,5*10**8).sum(0)", EMPTY),
    ("torch.zeros(25000,0)@torch.zeros(0,25000)", EMPTY),
    ("torch.zeros(4096,0)@torch.zeros(0,4096)", TENSOR),
    ("torch.linalg.svd(torch.zeros(20000,0))", EMPTY),
    ("torch.linalg.svd(torch.zeros(4096,0))", TENSOR),
    ("torch.linalg.svd(torch.ones(4096,1))", TENSOR),
    ("torch.linalg.qr(torch.ones(4096,1), mode='complete')", TENSOR),
    ("torch.zeros(10**7,0).tolist()", EMPTY),
    ("torch.zeros(0).chunk(2*10**8)", PIECES),
    ("torch.ones(4096).tensor_split(4096)", PIECES),
    ("torch.ones(4096).unbind()", PIECES),
    ("torch.ones(4096).split(1)", PIECES),
    ("torch.split(torch.ones(1, 4096), 1, dim=1)", PIECES),
    ("torch.chunk(torch.ones(4096), chunks=10**5)", PIECES),
    ("list(torch.ones(4096))", PIECES),
    ("sum(torch.ones(4096))", PIECES),
    ("for v in torch.ones(4096): pass", PIECES),
    ("x = torch.ones(4096).sum()", None),
    ("x = torch.ones(4096).max(0)", None),
    ("x = torch.ones(512).unbind()", None),
    ("torch.zeros(2**63-1,0)", EMPTY),
    ("torch.randn(0, 2**62)", EMPTY),
    ("torch.full((0, 2**40), 1.0)", EMPTY),
    ("torch.ones(1,0).expand(10**12,0)", EMPTY),
    ("torch.ones(0).reshape(0, 10**12)", EMPTY),
    ("torch.ones(0).view(10**12, 0)", EMPTY),
    ("torch.ones(0, 3).new_zeros(0, 10**15)", EMPTY),
    ("x = torch.zeros(0, 3)\ny = x.sum(0)\nz = torch.zeros(0, 3) @ torch.zeros(3, 2)", None),
    # 9. lists as indices
    ("torch.ones(1,1,4096)[[[0]]*300,[[0]*300]]", TENSOR),
    ("x=torch.ones(1,1,4096)\nx[[[0]]*300,[[0]*300]]=1.0", TENSOR),
    ("torch.ones(1,4096)[[0]*4096]", TENSOR),
    ("x = torch.ones(3, 3)[[0, 1], [1, 2]]", None),
    # 10. named arguments of Python's functions
    ("x=torch.ones(1,1,1,1)\nmax([x], key=nn.Upsample(scale_factor=4096))", TENSOR),
    ("enumerate(iterable=range(10**7))", ARGUMENT),
    ("reversed(values=range(10**7))", ARGUMENT),
    ("x = max([], default=3)\ny = list(enumerate([1], start=2))\nz = sum([1], start=2)\nw = round(1.25, ndigits=1)", None),
    # 11. ranges in the place of lists
    ("a=[]\na+=range(10**7)", LIST),
    ("torch.tensor(range(10**7))", LIST),
    ("torch.tensor([range(4096)]*4000)", LIST),
    ("torch.ones(3)[range(10**7)]", LIST),
    ("nn.LayerNorm(range(10**7))", LIST),
    ("torch.ones(3).permute(range(10**9))", LIST),
    ("print(*range(10**9))", LIST),
    ("torch.ones(3) * range(10**9)", LIST),
    ("a=[]\na+=range(3)\nb=torch.tensor(range(3))\nc=torch.ones(4)[range(3)]", None),
    # 12. texts and lists with a tensor
    ("'%2000000000s' % torch.tensor(1)", "This number format is not part"),
    ("'a'*torch.tensor(10**9)", "A text may have at most 2000 characters"),
    ("torch.tensor(10**9)*'a'", "A text may have at most 2000 characters"),
    ("[0]*torch.tensor(10**9)", LIST),
    ("torch.tensor([10**9])*[0]", LIST),
    ("a=[0]\na*=torch.tensor(10**9)", LIST),
    ("a=(0,)\na*=torch.tensor(10**9)", LIST),
    ("a=[0]*torch.tensor(3)", None),
    # 13. final values
    ("x=torch.ones(4096)\n" + "\n".join(f"[a{i}]=[[x]*4090]" for i in range(100)), None),
    ("x=torch.ones(4096)\n" + "\n".join(f"a{i}=[x]*4090" for i in range(100)), None),
    # 15. exceptions
    ("d=torch.tensor(2.,requires_grad=True)\ng=torch.autograd.grad(d.sgn(),d)\nt=g[0]", None),
    ("d=torch.tensor(2.,requires_grad=True)\ny=d.sgn()\ng=torch.autograd.grad(y.sum(),d,create_graph=True,allow_unused=True)\nt=g[0]*2\nt.sum()", None),
    ("a=[]\na+=[a]", "nested at most 10 deep"),
    ("a=[1]\na*=2\na+=[[a]]", "nested at most 10 deep"),
    ("sum(range(2**63))", LIST),
    ("len(range(2**63))", "too large to convert"),
    ("for i in range(2**63): pass", "ran for more than 1 s"),
    ("nn.Linear(2,2,True,'meta')", "There is only one device here"),
    ("nn.Conv2d(1, 1, 1, 1, 0, 1, 1, True, 'zeros', 'meta')", "There is only one device here"),
    ("nn.Sequential(nn.Linear(2,2,True,'meta'))", "There is only one device here"),
    ("e=nn.Embedding(4, 2, sparse=True)\ne(torch.tensor([1, 1])).sum().backward()\ng=e.weight.grad", None),
    ("w=torch.ones(4, 2, requires_grad=True)\nF.embedding(torch.tensor([1]), w, sparse=True).sum().backward()\nprint(w.grad)", None),
]  # fmt: skip


@pytest.mark.parametrize(("source", "sentence"), HOLES, ids=[source[:60] for source, _ in HOLES])
def test_the_vocabulary_answers(source: str, sentence: str | None, place: Sandbox) -> None:
    error = run(source, place).error
    if sentence is None:
        assert error is None, error
    else:
        assert sentence in str(error), error


DIVISIONS = [
    f"{call}"
    for call in (
        *(f"torch.{name}(a, b, rounding_mode='{mode}')" for name in ("div", "divide") for mode in ("trunc", "floor")),
        *(f"a.{name}(b, rounding_mode='{mode}')" for name in ("div", "div_", "divide") for mode in ("trunc", "floor")),
        "torch.floor_divide(a, b)", "a.floor_divide(b)", "a // b", "torch.remainder(a, b)", "a.remainder(b)", "a.remainder_(b)",
        "torch.fmod(a, b)", "a.fmod(b)", "a % b",
    )
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64"])
def test_no_division_of_whole_numbers_ends_the_process(dtype: str, place: Sandbox) -> None:
    smallest = torch.iinfo(getattr(torch, dtype)).min
    for call, b in itertools.product(
        DIVISIONS, ("-1", "0", f"torch.tensor(-1, dtype=torch.{dtype})", "torch.tensor([-1, 0])")
    ):
        run(f"a = torch.tensor([{smallest}, 1], dtype=torch.{dtype})\nb = {b}\nx = {call}", place)


def test_what_is_in_a_range_is_right() -> None:
    names = (
        "3 in r",
        "3.0 in r",
        "2.5 in r",
        "4 in r",
        "True in r",
        "torch.tensor(3) in r",
        "torch.tensor(3.5) in r",
        "'a' in r",
        "None in r",
        "float('nan') in r",
        "float('inf') in r",
        "9 not in r",
    )
    trace = run_program("r = range(1, 9, 2)\n" + "\n".join(f"x{i} = {name}" for i, name in enumerate(names)))
    assert trace.error is None
    r = range(1, 9, 2)
    expected = [
        3 in r,
        3.0 in r,
        2.5 in r,
        4 in r,
        True in r,
        True,
        False,
        "a" in r,
        None in r,
        False,
        False,
        9 not in r,
    ]
    assert [trace.variables[f"x{i}"] for i in range(len(names))] == expected


@pytest.mark.parametrize(
    ("number", "digits"), [(15, -1), (25, -1), (1234, -2), (1234, -10), (-7, -1), (2.675, 2), (1e300, -299), (True, -1)]
)
def test_rounding_is_pythons(number: float, digits: int) -> None:
    assert run_program(f"x = round({number}, {digits})").variables["x"] == round(number, digits)
    assert run_program("x = round(2.5)\ny = round(7, -1000)").variables == {"x": 2, "y": 0}


def test_dropout_draws_from_the_programs_own_numbers() -> None:
    torch.manual_seed(0)
    state = torch.get_rng_state()
    for source in (
        "n=nn.Sequential(nn.Dropout(0.5))\nn.training=False\ny=n(torch.ones(100))",
        "n=nn.Sequential(nn.Sequential(nn.Dropout(0.5)))\nn[0].training=False\ny=n(torch.ones(100))",
        "n=nn.Dropout(0.5)\ny=n(torch.ones(100))",
        "y=max([torch.ones(100)], key=nn.Dropout(0.5))",
    ):
        first, second = (run_program(source, seed=1).variables.get("y") for _ in range(2))
        assert (first is None and second is None) or (first == second).all(), source
        assert torch.equal(torch.get_rng_state(), state), source


def test_a_graph_of_gradients_is_given_back() -> None:
    source = "x=torch.ones(4096,dtype=torch.float64,requires_grad=True)\ny=x\nfor i in range(12): y=y*x\ny.sum().backward(create_graph=True)\n"

    def memory() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    for _ in range(20):  # until the allocator holds what it needs
        run_program(source)
    before = memory()
    for _ in range(30):
        assert run_program(source).error is None
    assert memory() - before < 30 * 2**20  # each kept about 5 MB


def test_long_edges_are_laid_out_at_once_and_apart() -> None:
    trace = run_program("x=torch.ones(1,requires_grad=True)\ny=x\nfor i in range(400): y = y*x + x")
    edges = [(edge.source, edge.target) for edge in trace.edges]
    places = place_nodes(len(trace.nodes), edges)
    assert all(places[source, 1] < places[target, 1] for source, target in edges)
    assert len({tuple(point) for point in places.tolist()}) == len(places)
    assert places[:, 0].min() == 0
    json.dumps(to_json(trace), allow_nan=False)


def test_recording_never_raises(monkeypatch) -> None:
    from vizcore.autograd.recorder import Recorder

    monkeypatch.setattr(Recorder, "end_line", lambda *args, **options: 1 / 0)
    error = run_program("x = 1\n").error
    assert (error.kind, error.line) == ("limit", 1)
    assert "could not record this line (ZeroDivisionError" in str(error)


def test_the_process_has_one_sandbox() -> None:
    assert programs_sandbox() is programs_sandbox()
