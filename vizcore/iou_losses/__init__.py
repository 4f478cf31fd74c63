"""IoU and its relatives as regression losses: values, gradients, landscapes, descents, the DIoU paper's simulation."""

from vizcore.iou_losses.comparison import LossComparison, compare_losses, reproduction_script
from vizcore.iou_losses.degeneracies import REASONS, degeneracies, explain_not_finite, reasons_for
from vizcore.iou_losses.descent import SCHEDULES, STEP_RULES, DescentTrace, learning_rates, trace_descent
from vizcore.iou_losses.landscape import OVER, LossLandscape, loss_landscape
from vizcore.iou_losses.losses import (
    COORDINATE_NAMES,
    DEFAULTS,
    KINDS,
    LOSSES,
    LossInfo,
    LossSettings,
    box_loss,
    box_parts,
    example_coordinates,
    loss_and_gradient,
    loss_terms,
)
from vizcore.iou_losses.metric import PROPERTIES, MetricCheck, search_counterexample
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
    "COORDINATE_NAMES",
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
    "example_coordinates",
    "explain_not_finite",
    "learning_rates",
    "load_simulation",
    "loss_and_gradient",
    "loss_landscape",
    "loss_terms",
    "reasons_for",
    "reproduction_script",
    "save_simulation",
    "search_counterexample",
    "simulate_regression",
    "simulation_cases",
    "simulation_path",
    "trace_descent",
]
