"""A learner's own PyTorch program, run line by line on real torch, with everything that autograd does on record.

Reference:
    Paszke, Gross, Chintala, Chanan, Yang, DeVito, Lin, Desmaison, Antiga, Lerer. Automatic differentiation in PyTorch.
    NIPS 2017 workshop on Autodiff. The engine, the graph and the version counters are torch's own; nothing is imitated.
"""

from vizcore.autograd.layout import place_nodes
from vizcore.autograd.program import run_program
from vizcore.autograd.trace import (
    Accumulation,
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
    to_json,
)
from vizcore.autograd.worker import ProgramRun, programs_sandbox, run_in_worker

__all__ = [
    "Accumulation",
    "Contribution",
    "Edge",
    "Message",
    "Node",
    "ProgramError",
    "ProgramRun",
    "ProgramTrace",
    "Rule",
    "SavedTensor",
    "Step",
    "TensorState",
    "Visit",
    "place_nodes",
    "programs_sandbox",
    "run_in_worker",
    "run_program",
    "to_json",
]
