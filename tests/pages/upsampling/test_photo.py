"""A photo restored: a sample's, and the reader's own, which stays with them."""

from __future__ import annotations

import numpy as np
import pytest

from pages.kit import loaders
from pages.upsampling import photo
from tests.pages.opening import open_page
from tests.pages.pieces import link
from tests.pages.upsampling.reading import CHINESE, own_photo, piece, script_of
from vizcore import upsampling
from vizcore.data.photos import Photo

OWN_WORDS = "photo = ...  # your photo, [H, W, 3], bytes"


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("part", ["photo", "learn"])
def test_a_photo_of_one_pixel_is_a_sentence(part: str, lang: str) -> None:
    tiny = Photo(pixels=np.zeros((1, 1, 3), np.uint8), original_size=(1, 1), name="dot", file_format="PNG")
    at = open_page("upsampling", part=part, photo="own", lang=lang, state={"own_photo": tiny}, broken=True)
    assert not at.exception
    assert "1×1" in at.error[0].value


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_an_own_photo_is_restored_and_its_script_leaves_it_to_the_reader(lang: str) -> None:
    own = own_photo(64, 80)
    query = {"part": "photo", "photo": "own", "photo_factor": "2", "lang": lang}
    at = open_page("upsampling", state={"own_photo": own}, **query)
    assert not at.warning
    assert link(at)["photo"] == "own"
    tiles = piece(at, "tiles")["tiles"]
    assert [tile["note"] for tile in tiles[:2]] == ["64×80", "32×40"]
    assert bool(CHINESE.search(tiles[0]["title"])) == (lang == "zh")
    result = upsampling.restore_photo(own.pixels, scale_factor=2)
    shown = at.dataframe[0].value["PSNR"]
    for restored, psnr in zip(result.restored, shown, strict=True):
        assert np.isinf(restored.psnr) if psnr == "∞" else psnr == f"{restored.psnr:.3f}"
    script = script_of(at)
    assert OWN_WORDS in script
    assert "[:64, :80]" in script


def test_what_was_found_on_an_own_photo_stays_in_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    shared: list[str] = []
    compute = loaders._compute

    def noted(name: str, *call: object) -> object:
        shared.append(name)
        return compute(name, *call)

    noted.clear = compute.clear  # type: ignore[attr-defined]
    monkeypatch.setattr(loaders, "_compute", noted)
    at = open_page("upsampling", part="photo", photo="own", state={"own_photo": own_photo()})
    kept = {name for name, *_rest in at.session_state["own_results"]}
    assert kept == {f"{photo.__name__}.restore", f"{photo.__name__}.tile"}
    assert not any("restor" in name or "view_of" in name or "tile" in name for name in shared)
    open_page("upsampling", part="photo", photo="coins")
    assert f"on a picture: {photo.__name__}.restore" in shared


def test_a_link_to_somebody_elses_photo_opens_with_a_sample() -> None:
    at = open_page("upsampling", part="photo", photo="own")
    assert any("someone’s own photo" in warning.value for warning in at.warning)
    assert link(at)["photo"] == "chelsea"
    assert "data.chelsea()" in script_of(at)


@pytest.mark.parametrize("part", ["grids", "decoder"])
def test_other_parts_do_not_mind_an_own_photo(part: str) -> None:
    at = open_page("upsampling", part=part, photo="own", state={"own_photo": own_photo()})
    assert not at.warning
    assert link(at)["photo"] == "own"


def test_the_middle_of_a_large_photo_is_looked_at() -> None:
    at = open_page("upsampling", part="photo", photo="own", state={"own_photo": own_photo(500, 401)})
    assert piece(at, "tiles")["tiles"][0]["note"] == f"{photo.SIDE}×{photo.SIDE}"
