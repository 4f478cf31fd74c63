"""The parts of the DETR page that need a network, over one that has learned nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
import torch

from pages.detr import attention, network, panoptic, state
from pages.kit.pictures import scene
from tests.pages.opening import open_page
from tests.pages.pieces import component, link
from tests.vizcore.detr.detectors import paper_detector
from vizcore import detr
from vizcore.data.photos import load_sample
from vizcore.data.scenes import draw_scene
from vizcore.detr import history
from vizcore.models import detr as models
from vizcore.models.detr_masks import MaskHead
from vizcore.models.weight_files import save_network
from vizcore.packing import unpack
from vizcore.training import detr_masks, detr_shipping
from vizcore.training.cards import load_card

PARTS = ("attention", "queries", "layers", "training")
NUM_SCENES = 2


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with everything that is shipped of a DETR, and the page looks there."""
    folder = tmp_path_factory.mktemp("detr")
    torch.manual_seed(0)
    fresh = models.DETR(replace(models.SMALL, num_queries=12))
    save_network(folder / "detr.safetensors", fresh, fresh.config)
    detector = models.Detector(models.read_detr(folder / "detr.safetensors"))
    history.save_strip(history.record_strip([(10, detector), (20, detector)], range(NUM_SCENES)), folder=folder)
    history.save_places(history.record_places(detector, NUM_SCENES), folder=folder)
    (folder / "detr.csv").write_text("step,loss,ap,ap50\n20,30.5,,\n40,28.25,0.01,0.02\n", encoding="utf-8")
    quality = {"ap": 0.5, "ap50": 0.7, "ap_small": 0.2, "ap_medium": 0.5, "ap_large": 0.6}
    card = detr_shipping.DETRCard(
        name="detr",
        title="untrained",
        config=asdict(fresh.config),
        helps=[],
        seed=0,
        data={"size": 512},
        steps=20,
        batch_size=8,
        hours=0.1,
        command="",
        num_scenes=NUM_SCENES,
        quality=quality,
        layers=[{"ap": 0.3, "ap50": 0.5, "nms_ap": 0.4, "nms_ap50": 0.6}] * 4,
        parameters=1,
        multiply_adds=1,
        milliseconds=1.0,
        bytes=1,
    )
    for name, ap in (("detr", 0.5), ("detr_reference", 0.5), ("detr_no_encoder", 0.375), ("detr_no_auxiliary", 0.25)):
        told = {**asdict(card), "name": name, "quality": {**quality, "ap": ap}}
        (folder / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "FOLDER", folder)
        patch.setattr(models, "WEIGHTS_FOLDER", folder)
        patch.setattr(detr_shipping, "WEIGHTS_FOLDER", folder)
        st.cache_data.clear()
        st.cache_resource.clear()
        yield folder
    st.cache_data.clear()
    st.cache_resource.clear()


def test_without_weights_there_is_the_matching_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(network, "FOLDER", tmp_path)
    app = open_page("detr", part="queries")
    assert component(app, "program")
    assert not [radio for radio in app.radio if radio.key == "detr_part"]
    assert link(app)["part"] == "matching"


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("part", PARTS)
def test_every_part_opens_and_its_link_is_the_page(shipped: Path, part: str, lang: str) -> None:
    app = open_page("detr", part=part, lang=lang, score_threshold="0.05", nms="1", off="1", after_layer="4")
    assert not app.warning
    query = link(app)
    assert query["part"] == part
    assert query["score_threshold"] == "0.05"
    assert any("20" in note.value and "12,000" in note.value for note in app.info)  # steps made of those planned


def test_all_attention_travels_once(shipped: Path) -> None:
    app = open_page("detr", part="attention", look="decoder", query="3", layer="1", head="2", score_threshold="0.95")
    data = component(app, "look")
    assert (data["query"], data["layer"], data["head"]) == (3, 1, 2)
    # Nobody is that sure; the query that is asked is drawn all the same.
    assert [box["id"] for box in data["stage"]["boxes"]] == ["3"]
    packed = network.packed(scene(0))
    _, arrays = unpack(packed.content)
    assert arrays["decoder_cross"].shape[:3] == (4, 4, 12)
    assert len(packed.content) <= 3_000_000
    again = open_page("detr", part="attention", look="encoder", point="10,500")
    assert component(again, "look")["point"] == [10, 500]
    assert not component(again, "look")["stage"]["boxes"]


def test_what_the_browser_asks_is_believed_only_if_it_can_be() -> None:
    told = {"version": "1", "point": [3, 4.5], "query": 11, "layer": 2, "head": -1}
    assert attention._asked(told, "1", 12) == [
        (state.POINT, [[3, 4.5]]),
        (state.QUERY, 11),
        (state.LAYER, 2),
        (state.HEAD, -1),
    ]
    assert attention._asked(told, "2", 12) == []
    assert attention._asked(None, "1", 12) == []
    wrong = {"version": "1", "point": [3, float("nan")], "query": 12, "layer": True, "head": -2}
    assert attention._asked(wrong, "1", 12) == []


def test_the_order_of_the_queries_changes_nothing_and_the_last_one_can_be_missed(shipped: Path) -> None:
    picture = scene(0)
    plain = network.asked(picture, range(12))
    turned = network.asked(picture, range(11, -1, -1))
    np.testing.assert_allclose(turned.boxes[:, ::-1], plain.boxes, atol=0.01)
    app = open_page("detr", part="queries", off="1", query="99", turned="1", score_threshold="0.05")
    assert any("11 now" in caption.value for caption in app.caption)


def test_a_strip_is_matched_anew_at_each_time(shipped: Path) -> None:
    strip = detr.load_strip(folder=shipped)
    matched = detr.match_strip(strip, 1)
    assert matched.owners[0].tolist() == matched.owners[1].tolist()  # the same network twice
    assert matched.flips.tolist() == [0]
    for target, owner in enumerate(matched.owners[0].tolist()):
        if owner >= 0:
            cx, cy, width, height = (strip.boxes[0, 1, owner] * models.CANVAS).tolist()
            wanted = [cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2]
            np.testing.assert_allclose(matched.boxes[0, target], wanted, atol=1e-3)
    assert len(set(matched.owners[0][matched.owners[0] >= 0])) == min(12, len(matched.labels))


def test_what_was_measured_stands_beside_the_layers(shipped: Path) -> None:
    """DETR beside FCOS by the size of the objects, and the trainings without a part, all from the cards."""
    app = open_page("detr", part="layers")
    rival = load_card("fcos_fpn").quality
    (sizes,) = (caption.value for caption in app.caption if "AP small" in caption.value)
    assert f"AP small 0.20 against {rival['ap_small']:.2f}, large 0.60 against {rival['ap_large']:.2f}" in sizes
    assert rival["ap_large"] < 0.6
    assert sizes.startswith("As in the paper, DETR is ahead for large objects and behind for small ones.")
    (parts,) = (caption.value for caption in app.caption if "Left out" in caption.value)
    assert "no encoder −0.125; no auxiliary losses −0.250." in parts
    assert any(caption.value.endswith("AP after each is 0.300, 0.300, 0.300, 0.300.") for caption in app.caption)
    assert any(caption.value.startswith("20 steps each") for caption in app.caption)


def test_what_helped_it_learn_is_named_on_the_page(shipped: Path) -> None:
    app = open_page("detr", part="training")
    (fold,) = (each for each in app.expander if each.label == "What helped it learn")
    text = fold.markdown[0].value
    for word in ("frozen", "C3", "3 × 3", "DAB-DETR", "DN-DETR", "Group DETR", "Co-DETR", "average"):
        assert word in text


# -- the authors' own network ------------------------------------------------------------------------------------------


@pytest.fixture
def nothing_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("GRAD2BOX_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    return tmp_path


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_authors_network_is_an_offer(shipped: Path, nothing_downloaded: Path, lang: str) -> None:
    app = open_page("detr", part="attention", network="paper", lang=lang)
    assert link(app)["network"] == app.selectbox(key="detr_network").value == "paper"
    assert any("dl.fbaipublicfiles.com" in words.value and "159 MB" in words.value for words in app.markdown)
    assert app.button(key="detr_start_download_detr_resnet50").label == {"en": "Download", "zh": "下载"}[lang]
    with pytest.raises(AssertionError):  # nothing stands in for it
        component(app, "look")


@pytest.fixture
def downloaded(nothing_downloaded: Path, monkeypatch: pytest.MonkeyPatch) -> models.DETR:
    """A network of the authors' architecture, small and never trained, as if it had been downloaded."""
    (nothing_downloaded / detr.OFFICIAL.file_name).write_bytes(b"something")
    found = paper_detector()
    monkeypatch.setattr(detr, "load_official", lambda: found)
    return found


def test_every_part_asks_the_authors_network_once_it_is_here(shipped: Path, downloaded: models.DETR) -> None:
    asked = {"network": "paper", "source": "photo", "photo": "chelsea", "score_threshold": "0.05"}
    trace = detr.trace_detr(downloaded, load_sample("chelsea").pixels)
    names = detr.official_classes()
    app = open_page("detr", part="attention", look="decoder", query="5", **asked)
    (box,) = [box for box in component(app, "look")["stage"]["boxes"] if box["id"] == "5"]
    assert box["label"] == f"5 {names[int(trace.labels[-1, 5])]}"
    np.testing.assert_allclose(box["xyxy"], trace.boxes[-1, 5], atol=0.01)
    app = open_page("detr", part="layers", after_layer="1", **asked)
    found = trace.found(0.05, layer=0)
    assert any(f"After layer 1: {len(found)} sure boxes" in caption.value for caption in app.caption)
    app = open_page("detr", part="queries", query="5", off="1", **asked)
    lost = trace.found(0.05)
    assert any(f"{len(lost)} boxes with all queries" in caption.value for caption in app.caption)
    assert not any("over 2 scenes" in caption.value for caption in app.caption)  # those were ours
    app = open_page("detr", part="training", **asked)
    assert not app.exception


# -- the masks ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def with_masks(shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder like it, with a mask head that has learned nothing, and its card."""
    folder = shutil.copytree(shipped, tmp_path / "detr")
    torch.manual_seed(1)
    head = MaskHead(replace(models.SMALL, num_queries=12))
    save_network(folder / "detr_masks.safetensors", head, head.config)
    card = detr_masks.MaskCard(
        name="detr_masks",
        detector="detr",
        seed=0,
        steps=1,
        batch_size=4,
        hours=0.1,
        command="",
        num_scenes=NUM_SCENES,
        keep_threshold=0.85,
        quality={"pq": 0.123, "sq": 0.7, "rq": 0.2},
        parameters=1,
        bytes=1,
    )
    (folder / "detr_masks.json").write_text(json.dumps(asdict(card)), encoding="utf-8")
    monkeypatch.setattr(network, "FOLDER", folder)
    monkeypatch.setattr(detr_masks, "WEIGHTS_FOLDER", folder)


def test_without_a_mask_head_there_are_no_masks(shipped: Path) -> None:
    app = open_page("detr", part="panoptic")
    assert link(app)["part"] == "matching"
    assert not any(radio.key == "detr_part" and "panoptic" in radio.options for radio in app.radio)


@pytest.mark.parametrize(
    ("lang", "query"),
    [
        ("en", {"source": "scene", "scene": "1", "keep_threshold": "0"}),
        ("zh", {"source": "photo", "photo": "chelsea", "keep_threshold": "1"}),
    ],
)
@pytest.mark.usefixtures("with_masks")
def test_masks_open_at_both_ends_and_their_link_is_the_page(lang: str, query: dict[str, str]) -> None:
    app = open_page("detr", part="panoptic", query="11", lang=lang, network="paper", **query)
    assert not app.warning
    data = component(app, "keep_threshold")
    assert data["keep_threshold"] == float(query["keep_threshold"])
    assert data["query"] == 11
    assert len(data["names"]) == 12
    assert {**link(app), **query, "part": "panoptic", "query": "11"} == link(app)
    (table,) = (frame.value for frame in app.dataframe if "PQ" in frame.value)
    assert list(table["PQ"]) == ["0.123", f"{detr.PUBLISHED_PQ:.3f}"]
    app.button(key="detr_to_attention").click().run()
    assert not app.exception
    assert {name: link(app)[name] for name in ("part", "look", "query")} == {
        "part": "attention",
        "look": "decoder",
        "query": "11",
    }


@pytest.mark.usefixtures("with_masks")
def test_the_browser_is_sent_what_was_computed() -> None:
    picture = scene(1)
    output = network.drawn(picture)
    header, arrays = unpack(network.packed_masks(picture))
    np.testing.assert_array_equal(arrays["masks"] * header["step"], output.mask_logits)
    np.testing.assert_array_equal(arrays["truth"], draw_scene("validation", 1).owner)
    keep = network.kept(picture)
    assert keep is not None
    np.testing.assert_allclose(arrays["pq"], [match.pq for match in keep.matches])


def test_what_the_masks_ask_is_believed_only_if_it_can_be() -> None:
    told = {"version": "1", "keep_threshold": 0.25, "query": 11}
    assert panoptic._asked(told, "1", 12) == [(state.KEEP_THRESHOLD, 0.25), (state.QUERY, 11)]
    assert panoptic._asked(told, "2", 12) == []
    assert panoptic._asked(None, "1", 12) == []
    assert panoptic._asked({"version": "1", "keep_threshold": float("nan"), "query": 12}, "1", 12) == []
    assert panoptic._asked({"version": "1", "keep_threshold": True, "query": -1}, "1", 12) == []
