"""The text of a program before and around the parser: too long, too deep, not Python, or a notebook's own commands."""

from __future__ import annotations

from vizcore.autograd import limits
from vizcore.autograd.faults import FaultError
from vizcore.autograd.trace import Message, ProgramError

MAX_PARSER_LEVELS = 90


def without_magics(source: str) -> str:
    """A notebook's own commands (``%matplotlib inline``, ``!pip …``) are no Python: their lines stay empty."""
    return "\n".join("" if line.startswith(("%", "!")) else line for line in source.split("\n"))


def check_text(source: str) -> None:
    """Refuses what is too long or nested too deeply for the parser, before the parser sees it."""
    lines = source.splitlines()
    if len(lines) > limits.MAX_LINES:
        raise FaultError(
            ProgramError(
                "limit",
                Message(
                    "A program may have at most {limit} lines; this one has {num}.",
                    {"limit": limits.MAX_LINES, "num": len(lines)},
                ),
                limits.MAX_LINES + 1,
                1,
                1,
            )
        )
    for number, line in enumerate(lines, start=1):
        if len(line) > limits.MAX_LINE_LENGTH:
            raise FaultError(
                ProgramError(
                    "limit",
                    Message(
                        "A line may have at most {limit} characters; this one has {num}.",
                        {"limit": limits.MAX_LINE_LENGTH, "num": len(line)},
                    ),
                    number,
                    limits.MAX_LINE_LENGTH + 1,
                    len(line) + 1,
                )
            )
    if len(source) > limits.MAX_CHARACTERS:
        raise FaultError(
            ProgramError(
                "limit",
                Message(
                    "A program may have at most {limit} characters; this one has {num}.",
                    {"limit": limits.MAX_CHARACTERS, "num": len(source)},
                ),
                len(lines),
                1,
                1,
            )
        )
    if any(0xD800 <= ord(character) <= 0xDFFF for character in source):
        raise FaultError(ProgramError("syntax", Message("The program holds a character that is not text."), 1, 1, 1))
    level = 0
    for number, line in enumerate(lines, start=1):
        for column, character in enumerate(line, start=1):
            level += (character in "([{") - (character in ")]}")
            if level > MAX_PARSER_LEVELS:
                raise FaultError(too_deep(number, column))
        level = max(level, 0)


def too_deep(line: int, column: int) -> ProgramError:
    """The error of a text or a tree that is nested too deeply, at its place."""
    return ProgramError(
        "limit",
        Message("This is nested too deeply; at most {limit} levels.", {"limit": limits.MAX_DEPTH}),
        line,
        column,
        column + 1,
    )


def syntax_error(error: SyntaxError, source: str) -> ProgramError:
    """The parser's own error as ours."""
    line = min(max(error.lineno or 1, 1), max(len(source.splitlines()), 1))
    column = max(error.offset or 1, 1)
    end = error.end_offset if error.end_lineno == error.lineno and error.end_offset else column + 1
    text = error.msg.replace(" (<unknown>, line 1)", "")
    return ProgramError("syntax", Message("{text}", {"text": text}), line, column, max(end, column + 1))
