"""Writes ``requirements.lock``: this environment's versions of all that the requirement files lead to.

``python -m tests.lock``. The file serves as a constraint (``pip install -r requirements.txt -c requirements.lock``).
torch's build for CUDA brings packages that its CPU build does not know; torch itself asks for their exact versions.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
CUDA = ("nvidia-", "cuda-", "triton")
MARKERS = {"uvloop": 'sys_platform != "win32"'}  # has no build for Windows
HEADER = """\
# What the last full test run used, written by `make lock`. Use it as a constraint:
#     pip install -r requirements.txt -c requirements.lock
"""


def read_requirements(name: str) -> list[Requirement]:
    """The requirements of a file at the root, without the files that it includes."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def installed_versions(wanted: list[Requirement]) -> dict[str, str]:
    """Name and public version of each package that the requirements lead to, as installed here."""
    versions: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    queue = [(requirement, extra) for requirement in wanted for extra in ("", *requirement.extras)]
    while queue:
        requirement, extra = queue.pop()
        name = canonicalize_name(requirement.name)
        if (name, extra) in seen or name.startswith(CUDA):
            continue
        seen.add((name, extra))
        try:
            versions[name] = Version(distribution(name).version).public
        except PackageNotFoundError as error:
            raise SystemExit(f"{name} is not installed; make the environment first") from error
        for line in requires(name) or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                queue += [(needed, wish) for wish in ("", *needed.extras)]
    return versions


def write_lock() -> None:
    """Writes the file."""
    versions = installed_versions(read_requirements("requirements.txt") + read_requirements("requirements-dev.txt"))
    lines = (
        f"{name}=={version}" + (f" ; {MARKERS[name]}" if name in MARKERS else "")
        for name, version in sorted(versions.items())
    )
    LOCK.write_text(HEADER + "".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    write_lock()
