"""The IoU playground's link: every setting, whatever is shown."""

from __future__ import annotations

from pages.iou_losses import state
from pages.kit.link import Parameter
from tests.pages.opening import open_page
from tests.pages.pieces import component, link


def test_every_setting_is_in_the_link_whatever_is_shown_below():
    declared = {value.name for value in vars(state).values() if isinstance(value, Parameter)}
    carried = set(link(open_page("iou_losses", view="race")))
    assert declared == carried - {"lang", "v", "solved", "tour"}


def test_a_link_made_with_an_own_photo_says_so_only_where_a_photo_is_shown():
    hidden = open_page("iou_losses", photo="own")
    assert not hidden.warning
    assert link(hidden)["photo"] == "astronaut"
    shown = open_page("iou_losses", photo="own", background="photo")
    assert any("own photo" in warning.value for warning in shown.warning)
    assert component(shown, "stage", "losses")["stage"]["photo"]
