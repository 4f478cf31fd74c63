"""What the pyramid says: its classes in the reader's language, the piece's sentences, the result in one."""

from __future__ import annotations

from collections.abc import Sequence

from pages.image_pyramid.state import CLASSES
from pages.kit.language import Translate, translator
from vizcore import image_pyramid


def name_classes(language: str) -> tuple[str, ...]:
    """All classes in a language."""
    say = translator("classes", language)
    return tuple(map(say, CLASSES))


def searchable_names(names: Sequence[str]) -> dict[str, str]:
    """The classes by their number, each with the English name by which it can be searched too."""
    return {
        str(label): english if english == said else f"{said} · {english}"
        for label, (english, said) in enumerate(zip(CLASSES, names, strict=True))
    }


def milliseconds(seconds: float) -> str:
    """A duration in whole milliseconds."""
    return f"{1000 * seconds:,.0f} ms"


def summary(_: Translate, trace: image_pyramid.SlidingWindowTrace, name: str) -> str:
    """The result in a sentence."""
    if not len(trace.keep):
        return _(
            "Windows searched for “{name}”: {windows}; none is above {threshold}, the best has {best}.",
            name=name,
            windows=trace.num_windows,
            threshold=trace.score_threshold,
            best=f"{max(trace.peaks):.2f}",
        )
    return _(
        "Windows searched for “{name}”: {windows}; candidates: {candidates}; boxes left: {kept}, the best with {best}.",
        name=name,
        candidates=len(trace.candidates),
        windows=trace.num_windows,
        kept=len(trace.keep),
        best=f"{trace.scores[trace.candidates[trace.keep[0]]]:.2f}",
    )


def component_words(_: Translate, *, named: bool = True) -> dict[str, str]:
    """What the piece says; braces are filled in the browser. Not ``named``: while the class is what is asked for."""
    return {
        "crop": _("What the window sees"),
        "crop_alt": _("The window’s pixels, cut out of the level of {width} × {height} pixels."),
        "says": _("What the network says"),
        "photo": _("On the photo"),
        "scale": (
            _("Probability of “{name}”, 0 to 1, around each window’s center:")
            if named
            else _("Probability of one class, 0 to 1, around each window’s center:")
        ),
        "level_size": _("{level}: {width} × {height}, windows: {windows}"),
        "level_best": _("best {score}, above threshold: {passed}"),
        "level_jump": _("Go to the best window of level {level}: {width} × {height} pixels, {name} {score}"),
        "level_alt": _(
            "Level {level} of {levels}, {width} × {height} pixels, with the score map of “{name}”: best "
            "{score}; windows above the threshold: {passed} of {windows}."
        ),
        "read": _("Level {level}, row {row}, column {column}: {name} {score}. Click to go there."),
        "start": _("Windows: {windows}, levels: {levels}. Nothing is looked at yet: press → or play."),
        "window": _("Level {level} of {levels}, {width} × {height}: row {row}, column {column}. {name}: {score}."),
        "above": _("Above {threshold}: a candidate."),
        "below": _("Not above {threshold}: forgotten."),
        "group": _(
            "Level {level} of {levels}, {width} × {height}: {count} windows looked at, the best of them at row {row}, "
            "column {column} with {name} {score}; {passed} above {threshold}."
        ),
        "gathered": _("Windows above {threshold}, now candidates: {candidates} of {windows}."),
        "fused": _(
            "Windows above {threshold}, now candidates: {candidates} of {windows}. Each has moved to the "
            "average of those that agree with it."
        ),
        "nothing": _("No window is above {threshold}: the best for “{name}” has {best}."),
        "keep": _("Box {number} with score {score} is kept; it suppresses {removed}."),
        "end": _("Done. Windows: {windows}, levels: {levels}, boxes left for “{name}”: {kept}."),
        "kept": _("kept with score {score}"),
        "suppressed": _("score {score}, suppressed by the box with {other}"),
    }
