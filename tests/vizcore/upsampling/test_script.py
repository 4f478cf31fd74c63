"""The program of the photo part: it loads the very photo that the page looked at."""

import numpy as np
import pytest

from vizcore.data.photos import list_samples, load_sample
from vizcore.upsampling.script import write_photo_script


def loading_lines(script):
    """What comes before the first number: how the photo is loaded."""
    return script.partition("side = ")[0]


@pytest.mark.parametrize("name", [sample.name for sample in list_samples()])
def test_the_script_loads_each_sample_as_the_page_does(name):
    loaded = {}
    exec(loading_lines(write_photo_script(name, (96, 96), side=96, scale_factor=2)), loaded)
    np.testing.assert_array_equal(loaded["photo"], load_sample(name).pixels)


def test_an_own_photo_is_left_to_its_reader():
    script = write_photo_script(None, (96, 96), side=96, scale_factor=2)
    assert "photo = ...  # your photo, [H, W, 3], bytes" in script
    assert "skimage" not in script
