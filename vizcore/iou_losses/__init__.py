"""IoU and its relatives as regression losses: values, gradients, landscapes, descents, the DIoU paper's simulation."""

from vizcore.iou_losses.catalog import KINDS, LOSSES, LossInfo
from vizcore.iou_losses.comparison import LossComparison, compare_losses
from vizcore.iou_losses.degeneracies import REASONS, degeneracies, explain_not_finite, reasons_for
from vizcore.iou_losses.descent import SCHEDULES, STEP_RULES, DescentTrace, learning_rates, trace_descent
from vizcore.iou_losses.geometry import box_parts
from vizcore.iou_losses.landscape import OVER, LossLandscape, loss_landscape
from vizcore.iou_losses.losses import box_loss, loss_and_gradient, loss_terms
from vizcore.iou_losses.metric import PROPERTIES, MetricCheck, search_counterexample
from vizcore.iou_losses.packing import pack_playground, race_steps
from vizcore.iou_losses.script import write_losses_script
from vizcore.iou_losses.settings import DEFAULTS, LossSettings
from vizcore.iou_losses.simulation import (
    GRADIENTS,
    SIMULATED_KINDS,
    STARTS,
    RegressionSimulation,
    load_simulation,
    save_simulation,
    simulate_regression,
    simulation_cases,
    simulation_path,
)

__all__ = [
    "DEFAULTS",
    "GRADIENTS",
    "KINDS",
    "LOSSES",
    "OVER",
    "PROPERTIES",
    "REASONS",
    "SCHEDULES",
    "SIMULATED_KINDS",
    "STARTS",
    "STEP_RULES",
    "DescentTrace",
    "LossComparison",
    "LossInfo",
    "LossLandscape",
    "LossSettings",
    "MetricCheck",
    "RegressionSimulation",
    "box_loss",
    "box_parts",
    "compare_losses",
    "degeneracies",
    "explain_not_finite",
    "learning_rates",
    "load_simulation",
    "loss_and_gradient",
    "loss_landscape",
    "loss_terms",
    "pack_playground",
    "race_steps",
    "reasons_for",
    "save_simulation",
    "search_counterexample",
    "simulate_regression",
    "simulation_cases",
    "simulation_path",
    "trace_descent",
    "write_losses_script",
]
