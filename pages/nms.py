"""NMS stepper: every decision of a suppression, over candidates of one's own, of a generated crowd, or of a photo."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from pages.kit import link
from pages.kit.candidates import photo_recording, sample_recording
from pages.kit.challenges import Challenge, show_challenges
from pages.kit.chart import chart, table
from pages.kit.exports import download_numbers
from pages.kit.live import said
from pages.kit.loaders import compute
from pages.kit.page import close_page, open_page
from pages.kit.reproduce import reproduce_panel
from pages.kit.stage import StageBox, stage, stage_state
from pages.kit.stepper import step_from, step_spec
from vizcore import nms
from vizcore.data import annotations, crowds, photos
from vizcore.figures import nms as figures
from vizcore.figures import theme

OWN_SIZE = (360, 640)
OWN_BOXES = [[90, 90, 250, 280], [140, 100, 300, 290], [360, 110, 500, 270], [390, 60, 560, 240]]
OWN_SCORES = (0.9, 0.8, 0.85, 0.6, 0.7, 0.5, 0.4, 0.3)
MAX_OWN = 8
DRAWN_DECAYS = ("hard", "soft_linear", "soft_gaussian")
MOST_OF_A_PHOTO = 2000  # candidates taken from a detector, best first
SESSION, DEFAULT_PHOTO = "session", "chelsea"
NEW_BOX = [240, 130, 400, 250]

page = open_page(
    "nms",
    title="NMS stepper",
    tagline="Step with the arrow keys: the box in hand meets those below it. Click a box to see what removed it.",
)
_ = page.translate
METHODS = {name: _(label) for name, label in figures.METHOD_NAMES.items()}
RANKINGS = {name: _(label) for name, label in figures.RANKING_NAMES.items()}


def method_words(method: str, *, suppress_equal: bool) -> dict[str, str]:
    """What one decision of a method is said to be; braces are filled in the browser."""
    if method == "matrix":
        return {
            "pick": _(
                "Step {step}: box {pick} ({score}) is judged by the {compared} better boxes; {touching} of them "
                "intersect it."
            ),
            "alone": _("No better box touches it, so its score stays."),
            "keep": _(
                "Box {other}, IoU {iou}, alone would multiply the score of box {pick} by {factor}; another box "
                "weighs more."
            ),
            "decay": _(
                "Box {other}, IoU {iou}, weighs most: the score of box {pick} falls from {before} to {after} (× "
                "{factor})."
            ),
            "suppress": _(
                "Box {other}, IoU {iou}, weighs most: the score of box {pick} falls from {before} to {after}, below "
                "{floor}; it is removed."
            ),
        }
    if method == "fusion":
        return {
            "pick": _(
                "Step {step}: box {pick} ({score}) looks for a cluster to join; it touches {touching} of {compared}."
            ),
            "alone": _("None overlaps it enough, so it founds a cluster."),
            "keep": _("IoU {iou} with the fused box of cluster {other}: box {pick} does not join it."),
            "merge": _(
                "IoU {iou} with the fused box of cluster {other}, above {threshold} and the best: box {pick} joins, "
                "and the fused box moves."
            ),
        }
    picked = _(
        "Step {step}: box {pick} has the best score left ({score}) and is kept. It is compared with {compared} "
        "boxes; {touching} intersect it."
    )
    if method == "soft_linear":
        return {
            "pick": picked,
            "keep": _(
                "Boxes {pick} and {other}: IoU {iou} is not above {threshold}, so the score of box {other} stays "
                "{before}."
            ),
            "decay": _(
                "Boxes {pick} and {other}: IoU {iou} is above {threshold}; the score of box {other} falls from "
                "{before} to {after} (× {factor} = 1 − IoU)."
            ),
            "suppress": _(
                "Boxes {pick} and {other}: IoU {iou}; the score of box {other} falls from {before} to {after}, "
                "below {floor}; it is removed."
            ),
        }
    if method == "soft_gaussian":
        return {
            "pick": picked,
            "keep": _("Boxes {pick} and {other} do not overlap: the score of box {other} stays {before}."),
            "decay": _(
                "Boxes {pick} and {other}: IoU {iou}; the score of box {other} falls from {before} to {after} (× "
                "{factor}). There is no threshold here."
            ),
            "suppress": _(
                "Boxes {pick} and {other}: IoU {iou}; the score of box {other} falls from {before} to {after}, "
                "below {floor}; it is removed."
            ),
        }
    if method == "diou":
        return {
            "pick": picked,
            "keep": _(
                "Boxes {pick} and {other}: IoU {iou}, less the distance of their centres {overlap}, is not above "
                "{threshold}. Box {other} stays."
            ),
            "suppress": _(
                "Boxes {pick} and {other}: IoU {iou}, less the distance of their centres {overlap}, exceeds "
                "{threshold}. Box {other} is suppressed."
            ),
        }
    if suppress_equal:
        return {
            "pick": picked,
            "keep": _("Boxes {pick} and {other}: IoU {iou} is below {threshold}. Box {other} stays in the queue."),
            "suppress": _("Boxes {pick} and {other}: IoU {iou} is at least {threshold}. Box {other} is suppressed."),
        }
    return {
        "pick": picked,
        "keep": _("Boxes {pick} and {other}: IoU {iou} is not above {threshold}. Box {other} stays in the queue."),
        "suppress": _("Boxes {pick} and {other}: IoU {iou} is above {threshold}. Box {other} is suppressed."),
    }


def component_words(method: str, *, suppress_equal: bool) -> dict[str, Any]:
    """Everything the stepper says."""
    return {
        "say": {
            **method_words(method, suppress_equal=suppress_equal),
            "start": _("{count} candidates, best score first. Nothing is decided yet: press → to begin."),
            "low": _("{count} more lie below the score threshold {floor} and take no part."),
            "incomplete": _("There are so many overlaps that only those which changed something are listed."),
            "effect": _("Suppressed: {suppressed}, decayed: {decayed}, left alone: {untouched}."),
            "end": _("Done: {kept} boxes kept, {removed} removed."),
            "question": _("Box {pick} is in hand and meets box {other}. What happens?"),
            "choose": _("Decide before you see it:"),
            "go_on": _("Press → for the next decision."),
            "right": _("Right: {truth}. {why}"),
            "wrong": _("Not so: {truth}. {why}"),
            "tally": _("{right} of {asked} right"),
        },
        "answers": {"keep": _("keep"), "suppress": _("suppress"), "decay": _("decay"), "merge": _("merge")},
        "keys": {"keep": "k", "suppress": "s", "decay": "d", "merge": "m"},
        "queue": _("Queue: {count} waiting"),
        "kept": _("Kept: {kept} · removed: {removed}"),
        "more": _("and {count} more"),
        "matrix": _("Overlaps, best score first"),
        "matrix_part": _("Overlaps of the best {count}"),
        "cell": _("boxes {a} and {b}: {value}"),
        "curve": _("Overlap → factor on the score"),
        "in_hand": _("in hand"),
        "compared": _("compared"),
        "gone": _("removed"),
        "tip": {
            "box": _("Box {id}: {label} {score}"),
            "kept": _("final score {after}"),
            "removed": _("removed by box {by}"),
            "low": _("below the score threshold"),
        },
    }


COLORS = {
    "kept": theme.KEPT,
    "out": theme.SUPPRESSED,
    "current": theme.CURRENT,
    "waiting": theme.PREDICTION,
    "compared": theme.INTERSECTION,
    "target": theme.TARGET,
    "scale": figures.sequential_colors(),
}

# --- what is suppressed, and by which rules --------------------------------------------------------------------------

SOURCES = {
    "photo": _("A photo’s candidates (detection)"),
    "crowd": _("Crowd: two people in one another’s way"),
    "two_classes": _("Two classes on one spot"),
    "chain": _("Chain A–B–C"),
    "ties": _("Ties and exact halves"),
    "random": _("2,000 random boxes"),
    "own": _("My own boxes"),
}
first = st.columns([1.5, 1.1, 1.1, 1.1, 0.9], vertical_alignment="bottom", gap="small")
with first[0]:
    source = page.select("source", _("Candidates"), SOURCES, "crowd")
with first[1]:
    method = page.select("method", _("Method"), METHODS, "hard")
with first[2]:
    iou_threshold = page.slider("iou_threshold", _("IoU threshold"), 0.0, 1.0, 0.5, step=0.05)
with first[3]:
    score_threshold = page.slider("score_threshold", _("Score threshold"), 0.0, 1.0, 0.05, step=0.05)
with first[4], st.popover(_("More rules"), icon=":material/tune:", width="stretch"):
    class_aware = page.toggle("class_aware", _("Classes never meet (class-aware)"), True)
    sigma = page.slider("sigma", _("σ of the Gaussian decay"), 0.05, 2.0, 0.5, step=0.05)
    kernels = {"gaussian": _("Gaussian"), "linear": _("linear")}
    matrix_kernel = page.select("matrix_kernel", _("Decay of Matrix NMS"), kernels, "gaussian", few=True)
    distance_power = page.slider("distance_power", _("β of DIoU-NMS"), 0.1, 2.0, 1.0, step=0.1)
    suppress_equal = page.toggle("suppress_equal", _("An overlap exactly on the threshold suppresses (≥)"), False)
    ties = page.select(
        "ties", _("Of equal scores"), {"first": _("the first"), "last": _("the last")}, "first", few=True
    )
    pixel_inclusive = page.toggle("pixel_inclusive", _("Count the last pixel (+1, before 2018)"), False)
    seed = page.number("seed", _("Seed of the crowd"), 0, 9999, 0)

second = st.columns([1.6, 0.9, 1.1, 1.2], vertical_alignment="bottom", gap="small")
with second[0]:
    paces = {"comparison": _("one comparison"), "pick": _("one box in hand")}
    pace = page.select("pace", _("One step is"), paces, "comparison", few=True)
with second[1]:
    predict = page.toggle("predict", _("Predict first"), False)

show_targets_parameter = link.flag("show_targets", True)
view_key = page.key("view")
boxes_parameter = link.numbers("boxes", (None, 4), OWN_BOXES, limit=1e5, most=MAX_OWN)
own_boxes = page.value(boxes_parameter)
own_scores = [
    page.value(link.number(f"score_{index}", 0.0, 1.0, OWN_SCORES[index])) for index in range(MAX_OWN)
]  # a slider each, drawn with the own boxes; part of the link at all times
targets, target_labels, label_names, photo = np.zeros((0, 4)), np.zeros(0, dtype=np.int64), ("",), None
own: tuple[StageBox, ...] = ()
if source == "own":
    size = OWN_SIZE
    own = tuple(StageBox(str(index), tuple(box), color=theme.PREDICTION) for index, box in enumerate(own_boxes))
    own_boxes = stage_state(view_key, boxes=own, size=size, version=page.version("boxes")).xyxy
    page.store(boxes_parameter, own_boxes)
    boxes = np.asarray(own_boxes, dtype=np.float64).reshape(-1, 4)
    with second[3].popover(_("Boxes and scores"), icon=":material/add_box:", width="stretch"):
        scores = np.asarray(
            [
                page.slider(
                    f"score_{index}", _("Score of box {index}", index=index), 0.0, 1.0, OWN_SCORES[index], step=0.01
                )
                for index in range(len(own_boxes))
            ]
        )
        more, fewer = st.columns(2)
        more.button(
            _("Add a box"),
            key=page.key("add"),
            on_click=page.set,
            kwargs={"boxes": [*own_boxes, NEW_BOX]},
            disabled=len(own_boxes) >= MAX_OWN,
            width="stretch",
        )
        fewer.button(
            _("Remove the last"),
            key=page.key("remove"),
            on_click=page.set,
            kwargs={"boxes": own_boxes[:-1]},
            disabled=not own_boxes,
            width="stretch",
        )
    labels = np.zeros(len(boxes), dtype=np.int64)
elif source == "photo":
    recorded = photo_recording()
    samples = {sample.name: _(sample.title) for sample in photos.list_samples()}
    offered = {SESSION: _("From the detection page"), **samples} if recorded is not None else samples
    if recorded is None and page.incoming.get("photo") == SESSION:
        page.incoming.pop("photo")
        page.notices.append(_("The link was made with a photo of another session; a sample photo stands in."))
    if st.session_state.get(page.key("photo")) not in (None, *offered):
        page.set(photo=DEFAULT_PHOTO)
    with second[3]:
        picked = page.select("photo", _("Photo"), offered, SESSION if recorded is not None else DEFAULT_PHOTO)
    if picked != SESSION:
        with st.spinner(_("Running the detector…")):
            recorded = sample_recording(picked)
    found = recorded.output.candidates
    ids = nms.best_first(found.scores, most=MOST_OF_A_PHOTO)
    size, photo = recorded.output.image_size, recorded.photo.pixels
    boxes, scores, labels = found.boxes[ids], found.scores[ids], found.labels[ids]
    label_names = recorded.output.label_names
    known = annotations.load_annotations(recorded.photo.name) if recorded.is_sample else ()
    targets = np.asarray([note.box for note in known]).reshape(-1, 4)
    target_labels = np.zeros(len(targets), dtype=np.int64)
else:
    crowd = compute(crowds.make_crowd, source, seed=int(seed))
    size, boxes, scores, labels = crowd.size, crowd.boxes, crowd.scores, crowd.labels
    targets, target_labels, label_names = crowd.targets, crowd.target_labels, crowd.label_names

show_targets = page.value(show_targets_parameter)
if len(targets):
    with second[2]:
        show_targets = page.toggle("show_targets", _("Show true objects"), True)

rules: dict[str, Any] = {
    "labels": labels if class_aware else None,
    "iou_threshold": iou_threshold,
    "score_threshold": score_threshold,
    "sigma": sigma,
    "matrix_kernel": matrix_kernel,
    "distance_power": distance_power,
    "suppress_equal": suppress_equal,
    "ties": ties,
    "pixel_inclusive": pixel_inclusive,
}
try:
    trace = compute(nms.trace_nms, boxes, scores, method=method, **rules)
except nms.NMSError as error:
    page.explain(error)
    close_page(page)
    st.stop()

# --- the stepper -----------------------------------------------------------------------------------------------------

packed = compute(nms.pack_trace, trace, labels=labels)
num_positions = (packed.num_steps if pace == "pick" else packed.num_steps + packed.num_events) + 2
identity = hashlib.blake2b(packed.content + pace.encode(), digest_size=8).hexdigest()
step_parameter = link.number("step", 0, 1_000_000, 0)
start = page.value(step_parameter)
if st.session_state.setdefault(page.key("identity"), identity) != identity:
    st.session_state[page.key("identity")] = identity
    start = 0  # another trace: from its beginning
version = f"{identity}.{page.version('step')}"
view = stage(
    view_key,
    boxes=own,
    size=size,
    photo=photo,
    grid=40 if photo is None else None,
    mode="edit" if source == "own" else "select",
    version=page.version("boxes") if source == "own" else f"{source}.{identity}",
    presenter=page.presenting,
    title=_("Candidates and what became of them"),
    component="nms/suppression",
    extra={
        "stepper": step_spec(num_positions, start=start, version=version, state=said(view_key)),
        "pace": pace,
        "predict": predict and pace == "comparison",
        "targets": targets.tolist() if show_targets else [],
        "labels": {str(label): label_names[label] for label in sorted(set(labels.tolist()))},
        "colors": COLORS,
        "text": component_words(method, suppress_equal=suppress_equal),
    },
    payload=packed.content,
)
page.store(step_parameter, step_from(view.said, num_positions, start=start, version=version))
page.lesson("claim")

# --- the methods side by side ----------------------------------------------------------------------------------------

st.subheader(_("The same candidates, six methods"), anchor=False)
traces = {name: compute(nms.trace_nms, boxes, scores, method=name, **rules) for name in METHODS}
# A photo's annotation accepts any of a detector's names for the object, so only the places are compared there.
truth = {"labels": np.zeros_like(labels) if source == "photo" else labels, "target_labels": target_labels}
evaluations = {name: compute(nms.summarise_kept, kept, targets, **truth) for name, kept in traces.items()}
with st.columns([1, 2])[0]:
    drawn_score = page.slider("drawn_score", _("Draw kept boxes from a final score of"), 0.0, 1.0, 0.3, step=0.05)
chart(
    page,
    "kept",
    figures.plot_kept_sets(traces, evaluations, targets, size, shown_score=drawn_score, translate=_),
    alt=_(
        "Kept boxes by method: {counts}.",
        counts=", ".join(f"{METHODS[name]} {len(kept.keep)}" for name, kept in traces.items()),
    ),
)
rows = [
    {
        _("method"): METHODS[name],
        _("kept"): len(traces[name].keep),
        **(
            {
                "AP": round(evaluation.ap, 3),
                "AP50": round(evaluation.ap50, 3),
                "AP75": round(evaluation.ap75, 3),
                _("precision"): round(evaluation.precision, 3),
                _("recall"): round(evaluation.recall, 3),
                _("objects lost"): len(evaluation.lost),
            }
            if len(targets)
            else {}
        ),
    }
    for name, evaluation in evaluations.items()
]
table(rows)
if len(targets):
    st.caption(
        _(
            "{count} true objects. AP by pycocotools over IoU 0.50:0.05:0.95; precision, recall and lost objects at "
            "IoU 0.5, "
            "all kept boxes counted whatever their score."
        ).format(count=len(targets))
    )
    left, right = st.columns(2)
    with left:
        chart(
            page,
            "precision_recall",
            figures.plot_precision_recall(evaluations, translate=_),
            alt=_("Precision over recall at IoU 0.5, a line for each method."),
        )
    with right:
        curves = {
            name: compute(nms.sample_decay, kept.options) for name, kept in traces.items() if name in DRAWN_DECAYS
        }
        chart(
            page,
            "decay",
            figures.plot_decay(curves, translate=_),
            alt=_("The factor on the score falls with the overlap: at once if hard, slowly if soft."),
        )
else:
    st.caption(_("These candidates have no ground truth, so there is nothing to count them against."))

# --- ranking ---------------------------------------------------------------------------------------------------------

st.subheader(_("What the boxes are ranked by decides which survive"), anchor=False)
page.lesson("ranking")
controls = st.columns([1, 1, 1.4], vertical_alignment="bottom")
with controls[0]:
    misalignment = page.slider("misalignment", _("Misalignment of score and IoU"), 0.0, 1.0, 0.7, step=0.05)
with controls[1]:
    noise = page.slider("predicted_iou_noise", _("Error of the predicted IoU"), 0.0, 0.5, 0.1, step=0.02)
with controls[2]:
    ranking = page.select("ranking", _("Look at the ranking by"), RANKINGS, "score")
ranked = compute(crowds.make_ranked_crowd, misalignment=misalignment, predicted_iou_noise=noise, seed=int(seed))
results = {name: compute(nms.rank_and_evaluate, ranked, name) for name in RANKINGS}
left, right = st.columns(2)
with left:
    chart(
        page,
        "ranking",
        figures.plot_evaluations({name: result.evaluation for name, result in results.items()}, translate=_),
        alt=_(
            "AP by ranking: {aps}.",
            aps=", ".join(f"{RANKINGS[name]} {result.evaluation.ap:.3f}" for name, result in results.items()),
        ),
    )
with right:
    chosen = results[ranking]
    chart(
        page,
        "cloud",
        figures.plot_score_against_iou(ranked, chosen, translate=_),
        alt=_(
            "Each candidate’s rank over its true IoU; correlation {correlation}.",
            correlation=f"{chosen.correlation:.2f}",
        ),
    )
pair = compute(nms.find_better_lost, ranked, chosen)
if pair is None:
    st.success(_("Ranked so, no kept candidate suppressed a better placed one."), icon=":material/check_circle:")
else:
    left, right = st.columns([1, 1.2], vertical_alignment="center")
    with left:
        chart(
            page,
            "better_lost",
            figures.plot_better_lost(ranked, pair, translate=_),
            alt=_("A well placed box is suppressed by a badly placed one."),
        )
    with right:
        st.markdown(
            _(
                "Ranked by **{ranking}**, {count} kept candidates suppressed one that was better placed. The worst "
                "case: "
                "a box with IoU **{loser_iou}** ranks {loser_rank} and falls to one with IoU **{winner_iou}** that "
                "ranks {winner_rank}.",
                ranking=RANKINGS[ranking],
                count=chosen.better_lost,
                loser_iou=f"{pair.loser_iou:.2f}",
                loser_rank=f"{pair.loser_rank:.2f}",
                winner_iou=f"{pair.winner_iou:.2f}",
                winner_rank=f"{pair.winner_rank:.2f}",
            )
        )

# --- challenges ------------------------------------------------------------------------------------------------------


def hint_chain() -> str | None:
    """A suppressed box that would have suppressed a survivor."""
    if source != "own" or method != "hard":
        return _("Choose “My own boxes” and the greedy method.")
    lost = [index for index, by in enumerate(trace.suppressed_by.tolist()) if by >= 0]
    if not lost:
        return _("No box is suppressed yet: let two of them overlap more.")
    matrix = compute(nms.measure_matrix, trace)
    overlaps = {
        int(box): dict(zip(matrix.ids.tolist(), row.tolist(), strict=True))
        for box, row in zip(matrix.ids, matrix.overlaps, strict=True)
    }
    for index in lost:
        for other in trace.keep.tolist():
            if (
                other != trace.suppressed_by[index]
                and overlaps[index][other] > iou_threshold
                and scores[other] < scores[index]
            ):
                return None
    return _(
        "A box is suppressed, but no survivor with a lower score overlaps it beyond the threshold: it could not "
        "have suppressed anything."
    )


def hint_fewer() -> str | None:
    """A higher IoU threshold must keep fewer boxes."""
    if source != "own" or method != "hard":
        return _("Choose “My own boxes” and the greedy method.")
    raised = min(round(iou_threshold + 0.1, 2), 1.0)
    higher = compute(nms.trace_nms, boxes, scores, method=method, **{**rules, "iou_threshold": raised})
    if len(higher.keep) < len(trace.keep):
        return None
    return _(
        "At IoU threshold {low} {few} boxes are kept, at {high} {many}. A box that is spared can suppress others.",
        low=iou_threshold,
        few=len(trace.keep),
        high=raised,
        many=len(higher.keep),
    )


def hint_rescue() -> str | None:
    """Every true object kept, and few boxes."""
    if source != "crowd" or iou_threshold != 0.5:
        return _("Choose the crowd, and leave the IoU threshold at 0.5.")
    evaluation = evaluations[method]
    if len(evaluation.lost):
        return _("{count} true objects are lost with these rules.", count=len(evaluation.lost))
    if len(trace.keep) > 5:
        return _("Nobody is lost, but {count} boxes are kept; at most 5 are allowed.", count=len(trace.keep))
    return None


def hint_convention() -> str | None:
    """Exact halves must suppress."""
    if source != "ties" or method != "hard" or iou_threshold != 0.5:
        return _("Choose “Ties and exact halves”, the greedy method and an IoU threshold of 0.5.")
    if len(trace.keep) != 3:
        return _(
            "{count} boxes are kept, not 3. What happens to an overlap of exactly one half?", count=len(trace.keep)
        )
    return None


def hint_predict() -> str | None:
    """The browser counts; this only reads it."""
    predicted = view.said.get("predicted")
    asked, right = (predicted.get("asked"), predicted.get("right")) if isinstance(predicted, Mapping) else (0, 0)
    if not isinstance(asked, int) or not isinstance(right, int) or asked < 8:
        return _("Switch on “Predict first” and answer at least 8 times.")
    if right * 8 < asked * 7:
        return _("{right} of {asked} are right; seven of eight would do.", right=right, asked=asked)
    return None


def hint_crossover() -> str | None:
    """Centerness must cost AP."""
    score, centerness = results["score"].evaluation.ap, results["score_centerness"].evaluation.ap
    if centerness >= score:
        return _(
            "Score × centerness still gains: AP {centerness} against {score}.",
            centerness=f"{centerness:.3f}",
            score=f"{score:.3f}",
        )
    return None


show_challenges(
    page,
    [
        Challenge(
            "chain",
            _("Build a chain"),
            _("With your own boxes, let A suppress B although B would have suppressed C, so that C survives."),
            hint_chain,
        ),
        Challenge(
            "fewer",
            _("More lenient, fewer boxes"),
            _("With your own boxes, find a case in which an IoU threshold higher by 0.1 keeps fewer boxes."),
            hint_fewer,
        ),
        Challenge(
            "rescue",
            _("Save everybody"),
            _("In the crowd, at IoU threshold 0.5, find rules that lose no true object and keep at most 5 boxes."),
            hint_rescue,
        ),
        Challenge(
            "convention",
            _("Three are enough"),
            _("Among the ties, keep exactly 3 boxes with the greedy method at IoU threshold 0.5."),
            hint_convention,
        ),
        Challenge(
            "predict", _("See it coming"), _("Predict at least 8 decisions, seven of eight right."), hint_predict
        ),
        Challenge(
            "crossover",
            _("When centerness hurts"),
            _("Find a misalignment at which ranking by score × centerness is worse than by the score alone."),
            hint_crossover,
        ),
    ],
)

# --- to read and to carry away ---------------------------------------------------------------------------------------

page.lesson("try", title=_("What to try"))
page.lesson("methods", title=_("The methods in formulas"))
page.lesson("misconceptions", title=_("Misconceptions"))
page.lesson("sources", title=_("Sources"))
reproduce_panel(page, compute(nms.write_script, trace))
download_numbers(
    page,
    "grad2box-nms",
    lambda: [
        {
            "box": index,
            **dict(zip(("x1", "y1", "x2", "y2"), box, strict=True)),
            "score": float(trace.scores[index]),
            "label": int(labels[index]),
            "final_score": float(trace.scores_after[index]),
            "suppressed_by": int(trace.suppressed_by[index]),
        }
        for index, box in enumerate(trace.boxes.tolist())
    ],
)
close_page(page)
