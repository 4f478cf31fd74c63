"""``nn.Xxx`` beside ``nn.functional.xxx``: the same small network built both ways, and what then differs.

A module is state (parameters, buffers, a training flag, hooks) plus a call of the function; the function is the
arithmetic alone. Given equal weights both compute the same numbers, bit for bit. What differs is everything that
needs the state, and it differs silently: a plain tensor is not in ``parameters()``, does not move with ``.to()``,
is not saved; ``F.dropout`` keeps dropping in ``eval()``. ``compare_networks`` builds both from one choice, runs
both and measures each of these.

Reference:
    Paszke, Gross, Massa et al., PyTorch: An Imperative Style, High-Performance Deep Learning Library, NeurIPS 2019,
    arXiv 1912.01703.
"""

from vizcore.modules.choice import (
    ACTIVATIONS,
    HIDDEN_SIZES,
    LAYERS,
    MIDDLES,
    NORMALIZATIONS,
    NetworkChoice,
)
from vizcore.modules.comparison import compare_networks
from vizcore.modules.networks import FunctionalNetwork, build_module_network
from vizcore.modules.recommendations import Recommendation, Trap, measure_recommendations, measure_traps
from vizcore.modules.report import (
    Difference,
    NetworkComparison,
    NetworkReport,
    TensorEntry,
    list_shown,
    list_silent,
    num_distinct,
)
from vizcore.modules.script import lab_program, network_source, shown_definition, write_modules_script
from vizcore.modules.timing import NetworkTiming, time_networks

__all__ = [
    "ACTIVATIONS",
    "HIDDEN_SIZES",
    "LAYERS",
    "MIDDLES",
    "NORMALIZATIONS",
    "Difference",
    "FunctionalNetwork",
    "NetworkChoice",
    "NetworkComparison",
    "NetworkReport",
    "NetworkTiming",
    "Recommendation",
    "TensorEntry",
    "Trap",
    "build_module_network",
    "compare_networks",
    "lab_program",
    "list_shown",
    "list_silent",
    "measure_recommendations",
    "measure_traps",
    "network_source",
    "num_distinct",
    "shown_definition",
    "time_networks",
    "write_modules_script",
]
