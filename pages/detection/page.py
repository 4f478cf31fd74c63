"""The detection page: a real photo, what a detector found on it, and the whole road there."""

import json

import streamlit as st

from pages.kit import link
from pages.kit.alone import run_alone
from pages.kit.candidates import Recording, keep_recording, record_photo
from pages.kit.challenges import Challenge
from pages.kit.chart import chart
from pages.kit.exports import download_numbers
from pages.kit.language import translator
from pages.kit.loaders import find_job, start_job, watch_job
from pages.kit.page import open_page
from pages.kit.photo_picker import OWN, pick_photo
from pages.kit.reproduce import reproduce_place
from pages.kit.stage import StageBox, photo_url, stage, stage_state
from pages.kit.values import keep_for_page
from vizcore import detection
from vizcore.data.annotations import load_annotations
from vizcore.data.photos import encode_png
from vizcore.data.script import write_photo
from vizcore.detection.evaluation import match_annotations, shared_spots
from vizcore.detection.export import detection_rows, to_coco
from vizcore.detection.script import write_detection_script
from vizcore.detection.torchvision_detectors import weights_source
from vizcore.figures import theme
from vizcore.figures.detection import draw_detections, label_colors, milliseconds, plot_funnel, plot_scores
from vizcore.weights import download_weights

MOST_DRAWN = 100
MEGABYTE = 2**20

page = open_page(
    "detection",
    title="Detection",
    tagline="Choose a photo, move the thresholds, and point at a box to see where it came from.",
)
_ = page.translate
say_class = translator("classes")

# -- what to look at ---------------------------------------------------------------------------------------------------

infos = {info.name: info for info in detection.list_detectors()}


def detector_words(name: str) -> str:
    """A detector in the list, with what it would cost."""
    info = infos[name]
    if info.available:
        return _(info.title)
    return _("{title} (download of {size} MB)", title=_(info.title), size=round(info.download_bytes / MEGABYTE))


titles = {name: detector_words(name) for name in infos}
columns = st.columns([1.15, 1.35, 1.35, 1.45, 1.4], gap="small")
with columns[0]:
    photo = pick_photo(page, default="coffee")
is_sample = st.session_state.get(page.key("photo")) != OWN
with columns[1]:
    chosen = page.select("detector", _("Detector"), titles, "sliding_windows")
    beside = page.select("beside", _("Side by side with"), {"none": _("no other"), **titles}, "none")
with columns[3]:
    show_suppressed = page.toggle(
        "show_suppressed",
        _("Suppressed boxes"),
        False,
        help=_("Show what NMS removed: at most {count} boxes, the best of them.", count=MOST_DRAWN),
    )
    show_truth = page.toggle(
        "show_truth", _("Hand-drawn boxes"), False, help=_("Three of the sample photos have them.")
    )
with columns[4]:
    own = infos[chosen]
    page.button(
        "own_thresholds",
        _("Own thresholds"),
        on_click=page.set,
        kwargs={"score_threshold": own.score_threshold, "iou_threshold": own.iou_threshold},
        help=_(
            "Set both thresholds to what this detector was tuned or published with: score {score}, IoU {iou}.",
            score=own.score_threshold,
            iou=own.iou_threshold,
        ),
        width="stretch",
        disabled=bool({"score_threshold", "iou_threshold"} & (page.locked | page.hidden)),
    )
    status = st.container()

# -- detectors that are not on this computer yet -----------------------------------------------------------------------


def offer_download(name: str) -> None:
    """What the download costs, a button, progress and cancel; what went wrong, if it did."""
    info = infos[name]
    job_name = f"download_{name}"
    job = find_job(page, job_name)
    if job is not None and not job.done.is_set():
        st.markdown(_("Downloading **{title}**. You can go on meanwhile.", title=_(info.title)))
        watch_job(page, job_name)
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            _(
                "**{title}** knows {classes} kinds of objects from {data}. Its weights are not on this computer: "
                "{size} MB from download.pytorch.org. Until then the sliding windows stand in.",
                title=_(info.title),
                classes=info.num_classes,
                data=info.trained_on,
                size=round(info.download_bytes / MEGABYTE),
            )
        )
        words = _("{done} of {all} MB")

        def fetch(job) -> str:
            def report(done: int, total: int) -> None:
                total = total or info.download_bytes
                job.report(done / total, words.format(done=done // MEGABYTE, all=round(total / MEGABYTE)))

            return str(download_weights(weights_source(name), on_progress=report, is_cancelled=job.cancel.is_set))

        page.button(
            f"start_{job_name}",
            _("Download"),
            icon=":material/download:",
            on_click=start_job,
            args=(page, job_name, fetch),
        )
    if job is not None and job.error is not None:
        page.explain(job.error)


missing = list(dict.fromkeys(name for name in (chosen, beside) if name in infos and not infos[name].available))
for name in missing:
    offer_download(name)

# -- one forward pass, any thresholds ----------------------------------------------------------------------------------


def shown_detector(name: str) -> str:
    """The detector itself, or the offline one while its weights are missing."""
    return name if infos[name].available else "sliding_windows"


shown = [shown_detector(chosen)]
if beside != "none" and shown_detector(beside) not in shown:
    shown.append(shown_detector(beside))
truths = load_annotations(photo.name) if is_sample else ()
# What the detectors shown found, at the present thresholds: filled by results().
outputs: list[detection.DetectorOutput] = []


def origin_words(output: detection.DetectorOutput, candidate: int) -> str:
    """Which level, cell and window or anchor made a candidate."""
    found = output.candidates
    level = found.level_names[found.levels[candidate]]
    row, column = (int(place) for place in found.cells[candidate])
    anchor = int(found.anchors[candidate])
    if output.name.startswith("sliding_windows"):
        return _(
            "window of {size} pixels at row {row}, column {column} of the photo scaled to {level}",
            size=found.anchor_names[anchor],
            row=row,
            column=column,
            level=level,
        )
    if row < 0:
        return _("level {level}", level=level)
    shape = found.anchor_names[anchor] if 0 <= anchor < len(found.anchor_names) else str(anchor)
    return _(
        "level {level}, cell row {row}, column {column}, anchor {anchor}",
        level=level,
        row=row,
        column=column,
        anchor=shape,
    )


def boxes_below(output: detection.DetectorOutput) -> list[StageBox]:
    """Suppressed boxes, and the hand-drawn ones over them."""
    found, boxes = output.candidates, []
    if show_suppressed:
        boxes += [
            StageBox(
                f"s{index}",
                tuple(float(side) for side in found.boxes[index]),
                label=say_class(output.label_names[found.labels[index]]),
                color=theme.SUPPRESSED,
                dash="3 4",
                fill=False,
                score=float(found.scores[index]),
                detail=_(
                    "suppressed by the box with score {score}", score=f"{found.scores[output.suppressed_by[index]]:.2f}"
                ),
            )
            for index in output.best_suppressed(MOST_DRAWN)
        ][::-1]
    if show_truth:
        boxes += [
            StageBox(f"t{index}", truth.box, label=_(truth.title), color=theme.TARGET, dash="10 5", fill=False)
            for index, truth in enumerate(truths)
        ]
    return boxes


def boxes_selected(output: detection.DetectorOutput, selected: int) -> list[StageBox]:
    """The window or anchor that the selected box was made from."""
    if selected < 0 or output.candidates.priors is None:
        return []
    prior = tuple(float(side) for side in output.candidates.priors[selected])
    # Without a label, which would lie on the box's own; a screen reader and the tip then say the id.
    return [StageBox(_("where it came from"), prior, color=theme.CURRENT, dash="2 4", fill=False)]


def boxes_final(output: detection.DetectorOutput) -> list[StageBox]:
    """The final boxes, the best on top."""
    colors, boxes = label_colors(output), []
    for index in reversed(range(len(output))):
        candidate = int(output.origins[index])
        boxes.append(
            StageBox(
                f"c{candidate}",
                tuple(float(side) for side in output.boxes[index]),
                label=say_class(output.label_names[output.labels[index]]),
                color=colors[int(output.labels[index])],
                fill=False,
                score=float(output.scores[index]),
                detail=_(
                    "{origin}; suppressed {count}",
                    origin=origin_words(output, candidate),
                    count=len(output.suppressed(index)),
                ),
            )
        )
    return boxes


def summary(output: detection.DetectorOutput) -> str:
    """The result in a sentence, for captions and for those who cannot see the picture."""
    if not len(output):
        return _("No box is above the score threshold; the best candidate has {best}.", best=f"{output.best_score:.2f}")
    names = [
        f"{say_class(output.label_names[label])} {score:.2f}"
        for label, score in list(zip(output.labels, output.scores, strict=True))[:5]
    ]
    more = _(" and {count} more", count=len(output) - 5) if len(output) > 5 else ""
    return _("Found {count}: {names}{more}.", count=len(output), names=_(", ").join(names), more=more)


def details(output: detection.DetectorOutput, selected: int) -> None:
    """What is known about the selected box."""
    if selected < 0:
        return
    index = output.origins.tolist().index(selected)
    victims = output.suppressed(index)
    left, top, right, bottom = output.boxes[index].tolist()
    name = say_class(output.label_names[output.labels[index]])
    lines = [
        f"##### {name} · {output.scores[index]:.3f}",
        "- "
        + _(
            "Box: ({left}, {top}) to ({right}, {bottom}), in pixels of the photo",
            left=f"{left:.0f}",
            top=f"{top:.0f}",
            right=f"{right:.0f}",
            bottom=f"{bottom:.0f}",
        ),
        "- " + _("Made by (dotted): {origin}", origin=origin_words(output, selected)),
    ]
    if len(victims):
        lines.append(
            "- "
            + _(
                "Suppressed {count} candidates of its class; the best of them had {best}",
                count=len(victims),
                best=f"{output.candidates.scores[victims[0]]:.3f}",
            )
        )
    else:
        lines.append("- " + _("Suppressed nobody: no other candidate of its class overlaps it enough"))
    for match in match_annotations(output, truths):
        if match.index == index:
            lines.append("- " + _("IoU with the hand-drawn box: **{iou}**", iou=f"{match.iou:.2f}"))
    st.markdown("\n".join(lines))


def view(output: detection.DetectorOutput, side: int, below: list[StageBox]) -> None:
    """One detector: the photo with its boxes, the selected box, the funnel."""
    suffix = suffixes[side]
    parameter = link.number(f"candidate{suffix}", -1, 1_000_000, -1)
    asked = page.value(parameter)
    finals = boxes_final(output)
    held = {
        "size": output.image_size,
        "mode": "select",
        "version": f"{photo.name}.{page.version(parameter.name)}",
        "selected": f"c{asked}",
    }
    pressed = stage_state(page.key(f"stage{suffix}"), boxes=finals, **held).selected
    if pressed is not None:
        asked = int(pressed[1:])
        page.store(parameter, asked)
    selected = asked if asked in output.origins else int(output.origins[0]) if len(output) else -1
    found = summary(output)
    with pictures[side]:
        stage(
            page.key(f"stage{suffix}"),
            boxes=[*below, *boxes_selected(output, selected), *finals],
            photo=urls[side],
            title=found,
            presenter=page.presenting,
            **held,
        )
        st.caption(found)
    with numbers[side]:
        details(output, selected)
        chart(
            page,
            f"funnel{suffix}",
            plot_funnel(output, translate=_),
            alt=_(
                "{candidates} candidates, {passed} above the score threshold, {kept} after NMS; {time} in all.",
                candidates=f"{len(output.candidates):,}",
                passed=f"{output.num_passed:,}",
                kept=len(output),
                time=milliseconds(output.seconds),
            ),
            exports=False,
        )


def ranks() -> None:
    """Every candidate by rank and score."""
    for output in outputs:
        if len(outputs) > 1:
            st.markdown(f"**{_(infos[output.name].title)}**")
        chart(
            page,
            f"scores_{output.name}",
            plot_scores(output, translate=_),
            alt=_(
                "Of {count} candidates {below} are below the score threshold, {suppressed} are suppressed and {kept} "
                "are final boxes.",
                count=f"{len(output.candidates):,}",
                below=f"{output.count_fate('below_threshold'):,}",
                suppressed=f"{output.count_fate('suppressed'):,}",
                kept=len(output),
            ),
        )


# -- challenges --------------------------------------------------------------------------------------------------------


def one_cat() -> str | None:
    """Exactly one box on the cat photo, and it is called a cat."""
    if photo.name != "chelsea" or not is_sample:
        return _("Choose the photo of Chelsea the cat first.")
    if len(output := outputs[0]) != 1:
        return _(
            "There are {count} boxes now. An ear is a small box inside a large one: its IoU is too small for NMS.",
            count=len(output),
        )
    return None if match_annotations(output, truths)[0].index == 0 else _("One box, but it is not called a cat.")


def flood() -> str | None:
    """NMS switched off in effect: many boxes on one object."""
    if len(output := outputs[0]) >= 100:
        return None
    return _("{count} boxes now. Which of the two thresholds decides how much boxes may overlap?", count=len(output))


def same_spot() -> str | None:
    """Two final boxes of different classes on one spot."""
    if shared_spots(outputs[0]):
        return None
    return _("No two boxes of different classes overlap by more than the threshold. Another photo, or a lower score?")


def wrong_name() -> str | None:
    """A confident box whose name cannot be right."""
    output = outputs[0]
    if photo.name == "astronaut" and is_sample and len(output) and output.scores[0] > 0.8:
        return None
    return _("Among the samples is a portrait whose subject is no class of ImageNet. What does the detector call it?")


CHALLENGES = [
    Challenge(
        "one_cat",
        _("One cat, one box"),
        _("Make the detector say exactly one thing about Chelsea: that there is a cat."),
        one_cat,
    ),
    Challenge(
        "flood",
        _("Without suppression"),
        _("Bring at least 100 boxes onto one photo by moving a single threshold."),
        flood,
    ),
    Challenge(
        "same_spot",
        _("Two names for one spot"),
        _("Find two final boxes on the same spot that NMS let stand. Why did it?"),
        same_spot,
    ),
    Challenge(
        "wrong_name",
        _("Sure and wrong"),
        _("Find a sample photo on which a box has a score above 0.8 and a wrong name."),
        wrong_name,
    ),
]

# -- words and program -------------------------------------------------------------------------------------------------


def script() -> str:
    """The numbers on the screen, from a plain interpreter."""
    return write_detection_script(write_photo(photo.name if is_sample else None), outputs[0])


# -- the page below its controls ---------------------------------------------------------------------------------------


with st.spinner(_("Looking for objects…"), show_time=True):
    recorded = [record_photo(name, photo, is_sample=is_sample) for name in shown]
suffixes = ["", "_beside"][: len(shown)]
urls = [photo_url(photo.pixels, page.key(f"stage{suffix}")) for suffix in suffixes]
if len(shown) == 1:
    places = st.columns([3, 2], gap="medium")
    pictures, numbers = [places[0].container()], [places[1]]
    with places[0]:
        page.lesson("claim")
else:
    places = st.columns(2, gap="medium")
    for name, place in zip(shown, places, strict=True):
        place.markdown(f"**{_(infos[name].title)}**")
    pictures, numbers = [place.container() for place in places], [place.container() for place in places]
    page.lesson("claim")
with st.expander(_("Every candidate by rank and score"), icon=":material/scatter_plot:", expanded=True):
    ranking = st.container()
with st.expander(_("Take it away"), icon=":material/download:"):
    stem = photo.name.rsplit(".", 1)[0] or "photo"
    files = st.columns(2)
    files[0].download_button(
        _("Photo with boxes (PNG)"),
        lambda: encode_png(draw_detections(photo.pixels, outputs[0])),
        f"{stem}-boxes.png",
        "image/png",
        key=page.key("picture"),
        on_click="ignore",
        icon=":material/image:",
        width="stretch",
    )
    files[1].download_button(
        _("Boxes as a COCO file (JSON)"),
        lambda: json.dumps(to_coco(outputs[0], file_name=photo.name), indent=1),
        f"{stem}-coco.json",
        "application/json",
        key=page.key("coco"),
        on_click="ignore",
        icon=":material/data_object:",
        width="stretch",
    )
    download_numbers(page, f"{stem}-boxes", lambda: detection_rows(outputs))
challenges = st.container()
for section, title in (
    ("try", _("What to try")),
    ("windows", _("How the sliding windows work")),
    ("misconceptions", _("Misconceptions")),
    ("sources", _("Sources")),
):
    page.lesson(section, title=title)
program = reproduce_place(page, needs_vizcore=True)


def results() -> None:
    """What the thresholds change: they, the boxes, and the program."""
    score_threshold = page.slider("score_threshold", _("Score threshold"), 0.05, 1.0, 0.6, step=0.01)
    iou_threshold = page.slider("iou_threshold", _("IoU threshold of the NMS"), 0.0, 1.0, 0.3, step=0.01)
    outputs[:] = [
        detection.refilter(each, score_threshold=score_threshold, iou_threshold=iou_threshold) for each in recorded
    ]
    keep_recording(Recording(photo, is_sample, outputs[0]))
    for side, output in enumerate(outputs):
        view(output, side, boxes_below(output))
    with ranking:
        ranks()
    with program:
        st.code(script(), language="python")


with columns[2]:
    run_alone(page, results, challenges=CHALLENGES, challenges_place=challenges)

with status:
    if page.button(
        "to_nms",
        _("Step through this NMS"),
        icon=":material/filter_list:",
        help=_("Opens the NMS stepper with this photo’s candidates."),
        width="stretch",
    ):
        keep_for_page(
            "nms",
            source="photo",
            photo="session",
            iou_threshold=outputs[0].iou_threshold,
            score_threshold=outputs[0].score_threshold,
        )
        st.switch_page("pages/nms/page.py")
    st.caption(
        _(
            "The network ran once, in {time}; the thresholds only filter what it found.",
            time=milliseconds(recorded[0].network_seconds),
        )
    )
