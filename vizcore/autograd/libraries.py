"""What a program may import: torch and its parts, and a small face of numpy, matplotlib and random."""

from __future__ import annotations

import collections
import functools
import itertools
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from vizcore.autograd import charts, distributions, vocabulary
from vizcore.autograd.values import Silent
from vizcore.autograd.words import Namespace, Word


def _namespace(path: str, words: dict[str, Any]) -> Namespace:
    return Namespace(path, MappingProxyType(words))


_ARRAY_WORDS = """
array asarray linspace arange zeros ones full eye zeros_like ones_like full_like exp log log2 log10 log1p expm1 sqrt
square sin cos tan tanh sinh cosh arctan abs absolute maximum minimum clip power sign mean sum std var max min amax
amin argmax argmin dot matmul outer reshape transpose concatenate stack vstack hstack column_stack where round around
floor ceil allclose isclose array_equal meshgrid cumsum expand_dims squeeze prod any all argsort sort unique diff isnan
ravel median add subtract multiply divide inner trace
"""
_RANDOM_WORDS = """
seed rand randn random normal uniform randint permutation shuffle choice random_sample standard_normal
"""
_CHANCE_WORDS = "seed random randint uniform choice shuffle gauss sample randrange normalvariate"

NUMPY = _namespace(
    "np",
    {
        **{name: Word(f"np.{name}", getattr(np, name)) for name in _ARRAY_WORDS.split()},
        **{name: getattr(math, name) for name in ("pi", "e", "inf", "nan")},
        **{name: Word(f"np.{name}", getattr(np, name)) for name in ("float32", "float64", "int32", "int64", "ndarray")},
        "newaxis": None,
        "random": _namespace(
            "np.random",
            {
                **{name: Word(f"np.random.{name}", getattr(np.random, name)) for name in _RANDOM_WORDS.split()},
                "RandomState": Word("np.random.RandomState", np.random.RandomState),
                "default_rng": Word("np.random.default_rng", np.random.default_rng),
            },
        ),
        "linalg": _namespace(
            "np.linalg",
            {name: Word(f"np.linalg.{name}", getattr(np.linalg, name)) for name in ("norm", "inv", "det", "solve")},
        ),
        "set_printoptions": Word("np.set_printoptions", np.set_printoptions),
        "testing": _namespace(
            "np.testing",
            {
                name: Word(f"np.testing.{name}", getattr(np.testing, name))
                for name in ("assert_allclose", "assert_array_equal", "assert_almost_equal")
            },
        ),
        "__version__": np.__version__,
    },
)
PYPLOT = _namespace(
    "plt",
    {
        **{name: Word(f"plt.{name}", lambda *args, **kwargs: None) for name in charts.WORDS},
        "style": _namespace("plt.style", {"use": Silent("plt.style.use")}),
        "rcParams": Silent("plt.rcParams"),
        "cm": Silent("plt.cm"),
    },
)
RANDOM = _namespace(
    "random", {name: Word(f"random.{name}", lambda *args, **kwargs: None) for name in _CHANCE_WORDS.split()}
)
TIME = _namespace(
    "time",
    {name: Word(f"time.{name}", lambda *args: 0.0) for name in ("time", "perf_counter", "process_time", "sleep")},
)
COPY = _namespace("copy", {name: Word(f"copy.{name}", lambda value: value) for name in ("copy", "deepcopy")})
_TYPING_WORDS = (
    "List Tuple Dict Optional Any Callable Union Iterable Sequence Iterator Type TypeVar Literal Generator Set Mapping"
)
TYPING = _namespace("typing", {name: Silent(f"typing.{name}") for name in _TYPING_WORDS.split()})

FUNCTOOLS = _namespace(
    "functools",
    {name: Word(f"functools.{name}", getattr(functools, name)) for name in ("partial", "reduce", "wraps")},
)
ITERTOOLS = _namespace(
    "itertools",
    {
        name: Word(f"itertools.{name}", getattr(itertools, name))
        for name in ("product", "chain", "combinations", "permutations", "accumulate", "zip_longest", "pairwise")
    },
)

TQDM = _namespace(
    "tqdm",
    {
        name: Word(f"tqdm.{name}" if name == "trange" else "tqdm", lambda values, *args, **kwargs: values)
        for name in ("tqdm", "trange")
    },
)

MODULES: Mapping[str, Namespace] = MappingProxyType(
    {
        "torch": vocabulary.TORCH,
        "torch.nn": vocabulary.NN,
        "torch.nn.functional": vocabulary.FUNCTIONAL,
        "torch.nn.init": vocabulary.NN.words["init"],
        "torch.nn.utils": vocabulary.NN.words["utils"],
        "torch.optim": vocabulary.OPTIM,
        "torch.optim.optimizer": vocabulary.OPTIM,
        "torch.optim.lr_scheduler": vocabulary.OPTIM.words["lr_scheduler"],
        "torch.autograd": vocabulary.AUTOGRAD,
        "torch.autograd.function": vocabulary.AUTOGRAD.words["function"],
        "torch.autograd.graph": vocabulary.AUTOGRAD.words["graph"],
        "torch.autograd.functional": vocabulary.AUTOGRAD.words["functional"],
        "torch.linalg": vocabulary.TORCH.words["linalg"],
        "torch.utils": vocabulary.TORCH.words["utils"],
        "torch.utils.data": vocabulary.DATA,
        "torch.cuda": vocabulary.TORCH.words["cuda"],
        "math": vocabulary.MATH,
        "numpy": NUMPY,
        "numpy.random": NUMPY.words["random"],
        "matplotlib.pyplot": PYPLOT,
        "matplotlib": _namespace("matplotlib", {"pyplot": PYPLOT, "use": Silent("matplotlib.use")}),
        "random": RANDOM,
        "time": TIME,
        "copy": COPY,
        "typing": TYPING,
        "__future__": _namespace("__future__", {name: None for name in ("print_function", "division", "annotations")}),
        "tqdm.auto": TQDM,
        "tqdm.notebook": TQDM,
        "collections": _namespace(
            "collections",
            {
                "OrderedDict": Word("dict", dict),
                "defaultdict": Word("collections.defaultdict", collections.defaultdict),
            },
        ),
        "dataclasses": _namespace(
            "dataclasses", {name: Word(f"dataclasses.{name}", dict) for name in ("dataclass", "field", "asdict")}
        ),
        "abc": _namespace("abc", {name: Word(f"abc.{name}", object) for name in ("ABC", "abstractmethod")}),
        "mpl_toolkits.mplot3d": _namespace("mpl_toolkits.mplot3d", {"Axes3D": Silent("Axes3D")}),
        "torch.nn.utils.rnn": vocabulary.NN.words["utils"].words["rnn"],
        "functools": FUNCTOOLS,
        "itertools": ITERTOOLS,
        "torch.func": vocabulary.FUNC,
        **distributions.MODULES,
        "torch.testing": vocabulary.TORCH.words["testing"],
        "warnings": _namespace(
            "warnings", {name: Silent(f"warnings.{name}") for name in ("filterwarnings", "simplefilter", "warn")}
        ),
        "IPython": _namespace("IPython", {}),
        "IPython.display": _namespace(
            "IPython.display", {name: Silent(f"IPython.display.{name}") for name in ("clear_output", "display")}
        ),
        "tqdm": TQDM,
    }
)
"""Every module that can be imported, by its whole name."""

READY: Mapping[str, Any] = MappingProxyType(
    {
        "np": NUMPY,
        "plt": PYPLOT,
        "optim": vocabulary.OPTIM,
        "random": RANDOM,
        "time": TIME,
        "Variable": vocabulary.AUTOGRAD.words["Variable"],
        "Parameter": vocabulary.NN.words["Parameter"],
        "TensorDataset": vocabulary.DATA.words["TensorDataset"],
        "DataLoader": vocabulary.DATA.words["DataLoader"],
    }
)
"""Names that a cell of a notebook expects from an earlier one; a program may use them for something else."""

INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "torchvision": "There are no data sets or pretrained networks here; "
        "make data with torch.randn or torch.linspace.",
        "sklearn": "There are no other libraries here; make data with torch.randn, torch.linspace or np.random.",
        "pandas": "Files cannot be read here; write the numbers into the program, as in torch.tensor([…]).",
        "os": "Files and the system are out of reach here; write the numbers into the program.",
        "sys": "Files and the system are out of reach here; write the numbers into the program.",
        "pathlib": "Files and the system are out of reach here; write the numbers into the program.",
        "urllib": "Nothing can be downloaded here; write the numbers into the program.",
        "requests": "Nothing can be downloaded here; write the numbers into the program.",
        "torchviz": "The graph is drawn beside the program already; leave this import out.",
        "seaborn": "Draw with matplotlib: plt.plot and plt.scatter are here.",
        "tensorflow": "This lab runs PyTorch; write it with torch.",
        "jax": "This lab runs PyTorch; write it with torch.",
        "argparse": "There is no command line here; write the numbers into the program.",
        "logging": "There is no log here; use print.",
        "pickle": "Files and the system are out of reach here; write the numbers into the program.",
        "torchsummary": "print(model) shows its parts here; leave this import out.",
        "torchinfo": "print(model) shows its parts here; leave this import out.",
    }
)
"""What to write instead of what cannot be imported."""

IDLE = frozenset(
    """
    torchvision sklearn pandas seaborn torchviz torchsummary torchinfo json re logging pickle argparse datetime gc
    pathlib string operator scipy cv2 PIL tensorboard wandb enum
    """.split()  # noqa: SIM905
)
"""Libraries that are not here, and whose import is passed over where the program never uses it."""

_NO_FILES = "Files are out of reach here; keep state_dict() in a variable, and give it to load_state_dict()."
_NO_COMPILER = "Programs run line by line here, so that each line can be seen; leave the compiler out."
_NO_MIXED = "Everything is computed on the processor in the tensors' own dtype here; leave mixed precision out."
INSTEAD_OF_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "torch.save": _NO_FILES,
        "torch.load": _NO_FILES,
        "torch.compile": _NO_COMPILER,
        "torch.jit": _NO_COMPILER,
        "torch.autocast": _NO_MIXED,
        "torch.amp": _NO_MIXED,
        "torch.cuda.amp": _NO_MIXED,
        "torch.Generator": "The program has one generator of random numbers; set it with torch.manual_seed.",
    }
)
"""What to write instead of words of torch's that cannot be had."""
