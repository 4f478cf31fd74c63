"""Words that several parts of the page say."""

from __future__ import annotations

from pages.kit.language import Translate


def aspect_words(_: Translate) -> dict[str, str]:
    """What is measured on both networks, by aspect."""
    return {
        "arithmetic": _("Outputs in eval(), dropout 0: difference"),
        "output_eval": _("Outputs in eval(): difference"),
        "output_train": _("Outputs in train(), same seed: difference"),
        "eval_passes": _("Results in twenty passes in eval()"),
        "parameters": _("Numbers that parameters() yields"),
        "optimizer_step": _("Weights that one SGD step moves"),
        "saved": _("Numbers that state_dict() holds"),
        "restored": _("Outputs after save and load: difference"),
        "to_float64": _("Tensors that .to(torch.float64) converts"),
        "running_mean": _("Size of running_mean after ten batches"),
        "shared_keys": _("Second names for one tensor in state_dict()"),
        "hooks": _("Forward hooks that fire in one call"),
        "repr": _("Lines that repr() prints"),
    }


def unbroken(words: str) -> str:
    """Chinese breaks between any two characters; a word joiner keeps a mark in one line."""
    return "\u2060".join(words)
