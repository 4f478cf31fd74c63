"""Bars of average precision: their numbers, and the dots of single seeds."""

from __future__ import annotations

from vizcore.figures import fpn, theme
from vizcore.figures.quality import Bars, plot_bars

NAMES = {"ap": "AP", "ap_small": "AP of small ones"}


def bars(name: str, ap: float, small: float, *runs: tuple[float, float]) -> Bars:
    """A detector with these figures, and its seeds."""
    return Bars(name, {"ap": ap, "ap_small": small}, 1, "x", [dict(zip(NAMES, run, strict=True)) for run in runs])


def test_a_bar_says_its_number_and_nothing_where_there_was_no_such_object() -> None:
    (drawn,) = plot_bars([bars("one", 0.5, -1.0)], NAMES, title="precision").data
    assert (drawn.type, drawn.name) == ("bar", "one")
    assert list(drawn.x) == list(NAMES.values())
    assert list(drawn.y) == [0.5, 0.0]
    assert list(drawn.text) == [".50", "–"]
    assert (drawn.marker.color, drawn.marker.pattern.shape) == (theme.CATEGORICAL[1], "x")


def test_the_number_is_as_long_as_is_asked_for() -> None:
    def words(**how: object) -> str:
        return str(plot_bars([bars("one", 0.0625, 1.0)], NAMES, title="precision", **how).data[0].text[0])  # type: ignore[arg-type]

    assert words(decimals=3) == ".062"
    assert words(short=False) == "0.06"


def test_the_axis_ends_above_the_greatest_value() -> None:
    two = [bars("one", 0.25, 0.125), bars("two", 0.5, 0.375)]
    assert plot_bars(two, NAMES, title="precision").layout.yaxis.range == (0, 1.05)
    low, high = plot_bars(two, NAMES, title="precision", fitted=True).layout.yaxis.range
    assert low == 0
    assert 0.5 < high < 0.75
    assert plot_bars([bars("one", 1.0, 1.0)], NAMES, title="", fitted=True).layout.yaxis.range[1] == 1.05


def test_a_dot_for_each_seed_lies_upon_its_own_bar() -> None:
    figure = plot_bars(
        [bars("one", 0.5, -1.0, (0.25, -1.0), (0.75, -1.0)), bars("two", 0.25, 0.5, (0.25, 0.5))], NAMES, title=""
    )
    one, two, dots, single = figure.data
    assert list(zip(dots.x, dots.y, strict=True)) == [("AP", 0.25), ("AP", 0.75)]  # none for what was not there
    assert list(zip(single.x, single.y, strict=True)) == [("AP", 0.25), ("AP of small ones", 0.5)]
    # Plotly sets both beside one another in groups: the same group, and the same gap.
    assert [trace.offsetgroup for trace in figure.data] == ["one", "two", "one", "two"]
    assert [trace.legendgroup for trace in figure.data] == ["one", "two", "one", "two"]
    assert figure.layout.scattermode == figure.layout.barmode == "group"
    assert figure.layout.scattergap == figure.layout.bargap
    assert (dots.showlegend, single.showlegend) == (False, False)
    assert one.text[0].startswith(".50<br>")  # a line higher, off the dots
    assert one.text[1] == "–"
    assert two.text[0].startswith(".25<br>")


def test_the_designs_are_drawn_in_the_papers_order_whatever_is_missing() -> None:
    quality = dict.fromkeys(fpn.QUALITY_NAMES, 0.5)
    runs = {"fpn": [quality, quality], "separate": [quality]}
    figure = fpn.plot_quality({"fpn": quality, "separate": quality}, runs=runs, translate=str.upper)
    names = ["(C) SEPARATE LEVELS", "(D) FEATURE PYRAMID"]
    assert [trace.name for trace in figure.data] == [
        *names,
        *(f"{name}, SEED" for name in names),
    ]  # a file of them tells both apart
    assert [len(trace.y) for trace in figure.data] == [5, 5, 5, 10]
    assert figure.layout.yaxis.title.text == "AVERAGE PRECISION"
    # A design keeps color and pattern, whoever is missing beside it.
    whole = fpn.plot_quality(dict.fromkeys(fpn.DESIGN_NAMES, quality))
    assert figure.data[0].marker == whole.data[2].marker


def test_a_number_that_would_be_too_small_to_read_is_left_out() -> None:
    how = plot_bars([bars("one", 0.5, 0.25)], NAMES, title="precision").layout.uniformtext
    assert (how.minsize, how.mode) == (9, "hide")
