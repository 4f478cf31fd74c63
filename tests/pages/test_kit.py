"""The page furniture: links that round-trip, links that lie, challenges, exports."""

from __future__ import annotations

import math
import subprocess
import sys
import weakref
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit
import torch
from hypothesis import given
from hypothesis import strategies as st
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.caching.ttl_cache import TTLCache
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.session_manager import SessionInfo
from streamlit.runtime.state import SessionState
from streamlit.runtime.state.common import WidgetMetadata

from pages.kit import exports, link, loaders, memory, pictures

ROOT = Path(__file__).resolve().parents[2]
finite = st.floats(-1e4, 1e4, allow_nan=False)


@given(st.floats(0, 1))
def test_numbers_round_trip(value: float) -> None:
    parameter = link.number("a", 0.0, 1.0, 0.5)
    assert parameter.read(parameter.write(value)) == pytest.approx(value, rel=1e-9, abs=1e-9)


@given(st.integers(-5, 90))
def test_whole_numbers_stay_whole(value: int) -> None:
    parameter = link.number("a", -5, 90, 3)
    assert parameter.read(parameter.write(value)) == value


@pytest.mark.parametrize("text", ["", "nan", "inf", "1.5", "-0.1", "1e400", "0x1", "a", "1,2", "0.5;rm"])
def test_a_number_outside_its_bounds_is_refused(text: str) -> None:
    with pytest.raises(link.LinkError):
        link.number("a", 0.0, 1.0, 0.5).read(text)


@given(st.text(max_size=3000).filter(lambda text: "\x00" not in text))
def test_text_round_trips(value: str) -> None:
    parameter = link.text("program", "", max_length=4000)
    assert parameter.read(parameter.write(value)) == value


def test_a_program_of_a_screenful_fits_into_a_link() -> None:
    program = "\n".join(f"x{i} = torch.tensor([{i}.0], requires_grad=True)" for i in range(40))
    assert len(link.text("program", "", max_length=10_000).write(program)) < 800


def test_a_small_link_does_not_unfold_into_a_large_text() -> None:
    import base64
    import zlib

    bomb = "~" + base64.urlsafe_b64encode(zlib.compress(b"a" * 50_000_000, 9)).decode()
    with pytest.raises(link.LinkError):
        link.text("program", "", max_length=10_000).read(bomb)


@pytest.mark.parametrize("text", ["~", "~!!!", "~AAAA", "a\x00b", "~" + "A" * 30_000])
def test_damaged_text_is_refused(text: str) -> None:
    with pytest.raises(link.LinkError):
        link.text("program", "", max_length=100).read(text if text != "~" else "~A")


@given(st.lists(st.tuples(finite, finite, finite, finite), max_size=8))
def test_boxes_round_trip(rows: list[tuple[float, ...]]) -> None:
    parameter = link.numbers("boxes", (None, 4), [], limit=1e4, most=8)
    back = parameter.read(parameter.write(rows))
    assert len(back) == len(rows)
    for there, here in zip(rows, back, strict=True):
        assert here == pytest.approx(there, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("text", ["1,2,3", "1,2,3,nan", "1,2,3,4_", "1,2,3,1e9", "_".join(["1,2,3,4"] * 9), "a,b,c,d"])
def test_boxes_that_no_page_wrote_are_refused(text: str) -> None:
    with pytest.raises(link.LinkError):
        link.numbers("boxes", (None, 4), [], limit=1e4, most=8).read(text)


def test_choices_keep_the_order_of_their_options() -> None:
    parameter = link.choices("losses", ["iou", "giou", "diou"], ["iou"])
    assert parameter.read("diou.iou") == ["iou", "diou"]
    assert parameter.read("") == []
    for hostile in ("iou.iou", "ciou", "iou,giou"):
        with pytest.raises(link.LinkError):
            parameter.read(hostile)


def test_csv_cells_never_become_formulas() -> None:
    assert exports.to_csv([{"name": "=1+1", "value": math.pi}]).splitlines()[1] == "'=1+1,3.141592653589793"
    assert exports.to_csv([]) == ""


@dataclass(frozen=True, eq=False)
class Result:
    """As vizcore's results are."""

    pixels: np.ndarray
    names: tuple[str, ...]


def make_result(seed: int, num_bytes: int) -> Result:
    """Different bytes for each seed."""
    return Result(np.full(num_bytes, seed, dtype=np.uint8), ("a",))


def test_a_results_size_counts_its_arrays_once_and_views_whole() -> None:
    pixels = np.zeros(1_000_000, dtype=np.uint8)
    size = memory.size_of(Result(pixels, ("a", "b")))
    assert 1_000_000 < size < 1_002_000
    assert memory.size_of([pixels, pixels, pixels[:10]]) < 1_001_000
    assert memory.size_of(Result(pixels[:10], ())) > 1_000_000
    assert memory.size_of({"x": torch.zeros(1000, dtype=torch.float64)}) > 8_000
    loop: list[object] = []
    loop.append(loop)
    assert memory.size_of(loop) < 1_000
    assert memory.size_of(b"x" * 5_000) > 5_000


def test_results_are_kept_up_to_a_size_and_the_ones_used_last_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    streamlit.cache_resource.clear()
    assert (len(loaders._KEPT), loaders._KEPT.size) == (0, 0)
    monkeypatch.setattr(loaders, "MOST_KEPT", 3_500_000)
    first, second, third = (loaders.compute(make_result, seed, 1_000_000) for seed in range(3))
    assert loaders.compute(make_result, 0, 1_000_000) is first
    loaders.compute(make_result, 3, 1_000_000)
    assert len(loaders._KEPT) == 3
    assert loaders.compute(make_result, 0, 1_000_000) is first
    assert loaders.compute(make_result, 2, 1_000_000) is third
    assert loaders.compute(make_result, 1, 1_000_000) is not second  # it was the one not used for longest
    assert loaders._KEPT.size <= 3_500_000
    large = loaders.compute(make_result, 9, 9_000_000)  # larger than all that may be kept: alone, but kept
    assert loaders.compute(make_result, 9, 9_000_000) is large
    assert len(loaders._KEPT) == 1
    streamlit.cache_resource.clear()
    assert (len(loaders._KEPT), loaders._KEPT.size) == (0, 0)


def test_the_server_does_not_load_the_compiler_for_graphics_processors() -> None:
    program = "import sys; import pages.kit.shell; import torchvision.ops; print(sys.modules.get('triton'))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "None"


class Uploads:
    """The server's uploaded files, as far as an ended session is concerned."""

    def __init__(self) -> None:
        self.removed: list[str] = []

    def remove_session_files(self, session_id: str) -> None:
        """Notes whose files went."""
        self.removed.append(session_id)


def ended_session(name: str, **values: object) -> SessionInfo:
    """A session whose browser is gone, with a control that calls back."""
    state = SessionState()
    for key, value in values.items():
        state[key] = value
    control = WidgetMetadata("control", str, str, "string_value", callback=print, callback_args=(np.zeros(9),))
    state._new_widget_state.set_widget_metadata(control)
    session = SimpleNamespace(
        id=name,
        session_state=state,
        _scriptrunner=None,
        _fragment_storage=MemoryFragmentStorage(),
        _client_state=ClientState(),
    )
    session._fragment_storage.register("fragment", lambda: None)
    return SessionInfo(client=None, session=session)  # type: ignore[arg-type]


def test_an_ended_session_keeps_only_what_a_return_must_find() -> None:
    storage, uploads = MemorySessionStorage(ttl_seconds=600), Uploads()
    values = {name: {1: np.zeros(9)} for name in memory.COMPUTED_AGAIN}
    info = ended_session("a", own_photo="photo", nms_sigma=0.5, **values)
    storage.save(info)
    assert memory.let_go(storage, uploads) == 1
    session = info.session
    assert set(session.session_state.filtered_state) == {"own_photo", "nms_sigma"}
    control = session.session_state._new_widget_state.widget_metadata["control"]
    assert (control.callback, control.callback_args) == (None, None)
    assert not session._fragment_storage.contains("fragment")
    assert uploads.removed == ["a"]
    assert memory.let_go(storage, uploads) == 0  # nothing is left to take
    session._client_state = ClientState()  # it came back, ran, and went again
    session.session_state["own_results"] = {}
    assert memory.let_go(storage, uploads) == 1
    assert "own_results" not in session.session_state


def test_an_ended_session_that_still_runs_is_left_alone() -> None:
    storage, info = MemorySessionStorage(ttl_seconds=600), ended_session("a", own_results={})
    info.session._scriptrunner = object()  # type: ignore[assignment]
    storage.save(info)
    assert memory.let_go(storage, Uploads()) == 0
    assert "own_results" in info.session.session_state


def test_the_oldest_of_too_many_ended_sessions_are_forgotten() -> None:
    storage = MemorySessionStorage(ttl_seconds=600)
    for index in range(memory.MOST_ENDED + 3):
        storage.save(ended_session(str(index)))
    memory.let_go(storage, Uploads())
    kept = [info.session.id for info in storage.list()]
    assert kept == [str(index) for index in range(3, memory.MOST_ENDED + 3)]


def test_ended_sessions_go_when_their_time_is_over_though_nobody_comes() -> None:
    now = [0.0]
    storage = MemorySessionStorage(ttl_seconds=600)
    storage._cache = TTLCache(maxsize=128, ttl=600, timer=lambda: now[0])
    storage.save(ended_session("a"))
    gone = weakref.ref(storage.list()[0])
    memory.let_go(storage, Uploads())
    now[0] = 601
    assert memory.let_go(storage, Uploads()) == 1
    assert gone() is None


def test_results_on_samples_are_among_those_that_are_counted() -> None:
    loaders._compute.clear()
    photo = pictures.sample("coffee")
    before = loaders._KEPT.size
    shown = pictures.compute_on(photo, np.copy)
    assert shown is pictures.compute_on(photo, np.copy)
    assert loaders._KEPT.size >= before + shown.nbytes


def cut(pixels: np.ndarray, rows: int, *, columns: int) -> np.ndarray:
    """What a page computes on a picture."""
    return pixels[:rows, :columns].copy()


def test_results_on_a_sample_are_shared_and_those_on_an_own_photo_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    session: dict[str, object] = {}
    monkeypatch.setattr(streamlit, "session_state", session)
    shared = pictures.sample("coins")
    shown = pictures.compute_on(shared, cut, 3, columns=4)
    assert (shown == shared.pixels[:3, :4]).all()
    assert pictures.compute_on(pictures.sample("coins"), cut, 3, columns=4) is shown
    assert pictures.compute_on(shared, cut, 3, columns=5).shape == (3, 5, 3)
    assert "own_results" not in session
    own = pictures.Picture("own", "digest", shared.pixels, "holiday.png", shared.size)
    kept = pictures.compute_on(own, cut, 3, columns=4)
    assert kept is not shown
    assert pictures.compute_on(own, cut, 3, columns=4) is kept
    assert [result is kept for result, _size in session["own_results"].values()] == [True]  # type: ignore[attr-defined]


def test_a_sessions_results_on_own_photos_go_when_they_are_too_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    session: dict[str, dict] = {}
    monkeypatch.setattr(streamlit, "session_state", session)
    monkeypatch.setattr(pictures, "MOST_OWN", 2000)
    own = pictures.Picture("own", "digest", np.zeros((300, 1, 3), np.uint8), "holiday.png", (300, 1))
    for rows in (250, 251, 250, 300):  # 750, 753, 900 bytes: two fit
        pictures.compute_on(own, cut, rows, columns=1)
    assert [len(result) for result, _size in session["own_results"].values()] == [250, 300]


def framed(picture: pictures.Picture, rows: int) -> tuple[np.ndarray, str]:
    """Goes on from another result."""
    return pictures.compute_on(picture, cut, rows, columns=2), picture.name


def test_a_result_may_go_on_from_another_on_the_same_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    session: dict[str, dict] = {}
    monkeypatch.setattr(streamlit, "session_state", session)
    shared = pictures.sample("coins")
    own = pictures.Picture("own", "digest", shared.pixels, "holiday.png", shared.size)
    for picture in (shared, own):
        shown = pictures.compute_with(picture, framed, 3)
        assert shown[1] == picture.name
        assert shown[0] is pictures.compute_on(picture, cut, 3, columns=2)
        assert pictures.compute_with(picture, framed, 3) is shown
        assert pictures.compute_with(picture, framed, 4) is not shown
    assert len(session["own_results"]) == 4
