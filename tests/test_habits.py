"""Habits that one test cannot see in another: whoever breaks them fails here, not in a neighbour on a busy day."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LOOP_STARTERS = {"sync_playwright", "asyncio.run", "asyncio.Runner", "new_event_loop", "run_until_complete"}
PROGRAMS = {
    f"tests/benchmarks/{name}.py" for name in ("hostile", "load", "rooms", "sessions")
}  # each a program of its own
LOOP_OWNERS = {"tests/chromium.py", *PROGRAMS}
SKIPPING = {"skip", "skipif", "importorskip", "xfail"}
MAY_SKIP = {
    "tests/redis_server.py",  # no redis-server, and not in CI
    "tests/replicas.py",  # no nginx
    "tests/javascript.py",  # neither Node nor Chromium, and not in CI
    "tests/vizcore/test_photo_worker.py",  # likewise
    "tests/benchmarks/test_photos.py",  # so does it for a photo
    "tests/vizcore/test_sandbox.py",  # each system limits a process in its own way
    "tests/vizcore/test_weights.py",  # /dev/full exists on Linux only
}
TRANSLATORS = {"_", "translate", "translated", "gettext"}


def read(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def called(node: ast.AST) -> str:
    """What a call calls, as written: ``asyncio.run``, ``_``; empty if it has no such name."""
    return (
        ast.unparse(node.func) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute) else ""
    )


def place(path: Path, node: ast.AST) -> str:
    """File and line."""
    return f"{path.relative_to(ROOT).as_posix()}:{getattr(node, 'lineno', 0)}"


def calls(paths: Iterable[Path], names: set[str], but: set[str]) -> list[str]:
    """Where the files call one of the names, whole or as the last part of a dotted name."""
    return [
        f"{place(path, node)} {called(node)}"
        for path in paths
        if path.relative_to(ROOT).as_posix() not in but
        for node in ast.walk(read(path))
        if {called(node), called(node).rpartition(".")[2]} & names
    ]


def test_one_event_loop_a_process() -> None:
    assert calls(TESTS, LOOP_STARTERS, LOOP_OWNERS) == []
    assert len(calls(TESTS, LOOP_STARTERS, PROGRAMS)) == 1  # the reader does see it


def test_nothing_that_is_shipped_or_required_is_skipped() -> None:
    assert calls(TESTS, SKIPPING, MAY_SKIP) == []
    assert len(calls(TESTS, SKIPPING, set())) == 16


def at_import(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """What runs when a module is imported: all but the bodies of functions."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from at_import([*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)])
        elif isinstance(node, ast.Lambda):
            yield from at_import([*node.args.defaults, *filter(None, node.args.kw_defaults)])
        else:
            yield node
            yield from at_import(ast.iter_child_nodes(node))


def translated_at_import(tree: ast.Module) -> list[int]:
    """Lines that translate a text when the module is imported: once for all sessions, whatever their language."""
    return [node.lineno for node in at_import([tree]) if called(node).rpartition(".")[2] in TRANSLATORS]


def test_no_text_is_translated_at_import() -> None:
    files = [*(ROOT / "vizcore").rglob("*.py"), *(ROOT / "pages").glob("*/**/*.py")]
    modules = [path for path in files if path.name != "page.py" or path.parent.name == "kit"]
    assert len(modules) > 50
    assert [f"{path.relative_to(ROOT)}:{line}" for path in modules for line in translated_at_import(read(path))] == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("TITLE = _('Boxes')", [1]),
        ("class A:\n    title: str = page.translate('Boxes')", [2]),
        ("def f(title=translate('Boxes')):\n    pass", [1]),
        ("f = {'a': [g(_('Boxes')) for g in (str,)]}", [1]),
        ("if True:\n    A = _('Boxes')", [2]),
        ("def f():\n    return _('Boxes')", []),
        ("f = lambda _: _('Boxes')", []),
        ("TITLE = mark('Boxes')", []),
    ],
)
def test_the_reader_tells_import_from_call(source: str, lines: list[int]) -> None:
    assert translated_at_import(ast.parse(source)) == lines
