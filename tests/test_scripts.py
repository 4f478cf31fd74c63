"""Scripts are run as a reader would run them."""

from __future__ import annotations

import pytest

from tests.scripts import printed_numbers, run_script


def test_what_is_printed_comes_back() -> None:
    text = run_script("import torch\nprint(torch.ones(2).sum().item())\nif __name__ == '__main__':\n    print(-3e-2)")
    assert printed_numbers(text) == [2.0, -0.03]


def test_nothing_is_imported_for_a_script() -> None:
    with pytest.raises(AssertionError, match="name 'torch' is not defined"):
        run_script("print(torch.ones(2))")


def test_scripts_know_nothing_of_each_other() -> None:
    run_script("import torch\ntorch.set_default_dtype(torch.double)\nx = 1")
    assert run_script("import torch\nprint(torch.ones(1).dtype, 'x' in globals())") == "torch.float32 False\n"


@pytest.mark.parametrize(
    ("source", "message"), [("raise ValueError('boom')", "boom"), ("while True: pass", "ended with")]
)
def test_a_failure_is_told(source: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        run_script(source, timeout=1)
