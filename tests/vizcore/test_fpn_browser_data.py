"""What the feature pyramid page sends to the browser: decoded as a browser does, and held against torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.javascript import evaluate_javascript, run_modules
from vizcore import browser, fpn
from vizcore.data.scenes import draw_scene
from vizcore.fpn import browser_data
from vizcore.models.fcos import FCOS, Detector, FCOSConfig, assign_targets, level_points, level_sizes
from vizcore.packing import unpack
from vizcore.seeding import seeded

CONFIG = FCOSConfig("fpn", finest=2, channels=16)


@pytest.fixture(scope="module")
def detector() -> Detector:
    with seeded(0):
        return Detector(FCOS(CONFIG))


@pytest.fixture(scope="module")
def trace(detector: Detector) -> fpn.FPNTrace:
    # Neither side divides by 64, so that there is padding to leave out.
    return fpn.trace_fpn(detector, draw_scene("validation", 1).pixels[:200, :330], score_threshold=0.0)


def decoded(content: bytes) -> dict[str, np.ndarray]:
    """As the page's own module reads them."""
    read = run_modules({"fpn/packed.js": "readMaps"}, "return readMaps(inputs[0]).maps;", content)
    _, arrays = unpack(content)
    wanted = [name for name, spec in read.items() if spec["filled"]]
    wanted += [f"{name}.rgb" for name, spec in read.items() if spec["colored"]]
    assert sorted(arrays) == sorted(wanted)
    maps = {}
    for name, spec in read.items():
        if spec["values"] is not None:
            maps[name] = spec["values"].reshape(spec["rows"], spec["cols"])
        if spec["rgb"] is not None:
            maps[f"{name} rgb"] = spec["rgb"].reshape(spec["rows"], spec["cols"], 3)
    return maps


@pytest.mark.parametrize("view", ["mean", "max", "norm"])
def test_every_map_arrives_as_torch_has_it(trace: fpn.FPNTrace, view: str) -> None:
    maps = decoded(browser_data.pack_maps(trace, view=view))
    reduce = {
        "mean": lambda x: x.mean(0),
        "max": lambda x: x.max(0).values,
        "norm": lambda x: x.pow(2).mean(0).sqrt(),
    }[view]
    for name, stride in trace.strides.items():
        rows, columns = -(-200 // stride), -(-330 // stride)
        wanted = reduce(torch.from_numpy(trace.maps(name)).double())[:rows, :columns].numpy()
        assert maps[name].shape == wanted.shape
        np.testing.assert_allclose(maps[name], wanted, atol=np.ptp(wanted) / 65535 + 1e-6)


def test_lateral_and_upsampled_add_up(trace: fpn.FPNTrace) -> None:
    for packed in (browser_data.pack_maps(trace), browser_data.pack_maps(trace, view="channel", channel=5)):
        maps = decoded(packed)
        for level in ("P2", "P3", "P4", "P5"):
            total = maps[f"lateral:{level}"] + maps[f"upsampled:{level}"]
            step = max(np.ptp(maps[f"{part}:{level}"]) for part in ("lateral", "upsampled", "merged")) / 65535
            np.testing.assert_allclose(maps[f"merged:{level}"], total, atol=2 * step)


def test_a_channel_that_a_map_does_not_have_is_left_empty(trace: fpn.FPNTrace) -> None:
    maps = decoded(browser_data.pack_maps(trace, view="channel", channel=30))
    assert set(maps) == {"C3", "C4", "C5"}
    np.testing.assert_allclose(maps["C4"], trace.stages["C4"][30, :13, :21], atol=1e-3)


def test_colours_are_those_of_the_principal_directions(trace: fpn.FPNTrace) -> None:
    maps = decoded(browser_data.pack_maps(trace, view="pca"))
    for name in trace.strides:
        np.testing.assert_array_equal(maps[f"{name} rgb"], fpn.pca_rgb(browser_data.on_photo(trace, name)))


def test_no_such_view(trace: fpn.FPNTrace) -> None:
    with pytest.raises(ValueError, match="view must be one of"):
        browser_data.pack_maps(trace, view="median")


def test_thumbnails_are_in_order(trace: fpn.FPNTrace) -> None:
    _, arrays = unpack(browser_data.pack_thumbnails({"a": trace.stages["C4"], "b": trace.levels["P6"]}))
    assert list(arrays) == ["a", "b"]
    for name, maps in (("a", trace.stages["C4"]), ("b", trace.levels["P6"])):
        view = fpn.channel_views(maps, "mean")
        np.testing.assert_array_equal(arrays[name], fpn.to_bytes(view, *fpn.value_range(view)))


def fake(boxes: list[list[float]], labels: list[int], trace: fpn.FPNTrace) -> fpn.FPNTrace:
    """A trace with these final boxes, best first."""
    from dataclasses import replace

    return replace(
        trace,
        boxes=np.asarray(boxes, dtype=np.float32).reshape(-1, 4),
        labels=np.asarray(labels, dtype=np.int64),
        keep=np.arange(len(boxes)),
    )


def test_what_was_lost_and_what_is_new(trace: fpn.FPNTrace) -> None:
    before = fake([[0, 0, 10, 10], [20, 20, 40, 40], [60, 60, 80, 80]], [0, 1, 2], trace)
    # The first moved a little (IoU 0.82), the second changed its class, the third is gone; another came.
    after = fake([[20, 20, 40, 40], [0, 1, 10, 10], [100, 0, 120, 20]], [3, 0, 2], trace)
    change = browser_data.compare_detections(before, after)
    assert change.before.tolist() == [1, -1, -1]
    assert change.after.tolist() == [-1, 0, -1]
    assert change.lost.tolist() == [1, 2]
    assert change.gained.tolist() == [0, 2]


def test_one_partner_each(trace: fpn.FPNTrace) -> None:
    before = fake([[0, 0, 10, 10], [0, 0, 10, 9]], [0, 0], trace)
    after = fake([[0, 0, 10, 9]], [0], trace)
    assert browser_data.compare_detections(before, after).before.tolist() == [-1, 0]
    nothing = fake([], [], trace)
    assert browser_data.compare_detections(before, nothing).lost.tolist() == [0, 1]
    assert browser_data.compare_detections(nothing, after).gained.tolist() == [0]


def test_found_objects_by_size(trace: fpn.FPNTrace) -> None:
    # Sides 20, 32 (on COCO's border: it counts twice), 100; the last is found with the wrong class only.
    truth = np.array([[0, 0, 20, 20], [30, 0, 62, 32], [0, 50, 100, 150.0]])
    labels = np.array([0, 1, 2])
    run = fake([[0, 0, 20, 16], [30, 0, 62, 15], [0, 50, 100, 150]], [0, 1, 5], trace)
    assert browser_data.find_objects(run, truth, labels).tolist() == [True, False, False]
    counts = browser_data.count_found(run, truth, labels)
    assert counts == {"small": (1, 2), "medium": (0, 1), "large": (0, 1)}
    assert not browser_data.find_objects(fake([], [], trace), truth, labels).any()


coordinates = st.floats(0, 320, allow_nan=False)


@given(coordinates, coordinates, st.floats(0, 200), st.floats(0, 200))
def test_the_cell_rule_is_the_one_of_training(x: float, y: float, width: float, height: float) -> None:
    check_cell_rule(x, y, width, height)


def test_the_cell_rule_on_boxes_of_every_size() -> None:
    # Below the topmost level the ranges already keep a cell within 1.5 strides of the centre: only boxes of more than
    # three strides of P6 tell the radius from a larger one.
    for row in (
        torch.rand(150, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([100, 100, 540, 540])
    ).tolist():
        check_cell_rule(*row)


def check_cell_rule(x: float, y: float, width: float, height: float) -> None:
    box = torch.tensor([[x, y, x + width, y + height]], dtype=torch.float32)
    points = level_points(level_sizes((640, 640), CONFIG.strides), CONFIG.strides)
    owned = assign_targets(points, CONFIG.ranges, box) == 0
    low, high = torch.tensor(CONFIG.ranges)[points.levels].T
    sides = [column.expand(len(low)) for column in box.unbind(1)]
    rule = browser_data.cell_rule(*points.centres.unbind(1), *sides, points.strides, low, high)
    assert torch.equal(rule["owned"] == 1, owned)
    assert torch.equal(rule["owned"], rule["inside"] * rule["near"] * rule["in_range"])


def test_the_browser_computes_what_torch_does() -> None:
    generator = torch.Generator().manual_seed(0)
    sides = torch.rand(2000, 2, generator=generator, dtype=torch.float64) * 600
    sides[:8] = torch.tensor([[112, 112], [224, 224], [448, 448], [0, 5], [223.999, 224], [1, 1], [600, 1], [448, 112]])
    options = {"canonical_size": 224, "canonical_level": 4}
    source = browser.to_javascript(
        lambda width, height: browser_data.paper_rule(width, height, **options),
        browser_data.example_numbers(2),
        name="paper",
        gradient_inputs=(),
        argument_names=("width", "height"),
    )
    level, level_again, value = evaluate_javascript(source, "paper", sides.numpy()).T
    boxes = torch.cat([torch.zeros(2000, 2, dtype=torch.float64), sides], dim=1)
    np.testing.assert_array_equal(level, fpn.roi_level(boxes).numpy())
    np.testing.assert_array_equal(level, level_again)
    np.testing.assert_allclose(value, fpn.roi_level_value(boxes).numpy(), rtol=1e-12)

    inputs = torch.rand(2000, 9, generator=generator, dtype=torch.float64) * 100
    inputs[:, 4:6] += inputs[:, 2:4]
    inputs[:, 8] = torch.where(torch.arange(2000) % 3 == 0, float("inf"), inputs[:, 7] + 40)
    names = ("x", "y", "x1", "y1", "x2", "y2", "stride", "low", "high")
    source = browser.to_javascript(
        browser_data.cell_rule,
        browser_data.example_numbers(9),
        name="cell",
        gradient_inputs=(),
        argument_names=names,
    )
    found = evaluate_javascript(source, "cell", inputs.numpy())[:, 1:]
    wanted = browser_data.cell_rule(*inputs.unbind(1))
    np.testing.assert_allclose(found, torch.stack(list(wanted.values()), dim=1).numpy(), rtol=1e-12)
    assert 0 < wanted["owned"].sum() < 2000


def test_an_owner_speaks_in_pixels_of_the_input(detector: Detector) -> None:
    photo = np.zeros((600, 1024, 3), dtype=np.uint8)
    trace = fpn.trace_fpn(detector, photo)  # halved
    owner = browser_data.find_owner(trace, np.array([100.0, 100, 548, 548]))
    assert owner.size == (224, 224)
    assert (owner.level, owner.value, owner.farthest) == (4, 4.0, 112)
    assert set(owner.fcos_levels) <= {"P5", "P6"}
    tenth = browser_data.find_owner(trace, np.array([100.0, 100, 548, 548]), canonical_size=448, canonical_level=5)
    assert tenth.level == 4


def test_a_cells_field_arrives_whole(detector: Detector) -> None:
    photo = draw_scene("validation", 1).pixels[:200, :330]
    trace = fpn.trace_fpn(detector, photo)
    field = fpn.effective_receptive_field(detector, photo, "P4", (3, 7))
    header, arrays = unpack(browser_data.pack_field(trace, field, level="P4", anchors=True))
    heat, points = arrays["heat"], arrays["points"]
    height, width = heat.shape
    step = 3  # 330 pixels in at most 128 numbers
    assert (height, width) == (67, 110)
    assert header["reach"] == [67 * 3 / 200, 110 * 3 / 330]
    top = max(
        (field.gradient[row : row + step, column : column + step].sum(), row, column)
        for row in range(0, 198, step)
        for column in range(0, 330, step)
    )
    assert heat[top[1] // step, top[2] // step] == 255
    np.testing.assert_allclose(points[3, 7], [7.5 * 16, 3.5 * 16])
    assert header["anchors"] == [
        pytest.approx([7 * 16 - w / 2, 3 * 16 - h / 2, 7 * 16 + w / 2, 3 * 16 + h / 2], abs=1)
        for h, w in ((90.5, 181), (128, 128), (181, 90.5))
    ]
    for cell in ((3, 7), (0, 0), (9, 15)):
        seen = fpn.receptive_box("P4", cell)
        shift = [(place // 8) * 8 * 16 for place in (cell[1], cell[0])]
        left, right = (edge + shift[0] for edge in header["intervals"][cell[1] % 8])
        top_, bottom = (edge + shift[1] for edge in header["intervals"][cell[0] % 8])
        assert (left, top_, right, bottom) == seen


def test_a_field_without_a_gradient_is_dark(detector: Detector) -> None:
    photo = np.zeros((16, 16, 3), dtype=np.uint8)
    trace = fpn.trace_fpn(detector, photo)
    field = fpn.effective_receptive_field(detector, photo, "C2", (0, 0), cuts=())
    object.__setattr__(field, "gradient", np.zeros_like(field.gradient))
    header, arrays = unpack(browser_data.pack_field(trace, field, level="C2"))
    assert arrays["heat"].size
    assert not arrays["heat"].any()
    assert header["anchors"] == []
