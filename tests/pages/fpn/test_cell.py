"""What a cell sees: the cell that was pressed, asked in torch."""

from __future__ import annotations

from tests.pages.fpn.opened import open_fpn
from tests.pages.pieces import component, link
from vizcore import fpn
from vizcore.data.scenes import draw_scene
from vizcore.models import fcos


def test_a_pressed_cell_is_asked_about() -> None:
    app = open_fpn(part="cell", cell_level="P3")
    version = component(app, "cell", "show_points")["version"]
    app.session_state["fpn_cell"] = {"value": {"seq": 1, "cell": {"version": version, "row": 20, "col": 30}}}
    app.run()
    assert link(app)["point"] == "244,164"
    assert component(app, "cell", "show_points")["cell"] == [20, 30]
    field = fpn.effective_receptive_field(
        fcos.load_fcos("fcos_fpn"), draw_scene("validation", 1).pixels, "P3", (20, 30)
    )
    assert f"{field.side:.0f} px" in [metric.value for metric in app.metric]
