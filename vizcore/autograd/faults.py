"""A fault of a program: where it is, what it says, and the nearest word that would have been right."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable

from vizcore.autograd.trace import Message, ProgramError


class FaultError(Exception):
    """Carries a :class:`ProgramError` up to where the run ends."""

    def __init__(self, error: ProgramError) -> None:
        """Keeps the error; ``cause`` is set where the program itself may catch it, as that exception."""
        self.error = error
        self.cause: Exception | None = None
        self.value: object = None
        super().__init__(str(error))


def fault(
    kind: str,
    message: Message,
    node: ast.AST,
    source: str,
    *,
    suggestion: str = "",
    explanation: Message | None = None,
) -> FaultError:
    """A fault at the place of a syntax node."""
    line, column, end_column = locate(node, source)
    return FaultError(ProgramError(kind, message, line, column, end_column, suggestion, explanation))  # type: ignore[arg-type]


def locate(node: ast.AST, source: str) -> tuple[int, int, int]:
    """Line, column and end column of a syntax node, from 1, in characters (Python counts bytes)."""
    line = getattr(node, "lineno", 1)
    column = _characters(source, line, getattr(node, "col_offset", 0))
    end_line = getattr(node, "end_lineno", line) or line
    if isinstance(node, ast.Attribute):  # the word behind the dot
        end_column = _characters(source, end_line, node.end_col_offset or 0)
        return end_line, end_column - len(node.attr), end_column
    if end_line != line:
        lines = source.splitlines()
        return line, column, len(lines[line - 1]) + 1 if line <= len(lines) else column
    return line, column, _characters(source, line, getattr(node, "end_col_offset", 0) or 0)


def nearest(word: str, words: Iterable[str]) -> str:
    """The supported word that looks most like this one, or the empty string."""
    candidates = sorted(words)
    found = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    if not found:  # a matter of capitals: relu for ReLU
        found = [candidate for candidate in candidates if candidate.lower() == word.lower()]
    return found[0] if found else ""


def unknown_word(word: str, path: str, words: Iterable[str]) -> tuple[Message, str]:
    """The sentence for a word that is not behind a dot, and the nearest one that is."""
    suggestion = nearest(word, words)
    if suggestion:
        return Message(
            "{path}.{word} is not part of the lab. Did you mean {suggestion}?",
            {"path": path, "word": word, "suggestion": suggestion},
        ), suggestion
    return Message("{path}.{word} is not part of the lab.", {"path": path, "word": word}), ""


def _characters(source: str, line: int, offset: int) -> int:
    lines = source.splitlines()
    if not 1 <= line <= len(lines):
        return 1
    return len(lines[line - 1].encode()[:offset].decode(errors="ignore")) + 1


def unknown_name(word: str, known: Iterable[str]) -> tuple[Message, str]:
    """The sentence for a name that nothing has, and the nearest one that exists."""
    suggestion = nearest(word, known)
    if suggestion:
        values = {"word": word, "suggestion": suggestion}
        return Message("There is no {word} here. Did you mean {suggestion}?", values), suggestion
    return Message("There is no {word} here.", {"word": word}), ""
