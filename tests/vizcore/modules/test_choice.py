from __future__ import annotations

import pytest

from vizcore.modules import NetworkChoice


@pytest.mark.parametrize(
    "broken", [{"hidden": 0}, {"hidden": 7}, {"dropout": 1.0}, {"dropout": float("nan")}, {"layer": "lstm"}]
)
def test_impossible_choices_are_refused(broken: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        NetworkChoice(**broken)
