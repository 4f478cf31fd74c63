"""Numbers are written alike on all pages."""

import pytest

from pages.kit.numbers import written


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        (-0.0925, "+.3f", "−0.092"),
        (0.25, "+.2f", "+0.25"),
        (-2.0, "g", "−2"),
        (-1e-7, ".0e", "−1e−07"),
        (0.5, ".1f", "0.5"),
    ],
)
def test_a_minus_is_no_hyphen(value: float, spec: str, text: str) -> None:
    assert written(value, spec) == text
