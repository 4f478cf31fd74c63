"""The library as a package: what its wheel holds, that it works alone, that what it needs is declared."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.lock import LOCK, ROOT, read_requirements

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OURS = {"app", "pages", "tests", "vizcore"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built here without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", folder, ROOT], check=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_library_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    held = {name for name in names if name.startswith("vizcore/")}
    assert {name.split("/")[0] for name in names} == {"vizcore", f"grad2box-{PROJECT['version']}.dist-info"}
    ours = (path for path in (ROOT / "vizcore").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert held == {path.relative_to(ROOT).as_posix() for path in ours}
    assert {"vizcore/py.typed", "vizcore/assets/weights/fcos_fpn.safetensors"} <= held


# Runs in another folder; what lies beside this file cannot be imported there.
ALONE = """
import importlib.util, os, sys
sys.path[:] = [folder for folder in sys.path if os.path.realpath(folder) != {checkout!r}]
import vizcore
assert os.path.realpath(vizcore.__file__).startswith({site!r}), vizcore.__file__
assert importlib.util.find_spec("pages") is None
import numpy as np, torch
"""
ENTRY_POINTS = {
    # Intersection 1, union 7, enclosing box 9: GIoU = 1/7 - 2/9, and the loss 1 - GIoU = 68/63.
    "box_loss": """
from vizcore import iou_losses
loss = iou_losses.box_loss("giou", torch.tensor([[0.0, 0.0, 2.0, 2.0]]), torch.tensor([[1.0, 1.0, 3.0, 3.0]]))
assert abs(loss.item() - 68 / 63) < 1e-6, loss
""",
    # The second box has IoU 9/11 with the first, the third none.
    "trace_nms": """
from vizcore import nms
boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [0.0, 1.0, 10.0, 11.0], [20.0, 0.0, 30.0, 10.0]])
assert nms.trace_nms(boxes, torch.tensor([0.5, 0.75, 0.25]), iou_threshold=0.5).keep.tolist() == [1, 2]
""",
    "run_detector": """
from vizcore import detection
from vizcore.data.scenes import draw_scene
scene = draw_scene("validation", 0)
output = detection.run_detector("fcos_lite0_fpn", scene.pixels, score_threshold=0.3, iou_threshold=0.5)
assert len(output.boxes) > 0 and set(output.labels) & set(scene.labels), output.labels
""",
    "simulation": """
from vizcore.iou_losses import simulation
assert simulation.load_simulation(simulation.simulation_path("exact")).num_boxes == 1_715_000
""",
}


@pytest.mark.parametrize("entry", ENTRY_POINTS)
def test_the_wheel_works_alone(wheel: Path, tmp_path: Path, entry: str) -> None:
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    zipfile.ZipFile(wheel).extractall(site)
    script = ALONE.format(checkout=os.path.realpath(ROOT), site=os.path.realpath(site)) + ENTRY_POINTS[entry]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=elsewhere, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


def names_of(requirements: Iterable[Requirement]) -> set[str]:
    """Canonical names."""
    return {canonicalize_name(requirement.name) for requirement in requirements}


def test_requirement_files_and_package_ask_for_the_same() -> None:
    extras = PROJECT["optional-dependencies"]
    app = [Requirement(line) for line in PROJECT["dependencies"] + extras["app"]]
    development = [Requirement(line) for line in extras["dev"] if not line.startswith("grad2box")]
    assert set(map(str, read_requirements("requirements.txt"))) == set(map(str, app))
    assert set(map(str, read_requirements("requirements-dev.txt"))) == set(map(str, development))


def imported_packages(paths: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Top-level names of other people's packages, anywhere in the files, each with the file."""
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            else:
                continue
            for module in modules:
                top = module.split(".")[0]
                if top not in sys.stdlib_module_names and top not in OURS:
                    yield top, path


def undeclared(paths: Iterable[Path], declared: set[str]) -> list[str]:
    """What the files import from packages that are not declared."""
    providers = packages_distributions()
    return sorted(
        {
            f"{path.relative_to(ROOT)}: {top}"
            for top, path in imported_packages(paths)
            if not {canonicalize_name(name) for name in providers.get(top, [top])} & declared
        }
    )


def test_every_imported_package_is_declared() -> None:
    library = names_of(map(Requirement, PROJECT["dependencies"]))
    app = names_of(read_requirements("requirements.txt"))
    development = app | names_of(read_requirements("requirements-dev.txt"))
    assert undeclared((ROOT / "vizcore").rglob("*.py"), library) == []
    assert undeclared([ROOT / "app.py", *(ROOT / "pages").rglob("*.py")], app) == []
    assert undeclared((ROOT / "tests").rglob("*.py"), development) == []


def test_an_undeclared_import_would_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    module = tmp_path / "module.py"
    module.write_text(
        "import os.path\nfrom vizcore import nms\n\ndef late():\n    from PIL import Image\n    import absent.part\n"
    )
    assert undeclared([module], {"pillow"}) == ["module.py: absent"]
    assert undeclared([module], {"absent"}) == ["module.py: PIL"]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_bounded_on_both_sides_and_locked_between(name: str) -> None:
    locked = {canonicalize_name(requirement.name): requirement for requirement in read_requirements(LOCK.name)}
    for requirement in read_requirements(name):
        assert {bound.operator for bound in requirement.specifier} == {">=", "<"}, requirement
        (pin,) = locked[canonicalize_name(requirement.name)].specifier
        assert pin.version in requirement.specifier, f"{pin} is not {requirement}"


def test_the_lock_names_releases_that_every_machine_finds() -> None:
    lines = [line for line in LOCK.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    odd = [
        line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*( ; sys_platform != \"win32\")?", line)
    ]
    assert odd == []
    assert [line for line in lines if line.startswith(("nvidia-", "cuda-", "triton"))] == []
    assert lines == sorted(lines, key=lambda line: line.split("==")[0])
