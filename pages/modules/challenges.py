"""The challenges of the nn and functional page: each is marked from the comparison, and says what is still missing."""

from __future__ import annotations

from collections.abc import Callable

from pages.kit.challenges import Challenge
from pages.kit.language import Translate
from pages.kit.page import Page
from pages.modules.words import aspect_words
from vizcore.modules import NetworkComparison, list_silent

Rule = Callable[[NetworkComparison, Translate], str | None]
"""None where the comparison solves the challenge, else a hint that fits it."""


def repair(comparison: NetworkComparison, _: Translate) -> str | None:
    """Every silent difference repaired in a network that has dropout and batch normalization."""
    if comparison.choice.dropout == 0 or comparison.choice.normalization != "batch_norm":
        return _("Keep dropout above 0 and batch normalization on: without them there is less to repair.")
    silent = list_silent(comparison)
    if silent:
        words = aspect_words(_)
        return _("Still differing: {what}.", what="; ".join(words[entry.aspect] for entry in silent[:3]))
    return None


def half(comparison: NetworkComparison, _: Translate) -> str | None:
    """Weights learn, yet eval() is random: the two repairs are independent."""
    if not comparison.by_aspect["parameters"].same:
        return _("parameters() does not see the functional weights yet.")
    if comparison.by_aspect["eval_passes"].same:
        return _("Twenty passes in eval() still agree with each other. What would make them differ?")
    return None


def harmless(comparison: NetworkComparison, _: Translate) -> str | None:
    """The forgotten flag does no harm in eval() when only batch normalization needs it."""
    if comparison.choice.pass_training:
        return _("The flag must stay forgotten: turn the second switch off.")
    if not comparison.by_aspect["output_eval"].same:
        return _("In eval() the outputs still differ. Which of the two functions has the wrong default for eval()?")
    if comparison.by_aspect["output_train"].same:
        return _("Now the flag matters nowhere. Keep a layer that needs it in train().")
    return None


def two_names(comparison: NetworkComparison, _: Translate) -> str | None:
    """One tensor under two keys."""
    if not comparison.by_aspect["shared_keys"].module:
        return _("Every key has a tensor of its own. Which choice above lets one layer stand in two places?")
    return None


def of(page: Page, comparison: NetworkComparison) -> list[Challenge]:
    """The challenges in the order shown."""
    _ = page.translate
    listed: tuple[tuple[str, Rule, str, str], ...] = (
        (
            "repair",
            repair,
            _("Repair it"),
            _("With dropout and batch normalization in the network, leave no silent difference."),
        ),
        (
            "half",
            half,
            _("Half repaired"),
            _("Let the functional weights learn, and yet let twenty passes in eval() disagree."),
        ),
        (
            "harmless",
            harmless,
            _("A harmless mistake?"),
            _("Forget the training flag so that eval() gives equal outputs and only train() tells."),
        ),
        (
            "two_names",
            two_names,
            _("Two names, one tensor"),
            _("Bring about a state_dict() in which two keys hold the same tensor."),
        ),
    )
    return [
        Challenge(name, title, task, lambda rule=rule: rule(comparison, _))  # type: ignore[misc]
        for name, rule, title, task in listed
    ]
