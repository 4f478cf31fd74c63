"""Small handwritten digits, from the file that scikit-learn's wheel carries."""

import gzip
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int64


def load_digit(index: int = 0) -> Float64[np.ndarray, "8 8"]:
    """Read one digit.

    Args:
        index: Place in the file, 0 to 1796; the first ten are the digits 0 to 9.

    Returns:
        Ink from 0 to 16.

    Raises:
        IndexError: If there is no digit of that index.

    Reference:
        E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
        doi:10.24432/C50P49.
    """
    with gzip.open(_file(), "rt", encoding="ascii") as file:
        for place, line in enumerate(file):
            if place == index:
                return np.array([float(number) for number in line.split(",")[:64]]).reshape(8, 8)
    raise IndexError(f"there is no digit {index}")


@lru_cache(maxsize=1)
def load_digits() -> Float32[np.ndarray, "1797 8 8"]:
    """Read all digits, ink from 0 to 16; kept, because a data set asks for them thousands of times."""
    digits = _load_rows()[:, :64].reshape(-1, 8, 8)
    digits.flags.writeable = False
    return digits


@lru_cache(maxsize=1)
def load_digit_labels() -> Int64[np.ndarray, " 1797"]:
    """Read which digit each one is, 0 to 9; kept like the digits."""
    labels = _load_rows()[:, 64].astype(np.int64)
    labels.flags.writeable = False
    return labels


def _load_rows() -> np.ndarray:
    with gzip.open(_file(), "rt", encoding="ascii") as file:
        return np.loadtxt(file, delimiter=",", dtype=np.float32)


def _file() -> Path:
    spec = find_spec("sklearn")  # the folder alone: importing scikit-learn would cost a second
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("the digits come with the package 'scikit-learn'", name="sklearn")
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data" / "digits.csv.gz"
