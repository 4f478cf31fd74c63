"""The feature pyramid page without a browser: every part, links, bad input, cuts, owners, challenges, scripts."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest
from torchvision.ops.poolers import LevelMapper

from tests.pages.opening import go_to
from tests.pages.pieces import component, link
from tests.scripts import printed_numbers, run_script
from vizcore import fpn
from vizcore.data.photos import Photo, decode_photo, encode_png
from vizcore.data.scenes import draw_scene
from vizcore.models import fcos

PARTS = ("maps", "designs", "owner", "cell", "data")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file("../../app.py", default_timeout=240)
    go_to(app, "fpn")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert not app.error
    return app


def script_of(app: AppTest) -> str:
    return next(code.value for code in app.code if "import" in code.value)


def trace_scene(index: int = 0, **options: object) -> fpn.FPNTrace:
    options = {"score_threshold": 0.4, "iou_threshold": 0.6, **options}
    return fpn.trace_fpn(fcos.load_fcos("fcos_fpn"), draw_scene("validation", index).pixels, **options)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("part", PARTS)
def test_every_part_runs_in_both_languages(part: str, language: str) -> None:
    app = open_page(part=part, lang=language)
    assert not app.warning
    assert link(app)["part"] == part
    assert bool(CHINESE.search(app.title[0].value)) == (language == "zh")


@pytest.mark.parametrize(
    "query",
    [
        {"view": "max", "score_threshold": "0.05", "opacity": "0", "boxes": "0", "level": "C2"},
        {"view": "norm", "score_threshold": "0.95", "opacity": "1", "level": "P6"},
        {"view": "pca", "scene": "499", "level": "C5"},
        {"view": "channel", "channel": "0", "level": "C2"},
        {"view": "channel", "channel": "319", "level": "C5"},
        {"view": "channel", "channel": "319", "level": "P3"},
        {"source": "photo", "photo": "coins", "present": "1"},
        {"part": "designs", "opened": "C5"},
        {"part": "owner", "canonical_level": "2", "canonical_size": "8", "box": "0,0,512,512"},
        {"part": "owner", "canonical_level": "6", "canonical_size": "512", "box": "10,10,10,10"},
        {"part": "cell", "cell_level": "C2", "point": "0,0", "points": "1", "anchors": "1"},
        {"part": "cell", "cell_level": "P6", "point": "511,511", "points": "1", "anchors": "1"},
        {"part": "data", "split": "train", "num_scenes": "500"},
        {"part": "data", "source": "photo"},
    ],
)
def test_both_ends_of_every_control(query: dict[str, str]) -> None:
    assert not open_page(**query).warning


@pytest.mark.parametrize(
    "query",
    [
        {"cuts": "lateral:C9"},
        {"cuts": "top_down:P4.top_down:P4"},
        {"level": "P9"},
        {"box": "1,2,3", "part": "owner"},
        {"point": "nan,0", "part": "cell"},
        {"scene": "500"},
        {"channel": "-1"},
        {"part": "nowhere"},
    ],
)
def test_what_a_link_cannot_carry_is_said_in_a_sentence(query: dict[str, str]) -> None:
    assert len(open_page(**query).warning) == 1


@pytest.mark.parametrize("box", ["600,10,700,50", "300,10,200,50", "-5,0,20,20"])
def test_a_box_beside_the_picture_gives_way_to_its_middle(box: str) -> None:
    app = open_page(part="owner", box=box)
    assert component(app, "stage", "levels")["stage"]["boxes"][0]["xyxy"] == [128, 128, 384, 384]


def test_the_link_carries_the_whole_view() -> None:
    app = open_page(cuts="top_down:P2.lateral:C3", level="P2", view="channel", channel="7", opacity="0.25", scene="2")
    wanted = link(app)
    assert {wanted[name] for name in ("cuts", "level", "view", "channel", "opacity", "scene")} == {
        "top_down:P2.lateral:C3",
        "P2",
        "channel",
        "7",
        "0.25",
        "2",
    }
    assert link(open_page(**{name: value for name, value in wanted.items() if name != "v"})) == wanted


def test_a_cut_changes_maps_and_boxes_as_torch_says() -> None:
    app = open_page(cuts="top_down:P2.top_down:P3.top_down:P4")
    data = component(app, "detections", "arrows")
    whole = trace_scene()
    cut = trace_scene(cuts=["top_down"])
    change = fpn.compare_detections(whole, cut)
    fates = [row["fate"] for row in data["detections"]]
    most = len(fates)
    assert fates.count("lost") == len(change.lost) or most == 60
    boxes = {box["id"]: box["xyxy"] for box in data["stage"]["boxes"]}
    for candidate in cut.keep:
        np.testing.assert_allclose(boxes[f"a{candidate}"], cut.boxes[candidate], rtol=1e-5, atol=1e-3)
    assert f"{len(cut.keep)} boxes instead of {len(whole.keep)}" in data["text"]["summary"]


def test_what_the_browser_says_is_taken_over_if_it_can_be_believed() -> None:
    app = open_page()
    data = component(app, "detections", "arrows")
    say = {"version": data["version"], "selected": "P2", "opacity": 0.9, "cuts": ["lateral:C2"], "boxes": False}
    app.session_state["fpn_maps"] = {"value": {"seq": 1, "maps": say}}
    app.run()
    assert link(app) | {"level": "P2", "opacity": "0.9", "cuts": "lateral:C2", "boxes": "0"} == link(app)
    nonsense = {"version": data["version"], "selected": 5, "opacity": "x", "cuts": ["rm"], "boxes": None}
    app.session_state["fpn_maps"] = {"value": {"seq": 2, "maps": nonsense}}
    app.run()
    assert not app.exception
    assert link(app)["cuts"] == "lateral:C2"
    assert link(app)["level"] == "P2"


def test_a_pressed_channel_is_shown_everywhere() -> None:
    app = open_page(view="channel")
    app.session_state["fpn_maps"] = {"value": {"seq": 1, "pick": {"channel": 12, "count": 1}}}
    app.run()
    assert link(app)["channel"] == "12"
    assert component(app, "atlas")["channel"] == 12


def test_the_owner_is_torchs_and_torchvisions() -> None:
    app = open_page(part="owner")
    key = "fpn_owner"
    token = component(app, "stage", "levels")["stage"]["token"]
    for box in ([100, 100, 400, 400], [10, 10, 80, 60], [0, 0, 512, 500]):
        app.session_state[key] = {"value": {"seq": 1, "stage": {"token": token, "boxes": {"box": box}}}}
        app.run()
        level = int(LevelMapper(2, 5)([torch.tensor([box], dtype=torch.float32)])[0]) + 2
        owner = fpn.find_owner(trace_scene(), np.asarray(box, dtype=float))
        words = next(caption.value for caption in app.caption if "torch agrees" in caption.value)
        assert f"says P{level} " in words
        for name in owner.fcos_levels:
            assert f"{name} × {len(owner.cells[name])}" in words


def test_places_of_the_atlas_without_a_channel_are_transparent(monkeypatch: pytest.MonkeyPatch) -> None:
    sheets = []

    def listen(pixels: np.ndarray) -> bytes:
        sheets.append(pixels)
        return encode_png(pixels)

    monkeypatch.setattr("vizcore.fpn.packing.encode_png", listen)
    atlas = component(open_page(part="designs", opened="C3"), "atlas", "designs")["atlas"]
    (sheet,) = (pixels for pixels in sheets if pixels.shape[:2] == (atlas["height"], atlas["width"]))
    columns, rows, (high, wide) = fpn.atlas_layout(40, (64, 64), side=64)
    seen = sheet[..., 3].reshape(rows, high, columns, wide)
    assert rows * columns > 40  # there are places left over
    for place in range(rows * columns):
        assert (seen[place // columns, :, place % columns] == (255 if place < 40 else 0)).all()


def test_a_pressed_cell_is_asked_about() -> None:
    app = open_page(part="cell", cell_level="P3")
    version = component(app, "cell", "show_points")["version"]
    app.session_state["fpn_cell"] = {"value": {"seq": 1, "cell": {"version": version, "row": 20, "col": 30}}}
    app.run()
    assert link(app)["point"] == "244,164"
    assert component(app, "cell", "show_points")["cell"] == [20, 30]
    field = fpn.effective_receptive_field(
        fcos.load_fcos("fcos_fpn"), draw_scene("validation", 0).pixels, "P3", (20, 30)
    )
    assert f"{field.side:.0f} px" in [metric.value for metric in app.metric]


def own_photo(pixels: np.ndarray, mode: str = "RGB") -> Photo:
    buffer = io.BytesIO()
    Image.fromarray(pixels, mode).save(buffer, "PNG")
    return decode_photo(buffer.getvalue(), name="mine.png")


def open_with(photo: Photo, **query: str) -> AppTest:
    app = AppTest.from_file("../../app.py", default_timeout=240)
    go_to(app, "fpn")
    app.session_state["own_photo"] = photo
    for name, value in {"source": "photo", "photo": "own", **query}.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert not app.error
    assert not app.warning
    return app


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    ("mode", "size"), [("RGB", (16, 16)), ("RGB", (1200, 60)), ("L", (60, 1200)), ("RGBA", (70, 50)), ("RGB", (1, 1))]
)
def test_any_photo_is_looked_at(mode: str, size: tuple[int, int], part: str) -> None:
    channels = {"L": (), "RGB": (3,), "RGBA": (4,)}[mode]
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], *channels)).astype(np.uint8)
    open_with(own_photo(pixels, mode), part=part)


def test_own_photos_do_not_pile_up() -> None:
    noise = [np.random.default_rng(seed).integers(0, 256, (64, 64, 3)).astype(np.uint8) for seed in range(3)]
    app = open_with(own_photo(noise[0]))
    for pixels in noise:
        app.session_state["own_photo"] = own_photo(pixels)
        app.run()
        assert not app.exception
        assert len(app.session_state["fpn_own_traces"]) == 1
    for cut in ("lateral:C3", "lateral:C4"):
        say = {"version": component(app, "detections", "arrows")["version"], "cuts": [cut]}
        app.session_state["fpn_maps"] = {"value": {"seq": 1, "maps": say}}
        app.run()
        assert len(app.session_state["fpn_own_traces"]) == 2


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("apart", {"part": "owner", "box": "50,50,350,350"}),
        ("nobody", {"part": "owner", "box": "3,3,6,6"}),
        ("one_rule", {"part": "owner", "canonical_size": "48"}),
    ],
)
def test_a_challenge_is_marked_from_the_real_state(name: str, query: dict[str, str]) -> None:
    assert name not in link(open_page())["solved"].split(".")
    assert name in link(open_page(**query))["solved"].split(".")


def test_every_unsolved_challenge_has_a_hint() -> None:
    for name in ("small_lost", "apart", "nobody", "one_rule", "narrow_field"):
        app = open_page()
        app.button(key=f"fpn_check_{name}").click().run()
        assert len(app.info) == 1


def test_some_single_cut_loses_the_small_and_keeps_the_large() -> None:
    """The challenge can be solved on the first scenes."""
    detector = fcos.load_fcos("fcos_fpn")
    solved = []
    for index in range(6):
        scene = draw_scene("validation", index)
        whole = fpn.trace_fpn(detector, scene.pixels, score_threshold=0.4)
        before = fpn.count_found(whole, scene.boxes, scene.labels)
        for cut in fpn.possible_cuts(whole.config)[1:]:
            now = fpn.count_found(fpn.retrace(detector, whole, cuts=[cut]), scene.boxes, scene.labels)
            if now["small"][0] < before["small"][0] and now["large"][0] >= before["large"][0] > 0:
                solved.append((index, cut))
    assert solved
    index, cut = solved[0]
    assert "small_lost" in link(open_page(scene=str(index), cuts=cut))["solved"].split(".")


def test_the_script_prints_the_maps_and_the_boxes() -> None:
    app = open_page(cuts="lateral:C3", scene="1")
    lines = run_script(script_of(app)).splitlines()
    trace = trace_scene(1, cuts=["lateral:C3"])
    for line, name in zip(lines, trace.strides, strict=False):
        words = line.split()
        assert words[0] == name
        assert tuple(map(int, words[1:4])) == trace.maps(name).shape
        assert float(words[5]) == pytest.approx(float(trace.maps(name).mean()), abs=1e-5)
    assert len(lines) == len(trace.strides) + len(trace.keep)


def test_the_owners_script_is_plain_torchvision() -> None:
    app = open_page(part="owner", box="40,60,300,200")
    script = script_of(app)
    assert "vizcore" not in script
    numbers = printed_numbers(run_script(script))
    owner = fpn.find_owner(trace_scene(), np.array([40.0, 60, 300, 200]))
    assert numbers[0] == owner.level
    assert numbers[2::2] == [len(cells) for cells in owner.cells.values()]


@pytest.mark.parametrize("part", ["designs", "cell", "data"])
def test_the_other_scripts_run(part: str) -> None:
    assert printed_numbers(run_script(script_of(open_page(part=part))))
