"""The upsampling page: every operator on one grid, and where each output pixel comes from."""

import math

import streamlit as st

from pages.kit import link
from pages.kit.challenges import Challenge, show_challenges
from pages.kit.chart import chart, table
from pages.kit.exports import download_numbers
from pages.kit.live import live, said
from pages.kit.loaders import Job, compute, find_job, start_job, watch_job
from pages.kit.page import Page, close_page, open_page
from pages.kit.photo_picker import pick_photo
from pages.kit.reproduce import reproduce_panel
from pages.kit.stepper import step_from, step_spec
from vizcore import upsampling
from vizcore.data.photos import list_samples, load_sample
from vizcore.figures import upsampling as figures
from vizcore.figures.theme import CURRENT, ERROR, PREDICTION, SEQUENTIAL_STOPS
from vizcore.upsampling import UpsamplingError

SCALE = list(SEQUENTIAL_STOPS)
COLORS = {"current": CURRENT, "positive": PREDICTION, "negative": ERROR}
SHOWN = ("nearest", "bilinear", "bicubic", "conv_transpose", "pixel_shuffle", "max_unpool")
PHOTO_SIDE = 320
SIZES = ("1", "2", "3", "4", "5", "6", "7", "8")
DILATIONS = ("1", "2", "2.2.2", "1.2.3", "1.2.4", "1.2.5", "2.4.8", "1.1.1.1")


def name_of(page: Page, operator: str) -> str:
    """An operator's name in the reader's language."""
    return page.translate(figures.NAMES[operator])


# The controls that several parts share


def layer_controls(page: Page, columns: list) -> dict[str, int]:
    """Kernel, stride and the rest of a transposed convolution."""
    _ = page.translate
    with columns[0]:
        kernel_size = page.slider("kernel_size", "kernel_size", 1, 8, 3)
    with columns[1]:
        stride = page.slider("stride", "stride", 1, 4, 2)
    with columns[2]:
        padding = page.slider("padding", "padding", 0, 6, 0)
    with columns[3]:
        output_padding = page.slider("output_padding", "output_padding", 0, 3, 0)
    with columns[4]:
        dilation = page.slider("dilation", "dilation", 1, 3, 1)
    return {
        "kernel_size": kernel_size,
        "stride": stride,
        "padding": padding,
        "output_padding": output_padding,
        "dilation": dilation,
    }


def learned(page: Page):
    """The kernel that a training of this session ended with, or None."""
    job = find_job(page, "training")
    return compute(upsampling.learned_kernel, job.result) if job is not None and job.result is not None else None


def kernels(page: Page) -> dict[str, str]:
    """The kernels on offer; a learned one only once something was learned."""
    _ = page.translate
    words = {"constant": _("constant"), "bilinear": _("bilinear"), "random": _("random")}
    return words if learned(page) is None else {**words, "learned": _("learned, from “Learned, live”")}


def with_kernel(page: Page, layer: dict[str, int], weight: str, seed: int) -> dict:
    """The options of a transposed convolution; a learned kernel brings its own size."""
    if weight != "learned":
        return {**layer, "weight": weight, "seed": seed}
    return {**{name: value for name, value in layer.items() if name != "kernel_size"}, "weight": learned(page)}


def grid_parameter(size: int) -> link.Parameter:
    """The grid in the link."""
    default = compute(upsampling.preset_grid, "ramp", size).tolist()
    return link.numbers("grid", (size, size), default, limit=1e6, most=8)


def show_presets(page: Page) -> tuple[int, list[list[float]]]:
    """Size and presets; returns the size and the grid as the link or the reader has it."""
    _ = page.translate
    words = {
        "ramp": _("Ramp"),
        "impulse": _("Impulse"),
        "checker": _("Checker"),
        "digit": _("Digit"),
        "photo": _("Photo"),
    }
    columns = st.columns([1, 4], vertical_alignment="bottom")
    with columns[0]:
        size = int(page.select("size", _("Grid"), {value: f"{value}×{value}" for value in SIZES}, "4"))
    parameter = grid_parameter(size)
    grid = page.value(parameter)
    with columns[1], st.container(horizontal=True):
        for preset in upsampling.PRESETS:
            values = compute(upsampling.preset_grid, preset, size).tolist()
            st.button(words[preset], key=page.key(f"preset_{preset}"), on_click=page.set, kwargs={"grid": values})
    # What the reader typed into the cells stands until the grid is replaced from outside.
    heard = said(page.key("grids"))
    if heard.get("version") == grid_version(page, size) and heard.get("grid") is not None:
        page.store(parameter, heard["grid"])
        grid = page.value(parameter)
    return size, grid


def grid_version(page: Page, size: int) -> str:
    """Another value tells the browser to take the grid over."""
    return f"{size}.{page.version('grid')}"


# Part 1


def operator_options(page: Page, methods: list[str]) -> dict[str, dict]:
    """The options of every operator, from their controls."""
    _ = page.translate
    with st.expander(_("Options of the operators"), icon=":material/tune:"):
        first = st.columns(5, vertical_alignment="bottom")
        with first[0]:
            target = page.select(
                "target", _("Output given by"), {"scale_factor": "scale_factor", "size": "size"}, "scale_factor"
            )
        with first[1]:
            if target == "scale_factor":
                amount = page.number("scale_factor", "scale_factor", 0.1, 1000.0, 2.0, step=0.5)
            else:
                amount = page.number("out_size", "size", 0, 64, 8, step=1)
        with first[2]:
            align_corners = page.toggle("align_corners", "align_corners", False)
        with first[3]:
            antialias = page.toggle("antialias", "antialias", False)
        with first[4]:
            factor = page.slider("upscale_factor", "upscale_factor", 1, 4, 2)
        st.caption(_("Transposed convolution"))
        layer = layer_controls(page, st.columns(5))
        last = st.columns(5, vertical_alignment="bottom")
        with last[0]:
            weight = page.select("weight", _("Kernel"), kernels(page), "constant")
        with last[1]:
            pool = page.slider("pool", _("Pooling window"), 1, 4, 2)
        with last[2]:
            rate = page.slider("rate", _("Dilated: dilation"), 1, 4, 2)
        with last[3]:
            icnr = page.toggle("icnr", _("Sub-pixel: ICNR"), True)
        with last[4]:
            seed = page.number("seed", _("Seed"), 0, 9999, 0, step=1)
    size = {target: amount}
    smooth = {**size, "align_corners": align_corners, "antialias": antialias}
    options = {
        **{name: size for name in ("nearest", "nearest_exact", "area")},
        "bilinear": smooth,
        "bicubic": smooth,
        "conv_transpose": with_kernel(page, layer, weight, seed),
        "pixel_shuffle": {"upscale_factor": factor},
        "pixel_unshuffle": {"downscale_factor": factor},
        "subpixel_conv": {"upscale_factor": factor, "weight": "icnr" if icnr else "random", "seed": seed},
        "max_unpool": {"kernel_size": pool},
        "resize_conv": {**size, "weight": "mean"},
        "dilated_conv": {"dilation": rate, "weight": "mean"},
    }
    return {method: options[method] for method in methods}


def operator_notes(page: Page) -> dict[str, str]:
    """One sentence under each operator."""
    _ = page.translate
    return {
        "nearest": _("Copies the pixel at ⌊d·I/O⌋: one contributor, weight 1."),
        "nearest_exact": _("Copies the pixel at ⌊(d + ½)·I/O⌋, as Pillow and scikit-image do."),
        "bilinear": _("Up to four neighbours; the weights are positive and sum to 1."),
        "bicubic": _("Up to sixteen neighbours; some weights are negative, so it can overshoot."),
        "area": _("Averages what an output pixel covers; when enlarging by a whole number it equals nearest."),
        "conv_transpose": _("Every input cell stamps the kernel; where stamps overlap they add up."),
        "pixel_shuffle": _("Reads the grid as r×r tiles, one a channel, and weaves them together. No number changes."),
        "pixel_unshuffle": _("The way back: pixel phases become channels, laid out as tiles here."),
        "subpixel_conv": _("A 3×3 convolution makes r² channels, PixelShuffle weaves them: one kernel per phase."),
        "max_unpool": _(
            "MaxPool2d, then each maximum back to where it was; zeros elsewhere. The map holds for this input."
        ),
        "resize_conv": _("Nearest, then a 3×3 mean: every output pixel is made by the same rule."),
        "dilated_conv": _("The way not to downsample: the same size, a wider view, gaps between the taps."),
    }


def show_grids(page: Page) -> str:
    """Part 1: one grid, all operators."""
    _ = page.translate
    size, grid = show_presets(page)
    names = {name: name_of(page, name) for name in upsampling.METHODS}
    methods = page.select_several("methods", _("Operators"), names, SHOWN)
    # The options stand below the grids and are asked for first.
    above = st.container()
    options = operator_options(page, methods)
    notes = operator_notes(page)
    cards, traces = [], {}
    for method in methods:
        card = {"name": method, "title": names[method], "note": notes[method]}
        try:
            traces[method] = compute(upsampling.trace_upsampling, method, tuple(map(tuple, grid)), **options[method])
        except UpsamplingError as error:
            card["error"] = _(error.template, **error.values)
        cards.append(card)
    with above:
        show_cards(page, cards, grid, traces, grid_version(page, size))
    download_numbers(page, "upsampling", lambda: rows_of(traces))
    return script_grids(grid, {method: options[method] for method in traces})


def show_cards(page: Page, cards: list[dict], grid: list, traces: dict, version: str) -> None:
    """The grid and the operators' cards, drawn by the browser."""
    _ = page.translate
    live(
        "upsampling/grids",
        key=page.key("grids"),
        data={
            "cards": cards,
            "version": version,
            "scale": SCALE,
            "colors": COLORS,
            "presenter": page.presenting,
            "text": {
                "input": _("Input, {rows}×{cols}"),
                "input_label": _("Editable input grid"),
                "help": _(
                    "Enter or a second tap edits a cell; arrow keys move. Point at a cell to see who feeds whom."
                ),
                "bad_number": _("That is no number between −{largest} and {largest}; the old one stays."),
                "spread": _("This input cell reaches {count} output cells; its weights sum to {total}."),
                "waiting": _("Waiting for torch: where the maxima are has to be found again."),
                "more_terms": _("{count} more ({total})"),
                "cell": _("{operator}, output row {row}, column {col}: {value} from {count} input cells."),
                "place": _("row {row}, column {col}"),
            },
        },
        payload=upsampling.pack_traces(grid, traces),
    )


def rows_of(traces: dict) -> list[dict]:
    """Every output cell as a row of a table."""
    return [
        {"operator": name, "row": row, "column": column, "value": float(trace.output[row, column])}
        for name, trace in traces.items()
        for row in range(trace.output.shape[0])
        for column in range(trace.output.shape[1])
    ]


def script_grids(grid: list[list[float]], options: dict[str, dict]) -> str:
    """The outputs in plain PyTorch."""
    lines = [
        "import torch",
        "import torch.nn.functional as F",
        "",
        f"x = torch.tensor({grid}, dtype=torch.float64)[None, None]",
        "",
    ]
    for method, given in options.items():
        lines += script_operator(method, dict(given))
    return "\n".join(lines)


def script_operator(method: str, given: dict) -> list[str]:
    """One operator as torch calls it."""
    seed, weight = given.pop("seed", 0), given.pop("weight", None)
    words = ", ".join(
        f"{name}={value!r}" for name, value in given.items() if value is not False or method == "bilinear"
    )
    show = f'print("{method}", y[0, 0].tolist())'
    if method in ("nearest", "nearest_exact", "bilinear", "bicubic", "area"):
        return [f'y = F.interpolate(x, mode="{method.replace("_", "-")}", {words})', show]
    if method == "conv_transpose":
        size = given.pop("kernel_size", 0)
        words = ", ".join(f"{name}={value!r}" for name, value in given.items())
        return [*script_kernel(weight, size, 1, seed), f"y = F.conv_transpose2d(x, w, {words})", show]
    if method == "pixel_shuffle":
        factor = given["upscale_factor"]
        return [
            f"r = {factor}  # the grid is read as r x r tiles, one a channel",
            "tiles = x[0, 0].unflatten(0, (r, -1)).unflatten(2, (r, -1)).permute(0, 2, 1, 3).flatten(0, 1)",
            "y = F.pixel_shuffle(tiles[None], r)",
            show,
        ]
    if method == "pixel_unshuffle":
        factor = given["downscale_factor"]
        return [
            f"r = {factor}",
            "y = F.pixel_unshuffle(x, r)[0].unflatten(0, (r, r)).permute(0, 2, 1, 3).flatten(2, 3).flatten(0, "
            "1)[None, None]",
            show,
        ]
    if method == "subpixel_conv":
        factor = given["upscale_factor"]
        return [
            *script_kernel(weight, 3, factor, seed),
            f"y = F.pixel_shuffle(F.conv2d(x, w, padding=1), {factor})",
            show,
        ]
    if method == "max_unpool":
        size = given["kernel_size"]
        return [
            f"pooled, indices = F.max_pool2d(x, {size}, return_indices=True)",
            f"y = F.max_unpool2d(pooled, indices, {size}, output_size=x.shape[2:])",
            show,
        ]
    mean = "w = torch.full((1, 1, 3, 3), 1 / 9, dtype=torch.float64)"
    if method == "resize_conv":
        return [mean, f"y = F.conv2d(F.interpolate(x, {words}), w, padding=1)", show]
    return [mean, f"y = F.conv2d(x, w, padding={given['dilation']}, dilation={given['dilation']})", show]


def script_kernel(weight, size: int, factor: int, seed: int) -> list[str]:
    """A named kernel in plain PyTorch."""
    count = factor * factor
    if not isinstance(weight, str):
        return [f"w = torch.tensor({weight.tolist()}, dtype=torch.float64)[None, None]"]
    if weight == "constant":
        return [f"w = torch.ones({count}, 1, {size}, {size}, dtype=torch.float64)"]
    if weight == "bilinear":
        return [
            f"half = ({size} + 1) // 2",
            f"centre = half - 1 if {size} % 2 else half - 0.5",
            f"tent = 1 - (torch.arange({size}, dtype=torch.float64) - centre).abs() / half",
            "w = (tent[:, None] * tent[None, :])[None, None]",
        ]
    distinct = 1 if weight == "icnr" else count
    lines = [
        f"g = torch.Generator().manual_seed({seed})",
        f"w = torch.randn({distinct}, {size}, {size}, generator=g, dtype=torch.float64)[:, None] / {size}",
    ]
    return [*lines, f"w = w.expand({count}, 1, {size}, {size})"] if weight == "icnr" else lines


# Part 2


def show_shapes(page: Page) -> str:
    """Part 2: output sizes, what output_padding decides, and a transposed convolution read twice."""
    _ = page.translate
    columns = st.columns(6)
    with columns[0]:
        in_size = page.slider("in_size", _("Input size"), 1, 8, 4)
    layer = layer_controls(page, columns[1:])
    weight = page.value(link.choice("weight", list(kernels(page)), "constant"))
    if weight == "learned":
        layer["kernel_size"] = learned(page).shape[0]
    try:
        formula = compute(upsampling.transposed_size, in_size, **layer)
    except UpsamplingError as error:
        page.explain(error)
        show_solver(page)
        return ""
    st.markdown(f"$O$ = {formula.symbols}  \n$O$ = **{formula.numbers}**")
    show_scatter(page, in_size, layer)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**{_('What output_padding decides')}**")
        st.caption(
            _(
                "A convolution with stride {stride} brings {stride} different sizes to {size}. output_padding says "
                "which of them comes back; the extra pixels are computed, they are no zeros stuck on.",
                stride=layer["stride"],
                size=in_size,
            )
        )
        choices = compute(
            upsampling.output_padding_choices,
            in_size,
            **{name: value for name, value in layer.items() if name != "output_padding"},
        )
        table(
            [
                {
                    "output_padding": choice.output_padding,
                    _("Output"): choice.size,
                    _("The convolution brings it back to"): choice.convolved_back,
                }
                for choice in choices
            ]
        )
    with right:
        show_solver(page)
    seed = page.value(link.number("seed", 0, 9999, 0))
    grid = compute(upsampling.preset_grid, "ramp", in_size).tolist()
    return script_grids(grid, {"conv_transpose": with_kernel(page, layer, weight, seed)})


def show_solver(page: Page) -> None:
    """Which layers multiply every size."""
    _ = page.translate
    st.markdown(f"**{_('Which layers multiply every size?')}**")
    factor = page.slider("factor", _("Factor"), 2, 4, 2)
    layers = compute(upsampling.scaling_layers, factor)
    table(
        [
            {
                "kernel_size": layer.kernel_size,
                "stride": layer.stride,
                "padding": layer.padding,
                "output_padding": layer.output_padding,
                _("Even overlap"): layer.even_overlap,
            }
            for layer in layers
        ],
        height=250,
    )


def show_scatter(page: Page, in_size: int, layer: dict[str, int]) -> None:
    """The stepper over stamps or over windows."""
    _ = page.translate
    columns = st.columns([2, 1, 1], vertical_alignment="bottom")
    with columns[0]:
        reading = page.select(
            "reading",
            _("Read it as"),
            {"scatter": _("stamps that add up"), "convolution": _("zeros put in, then a convolution")},
            "scatter",
            few=True,
        )
    with columns[1]:
        weight = page.select("weight", _("Kernel"), kernels(page), "constant")
    with columns[2]:
        seed = page.number("seed", _("Seed"), 0, 9999, 0, step=1)
    grid = compute(upsampling.preset_grid, "ramp", in_size)
    trace = compute(upsampling.trace_scatter, grid, **with_kernel(page, layer, weight, seed))
    count = (trace.input if reading == "scatter" else trace.output).size + 1
    key = page.key("scatter")
    start = page.value(link.number("step", 0, 4096, min(4, count - 1)))
    version = f"{reading}.{in_size}.{weight}.{'.'.join(map(str, layer.values()))}.{page.version('step')}"
    state = said(key)
    spec = step_spec(count, start=min(start, count - 1), version=version, state=state)
    step = step_from(state, count, start=min(start, count - 1), version=version)
    page.store(link.number("step", 0, 4096, min(4, count - 1)), step)
    live(
        "upsampling/scatter",
        key=key,
        data={
            "reading": reading,
            "stepper": spec,
            "scale": SCALE,
            "colors": COLORS,
            "presenter": page.presenting,
            "layer": layer,
            "text": {
                "input": _("Input"),
                "kernel": _("Kernel"),
                "stamp": _("This stamp: kernel times the cell"),
                "so_far": _("Output so far"),
                "inserted": _("The input with zeros put in"),
                "flipped": _("Kernel, turned by 180°"),
                "start_stamps": _("Nothing is stamped yet. Press play or →."),
                "start_window": _("The window has not started. Press play or →."),
                "stamped": _("Input cell ({row}, {col}) = {value} adds to {count} output cells."),
            },
        },
        payload=upsampling.pack_scatter(trace),
    )
    st.caption(
        _(
            "Both readings give the same {count} numbers; the largest difference here is {difference}.",
            count=trace.output.size,
            difference=f"{abs(trace.output - trace.convolved).max():.1e}",
        )
    )


# Part 3


def show_checkerboard(page: Page) -> str:
    """Part 3: overlaps, the artefact's spectrum, repairs, gridding."""
    _ = page.translate
    columns = st.columns(4)
    with columns[0]:
        kernel_size = page.slider("kernel_size", "kernel_size", 1, 8, 3)
    with columns[1]:
        stride = page.slider("stride", "stride", 1, 4, 2)
    with columns[2]:
        num_layers = page.slider("num_layers", _("Layers"), 1, 3, 1)
    with columns[3]:
        dims = page.select("dims", _("Dimensions"), {"1": "1D", "2": "2D"}, "2", few=True)
    overlap = compute(upsampling.overlap_counts, kernel_size, stride, num_layers=num_layers, dims=int(dims))
    left, right = st.columns([3, 2], gap="large")
    with right:
        st.metric(
            _("Most stamps / fewest stamps on an interior pixel"),
            "∞" if math.isinf(overlap.ratio) else f"{overlap.ratio:.4g}",
        )
        if overlap.ratio == 1:
            st.markdown(_("Even: every interior pixel gets {count} stamps.", count=overlap.highest))
        elif math.isinf(overlap.ratio):
            st.markdown(_("Uneven: some pixels are never reached, others {high} times.", high=overlap.highest))
        else:
            st.markdown(_("Uneven: between {low} and {high} stamps.", low=overlap.lowest, high=overlap.highest))
        st.caption(
            _(
                "One layer is even exactly when the stride divides the kernel. In 2D the ratio is squared; over "
                "layers the patterns multiply."
            )
        )
    with left:
        chart(
            page,
            "overlap",
            figures.plot_overlap(overlap, translate=_),
            alt=_("Stamps on each output pixel: from {low} to {high}.", low=overlap.lowest, high=overlap.highest),
        )
    st.markdown(f"**{_('The pattern on a flat grey, before any training')}**")
    spectrum = compute(upsampling.artefact_spectrum, kernel_size, stride, num_layers=num_layers)
    peaks = dict(zip(spectrum.names, spectrum.peak, strict=True))
    chart(
        page,
        "spectrum",
        figures.plot_spectrum(spectrum, translate=_),
        alt=_(
            "Largest amplitude over the mean: transposed convolution {transposed}, PixelShuffle {shuffle}, with ICNR "
            "{icnr}, resize-convolution {resize}.",
            transposed=f"{peaks['conv_transpose']:.3f}",
            shuffle=f"{peaks['pixel_shuffle']:.3f}",
            icnr=f"{peaks['pixel_shuffle_icnr']:.3f}",
            resize=f"{peaks['resize_conv']:.3f}",
        ),
    )
    st.caption(
        _(
            "{count} random kernels each. Resize-convolution and ICNR leave a flat grey flat. The transposed "
            "convolution adds {transposed} of the mean and PixelShuffle {shuffle}: random kernels are uneven even "
            "where the overlap is even.",
            count=32,
            transposed=f"{peaks['conv_transpose']:.3f}",
            shuffle=f"{peaks['pixel_shuffle']:.3f}",
        )
    )
    st.markdown(f"**{_('The same trouble without upsampling: gridding')}**")
    stacks = {value: value.replace(".", ", ") for value in DILATIONS}
    stack = page.select("dilations", _("Dilations of a stack of 3×3 convolutions"), stacks, "2.2.2")
    footprint = compute(upsampling.dilated_footprint, tuple(map(int, stack.split("."))))
    seen = _("{used} of {total} pixels in the field are used.", used=footprint.used, total=footprint.total)
    st.markdown(seen)
    chart(page, "footprint", figures.plot_footprint(footprint, translate=_), alt=seen)
    return "\n".join(
        [
            "import torch",
            "import torch.nn.functional as F",
            "",
            "y = torch.ones(1, 1, 24)",
            f"for _ in range({num_layers}):",
            f"    y = F.conv_transpose1d(y, torch.ones(1, 1, {kernel_size}), stride={stride})",
            f"middle = y[0, 0, y.shape[-1] // 2:][:{stride**num_layers}]",
            f"low, high = middle.min().item() ** {dims}, middle.max().item() ** {dims}",
            'print("ratio", high / low if low else float("inf"))',
        ]
    )


# Part 4


def show_corners(page: Page) -> str:
    """Part 4: where output pixels read, and drift."""
    _ = page.translate
    columns = st.columns(2)
    with columns[0]:
        in_size = page.slider("ruler_in", _("Input pixels"), 1, 12, 4)
    with columns[1]:
        out_size = page.slider("ruler_out", _("Output pixels"), 1, 16, 8)
    rows = [compute(upsampling.sample_positions, name, in_size, out_size) for name in upsampling.CONVENTIONS]
    chart(
        page,
        "positions",
        figures.plot_sample_positions(rows, translate=_),
        alt=_(
            "Where each of {out_size} output pixels reads in {in_size} input pixels.",
            out_size=out_size,
            in_size=in_size,
        ),
    )
    table(
        [
            {
                _("Convention"): name_of(page, row.convention),
                _("Source coordinate"): row.formula,
                _("Step"): f"{row.step:.4g}",
                _("First"): f"{row.positions[0]:.4g}",
                _("Last"): f"{row.positions[-1]:.4g}",
            }
            for row in rows
        ]
    )
    difference = compute(upsampling.legacy_difference, in_size, out_size)
    st.markdown(
        _(
            '`nn.UpsamplingBilinear2d` sets `align_corners=True`, `nn.Upsample(mode="bilinear")` leaves it False: '
            "here the "
            "two read up to **{difference}** input pixels apart.",
            difference=f"{difference:.4g}",
        )
    )
    st.markdown(f"**{_('Resizing there and back, again and again')}**")
    columns = st.columns(2)
    with columns[0]:
        between = page.slider("between", _("Size in between, as a factor"), 0.25, 3.0, 0.75, step=0.05)
    with columns[1]:
        num_rounds = page.slider("num_rounds", _("Rounds"), 1, 24, 8)
    drift = compute(
        upsampling.resize_drift,
        compute(upsampling.blob, 33, centre=(12.0, 20.0)),
        scale_factor=between,
        num_rounds=num_rounds,
    )
    moved = dict(zip(drift.names, drift.drift[:, -1], strict=True))
    sentence = _(
        "After {rounds} rounds a soft spot has moved by {nearest} pixels with nearest, {exact} with nearest-exact, "
        "{smooth} with bilinear, and {mixed} when the conventions are mixed.",
        rounds=num_rounds,
        nearest=f"{moved['nearest']:.2f}",
        exact=f"{moved['nearest_exact']:.2f}",
        smooth=f"{moved['bilinear']:.2f}",
        mixed=f"{moved['mixed']:.2f}",
    )
    st.markdown(sentence)
    chart(page, "drift", figures.plot_drift(drift, translate=_), alt=sentence)
    return "\n".join(
        [
            "import torch",
            "import torch.nn.functional as F",
            "",
            f"ramp = torch.arange({in_size}, dtype=torch.float64)[None, None, None]",
            f"size = (1, {out_size})",
            'print("nearest", F.interpolate(ramp, size, mode="nearest")[0, 0, 0].tolist())',
            'print("nearest_exact", F.interpolate(ramp, size, mode="nearest-exact")[0, 0, 0].tolist())',
            'print("bilinear", F.interpolate(ramp, size, mode="bilinear")[0, 0, 0].tolist())',
            'corners = F.interpolate(ramp, size, mode="bilinear", align_corners=True)',
            'print("bilinear_align_corners", corners[0, 0, 0].tolist())',
        ]
    )


# Part 5


def show_photo(page: Page) -> str:
    """Part 5: a photo made smaller and restored."""
    _ = page.translate
    columns = st.columns([2, 2, 1, 1], vertical_alignment="bottom")
    with columns[0]:
        photo = pick_photo(page)
    with columns[1]:
        downsampling = page.select(
            "downsampling",
            _("Made smaller by"),
            {
                "area": _("averages of blocks"),
                "strided": _("one pixel of each block"),
                "max_pool": _("the brightest of each block"),
            },
            "area",
        )
    with columns[2]:
        factor = int(page.select("photo_factor", _("Factor"), {"2": "2", "3": "3", "4": "4", "8": "8"}, "4"))
    with columns[3]:
        differences = page.toggle("differences", _("Difference maps"), False)
    try:
        view = compute(upsampling.view_of, photo.pixels, PHOTO_SIDE)
        result = compute(upsampling.restore_photo, view, downsampling=downsampling, scale_factor=factor)
    except UpsamplingError as error:
        page.explain(error)
        return ""
    pictures, tiles = (
        [result.original, result.small],
        [
            {"title": _("Original"), "note": size_of(result.original)},
            {"title": _("Made smaller"), "note": size_of(result.small)},
        ],
    )
    for restored in result.restored:
        pictures.append(restored.difference * 4 if differences else restored.pixels)
        psnr = "∞" if math.isinf(restored.psnr) else f"{restored.psnr:.2f}"
        tiles.append({"title": name_of(page, restored.name), "note": f"PSNR {psnr} dB · SSIM {restored.ssim:.3f}"})
    if differences:
        st.caption(_("Difference maps are shown four times as strong."))
    show_loupe(page, "restored", pictures, tiles)
    st.caption(
        _(
            "MaxUnpool is also given where the maxima were, and PixelShuffle all {count} pixels of each block as "
            "channels: it only rearranges, so nothing is lost. All others see the small picture alone. Judged on the "
            "middle {side} pixels of the photo.",
            count=factor * factor,
            side=PHOTO_SIDE,
        )
    )
    left, right = st.columns(2, gap="large")
    with left:
        best = max(
            (restored for restored in result.restored if math.isfinite(restored.psnr)),
            key=lambda restored: restored.psnr,
        )
        chart(
            page,
            "quality",
            figures.plot_quality(result, translate=_),
            alt=_("Best by PSNR: {name}, {psnr} dB.", name=name_of(page, best.name), psnr=f"{best.psnr:.2f}"),
        )
    with right:
        timings = compute(upsampling.time_methods)
        slowest = max(timings, key=lambda timing: timing.ratio)
        chart(
            page,
            "timings",
            figures.plot_timings(timings, translate=_),
            alt=_(
                "Slowest: {name}, {ratio} times nearest.",
                name=name_of(page, slowest.name),
                ratio=f"{slowest.ratio:.1f}",
            ),
        )
        st.caption(
            _(
                "Measured once on this machine, on a [1, 16, 64, 64] tensor, ×2; learned layers go from 16 to 16 "
                "channels."
            )
        )
    table(
        [
            {
                _("Operator"): name_of(page, restored.name),
                "PSNR": None if math.isinf(restored.psnr) else round(restored.psnr, 3),
                "SSIM": round(restored.ssim, 4),
                _("Parameters"): restored.cost.parameters,
                _("Multiply-adds"): restored.cost.multiply_adds,
                _("Milliseconds"): round(restored.milliseconds, 3),
            }
            for restored in result.restored
        ]
    )
    with st.expander(_("PixelShuffle’s channels of this photo"), icon=":material/apps:"):
        st.caption(
            _(
                "PixelUnshuffle splits the photo into {count} phases; PixelShuffle weaves exactly these together.",
                count=factor * factor,
            )
        )
        st.image(compute(upsampling.channel_tiles, view, factor), caption=_("r×r tiles, one a channel"))
    return script_photo(result.original.shape[:2], page, factor, downsampling)


def size_of(picture) -> str:
    """Height and width of a picture in words."""
    return f"{picture.shape[0]}×{picture.shape[1]}"


def script_photo(shape: tuple[int, int], page: Page, factor: int, downsampling: str) -> str:
    """The restoration in plain PyTorch, on a sample photo."""
    name = page.value(link.choice("photo", [sample.name for sample in list_samples()], "chelsea"))
    file = {"china": "sklearn", "flower": "sklearn"}.get(name, "skimage")
    load = (
        f'from sklearn.datasets import load_sample_image\nphoto = load_sample_image("{name}.jpg")'
        if file == "sklearn"
        else f"from skimage import data\nphoto = data.{name}()"
        if name not in ("motorcycle", "coins")
        else "photo = ...  # your photo, [H, W, 3], bytes"
    )
    small = {
        "area": f"F.avg_pool2d(x, {factor})",
        "strided": f"x[:, :, ::{factor}, ::{factor}]",
        "max_pool": f"F.max_pool2d(x, {factor})",
    }[downsampling]
    height, width = shape
    return "\n".join(
        [
            "import torch",
            "import torch.nn.functional as F",
            load,
            "",
            f"side = {PHOTO_SIDE}  # the middle of the photo",
            "h, w = (min(side, length) // 2 * 2 for length in photo.shape[:2])",
            "top, left = (photo.shape[0] - h) // 2, (photo.shape[1] - w) // 2",
            f"photo = photo[top:top + h, left:left + w][:{height}, :{width}]",
            "x = torch.tensor(photo).permute(2, 0, 1)[None].float() / 255",
            f"small = {small}",
            'for mode in ("nearest", "bilinear", "bicubic"):',
            f"    y = F.interpolate(small, scale_factor={factor}, mode=mode).clamp(0, 1)",
            "    error = ((y * 255).round() - x * 255).square().mean()",
            "    print(mode, (10 * torch.log10(255**2 / error)).item())",
        ]
    )


def show_loupe(page: Page, name: str, pictures: list, tiles: list[dict[str, str]]) -> None:
    """Pictures of one scene under one loupe."""
    live(
        "shared/loupe",
        key=page.key(name),
        data={
            "tiles": tiles,
            "colors": COLORS,
            "presenter": page.presenting,
            "text": {"help": page.translate("Point at a picture: every picture is magnified at the same place.")},
        },
        payload=upsampling.pack_pictures(pictures),
    )


# Part 6


def show_learning(page: Page) -> str:
    """Part 6: four layers learn while one watches."""
    _ = page.translate
    columns = st.columns([2, 2, 2], vertical_alignment="bottom")
    with columns[0]:
        photo = pick_photo(page)
    with columns[1]:
        num_steps = page.slider("num_steps", _("Steps"), 50, 1000, 300, step=50)
    with columns[2]:
        residual = page.toggle("residual", _("Learn only what bicubic misses"), False)
    seed = page.value(link.number("seed", 0, 9999, 0))
    st.caption(
        _(
            "Four small networks with the same features and the same crops differ only in their last layer. They "
            "learn on the other sample photos; the photo chosen here is never trained on and judges them."
        )
    )
    try:
        compute(upsampling.view_of, photo.pixels)
    except UpsamplingError as error:
        page.explain(error)
        return ""
    others = [sample.name for sample in list_samples() if sample.name != photo.name]
    running = find_job(page, "training")
    busy = running is not None and not running.done.is_set()
    if st.button(_("Train"), key=page.key("train"), type="primary", icon=":material/model_training:", disabled=busy):
        start_training(page, photo.pixels, others, num_steps, residual, seed)
    watch_job(page, "training", draw=lambda job: show_snapshots(page, job.snapshot))
    job = find_job(page, "training")
    if job is not None and job.done.is_set():
        if job.error is not None:
            page.explain(job.error)
        elif job.result is not None:
            show_run(page, job.result)
    elif job is None:
        st.info(_("Press Train: it takes a few seconds here, and can be cancelled."), icon=":material/timer:")
    return ""


def start_training(page: Page, held_out, others: list[str], num_steps: int, residual: bool, seed: int) -> None:
    """Trains in the background; every snapshot reaches the page."""
    _ = page.translate
    photos = [load_sample(name).pixels for name in others]

    def work(job: Job):
        seen = []

        def progress(snapshot) -> None:
            seen.append(snapshot)
            # Cancelling is asked for through should_stop, so that what was learned until then stays.
            if not job.cancel.is_set():
                words = _("Step {step} of {steps}", step=snapshot.step, steps=snapshot.num_steps)
                job.report(snapshot.step / snapshot.num_steps, words, tuple(seen))

        return upsampling.train_upscalers(
            photos,
            held_out,
            num_steps=num_steps,
            residual=residual,
            seed=seed,
            snapshot_every=max(10, num_steps // 15),
            progress=progress,
            should_stop=job.cancel.is_set,
        )

    start_job(page, "training", work)


def show_snapshots(page: Page, snapshots) -> None:
    """The newest pictures while the networks learn."""
    if snapshots:
        show_loupe(page, "learning", *pictures_of(page, snapshots[-1]))


def pictures_of(page: Page, snapshot) -> tuple[list, list[dict[str, str]]]:
    """Each network's picture with its figures."""
    tiles = [{"title": name_of(page, head), "note": f"PSNR {snapshot.psnr[head]:.2f} dB"} for head in snapshot.pictures]
    return list(snapshot.pictures.values()), tiles


def show_run(page: Page, run) -> None:
    """Curves and pictures of a training that ended."""
    _ = page.translate
    last = run.snapshots[-1]
    best = max(last.psnr, key=last.psnr.get)
    words = {"steps": last.step, "seconds": f"{run.seconds:.1f}", "name": name_of(page, best)}
    words |= {"psnr": f"{last.psnr[best]:.2f}", "bicubic": f"{run.bicubic_psnr:.2f}"}
    if run.stopped:
        st.warning(
            _("Cancelled after {steps} steps; this is how far it came.", steps=last.step), icon=":material/stop:"
        )
    if last.psnr[best] > run.bicubic_psnr:
        sentence = _(
            "After {steps} steps ({seconds} s) the best is {name} with {psnr} dB, above bicubic’s {bicubic} dB.",
            **words,
        )
    else:
        sentence = _(
            "After {steps} steps ({seconds} s) the best is {name} with {psnr} dB, still below bicubic’s {bicubic} dB.",
            **words,
        )
    st.markdown(f"**{sentence}**")
    shown = last
    if len(run.snapshots) > 1:
        final = len(run.snapshots) - 1
        shown = run.snapshots[page.slider("snapshot", _("Snapshot"), 0, final, final)]
    st.caption(_("Step {step} of {steps}", step=shown.step, steps=shown.num_steps))
    pictures, tiles = pictures_of(page, shown)
    pictures = [run.original, run.bicubic, *pictures]
    tiles = [
        {"title": _("Original"), "note": size_of(run.original)},
        {"title": name_of(page, "bicubic"), "note": f"PSNR {run.bicubic_psnr:.2f} dB · SSIM {run.bicubic_ssim:.3f}"},
        *tiles,
    ]
    show_loupe(page, "learned", pictures, tiles)
    chart(page, "training", figures.plot_training(run.snapshots, run.bicubic_psnr, translate=_), alt=sentence)
    st.caption(
        _(
            "Checkerboard: strength of the patterns of period 2 after averaging over 8×8 pixels. The photo itself has "
            "{original} grey levels; what an untrained layer adds is seen at step 0.",
            original=f"{upsampling.checkerboard_energy(run.original):.2f}",
        )
    )
    table(
        [
            {
                _("Layer"): name_of(page, head),
                _("Parameters"): run.num_parameters[head],
                "PSNR": round(last.psnr[head], 3),
                "SSIM": round(run.ssim[head], 4),
                _("Checkerboard at step 0"): round(run.snapshots[0].checkerboard[head], 2),
                _("at the end"): round(last.checkerboard[head], 2),
            }
            for head in run.heads
        ]
    )


# Part 7


def show_decoder(page: Page) -> str:
    """Part 7: a decoder's shapes, and what skip connections bring."""
    _ = page.translate
    skip = page.toggle("skip", _("Skip connections"), True)
    pixels = compute(load_sample, "coins").pixels
    untrained = compute(upsampling.run_decoder, pixels, skip=skip, num_steps=1)
    job = find_job(page, "decoder")
    outputs = job.result if job is not None and job.result else {}
    shown = outputs.get(skip, untrained)
    bottom = next(stage for stage in shown.stages if stage.name == "bottom")
    chart(
        page,
        "decoder",
        figures.plot_decoder(shown, translate=_),
        alt=_(
            "From {height}×{width} down to {low}×{narrow} and back up by three transposed convolutions.",
            height=shown.picture.shape[0],
            width=shown.picture.shape[1],
            low=bottom.shape[1],
            narrow=bottom.shape[2],
        ),
    )
    busy = job is not None and not job.done.is_set()
    label = _("Train with and without skip connections")
    if st.button(label, key=page.key("train_decoder"), type="primary", icon=":material/model_training:", disabled=busy):
        start_decoders(page, pixels)
    watch_job(page, "decoder")
    if job is not None and job.error is not None:
        page.explain(job.error)
    if len(outputs) == 2:
        with_skip, without = outputs[True], outputs[False]
        st.markdown(
            _(
                "On the unseen right half: IoU **{with_skip}** with skip connections, **{without}** without; within "
                "two pixels of an outline **{edge_with}** and **{edge_without}**.",
                with_skip=f"{with_skip.iou:.3f}",
                without=f"{without.iou:.3f}",
                edge_with=f"{with_skip.boundary_iou:.3f}",
                edge_without=f"{without.boundary_iou:.3f}",
            )
        )
        show_loupe(
            page,
            "masks",
            [with_skip.picture, with_skip.target * 1.0, with_skip.mask * 1.0, without.mask * 1.0],
            [
                {"title": _("Coins, the unseen half"), "note": size_of(with_skip.picture)},
                {"title": _("Wanted mask"), "note": _("a local threshold, cleaned")},
                {"title": _("With skip connections"), "note": f"IoU {with_skip.iou:.3f}"},
                {"title": _("Without"), "note": f"IoU {without.iou:.3f}"},
            ],
        )
    table(
        [
            {_("Tensor"): stage.name, "C": stage.shape[0], "H": stage.shape[1], "W": stage.shape[2]}
            for stage in shown.stages
        ]
    )
    return ""


def start_decoders(page: Page, pixels) -> None:
    """Both trainings in the background."""
    _ = page.translate

    def work(job: Job):
        found = {}
        for index, skip in enumerate((True, False)):

            def progress(step: int, loss: float, before: int = index) -> None:
                job.report((before + step / 120) / 2, _("Step {step} of {steps}", step=before * 120 + step, steps=240))

            found[skip] = upsampling.run_decoder(pixels, skip=skip, progress=progress)
        return found

    start_job(page, "decoder", work)


# The page


def challenges(page: Page) -> list[Challenge]:
    """What a learner can bring about, each marked from the page's own numbers."""
    _ = page.translate
    kernel_size = page.value(link.number("kernel_size", 1, 8, 3))
    stride = page.value(link.number("stride", 1, 4, 2))
    padding = page.value(link.number("padding", 0, 6, 0))
    extra = page.value(link.number("output_padding", 0, 3, 0))
    dilation = page.value(link.number("dilation", 1, 3, 1))
    size = int(page.value(link.choice("size", SIZES, "4")))
    grid = page.value(grid_parameter(size))

    def even() -> str | None:
        overlap = compute(upsampling.overlap_counts, kernel_size, stride, dims=2)
        if stride != 2:
            return _("Leave the stride at 2 and change only the kernel.")
        if overlap.ratio == 1:
            return None
        return _("The ratio is {ratio} now. Which kernels does 2 divide?", ratio=f"{overlap.ratio:.3g}")

    def doubles() -> str | None:
        if kernel_size != 5:
            return _("Set the kernel to 5 first.")
        try:
            results = [
                compute(
                    upsampling.transposed_size,
                    given,
                    kernel_size=5,
                    stride=stride,
                    padding=padding,
                    output_padding=extra,
                    dilation=dilation,
                ).size
                for given in (4, 7)
            ]
        except UpsamplingError as error:
            return _(error.template, **error.values)
        if results == [8, 14]:
            return None
        return _("4 becomes {first} and 7 becomes {second}; 8 and 14 are wanted.", first=results[0], second=results[1])

    def overshoots() -> str | None:
        trace = compute(upsampling.trace_upsampling, "bicubic", tuple(map(tuple, grid)), scale_factor=2)
        if trace.output.max() > trace.input.max() + 1e-9 and set(trace.input.ravel()) <= {0.0, 1.0}:
            return None
        if not set(trace.input.ravel()) <= {0.0, 1.0}:
            return _("Use only zeros and ones in the grid.")
        return _(
            "Bicubic stays at {highest} here. Negative weights need something to subtract.",
            highest=f"{trace.output.max():.3g}",
        )

    return [
        Challenge(
            "even",
            _("An even carpet"),
            _("On “Checkerboard”, make the 2D ratio 1 by changing only the kernel (stride 2)."),
            hint=even,
        ),
        Challenge(
            "doubles",
            _("Exactly twice"),
            _("On “Shapes”, find padding and output_padding with which a kernel of 5 doubles every size."),
            hint=doubles,
        ),
        Challenge(
            "overshoots",
            _("More than there is"),
            _("On “Operators”, fill the grid with zeros and ones so that bicubic makes a number above 1."),
            hint=overshoots,
        ),
    ]


page = open_page(
    "upsampling",
    title="Upsampling",
    tagline="Edit a number, point at any output cell, and see in every operator which input cells made it.",
)
_ = page.translate
PARTS = {
    "grids": (_("Operators"), show_grids),
    "shapes": (_("Shapes"), show_shapes),
    "checkerboard": (_("Checkerboard"), show_checkerboard),
    "corners": ("align_corners", show_corners),
    "photo": (_("On a photo"), show_photo),
    "learn": (_("Learned, live"), show_learning),
    "decoder": (_("In a decoder"), show_decoder),
}
part = page.select(
    "part",
    _("Part"),
    {name: words for name, (words, _show) in PARTS.items()},
    "grids",
    few=True,
    label_visibility="collapsed",
)
script = PARTS[part][1](page)
page.lesson(f"about_{part}", title=_("What to see here"))
if script:
    reproduce_panel(page, script)
show_challenges(page, challenges(page))
page.lesson("claim", title=_("What this page claims"))
page.lesson("try", title=_("What to try"))
page.lesson("misconceptions", title=_("Misconceptions"))
page.lesson("sources", title=_("Sources"))
close_page(page)
