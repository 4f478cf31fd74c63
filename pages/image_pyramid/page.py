"""The image pyramid: one window slid over every size of a photo, what that costs, and what came before and after."""

import hashlib

import numpy as np
import streamlit as st

from pages.kit import link
from pages.kit.challenges import Challenge, show_challenges
from pages.kit.chart import chart, table
from pages.kit.exports import download_numbers
from pages.kit.language import translator
from pages.kit.live import media_url, said
from pages.kit.loaders import compute, find_job, load, start_job, watch_job
from pages.kit.myths import show_myth
from pages.kit.page import close_page, open_page
from pages.kit.photo_picker import OWN, pick_photo
from pages.kit.photo_results import compute_on_photo
from pages.kit.reproduce import reproduce_panel
from pages.kit.stage import StageBox, stage
from pages.kit.stepper import step_from, step_spec
from vizcore import costs, image_pyramid
from vizcore.data.photos import encode_jpeg
from vizcore.data.script import write_photo
from vizcore.figures import image_pyramid as figures
from vizcore.figures import theme
from vizcore.image_pyramid.script import write_sliding_window_script
from vizcore.models.efficientnet_lite import imagenet_categories, load_efficientnet_lite0

BEST, LAST = "best", -1
MEGA, GIGA = 1e6, 1e9
FACE = "astronaut"

page = open_page(
    "image_pyramid",
    title="Image pyramid",
    tagline="Press play: one window, always of the same size, is slid over ever smaller copies of the photo.",
)
_ = page.translate
say_class = translator("classes")
CLASSES = imagenet_categories()


def class_name(label: int) -> str:
    """A class in the reader's language."""
    return say_class(CLASSES[label])


def searchable_name(label: int) -> str:
    """A class in the reader's language, with the English name by which it can be searched too."""
    english, said_here = CLASSES[label], class_name(label)
    return english if said_here == english else f"{said_here} · {english}"


def milliseconds(seconds: float) -> str:
    """A duration in whole milliseconds."""
    return f"{1000 * seconds:,.0f} ms"


# Pictures that few controls change are drawn once for all readers of a language: each takes some thirty milliseconds.


def cost_figures(sizes: tuple[tuple[int, int], ...], scale_step: float, language: str) -> tuple:
    """The levels' costs, and the alternatives'."""
    words = translator("image_pyramid", language)
    cost = image_pyramid.pyramid_cost(compute(image_pyramid.count_units), sizes, scale_step=scale_step)
    return (
        figures.plot_level_costs(cost, scale_step=scale_step, translate=words),
        figures.plot_alternatives(cost, translate=words),
    )


def aliasing_figures(language: str) -> tuple:
    """Zone plates, and what is left of gratings."""
    words = translator("image_pyramid", language)
    trace = compute(image_pyramid.trace_aliasing)
    return figures.plot_zone_plates(trace, translate=words), figures.plot_amplitudes(trace, translate=words)


def shared_figure(pixels: np.ndarray, box: tuple[float, ...], language: str) -> tuple:
    """A Haar feature at a box, and the picture of what is computed once."""
    haar = image_pyramid.measure_haar_feature(pixels, box)
    words = translator("image_pyramid", language)
    return haar, figures.plot_shared(haar, *image_pyramid.draw_shared(pixels), translate=words)


# -- what is looked at, and how ----------------------------------------------------------------------------------------

first = st.columns([1.2, 1.6, 1.1, 1.1, 1.1], gap="small")  # from the top, so that the labels line up
second = st.columns([1.2, 1.2, 1.3, 0.9, 0.9], gap="small", vertical_alignment="bottom")
with first[0]:
    photo = pick_photo(page, default="coffee")
is_sample = st.session_state.get(page.key("photo")) != OWN
with first[2]:
    scale_step = page.slider(
        "scale_step",
        _("Scale step"),
        *image_pyramid.SCALE_STEPS,
        1.41,
        step=0.01,
        help=_("Each level is smaller by this factor."),
    )
with first[3]:
    num_levels = page.slider("num_levels", _("Levels, at most"), 1, image_pyramid.MOST_LEVELS, 4)
with first[4]:
    window_stride = page.slider(
        "window_stride",
        _("Window stride"),
        *image_pyramid.STRIDES,
        1,
        help=_("In cells of 32 pixels of the level, the network’s own stride."),
    )


def classified(pixels: np.ndarray, size: tuple[int, int]) -> tuple[image_pyramid.WindowLevel, bytes]:
    """A level with all its classes, and its picture for the browser."""
    level = image_pyramid.classify_level(load(load_efficientnet_lite0), pixels, size)
    return level, encode_jpeg(level.pixels)


try:
    image_size = photo.pixels.shape[:2]
    sizes = image_pyramid.sliding_sizes(image_size, scale_step=float(scale_step), num_levels=num_levels)
except image_pyramid.ImagePyramidError as error:
    page.explain(error)
    close_page(page)
    st.stop()
with st.spinner(_("Classifying every window of every level…"), show_time=True):
    results = [compute_on_photo(classified, photo, size, is_sample=is_sample) for size in sizes]
levels = [level for level, _picture in results]
surest = image_pyramid.best_label(levels)

with first[1]:
    options = {
        BEST: _("the surest here: {name}", name=class_name(surest)),
        **{str(label): searchable_name(label) for label in range(len(CLASSES))},
    }
    chosen = page.select("label", _("Class looked for"), options, BEST, help=_("Type to search among 1000 classes."))
label = surest if chosen == BEST else int(chosen)
with second[0]:
    score_threshold = page.slider("score_threshold", _("Score threshold"), 0.05, 1.0, 0.3, step=0.01)
with second[1]:
    iou_threshold = page.slider("iou_threshold", _("IoU threshold of the NMS"), 0.0, 1.0, 0.3, step=0.05)
with second[2]:
    paces = {"window": _("one window"), "row": _("one row"), "level": _("one level")}
    pace = page.select("pace", _("One step is"), paces, "window")
with second[3]:
    fusion = page.toggle(
        "fusion", _("Fusion"), True, help=_("Before NMS, move each candidate to the average of those that agree.")
    )
with second[4]:
    show_map = page.toggle("show_map", _("Score map"), True)

trace = image_pyramid.slide_window(
    image_size,
    levels,
    label=label,
    window_stride=window_stride,
    score_threshold=score_threshold,
    iou_threshold=iou_threshold,
    fusion_steps=image_pyramid.FUSION_STEPS if fusion else 0,
)
name = class_name(label)
peaks = trace.peaks

# -- the window, slid --------------------------------------------------------------------------------------------------


def words() -> dict[str, str]:
    """What the piece says; braces are filled in the browser."""
    return {
        "crop": _("What the window sees"),
        "crop_alt": _("The window’s pixels, cut out of the level of {width} × {height} pixels."),
        "says": _("What the network says"),
        "photo": _("On the photo"),
        "scale": _("Probability of “{name}”, 0 to 1, around each window’s centre:"),
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


def summary() -> str:
    """The result in a sentence."""
    if not len(trace.keep):
        return _(
            "Windows searched for “{name}”: {windows}; none is above {threshold}, the best has {best}.",
            name=name,
            windows=trace.num_windows,
            threshold=score_threshold,
            best=f"{max(peaks):.2f}",
        )
    return _(
        "Windows searched for “{name}”: {windows}; candidates: {candidates}; boxes left: {kept}, the best with {best}.",
        name=name,
        candidates=len(trace.candidates),
        windows=trace.num_windows,
        kept=len(trace.keep),
        best=f"{trace.scores[trace.candidates[trace.keep[0]]]:.2f}",
    )


packed = image_pyramid.pack_sliding_window(trace)
num_positions = image_pyramid.count_positions(trace, pace)
identity = hashlib.blake2b(f"{photo.name}{pace}".encode() + packed, digest_size=8).hexdigest()
step_parameter = link.number("step", LAST, 100_000, LAST)
asked = page.value(step_parameter)
if st.session_state.setdefault(page.key("identity"), identity) != identity:
    st.session_state[page.key("identity")] = identity
    asked = LAST  # another trace: its result first, from which play begins anew
start = num_positions - 1 if asked == LAST else asked
view_key = page.key("view")
version = f"{identity}.{page.version('step')}"
shown_labels = sorted({label, *trace.top_labels.ravel().tolist()})
view = stage(
    view_key,
    boxes=(),
    size=image_size,
    photo=photo.pixels,
    mode="select",
    version=identity,
    title=summary(),
    presenter=page.presenting,
    component="image_pyramid/sliding_window",
    extra={
        "stepper": step_spec(num_positions, start=start, version=version, speed=5, state=said(view_key)),
        "pace": pace,
        "fusion": fusion,
        "show_map": show_map,
        "pictures": [
            media_url(picture, "image/jpeg", f"{view_key}-level{index}")
            for index, (_level, picture) in enumerate(results)
        ],
        "names": {str(number): class_name(number) for number in shown_labels},
        "colors": {
            "current": theme.CURRENT,
            "waiting": theme.PREDICTION,
            "kept": theme.KEPT,
            "out": theme.SUPPRESSED,
            "scale": theme.sequential_colors(65),
        },
        "text": words(),
    },
    payload=packed,
)
step = step_from(view.said, num_positions, start=start, version=version)
page.store(step_parameter, LAST if step == num_positions - 1 else step)
st.caption(summary())
page.lesson("claim")

# -- which level knows it ----------------------------------------------------------------------------------------------

st.subheader(_("Which level knows it?"), anchor=False)
rivals = image_pyramid.find_rivals(levels, label)
left, right = st.columns([1.3, 1], gap="large", vertical_alignment="center")
with left:
    chart(
        page,
        "levels",
        figures.plot_level_scores(
            trace,
            {class_name(rival): image_pyramid.best_windows(levels, rival) for rival in rivals},
            name=name,
            translate=_,
        ),
        alt=_(
            "Best probability of “{name}” by level: {values}.",
            name=name,
            values=", ".join(f"{number + 1}: {peak:.2f}" for number, peak in enumerate(peaks)),
        ),
    )
with right:
    page.lesson("levels")

# -- what it costs -----------------------------------------------------------------------------------------------------

st.subheader(_("What it costs"), anchor=False)
units = compute(image_pyramid.count_units)
cost = image_pyramid.pyramid_cost(units, sizes, scale_step=float(scale_step), window_stride=window_stride)
pyramid_total, pass_total = costs.total(cost.image_pyramid), costs.total(cost.feature_pyramid)
crops_total = costs.total(cost.crops)
level_costs, alternatives = compute(cost_figures, sizes, float(scale_step), page.language)
left, right = st.columns([1, 1.2], gap="large")
with left:
    chart(
        page,
        "cost",
        level_costs,
        alt=_(
            "Multiply-adds by level over those of the largest; their sum is {sum}.",
            sum=f"{cost.ratios['counted']:.2f}",
        ),
    )
    st.markdown(
        _(
            "All levels together cost **{counted}** × the largest one. The geometric sum (levels: {levels}) "
            "says {sum}, and for endlessly many f²/(f² − 1) = {limit}. (Sides are rounded to whole cells; "
            "that is the difference.)",
            counted=f"{cost.ratios['counted']:.2f}",
            levels=len(levels),
            sum=f"{cost.ratios['sum']:.2f}",
            limit=f"{cost.ratios['limit']:.2f}",
        )
    )
with right:
    chart(
        page,
        "alternatives",
        alternatives,
        alt=_(
            "The image pyramid takes {pyramid} billion multiply-adds, one pass of a detector with a feature pyramid "
            "{single}.",
            pyramid=f"{pyramid_total.multiply_adds / GIGA:.1f}",
            single=f"{pass_total.multiply_adds / GIGA:.1f}",
        ),
    )
measured_place = st.container()

# -- five detectors ----------------------------------------------------------------------------------------------------

st.subheader(_("Five ways to look at every place and size"), anchor=False)
page.lesson("history")
faces = compute_on_photo(image_pyramid.find_faces_by_cascade, photo, is_sample=is_sample)


def search_by_hog(job) -> tuple[image_pyramid.HogClassifier, image_pyramid.FaceSearch]:
    """Trains where the reader sits, then searches; the photo itself is never trained on."""
    job.report(0.05, training_words)
    classifier = image_pyramid.train_hog_classifier(without=photo.name if is_sample else "")
    job.report(0.9, searching_words)
    return classifier, image_pyramid.find_faces_by_hog(photo.pixels, classifier)


training_words, searching_words = _("Training on 100 faces…"), _("Searching the photo…")
photo_digest = hashlib.sha256(photo.pixels.tobytes()).hexdigest()[:12]
hog_name = f"hog_{photo_digest}"
hog_job = find_job(page, hog_name)
hog_faces = hog_job.result[1] if hog_job is not None and hog_job.result is not None else None
cards_place, photo_place, shared_place = st.container(), st.container(), st.container()

# -- myths -------------------------------------------------------------------------------------------------------------

st.subheader(_("Myths"), anchor=False)
aliasing = compute(image_pyramid.trace_aliasing)
zone_plates, amplitudes = compute(aliasing_figures, page.language)


def aliasing_evidence() -> None:
    """Zone plates and the measured curves."""
    chart(
        page,
        "zone_plates",
        zone_plates,
        alt=_("A zone plate halved in three ways; sampled plainly it shows rings that were not there."),
        exports=False,
    )
    chart(
        page,
        "aliasing",
        amplitudes,
        alt=_("What is left of gratings: all of it when every other pixel is taken, ever less when smoothed."),
    )


show_myth(
    page,
    claim=_("A pyramid’s next level is every other pixel of the one before."),
    verdict="fails",
    because=_(
        "Above 0.25 periods per pixel a halved picture has no room for a grating. Taking every other pixel keeps an "
        "amplitude of {plain} of it all the same, as broad stripes that the photo does not have; torch’s antialiased "
        "resizing, with which these levels are made, leaves {smooth}, the Gaussian pyramid {gaussian} (means above the "
        "limit).",
        plain=f"{aliasing.left_above_limit('subsampled'):.2f}",
        smooth=f"{aliasing.left_above_limit('antialiased'):.2f}",
        gaussian=f"{aliasing.left_above_limit('gaussian'):.2f}",
    ),
    evidence=aliasing_evidence,
    source=_("Burt and Adelson 1983 smooth before they sample; the shortcut is common in slides."),
)


def sum_evidence() -> None:
    """The sum for steps that were used."""
    table(
        [
            {
                _("scale step"): f"{value:g}",
                _("levels in an octave"): f"{image_pyramid.levels_per_octave(value):.1f}",
                _("all levels, largest = 1"): f"{image_pyramid.scale_sum(value):.2f}",
                _("used by"): who,
            }
            for value, who in (
                (2.0, _("octaves, as in a feature pyramid")),
                (1.41, "√2"),
                (1.25, "Viola & Jones 2001"),
                (1 / 0.709, "MTCNN 2016"),
                (1.15, _("the finest on this page")),
            )
        ]
    )


show_myth(
    page,
    claim=_("A pyramid of ten levels costs ten times one level."),
    verdict="fails",
    because=_(
        "Levels shrink in both directions, so their costs are a geometric series: f²/(f² − 1) bounds the "
        "sum however many there are. Counted here with f = {step} (levels: {levels}): {counted} ×.",
        step=f"{scale_step:g}",
        counted=f"{cost.ratios['counted']:.2f}",
        levels=len(levels),
    ),
    evidence=sum_evidence,
)

# -- challenges --------------------------------------------------------------------------------------------------------


def found_on(sample: str) -> bool:
    """Whether the page shows that sample photo."""
    return is_sample and photo.name == sample


def hint_surest() -> str | None:
    """The stepper stands on the surest window of all."""
    if not found_on("chelsea"):
        return _("Choose the photo of Chelsea the cat first.")
    if CLASSES[label] != "Egyptian cat":
        return _("Look for the class “{name}”.", name=say_class("Egyptian cat"))
    if pace != "window":
        return _("Let one step be one window.")
    if not 1 <= step <= trace.num_windows:
        return _("Stop the stepper on a window. The curve below the pyramid says on which level to look.")
    if step - 1 != trace.best_window:
        return _(
            "This window says {score}; the surest one of all says more. Point at the levels to read their maps.",
            score=f"{trace.scores[step - 1]:.3f}",
        )
    return None


def hint_cheap() -> str | None:
    """Few multiply-adds, and the espresso still found."""
    if not found_on("coffee"):
        return _("Choose the photo of the cup of coffee first.")
    if CLASSES[label] != "espresso" or not len(trace.keep):
        return _("No box says “{name}” now.", name=say_class("espresso"))
    if len(levels) < 2:
        return _("One level is no pyramid: use two at least.")
    if cost.ratios["counted"] > 1.5:
        return _(
            "All levels cost {sum} × the largest now. Which control sets that sum?", sum=f"{cost.ratios['counted']:.2f}"
        )
    return None


def hint_lost() -> str | None:
    """The motorcycle is missed, because the pyramid is too short."""
    if not found_on("motorcycle"):
        return _("Choose the photo of the motorcycle first.")
    if CLASSES[label] != "moped" or not np.isclose(score_threshold, 0.3) or window_stride != 1:
        return _("Look for “{name}”, with threshold 0.3 and stride 1.", name=say_class("moped"))
    if len(trace.keep):
        return _(
            "It is still found: on level {level}, with {score}.",
            level=trace.best_level + 1,
            score=f"{max(peaks):.2f}",
        )
    return None


def hint_face() -> str | None:
    """A face that the cascade finds and ImageNet has no name for."""
    if len(faces.boxes) != 1:
        return _("The cascade finds {count} faces on this photo.", count=len(faces.boxes))
    if hog_faces is None:
        return _("The cascade finds one. Now train HOG + SVM and let it search too.")
    overlap = image_pyramid.overlaps(faces.boxes, hog_faces.boxes)
    return None if (overlap > 0.4).any() else _("The two do not agree on any face.")


challenges_place = st.container()

# -- what takes time, last: everything above is on the screen already --------------------------------------------------

measure_name = f"measure_{hashlib.sha256(repr(sizes).encode()).hexdigest()[:12]}"


def timed_pass(pixels, size: tuple[int, int]) -> image_pyramid.FeaturePyramidPass:
    """One pass of the detector with a feature pyramid over the photo at the size of the largest level."""
    return image_pyramid.run_feature_pyramid(pixels, load(load_efficientnet_lite0), size)


def measured_passes() -> tuple[float, ...]:
    """Seconds of each level's pass and of one pass with a feature pyramid, measured in turns if the reader asked."""
    job = find_job(page, measure_name)
    if job is not None and job.result is not None:
        return job.result
    return (*(level.seconds for level in levels), shapes.seconds)


def measure(job) -> tuple[float, ...]:
    """The same passes again, in turns, the least of three."""
    return image_pyramid.measure_passes(
        classifier_model, sizes, repeats=3, report=lambda share: job.report(share, measuring_words)
    )


measuring_words = _("Measuring each pass three times…")
classifier_model = load(load_efficientnet_lite0)
shapes = compute_on_photo(timed_pass, photo, sizes[0], is_sample=is_sample)
seconds = measured_passes()
with measured_place:
    table(
        [
            {
                "": _("image pyramid (levels: {count})", count=len(levels)),
                _("windows or points"): f"{trace.num_windows:,}",
                _("time"): milliseconds(sum(seconds[:-1])),
                _("multiply-adds"): f"{pyramid_total.multiply_adds / GIGA:.1f} G",
                _("activations"): f"{pyramid_total.activation_bytes / MEGA:,.0f} MB",
            },
            {
                "": _("feature pyramid, one pass"),
                _("windows or points"): f"{image_pyramid.count_points(sizes[0]):,}",
                _("time"): milliseconds(seconds[-1]),
                _("multiply-adds"): f"{pass_total.multiply_adds / GIGA:.1f} G",
                _("activations"): f"{pass_total.activation_bytes / MEGA:,.0f} MB",
            },
            {
                "": _("every window cut out"),
                _("windows or points"): f"{trace.num_windows:,}",
                _("time"): _("not run"),
                _("multiply-adds"): f"{crops_total.multiply_adds / GIGA:.1f} G",
                _("activations"): f"{crops_total.activation_bytes / MEGA:,.0f} MB",
            },
        ]
    )
    left, right = st.columns([1, 3], gap="medium")
    with left:
        page.button(
            "measure",
            _("Measure again, in turns"),
            icon=":material/timer:",
            on_click=start_job,
            args=(page, measure_name, measure),
            width="stretch",
        )
        watch_job(page, measure_name)
    with right:
        page.lesson("costs")

CARDS = (
    (
        _("2001 · Cascade"),
        _("integral image: any rectangle’s sum in four look-ups"),
        _("faces: {count}", count=len(faces.boxes)),
        _("windows: {count}", count=f"{faces.num_windows:,}"),
        milliseconds(faces.seconds),
    ),
    (
        _("2005 · HOG + SVM"),
        _("cells of gradients, shared by all windows over them"),
        _("faces: {count}", count=len(hog_faces.boxes)) if hog_faces is not None else _("not run yet"),
        _("windows: {count}", count=f"{hog_faces.num_windows:,}") if hog_faces is not None else "–",
        milliseconds(hog_faces.seconds) if hog_faces is not None else "–",
    ),
    (
        _("2014 · Sliding network"),
        _("convolutions of one level; each level anew"),
        _("boxes for “{name}”: {count}", name=name, count=len(trace.keep)),
        _("windows: {count}", count=f"{trace.num_windows:,}"),
        milliseconds(sum(seconds[:-1])),
    ),
    (
        _("2016 · SSD"),
        _("one pass: its maps are the levels, coarse and fine"),
        _("not run: its weights are a download"),
        _("default boxes: {count}", count=f"{sum(image_pyramid.ssd_default_boxes()):,}"),
        "–",
    ),
    (
        _("2017 · Feature pyramid"),
        _("one pass, and the meaning of coarse maps carried down to the fine ones"),
        _("drawn shapes: {count}", count=shapes.num_boxes),
        _("points: {count}", count=f"{image_pyramid.count_points(sizes[0]):,}"),
        milliseconds(seconds[-1]),
    ),
)
with cards_place:
    for column, (title, reuse, found, looked, time_words) in zip(st.columns(5), CARDS, strict=True):
        with column, st.container(border=True, height="stretch"):
            st.markdown(f"**{title}**")
            st.markdown(f"{found}  \n{looked}  \n{time_words}")
            st.caption(_("Computed once: {what}", what=reuse))


def face_boxes() -> list[StageBox]:
    """What each finder found, in its own colour and dash."""
    boxes = [
        StageBox(f"cascade {index}", tuple(box), label=_("cascade"), color=theme.CURRENT, fill=False)
        for index, box in enumerate(faces.boxes.tolist())
    ]
    if hog_faces is not None:
        boxes += [
            StageBox(f"hog {index}", tuple(box), label="HOG", color=theme.PREDICTION, dash="9 4", fill=False)
            for index, box in enumerate(hog_faces.boxes.tolist())
        ]
    boxes += [
        StageBox(
            f"network {index}",
            tuple(trace.candidate_boxes[kept].tolist()),
            label=name,
            color=theme.KEPT,
            dash="3 4",
            fill=False,
            score=float(trace.scores[trace.candidates[kept]]),
        )
        for index, kept in enumerate(trace.keep.tolist())
    ]
    return boxes


with photo_place:
    left, right = st.columns([1.2, 1], gap="large")
    with left:
        boxes = face_boxes()
        face_summary = _(
            "Faces by the cascade: {cascade}; by HOG + SVM: {hog}; boxes of the network: {network}.",
            cascade=len(faces.boxes),
            hog=len(hog_faces.boxes) if hog_faces is not None else "–",
            network=len(trace.keep),
        )
        stage(
            page.key("faces"),
            boxes=boxes,
            size=image_size,
            photo=photo.pixels,
            mode="select",
            version=f"{photo_digest}.{len(boxes)}.{identity}",
            title=face_summary,
            presenter=page.presenting,
        )
        st.caption(face_summary)
    with right:
        if not found_on(FACE):
            page.button(
                "face_photo",
                _("Take the photo with a face"),
                icon=":material/face:",
                on_click=page.set,
                kwargs={"photo": FACE},
            )
        if hog_faces is None:
            page.button(
                "train_hog",
                _("Train HOG + SVM here, and search"),
                icon=":material/model_training:",
                on_click=start_job,
                args=(page, hog_name, search_by_hog),
            )
        else:
            classifier = hog_job.result[0]
            st.markdown(
                _(
                    "Trained in {time} on {faces} views of 100 faces and {others} other patches, this photo not among "
                    "them. On 60 patches that a first training did not see it was right in {accuracy}; on the photo "
                    "{accepted} windows of {windows} said yes.",
                    time=milliseconds(classifier.seconds),
                    faces=classifier.num_faces,
                    others=f"{classifier.num_others:,}",
                    accuracy=f"{classifier.accuracy:.0%}",
                    accepted=hog_faces.num_accepted,
                    windows=f"{hog_faces.num_windows:,}",
                )
            )
        watch_job(page, hog_name)
        page.lesson("faces")
with shared_place, st.expander(_("What the classical ones compute once"), icon=":material/grid_on:"):
    shared_box = tuple(faces.boxes[0].tolist()) if len(faces.boxes) else (0, 0, min(image_size), min(image_size))
    haar, shared = compute_on_photo(shared_figure, photo, shared_box, page.language, is_sample=is_sample)
    chart(
        page,
        "shared",
        shared,
        alt=_("A Haar feature on a patch has the value {value}.", value=f"{haar.value:.2f}"),
        exports=False,
    )
    counts = image_pyramid.count_haar_features()
    st.markdown(
        _(
            "The feature’s value is **{value}**: {lookups} numbers of the integral image, or {pixels} pixels added "
            "up ({same}). A window of 24 × 24 pixels holds {count} such features of five kinds.",
            value=f"{haar.value:.3f}",
            lookups=haar.num_lookups,
            pixels=haar.num_pixels,
            same=f"{haar.value_by_pixels:.3f}",
            count=f"{sum(counts.values()):,}",
        )
    )

with challenges_place:
    show_challenges(
        page,
        [
            Challenge(
                "surest",
                _("The surest window"),
                _("On the photo of Chelsea, stop the stepper on the window that is surest of “Egyptian cat”."),
                hint_surest,
            ),
            Challenge(
                "cheap",
                _("At most one and a half"),
                _("Find the espresso with two levels or more that together cost at most 1.5 × the largest."),
                hint_cheap,
            ),
            Challenge(
                "lost",
                _("Lose the motorcycle"),
                _(
                    "The motorcycle is found as a moped. Lose it with the threshold left at 0.3 and the stride at 1, "
                    "by the levels alone."
                ),
                hint_lost,
            ),
            Challenge(
                "face",
                _("A face without a name"),
                _("Find a photo on which the cascade finds exactly one face, and make HOG + SVM find it too."),
                hint_face,
            ),
        ],
    )

# -- words, numbers, program -------------------------------------------------------------------------------------------

page.lesson("try", title=_("What to try"))
page.lesson("dense", title=_("One pass for all windows of a level"))
page.lesson("misconceptions", title=_("Misconceptions"))
page.lesson("sources", title=_("Sources"))


reproduce_panel(
    page,
    write_sliding_window_script(
        write_photo(photo.name if is_sample else None),
        label=label,
        class_name=CLASSES[label],
        scale_step=scale_step,
        num_levels=num_levels,
        window_stride=window_stride,
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
        fusion_steps=image_pyramid.FUSION_STEPS if fusion else 0,
    ),
)
download_numbers(
    page,
    "grad2box-image-pyramid",
    lambda: image_pyramid.level_rows(trace, cost, seconds),
)
close_page(page)
