"""A learner's own PyTorch program, run line by line on real torch, with everything that autograd does on record.

Reference:
    Paszke, Gross, Chintala, Chanan, Yang, DeVito, Lin, Desmaison, Antiga, Lerer. Automatic differentiation in PyTorch.
    NIPS 2017 workshop on Autodiff. The engine, the graph and the version counters are torch's own; nothing is imitated.
"""

from vizcore.autograd.differences import DifferenceErrors, compare_differences
from vizcore.autograd.layout import place_nodes
from vizcore.autograd.program import run_program
from vizcore.autograd.script import list_rows, write_program_script
from vizcore.autograd.series import Chart, Curve, Fold, Iteration, Series
from vizcore.autograd.trace import (
    Accumulation,
    Call,
    Contribution,
    Edge,
    Message,
    Node,
    ProgramError,
    ProgramTrace,
    Rule,
    SavedTensor,
    Step,
    TensorState,
    Visit,
)
from vizcore.autograd.trace_json import to_json
from vizcore.autograd.worker import ProgramRun, programs_sandbox, run_in_worker

__all__ = [
    "Accumulation",
    "Call",
    "Chart",
    "Contribution",
    "Curve",
    "DifferenceErrors",
    "Edge",
    "Fold",
    "Iteration",
    "Message",
    "Node",
    "ProgramError",
    "ProgramRun",
    "ProgramTrace",
    "Rule",
    "SavedTensor",
    "Series",
    "Step",
    "TensorState",
    "Visit",
    "compare_differences",
    "list_rows",
    "place_nodes",
    "programs_sandbox",
    "run_in_worker",
    "run_program",
    "to_json",
    "write_program_script",
]
