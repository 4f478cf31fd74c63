"""Reads a learner's program: Python's own parser, then an allow-list of what it may contain."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable

from vizcore.autograd import limits
from vizcore.autograd.trace import Message, ProgramError
from vizcore.autograd.vocabulary import IMPORTS, NAMESPACES, PYTHON_FUNCTIONS, Namespace
from vizcore.autograd.warnings_of import torch_warnings

_ALLOWED = (
    ast.Module,
    ast.Expr,
    ast.Assign,
    ast.AugAssign,
    ast.If,
    ast.For,
    ast.While,
    ast.With,
    ast.withitem,
    ast.Pass,
    ast.Break,
    ast.Continue,
    ast.Delete,
    ast.Import,
    ast.ImportFrom,
    ast.alias,
    ast.Name,
    ast.Constant,
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.Call,
    ast.keyword,
    ast.Attribute,
    ast.Subscript,
    ast.Slice,
    ast.Tuple,
    ast.List,
    ast.IfExp,
    ast.JoinedStr,
    ast.FormattedValue,
    ast.ListComp,
    ast.comprehension,
    ast.Starred,
    ast.expr_context,
    ast.operator,
    ast.unaryop,
    ast.boolop,
    ast.cmpop,
)

_NO_DEFINITIONS = "Functions and classes cannot be defined here; write the lines one after another."
_REFUSALS: dict[type[ast.AST], str] = {
    ast.FunctionDef: _NO_DEFINITIONS,
    ast.AsyncFunctionDef: _NO_DEFINITIONS,
    ast.ClassDef: _NO_DEFINITIONS,
    ast.Lambda: _NO_DEFINITIONS,
    ast.Return: _NO_DEFINITIONS,
    ast.Yield: _NO_DEFINITIONS,
    ast.YieldFrom: _NO_DEFINITIONS,
    ast.Await: _NO_DEFINITIONS,
    ast.Try: "Errors cannot be caught here: the lab shows them where they arise.",
    ast.Raise: "Errors cannot be raised here.",
    ast.Assert: "assert is not part of the lab's Python; print the comparison instead.",
    ast.Global: _NO_DEFINITIONS,
    ast.Nonlocal: _NO_DEFINITIONS,
    ast.Dict: "Dictionaries are not part of the lab's Python; use a list or variables.",
    ast.DictComp: "Dictionaries are not part of the lab's Python; use a list or variables.",
    ast.Set: "Sets are not part of the lab's Python; use a list.",
    ast.SetComp: "Sets are not part of the lab's Python; use a list.",
    ast.GeneratorExp: "A generator is not part of the lab's Python; put it into brackets as a list.",
    ast.NamedExpr: "The walrus := is not part of the lab's Python; use a line of its own.",
    ast.AnnAssign: "Types of variables are not part of the lab's Python; leave them out.",
}

_RESERVED = frozenset(NAMESPACES)
MAX_PARSER_LEVELS = 90


class FaultError(Exception):
    """Carries a :class:`ProgramError` up to where the run ends."""

    def __init__(self, error: ProgramError) -> None:
        """Keeps the error."""
        self.error = error
        super().__init__(str(error))


def parse_program(source: str) -> ast.Module:
    """Parses a program and checks every construct and every dotted word in it before anything runs.

    Args:
        source: what the learner typed.

    Returns:
        The syntax tree; it holds only what the interpreter knows.

    Raises:
        FaultError: with line and column, for a syntax error, a construct or word outside the subset, or a program
            that is too long.
    """
    _check_text(source)
    try:
        with torch_warnings():
            tree = ast.parse(source)
    except SyntaxError as error:
        raise FaultError(_syntax_error(error, source)) from None
    except (RecursionError, MemoryError):
        raise FaultError(_too_deep(1, 1)) from None
    except (ValueError, OverflowError) as error:
        raise FaultError(ProgramError("syntax", Message("{text}", {"text": str(error)}), 1, 1, 1)) from None
    _check_depth(tree, source)
    assigned = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    for node in ast.walk(tree):
        _check_node(node, assigned, source)
    _check_loops(tree.body, source, inside=False)
    return tree


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
    found = difflib.get_close_matches(word, candidates, n=1, cutoff=0.7)
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


def _check_text(source: str) -> None:
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
                raise FaultError(_too_deep(number, column))
        level = max(level, 0)


def _too_deep(line: int, column: int) -> ProgramError:
    return ProgramError(
        "limit",
        Message("This is nested too deeply; at most {limit} levels.", {"limit": limits.MAX_DEPTH}),
        line,
        column,
        column + 1,
    )


def _syntax_error(error: SyntaxError, source: str) -> ProgramError:
    line = min(max(error.lineno or 1, 1), max(len(source.splitlines()), 1))
    column = max(error.offset or 1, 1)
    end = error.end_offset if error.end_lineno == error.lineno and error.end_offset else column + 1
    text = error.msg.replace(" (<unknown>, line 1)", "")
    return ProgramError("syntax", Message("{text}", {"text": text}), line, column, max(end, column + 1))


def _check_depth(tree: ast.Module, source: str) -> None:
    """Refuses deep trees, so that the interpreter's own recursion is bounded; a chain of operators is deep too."""
    stack: list[tuple[ast.AST, int]] = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > limits.MAX_DEPTH:
            line, column, _ = locate(node, source)
            raise FaultError(_too_deep(line, column))
        stack.extend(
            (child, depth + 1) for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr_context)
        )


def _check_node(node: ast.AST, assigned: set[str], source: str) -> None:
    if not isinstance(node, _ALLOWED):
        message = _REFUSALS.get(type(node))
        if message is None:
            raise fault(
                "unsupported",
                Message("{construct} is not part of the lab's Python.", {"construct": type(node).__name__}),
                node,
                source,
            )
        raise fault("unsupported", Message(message), node, source)
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        if ast.unparse(node) not in IMPORTS:
            raise fault(
                "unsupported",
                Message("Nothing can be imported here; torch, nn, F and math are already there."),
                node,
                source,
            )
    elif isinstance(node, ast.Attribute):
        _check_attribute(node, assigned, source)
    elif isinstance(node, ast.Name):
        _check_name(node, assigned, source)
    elif isinstance(node, ast.Constant):
        _check_constant(node, source)
    elif isinstance(node, ast.keyword) and node.arg is None:
        raise fault("unsupported", Message("Arguments with ** are not part of the lab's Python."), node.value, source)
    elif isinstance(node, ast.comprehension) and node.is_async:
        raise fault("unsupported", Message(_NO_DEFINITIONS), node.target, source)


def _check_loops(statements: list[ast.stmt], source: str, *, inside: bool) -> None:
    """Python's parser lets break and continue stand anywhere; its compiler, which never sees this text, does not."""
    for statement in statements:
        if isinstance(statement, (ast.Break, ast.Continue)) and not inside:
            text = "'break' outside loop" if isinstance(statement, ast.Break) else "'continue' not properly in loop"
            raise fault("syntax", Message("{text}", {"text": text}), statement, source)
        is_loop = isinstance(statement, (ast.For, ast.While))
        _check_loops(getattr(statement, "body", []), source, inside=inside or is_loop)
        _check_loops(getattr(statement, "orelse", []), source, inside=inside)


def _check_attribute(node: ast.Attribute, assigned: set[str], source: str) -> None:
    if node.attr.startswith("_"):
        raise fault(
            "unsupported",
            Message("Names that begin with an underscore are torch's own affair: {word}.", {"word": node.attr}),
            node,
            source,
        )
    space = _static_namespace(node.value)
    if space is not None and node.attr not in space.words:
        message, suggestion = unknown_word(node.attr, space.path, space.words)
        raise fault("name", message, node, source, suggestion=suggestion)
    if space is not None and not isinstance(node.ctx, ast.Load):
        raise fault(
            "unsupported", Message("{path} cannot be changed.", {"path": f"{space.path}.{node.attr}"}), node, source
        )


def _static_namespace(node: ast.AST) -> Namespace | None:
    """The namespace a dotted expression stands for, as far as the text alone shows it."""
    if isinstance(node, ast.Name):
        return NAMESPACES.get(node.id)
    if isinstance(node, ast.Attribute):
        space = _static_namespace(node.value)
        word = None if space is None else space.words.get(node.attr)
        return word if isinstance(word, Namespace) else None
    return None


def _check_name(node: ast.Name, assigned: set[str], source: str) -> None:
    if node.id.startswith("__"):
        raise fault(
            "unsupported",
            Message("Names that begin with an underscore are torch's own affair: {word}.", {"word": node.id}),
            node,
            source,
        )
    if not isinstance(node.ctx, ast.Load):
        if node.id in _RESERVED:
            raise fault(
                "unsupported",
                Message("{word} is torch's name here; choose another one for your variable.", {"word": node.id}),
                node,
                source,
            )
        return
    known = assigned | _RESERVED | PYTHON_FUNCTIONS
    if node.id not in known:
        message, suggestion = unknown_name(node.id, known)
        raise fault("name", message, node, source, suggestion=suggestion)


def unknown_name(word: str, known: Iterable[str]) -> tuple[Message, str]:
    """The sentence for a name that nothing has, and the nearest one that exists."""
    suggestion = nearest(word, known)
    if suggestion:
        values = {"word": word, "suggestion": suggestion}
        return Message("There is no {word} here. Did you mean {suggestion}?", values), suggestion
    return Message("There is no {word} here.", {"word": word}), ""


def _check_constant(node: ast.Constant, source: str) -> None:
    value = node.value
    if isinstance(value, (complex, bytes)):
        raise fault(
            "unsupported",
            Message("{construct} is not part of the lab's Python.", {"construct": type(value).__name__}),
            node,
            source,
        )
    if isinstance(value, str) and len(value) > limits.MAX_STRING:
        raise fault(
            "limit", Message("A text may have at most {limit} characters.", {"limit": limits.MAX_STRING}), node, source
        )
    if isinstance(value, int) and value.bit_length() > limits.MAX_BITS:
        raise fault(
            "limit", Message("A whole number may have at most {limit} bits.", {"limit": limits.MAX_BITS}), node, source
        )
