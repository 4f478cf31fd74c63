"""Finds every label that the code can show, by reading the code."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPEAKING = ("_", "say", "translate")
NAMED = ("title", "tagline")


def labels_of(path: Path) -> set[str]:
    """Messages in one file: ``_("…")``, ``page.translate("…")``, titles of pages, templates of our errors,
    ``MESSAGES``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = {
        target.id: node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            ours = (
                name.endswith("Error") and name not in dir(__builtins__) and not hasattr(__import__("builtins"), name)
            )
            if (name in SPEAKING or ours) and node.args:
                found |= _strings(node.args[0], constants)
            if name == "open_page":
                found |= {
                    text
                    for keyword in node.keywords
                    if keyword.arg in NAMED
                    for text in _strings(keyword.value, constants)
                }
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if (
            any(isinstance(target, ast.Name) and target.id == "MESSAGES" for target in targets)
            and node.value is not None
        ):
            found |= _strings(node.value, constants)
    return {text for text in found if any(letter.isalpha() for letter in text)}


def _strings(node: ast.AST, constants: dict[str, str]) -> set[str]:
    """String constants directly in an expression (both arms of a conditional, values of a dict, names of constants)."""
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) else set()
    if isinstance(node, ast.Name):
        return {constants[node.id]} if node.id in constants else set()
    if isinstance(node, ast.IfExp):
        return _strings(node.body, constants) | _strings(node.orelse, constants)
    if isinstance(node, ast.Dict):
        return {text for value in node.values for text in _strings(value, constants)}
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return {text for value in node.elts for text in _strings(value, constants)}
    return set()


def concept_files(concept: str) -> list[Path]:
    """The files whose labels the concept's catalogue must have."""
    places = [
        ROOT / "vizcore" / f"{concept}.py",
        ROOT / "vizcore" / "figures" / f"{concept}.py",
    ]
    packages = (ROOT / "pages" / concept, ROOT / "vizcore" / concept)
    files = [path for path in places if path.exists()]
    return files + [path for package in packages for path in sorted(package.glob("**/*.py"))]


def kit_files() -> list[Path]:
    """The files whose labels the shared catalogue must have."""
    shared = [ROOT / "vizcore" / name for name in ("boxes.py", "weights.py", "data/photos.py")]
    return sorted((ROOT / "pages" / "kit").glob("*.py")) + [path for path in shared if path.exists()]
