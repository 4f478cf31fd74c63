"""The IoU playground: two boxes under the learner's hand, and everything the regression losses say of them."""

from __future__ import annotations

import math

import streamlit as st

from pages.kit import link
from pages.kit.challenges import Challenge, show_challenges
from pages.kit.chart import chart
from pages.kit.exports import download_numbers
from pages.kit.live import said
from pages.kit.loaders import Job, compute, find_job, start_job, watch_job
from pages.kit.myths import show_myth
from pages.kit.page import Page, close_page, open_page
from pages.kit.photo_picker import pick_photo
from pages.kit.reproduce import reproduce_panel
from pages.kit.stage import StageBox, stage, stage_state
from pages.kit.stepper import step_from, step_spec
from vizcore import iou_losses
from vizcore.boxes import BoxError, check_box
from vizcore.figures import iou_losses as pictures
from vizcore.figures import theme
from vizcore.iou_losses import KINDS, LOSSES, PROPERTIES, LossSettings, javascript

SIZE = (240, 320)
TITLES = pictures.TITLES
# A preset sets the boxes and nothing else: which losses are shown is the reader's choice.
PRESETS = {
    "disjoint": [[30, 40, 100, 100], [190, 130, 280, 200]],
    "nested": [[140, 100, 190, 140], [80, 50, 260, 200]],
    "same_center": [[100, 100, 220, 140], [130, 70, 190, 170]],
    "tiny": [[150, 110, 158, 118], [151, 111, 159, 119]],
    "degenerate": [[60, 120, 180, 120], [120, 80, 220, 170]],
}
DEFAULT = {
    "boxes": [[60, 50, 170, 130], [130, 90, 220, 190]],
    "kinds": ["iou", "giou", "diou", "ciou"],
    "show": ["intersection", "enclosing", "edges"],
}
EPS = {"0": 0.0, "1e-7": 1e-7, "1e-3": 1e-3}


def compile_program(settings: LossSettings) -> str:
    """All losses as one JavaScript module; what did not change comes from the cache."""
    parts = [compute(javascript.compile_loss, kind, **javascript.listened(kind, settings)) for kind in KINDS]
    return "\n".join([compute(javascript.compile_geometry, eps=settings.eps, power=settings.power), *parts])


page = open_page(
    "iou_losses",
    title="IoU playground",
    tagline="Drag the blue box or its corners. Every loss and its gradient answer while your hand moves.",
)
_ = page.translate

# -- what is shown ---------------------------------------------------------------------------------

losses_column, options_column = st.columns([1.5, 1], vertical_alignment="bottom", gap="small")
with losses_column:
    kinds = page.select_several("kinds", _("Losses"), TITLES, DEFAULT["kinds"])
show = page.select_several(
    "show",
    _("On the stage"),
    {
        "intersection": _("overlap I"),
        "union": _("union U"),
        "enclosing": _("enclosing C"),
        "distance": _("centers ρ, c"),
        "aspect": _("aspect w/h"),
        "edges": _("edge arrows"),
        "corners": _("corner arrows"),
    },
    DEFAULT["show"],
    label_visibility="collapsed",
)

boxes_parameter = link.numbers("boxes", (2, 4), DEFAULT["boxes"], limit=1e300, most=2)
via_parameter = link.numbers("via", (None, 4), [], limit=1e5, most=1)


def place_typed() -> None:
    """Puts the typed coordinates on the stage, or remembers why they cannot be."""
    try:
        typed = [
            list(check_box(st.session_state[page.key(f"typed_{side}")].replace("，", ",").split(","), size=SIZE).box)
            for side in ("prediction", "target")
        ]
    except BoxError as error:
        st.session_state[page.key("typed_error")] = error
        return
    st.session_state.pop(page.key("typed_error"), None)
    page.set(boxes=typed, via=[])


names = {
    "disjoint": _("Disjoint"),
    "nested": _("Nested"),
    "same_center": _("Same center"),
    "tiny": _("Tiny"),
    "degenerate": _("No height"),
}
with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    for name, placed in PRESETS.items():
        page.button(f"preset_{name}", names[name], on_click=page.set, kwargs={"boxes": placed, "via": []})
    page.button(
        "start_again", _("Start again"), on_click=page.set, kwargs={**DEFAULT, "via": []}, icon=":material/restart_alt:"
    )

with options_column, st.container(horizontal=True, horizontal_alignment="right", gap="small"):
    with st.popover(_("Coordinates")):
        page.text("typed_prediction", _("Prediction x1, y1, x2, y2"), "60, 50, 170, 130", linked=False)
        page.text("typed_target", _("Target x1, y1, x2, y2"), "130, 90, 220, 190", linked=False)
        page.button("typed_place", _("Place the boxes"), on_click=place_typed)
        if page.key("typed_error") in st.session_state:
            page.explain(st.session_state[page.key("typed_error")])
    with st.popover(_("Conventions")):
        eps = page.select(
            "eps", _("ε beside denominators"), {"0": "0", "1e-7": "1e-7 (torchvision)", "1e-3": "1e-3"}, "1e-7"
        )
        alpha_gradient = page.toggle("alpha_gradient", _("CIoU: differentiate through α"), False)
        alpha_gate = page.toggle("alpha_gate", _("CIoU: α = 0 where IoU < 0.5"), False)
        power = page.slider("power", _("α-IoU: the power α"), 0.5, 6.0, 3.0, step=0.5)
        beta = page.slider("beta", _("Smooth L1: β in pixels"), 0.5, 20.0, 1.0, step=0.5)
        st.caption(_("Defaults are torchvision’s: ε = 1e-7, α held constant when differentiating, no gate."))
    with st.popover(_("Background")):
        background = page.select(
            "background", _("Behind the boxes"), {"grid": _("grid"), "photo": _("photo")}, "grid", few=True
        )
        snap = page.toggle("snap", _("Snap to whole pixels"), True)
        photo = pick_photo(page, default="astronaut", camera=False) if background == "photo" else None

settings = LossSettings(eps=EPS[eps], beta=beta, power=power, alpha_gradient=alpha_gradient, alpha_gate=alpha_gate)
size = SIZE if photo is None else (photo.pixels.shape[0], photo.pixels.shape[1])

# -- the boxes -------------------------------------------------------------------------------------

checked = [check_box(row, size=size) for row in page.value(boxes_parameter)]
if [list(each.box) for each in checked] != [list(map(float, row)) for row in page.value(boxes_parameter)]:
    for each in checked:
        page.notices.extend(
            _(correction.template, **correction.values)
            for correction in each.corrections
            if "no area" not in correction.template
        )
    page.set(boxes=[list(each.box) for each in checked])
    page.value(boxes_parameter)
via = page.value(via_parameter)

stage_boxes = [
    StageBox("prediction", checked[0].box, _("prediction"), theme.PREDICTION),
    StageBox("target", checked[1].box, _("target"), theme.TARGET, dash="7 4"),
]
if via:
    stage_boxes.append(
        StageBox("via", tuple(via[0]), "B", theme.SUPPRESSED, dash="2 4", fill=False, movable=False, resizable=False)
    )
arrangement = {
    "boxes": stage_boxes,
    "size": size,
    "version": f"{page.version('boxes')}.{page.version('via')}.{len(via)}.{size}",
}
stage_key = page.key("stage")
now = stage_state(stage_key, **arrangement)
box, target = (tuple(row) for row in now.xyxy[:2])
page.store(boxes_parameter, now.xyxy[:2])

# -- the race, which runs on the stage too ---------------------------------------------------------

view_parameter = link.choice("view", ["landscape", "race", "simulation", "metric"], "landscape")
view = page.value(view_parameter)
rules = {
    "paper": _("(2 − IoU) × gradient"),
    "gradient": _("plain gradient"),
    "momentum": _("momentum 0.9"),
    "adam": "Adam",
}
schedules = {"paper": _("÷10 at 80 % and 90 %"), "constant": _("constant"), "cosine": _("cosine")}
race_parameters = {
    "step_rule": link.choice("step_rule", list(rules), "paper"),
    "learning_rate": link.number("learning_rate", 0.01, 1.0, 0.1),
    "schedule": link.choice("schedule", list(schedules), "paper"),
    "num_steps": link.number("num_steps", 20, 400, 200),
}
race = None
options = {name: page.value(parameter) for name, parameter in race_parameters.items()}
if view == "race" and kinds:
    race = compute(iou_losses.trace_descent, tuple(kinds), box, target, settings=settings, **options)

extra = {
    "losses": [
        {
            "kind": info.kind,
            "title": info.title,
            "source": f"{info.source}, arXiv {info.arxiv}",
            "symbols": info.symbols,
            "formula": info.formula,
            "color": pictures.style_of(info.kind)[0],
            "dash": pictures.style_of(info.kind)[1],
            "reasons": list(iou_losses.reasons_for(info.kind)),
            "on": info.kind in kinds,
        }
        for info in LOSSES
    ],
    "show": show,
    "colors": {
        "intersection": theme.INTERSECTION,
        "enclosing": theme.ENCLOSING,
        "error": theme.ERROR,
    },
    "text": {
        "panel": _("What the losses say"),
        "gradient": _("gradient"),
        "scale": _("Arrows point where a descent step moves the edge; longer means a steeper loss, up to a limit."),
        "race": _("Step {step}, IoU so far: {ious}"),
        "parts": {
            "iou": "IoU",
            "intersection": _("I (px²)"),
            "union": _("U (px²)"),
            "enclosing_area": _("C (px²)"),
            "distance": _("ρ (px)"),
            "diagonal": _("c (px)"),
        },
        "reasons": {name: _(sentence) for name, sentence in iou_losses.REASONS.items()},
    },
}
race_steps = iou_losses.race_steps(race)
race_version = f"{hash((box, target, tuple(kinds), *options.values(), settings))}"
extra["stepper"] = step_spec(len(race_steps), version=race_version, speed=10, state=said(stage_key))

state = stage(
    stage_key,
    **arrangement,
    photo=None if photo is None else photo.pixels,
    grid=40 if photo is None else None,
    snap=1 if snap else 0,
    min_size=0,
    title=_("Two boxes: the prediction and its target"),
    presenter=page.presenting,
    component="iou_losses/playground",
    extra=extra,
    payload=iou_losses.pack_playground(compile_program(settings), race),
)

comparison = compute(iou_losses.compare_losses, KINDS, box, target, settings=settings)
value = {kind: comparison.of(kind)[0] for kind in KINDS}
sides = f"({', '.join(f'{x:g}' for x in box)})"


def put_on_stage(page: Page, boxes: list[list[float]], via: list[list[float]]) -> None:
    """Shows other boxes from the next run on."""
    page.keep_for_next_run(boxes=boxes, via=via)
    st.rerun()


def new_click(name: str, click: dict | None) -> dict | None:
    """A click on a chart, once."""
    key = page.key(f"{name}_clicks")
    if click is None or click.get("count") == st.session_state.get(key):
        return None
    st.session_state[key] = click.get("count")
    return click


# -- below the stage: one of four views ------------------------------------------------------------

page.select(
    "view",
    _("Below"),
    {
        "landscape": _("Landscape"),
        "race": _("Race"),
        "simulation": _("The DIoU paper’s simulation"),
        "metric": _("Is it a metric?"),
    },
    "landscape",
    few=True,
    label_visibility="collapsed",
)


def show_landscape() -> None:
    """The loss and its gradient over every place or size of the prediction."""
    side, picture = st.columns([1, 2.4], gap="medium")
    with side:
        kind = page.select("landscape_kind", _("Loss"), TITLES, "giou")
        over = page.select(
            "over",
            _("Over"),
            {"position": _("position of the prediction"), "size": _("size of the prediction")},
            "position",
        )
        st.markdown(
            _(
                "Click anywhere: the predicted box goes there. ○ prediction, ✕ target; arrows go down the gradient, "
                "and where none stands it is zero."
            )
        )
        landscape = compute(
            iou_losses.loss_landscape, kind, box, target, size=size, over=over, resolution=61, settings=settings
        )
        flat = landscape.flat_share
        st.metric(_("Share of the landscape without a gradient"), f"{100 * flat:.0f} %")
    with picture:
        click = chart(
            page,
            "landscape",
            pictures.plot_landscape(landscape, translate=_),
            alt=_(
                "{loss} loss over the {over}: between {low} and {high}; {flat} % of it has no gradient.",
                loss=TITLES[kind],
                over=_("position of the prediction") if over == "position" else _("size of the prediction"),
                low=f"{float(landscape.loss.min()):.3f}",
                high=f"{float(landscape.loss.max()):.3f}",
                flat=f"{100 * flat:.0f}",
            ),
            clickable=True,
        )
    if (click := new_click("landscape", click)) is not None:
        wanted = landscape.box_at(float(click["x"]), float(click["y"]))
        place = check_box([round(x) if snap else round(x, 2) for x in wanted], size=size)
        put_on_stage(page, [list(place.box), list(target)], [])


def show_race() -> None:
    """One descent per loss, from where the prediction stands."""
    columns = st.columns(5, vertical_alignment="bottom")
    with columns[0]:
        page.select("step_rule", _("Step rule"), rules, "paper")
    with columns[1]:
        page.slider("learning_rate", _("Learning rate"), 0.01, 1.0, 0.1, step=0.01)
    with columns[2]:
        page.select("schedule", _("Schedule"), schedules, "paper")
    with columns[3]:
        page.slider("num_steps", _("Steps"), 20, 400, 200, step=20)
    with columns[4]:
        quantity = page.select("quantity", _("Curve"), {"error": _("error"), "iou": "IoU", "loss": _("loss")}, "error")
    if race is None:
        st.info(_("Choose a loss above, and it will race."))
        return
    position = step_from(state.said, len(race_steps), version=race_version)
    st.caption(
        _(
            "Play the race under the stage: each loss moves its own box from where the prediction stands. "
            "One unit is {unit} px.",
            unit=f"{race.unit:.1f}",
        )
    )
    chart(
        page,
        "race",
        pictures.plot_race(race, quantity=quantity, step=race_steps[position], translate=_),
        alt=_(
            "Race over {steps} steps. IoU at the end: {ends}.",
            steps=options["num_steps"],
            ends=", ".join(f"{TITLES[kind]} {iou[-1]:.2f}" for kind, iou in zip(race.kinds, race.iou, strict=True)),
        ),
    )


def show_simulation() -> None:
    """The paper's experiment: stored in full, run in small, with either gradient; and the myth that rests on it."""
    columns = st.columns([1.4, 1, 1.6], vertical_alignment="bottom")
    with columns[0]:
        gradient = page.select(
            "gradient",
            _("Gradient"),
            {"exact": _("exact (autograd)"), "official": _("published scripts’ derivative")},
            "exact",
            few=True,
        )
    with columns[1]:
        centers = page.slider("num_centers", _("Centers, 343 anchors each"), 10, 300, 100, step=10)
    with columns[2]:
        run = page.button("run", _("Run {count} anchors now", count=f"{343 * centers:,}"), icon=":material/play_arrow:")
    if run:
        words = _("Descending under four losses…")

        def work(job: Job) -> iou_losses.RegressionSimulation:
            return iou_losses.simulate_regression(
                centers, gradient=gradient, on_progress=lambda share: job.report(share, words)
            )

        start_job(page, "simulation", work)
    watch_job(page, "simulation")
    job = find_job(page, "simulation")
    simulation = compute(load_stored, gradient)
    if job is not None and job.result is not None and job.result.gradient == gradient:
        simulation = job.result
        st.caption(
            _(
                "Your run just now: {count} anchors, seed {seed}.",
                count=f"{simulation.num_boxes:,}",
                seed=simulation.seed,
            )
        )
    else:
        st.caption(
            _(
                "Stored run in full: {count} anchors, seed {seed}. Run it yourself: {command}",
                count=f"{simulation.num_boxes:,}",
                seed=simulation.seed,
                command=f"`python -m vizcore.iou_losses --gradient {gradient}`",
            )
        )
    ends = ", ".join(
        f"{TITLES[kind]} {100 * share[-1]:.1f} %"
        for kind, share in zip(simulation.kinds, simulation.share_above_half, strict=True)
    )
    chart(
        page,
        "simulation",
        pictures.plot_simulation(simulation, translate=_),
        alt=_("Share of anchors above IoU 0.5 after 200 steps: {ends}.", ends=ends),
    )
    chart(
        page,
        "final_error",
        pictures.plot_final_error(simulation, translate=_),
        alt=_("Final error by the center from which the anchors started, one panel for each loss."),
    )
    show_the_myth()


def load_stored(gradient: str) -> iou_losses.RegressionSimulation:
    """The stored run of the paper's size."""
    return iou_losses.load_simulation(iou_losses.simulation_path(gradient))


def show_the_myth() -> None:
    """DIoU against GIoU, with the published derivative and with the exact gradient."""
    runs = [compute(load_stored, gradient) for gradient in ("official", "exact")]
    enclosing = compute(iou_losses.simulate_regression, 10, starts="enclosing")

    def figures(values: object) -> str:
        return ", ".join(f"{TITLES[kind]} {number:.0f}" for kind, number in zip(runs[0].kinds, values, strict=True))

    def evidence() -> None:
        chart(
            page,
            "myth",
            pictures.plot_disjoint_errors(runs, translate=_),
            alt=_(
                "Summed error of disjoint starts. Published derivative: {official}. Exact gradient: {exact}.",
                official=figures(runs[0].disjoint_summed_error),
                exact=figures(runs[1].disjoint_summed_error),
            ),
        )

    show_myth(
        page,
        claim=_("From disjoint boxes, DIoU and CIoU converge much faster than GIoU."),
        verdict="holds_if",
        because=_(
            "It holds **if** one descends along the derivative written by hand in the published scripts: mean summed "
            "error over {count} disjoint starts {official}. With the exact gradient of the same losses the order turns "
            "round: {exact}. Where the boxes are apart, the scripts subtract the product of two overlaps of which one "
            "or both are negative, and they give width and height twice their share. What holds with exact gradients: "
            "IoU alone never moves a disjoint box, and DIoU helps where the prediction **encloses** its target (our "
            "{enclosing_count} such starts: {enclosing}).",
            count=f"{runs[0].num_disjoint:,}",
            official=figures(runs[0].disjoint_summed_error),
            exact=figures(runs[1].disjoint_summed_error),
            enclosing_count=f"{enclosing.num_boxes:,}",
            enclosing=figures(enclosing.summed_error),
        ),
        evidence=evidence,
        source=_(
            "Zheng et al. 2020, arXiv 1911.08287, simulation experiment; scripts of Zzh-tju/DIoU at commit be00841."
        ),
    )


def show_metric() -> None:
    """Five properties of a metric, searched for their worst counterexample."""
    st.markdown(
        _(
            "Is the loss a distance between boxes? Each cell is a search for the worst counterexample among random "
            "boxes, refined step by step. ✓ means that none was found, which is no proof. **Click a cell** to put its "
            "worst case on the stage."
        )
    )
    checks = [compute(iou_losses.search_counterexample, kind, name) for kind in KINDS for name in PROPERTIES]
    broken = [check for check in checks if not check.holds]
    click = chart(
        page,
        "metric",
        pictures.plot_metric_checks(checks, translate=_),
        alt=_(
            "Broken properties: {broken}.",
            broken="; ".join(f"{TITLES[check.kind]}: {_(PROPERTIES[check.property])}" for check in broken),
        ),
        clickable=True,
    )
    columns = st.columns([1, 2, 1], vertical_alignment="bottom")
    with columns[0]:
        kind = page.select("metric_kind", _("Loss"), TITLES, "diou")
    with columns[1]:
        name = page.select(
            "property", _("Property"), {each: _(words) for each, words in PROPERTIES.items()}, "triangle"
        )
    chosen = next(check for check in checks if (check.kind, check.property) == (kind, name))
    with columns[2]:
        pressed = page.button("worst", _("Show the worst case"), icon=":material/visibility:")
    st.markdown(
        _(
            "Worst case of {tried} tried: values {values}; the property is broken by {violation}.",
            tried=f"{chosen.num_tried:,}",
            values=", ".join(f"{number:.4f}" for number in chosen.values),
            violation=f"{max(0.0, chosen.violation):.4f}",
        )
    )
    if (click := new_click("metric", click)) is not None:
        title = str(click.get("y"))
        words = str(click.get("x"))
        chosen = next(
            (
                check
                for check in checks
                if TITLES[check.kind] == title and pictures.short_name(check.property, translate=_) == words
            ),
            chosen,
        )
        pressed = True
        page.keep_for_next_run(metric_kind=chosen.kind, property=chosen.property)
    if pressed:
        rows = pictures.centered(chosen.boxes, size).tolist()
        # A triangle's A and C are the pair whose distance is in question; B, the detour, stands between them.
        put_on_stage(page, [rows[0], rows[-1]], rows[1:2] if len(rows) == 3 else [])


{
    "landscape": show_landscape,
    "race": show_race,
    "simulation": show_simulation,
    "metric": show_metric,
}[page.value(view_parameter)]()

# -- words, tasks, and what to take away -----------------------------------------------------------

page.lesson("claim")
page.lesson("try", title=_("What to try"))

overlap = comparison.parts["iou"] > 0
apart = st.session_state.setdefault(page.key("apart_seen"), [])
if not overlap and math.isfinite(value["giou"]):
    apart.append(value["giou"])
    apart[:] = [min(apart), max(apart)]


def hint_two_placements() -> str | None:
    """Two placements with IoU 0 and GIoU losses more than 0.5 apart, seen in this session."""
    if apart and apart[-1] - apart[0] > 0.5:
        return None
    if overlap:
        return _("The boxes overlap: IoU is {iou}. Pull them apart.", iou=f"{comparison.parts['iou']:.3f}")
    return _(
        "IoU is 0. So far GIoU’s loss went from {low} to {high} over such placements; go nearer, and further away.",
        low=f"{apart[0]:.2f}",
        high=f"{apart[-1]:.2f}",
    )


def hint_giou_agrees() -> str | None:
    """Different boxes with C = U."""
    if box == target:
        return _("Identical boxes agree about everything. Find two that differ.")
    if not overlap:
        return _("Disjoint boxes always leave empty room in the enclosing box, so C > U.")
    if abs(value["giou"] - value["iou"]) > 1e-6:
        return _(
            "C − U is {gap} px²: some of the enclosing box is covered by neither.",
            gap=f"{comparison.parts['enclosing_area'] - comparison.parts['union']:.0f}",
        )
    return None


def hint_blind_diou() -> str | None:
    """One center, two shapes."""
    if abs(value["diou"] - value["iou"]) > 1e-6:
        return _(
            "The centers are {distance} px apart, so DIoU adds a penalty.",
            distance=f"{comparison.parts['distance']:.1f}",
        )
    if not value["ciou"] - value["diou"] > 0.1:
        return _(
            "DIoU’s penalty is 0, but CIoU adds only {gap}. Make the shapes differ more.",
            gap=f"{value['ciou'] - value['diou']:.3f}",
        )
    return None


def hint_nan() -> str | None:
    """No height: a finite loss, no gradient."""
    loss, gradient = comparison.of("ciou")
    if not math.isfinite(loss):
        return _("The loss itself is no number here. It should be finite, only the gradient NaN.")
    if all(map(math.isfinite, gradient)):
        return _("CIoU’s gradient is finite. Which box has no w/h ratio with a finite slope?")
    return None


def hint_blind_ciou() -> str | None:
    """Two lines of no width round one center: no overlap, no distance, one ratio."""
    _loss, gradient = comparison.of("ciou")
    if box == target:
        return _("The boxes are the same. They should differ.")
    if not all(map(math.isfinite, gradient)):
        return _("NaN is not zero. Without height the slope of atan(w/h) is lost; without width it is not.")
    if not gradient.any():
        return None
    if comparison.parts["distance"] > 0:
        return _("The centers are {distance} px apart and pull.", distance=f"{comparison.parts['distance']:.1f}")
    if overlap:
        return _("The overlap still pulls. Which boxes have none, even round one center?")
    return _("Only the ratio w/h still pulls. Which ratio can two different boxes share, and have no overlap?")


show_challenges(
    page,
    [
        Challenge(
            "two_placements",
            _("Same IoU, another GIoU"),
            _("find two placements with IoU 0 whose GIoU losses differ by more than 0.5."),
            hint_two_placements,
        ),
        Challenge(
            "giou_agrees",
            _("GIoU has nothing to add"),
            _("find two different boxes for which GIoU and IoU losses agree."),
            hint_giou_agrees,
        ),
        Challenge(
            "blind_diou",
            _("What DIoU cannot see"),
            _("make DIoU’s loss equal IoU’s while CIoU’s is larger by more than 0.1."),
            hint_blind_diou,
        ),
        Challenge(
            "nan_gradient",
            _("A finite loss without a gradient"),
            _("make CIoU’s loss finite and its gradient NaN."),
            hint_nan,
        ),
        Challenge(
            "blind_ciou",
            _("What CIoU cannot see"),
            _("make CIoU’s gradient zero in all four coordinates, though the boxes differ."),
            hint_blind_ciou,
        ),
    ],
)
for section, title in (
    ("conventions", _("Where libraries differ")),
    ("misconceptions", _("Misconceptions")),
    ("sources", _("Sources")),
):
    page.lesson(section, title=title)

reproduce_panel(page, iou_losses.write_losses_script(kinds or KINDS, box, target, settings=settings))
with st.expander(_("The program your browser runs"), icon=":material/javascript:"):
    st.caption(_("Compiled from the torch functions, with their gradients; nothing here was written by hand."))
    shown = kinds[0] if kinds else "iou"
    st.code(
        compute(javascript.compile_loss, shown, **javascript.listened(shown, settings)),
        language="javascript",
        height=300,
    )
download_numbers(
    page,
    "iou_losses",
    comparison.rows,
)
close_page(page)
