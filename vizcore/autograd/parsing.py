"""Reads a learner's program: Python's own parser, then an allow-list of what it may contain."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from types import MappingProxyType

from vizcore.autograd import limits
from vizcore.autograd.faults import FaultError, fault, locate, unknown_name, unknown_word
from vizcore.autograd.libraries import IDLE, INSTEAD, INSTEAD_OF_WORDS, MODULES, READY
from vizcore.autograd.operations import SPECIAL_METHODS
from vizcore.autograd.source_text import check_text, syntax_error, too_deep, without_magics
from vizcore.autograd.trace import Message, ProgramError
from vizcore.autograd.vocabulary import NAMESPACES, PYTHON_FUNCTIONS
from vizcore.autograd.warnings_of import torch_warnings
from vizcore.autograd.words import Namespace

_REFUSED_DEFINITIONS = "Asynchronous functions are not part of the lab's Python; leave async and await out."
_REFUSALS: dict[type[ast.AST], str] = {
    ast.AsyncFunctionDef: _REFUSED_DEFINITIONS,
    ast.AsyncFor: _REFUSED_DEFINITIONS,
    ast.AsyncWith: _REFUSED_DEFINITIONS,
    ast.Await: _REFUSED_DEFINITIONS,
    ast.Match: "match is not part of the lab's Python; use if and elif.",
    ast.TryStar: "except* is not part of the lab's Python; use except.",
}
_ALLOWED = (
    ast.mod,
    ast.stmt,
    ast.expr,
    ast.arguments,
    ast.arg,
    ast.withitem,
    ast.alias,
    ast.keyword,
    ast.comprehension,
    ast.excepthandler,
    ast.expr_context,
    ast.operator,
    ast.unaryop,
    ast.boolop,
    ast.cmpop,
)
_UNDERSCORES = frozenset(["__version__", "__name__", "_version"]) | SPECIAL_METHODS
"""Names with underscores that exist; where they do, the value behind the dot decides."""

_RESERVED = frozenset(NAMESPACES)
ERRORS = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (
            Exception,
            ArithmeticError,
            AssertionError,
            AttributeError,
            ImportError,
            IndexError,
            KeyError,
            LookupError,
            NameError,
            NotImplementedError,
            OverflowError,
            RuntimeError,
            StopIteration,
            TypeError,
            UnboundLocalError,
            UserWarning,
            ValueError,
            ZeroDivisionError,
        )
    }
)
"""Python's own exceptions that a program may raise and catch."""
_DECORATORS = ("staticmethod", "classmethod", "property")
_KNOWN = frozenset([*_RESERVED, *PYTHON_FUNCTIONS, *READY, *ERRORS, *_DECORATORS, "__name__"])
CLASS_TO_BE_NAMED = "class of"
"""Stands for ``__class__`` in ``x.__class__.__name__``, the one place where it exists; no program can write it."""


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
    check_text(source)
    try:
        with torch_warnings():
            tree = ast.parse(without_magics(source))
    except SyntaxError as error:
        raise FaultError(syntax_error(error, source)) from None
    except (RecursionError, MemoryError):
        raise FaultError(too_deep(1, 1)) from None
    except (ValueError, OverflowError) as error:
        raise FaultError(ProgramError("syntax", Message("{text}", {"text": str(error)}), 1, 1, 1)) from None
    _check_depth(tree, source)
    _write_out_stars(tree, source)
    for node in ast.walk(tree):
        _check_construct(node, source)
    assigned = set(_assigned_names(tree))
    spaces = {name: space for name, space in _imported_spaces(tree).items() if name not in assigned}
    imported = {name for node in ast.walk(tree) for name in imported_names(node)}
    loaded = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)) and is_idle(node) and not loaded & set(imported_names(node)):
            continue
        _check_node(node, assigned | imported, {**NAMESPACES, **spaces}, source)
    _check_flow(tree.body, source, in_loop=False, in_function=False)
    return tree


def _assigned_names(tree: ast.AST) -> Iterator[str]:
    """Every name that is bound anywhere, other than by an import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name


def _write_out_stars(tree: ast.Module, source: str) -> None:
    """Puts into each ``from … import *`` the names that it brings: those of the library's own that are known here."""
    outermost = {id(node) for node in tree.body}
    blocks: list[ast.AST] = list(tree.body)
    while blocks:  # a branch or a loop is still the module's own level
        block = blocks.pop()
        if isinstance(block, (ast.If, ast.For, ast.While, ast.With, ast.Try)):
            inside = [node for node in ast.iter_child_nodes(block) if isinstance(node, (ast.stmt, ast.ExceptHandler))]
            inside += [node for part in inside if isinstance(part, ast.ExceptHandler) for node in part.body]
            outermost |= {id(node) for node in inside}
            blocks += inside
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or [alias.name for alias in node.names] != ["*"]:
            continue
        if id(node) not in outermost:
            text = "import * only allowed at module level"  # Python's own words
            raise fault("syntax", Message("{text}", {"text": text}), node, source)
        home = MODULES.get(node.module or "") if not node.level else None
        if home is not None:
            node.names = [ast.alias(name) for name in _names_of_star(node.module or "", home)]


def _names_of_star(module: str, home: Namespace) -> list[str]:
    """What a star brings of a module; the library is asked for what it gives out, and is never loaded for that."""
    names = [name for name in home.words if not name.startswith("_")]
    library = sys.modules.get(module)
    if library is None:
        return names
    given = getattr(library, "__all__", None)
    return [name for name in names if (name in given if given is not None else hasattr(library, name))]


def imported_names(node: ast.AST) -> Iterator[str]:
    """The names that an import binds."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.asname or alias.name.split(".")[0]
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name


def is_idle(node: ast.Import | ast.ImportFrom) -> bool:
    """Whether an import names only libraries that a lesson may import without using them here."""
    modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    return all(module.split(".")[0] in IDLE for module in modules) and not getattr(node, "level", 0)


def imported_values(node: ast.Import | ast.ImportFrom) -> dict[str, object]:
    """What an import binds; only what exists, so that nothing is ever loaded."""
    found: dict[str, object] = {}
    for alias in node.names:
        if isinstance(node, ast.Import):
            if alias.asname is not None:
                found[alias.asname] = MODULES.get(alias.name)
            else:
                root = alias.name.split(".")[0]
                found[root] = MODULES.get(root)
            if MODULES.get(alias.name) is None:
                raise KeyError(alias.name)
        else:
            home = MODULES.get(node.module or "")
            if home is None or node.level:
                raise KeyError(node.module)
            whole = f"{node.module}.{alias.name}"
            value = MODULES[whole] if whole in MODULES else home.words[alias.name]
            found[alias.asname or alias.name] = value
    return found


def _imported_spaces(tree: ast.AST) -> dict[str, Namespace]:
    spaces: dict[str, Namespace] = {name: space for name, space in READY.items() if isinstance(space, Namespace)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            try:
                values = imported_values(node)
            except KeyError:
                continue
            spaces |= {name: value for name, value in values.items() if isinstance(value, Namespace)}
    return spaces


def _check_depth(tree: ast.Module, source: str) -> None:
    """Refuses deep trees, so that the interpreter's own recursion is bounded; a chain of operators is deep too."""
    stack: list[tuple[ast.AST, int]] = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > limits.MAX_DEPTH:
            line, column, _ = locate(node, source)
            raise FaultError(too_deep(line, column))
        stack.extend(
            (child, depth + 1) for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr_context)
        )


def _check_construct(node: ast.AST, source: str) -> None:
    message = _REFUSALS.get(type(node))
    if message is not None:
        raise fault("unsupported", Message(message), node, source)
    if not isinstance(node, _ALLOWED):
        construct = {"construct": type(node).__name__}
        raise fault("unsupported", Message("{construct} is not part of the lab's Python.", construct), node, source)
    if isinstance(node, ast.comprehension) and node.is_async:
        raise fault("unsupported", Message(_REFUSED_DEFINITIONS), node.target, source)


def _check_node(node: ast.AST, assigned: set[str], spaces: dict[str, Namespace], source: str) -> None:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        _check_import(node, source)
    elif isinstance(node, ast.Attribute):
        _check_attribute(node, spaces, source)
    elif isinstance(node, ast.Name):
        _check_name(node, assigned, source)
    elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        _check_bound(node.name, node, source)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("__") and node.name not in SPECIAL_METHODS:
            raise _underscore(node.name, node, source)
    elif isinstance(node, ast.arg):
        _check_bound(node.arg, node, source)
    elif isinstance(node, ast.ExceptHandler) and node.name:
        _check_bound(node.name, node, source)
    elif isinstance(node, (ast.Global, ast.Nonlocal)):
        for name in node.names:
            _check_bound(name, node, source)
    elif isinstance(node, ast.keyword) and node.arg is not None:
        if node.arg.startswith("__"):
            raise _underscore(node.arg, node.value, source)
    elif isinstance(node, ast.Constant):
        _check_constant(node, source)


def _check_import(node: ast.Import | ast.ImportFrom, source: str) -> None:
    try:
        values = imported_values(node)
    except KeyError as error:
        module = node.module if isinstance(node, ast.ImportFrom) else str(error.args[0])
        home = MODULES.get(module or "") if isinstance(node, ast.ImportFrom) and not node.level else None
        if home is not None:
            message, suggestion = unknown_word(str(error.args[0]), home.path, home.words)
            raise fault("name", message, node, source, suggestion=suggestion) from None
        text = INSTEAD_OF_WORDS.get(module or "") or INSTEAD.get((module or "").split(".")[0])
        if text is None:
            text = "Nothing can be imported here; torch, nn, F and math are already there."
        raise fault("unsupported", Message(text), node, source) from None
    for name, value in values.items():
        if name.startswith("__"):
            raise _underscore(name, node, source)
        if name in _RESERVED and value is not NAMESPACES[name]:
            _check_bound(name, node, source)


def _underscore(word: str, node: ast.AST, source: str) -> FaultError:
    return fault(
        "unsupported",
        Message("Names that begin with an underscore are torch's own affair: {word}.", {"word": word}),
        node,
        source,
    )


def _check_bound(name: str, node: ast.AST, source: str) -> None:
    if name in _RESERVED:
        raise fault(
            "unsupported",
            Message("{word} is torch's name here; choose another one for your variable.", {"word": name}),
            node,
            source,
        )
    if name.startswith("__") and not (isinstance(node, ast.FunctionDef) and name in SPECIAL_METHODS):
        raise _underscore(name, node, source)


def _check_flow(statements: list[ast.stmt], source: str, *, in_loop: bool, in_function: bool) -> None:
    """Python's parser lets these stand anywhere; its compiler, which never sees this text, does not."""
    for statement in statements:
        text = ""
        if isinstance(statement, ast.Break) and not in_loop:
            text = "'break' outside loop"
        elif isinstance(statement, ast.Continue) and not in_loop:
            text = "'continue' not properly in loop"
        elif isinstance(statement, ast.Return) and not in_function:
            text = "'return' outside function"
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, (ast.Yield, ast.YieldFrom)):
            text = "" if in_function else "'yield' outside function"
        elif isinstance(statement, ast.Nonlocal) and not in_function:
            text = "nonlocal declaration not allowed at module level"
        if text:
            raise fault("syntax", Message("{text}", {"text": text}), statement, source)
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            _check_flow(statement.body, source, in_loop=False, in_function=isinstance(statement, ast.FunctionDef))
            continue
        is_loop = isinstance(statement, (ast.For, ast.While))
        _check_flow(getattr(statement, "body", []), source, in_loop=in_loop or is_loop, in_function=in_function)
        for name in ("orelse", "finalbody"):
            _check_flow(getattr(statement, name, []), source, in_loop=in_loop, in_function=in_function)
        for handler in getattr(statement, "handlers", []):
            _check_flow(handler.body, source, in_loop=in_loop, in_function=in_function)


def _check_attribute(node: ast.Attribute, spaces: dict[str, Namespace], source: str) -> None:
    if node.attr == "__name__" and isinstance(node.value, ast.Attribute) and node.value.attr == "__class__":
        node.value.attr = CLASS_TO_BE_NAMED
    if node.attr.startswith("__") and node.attr not in _UNDERSCORES:
        raise _underscore(node.attr, node, source)
    space = _static_namespace(node.value, spaces)
    if space is not None and node.attr not in space.words:
        if node.attr.startswith("_"):
            raise _underscore(node.attr, node, source)
        instead = INSTEAD_OF_WORDS.get(f"{space.path}.{node.attr}")
        if instead is not None:
            raise fault("unsupported", Message(instead), node, source)
        message, suggestion = unknown_word(node.attr, space.path, space.words)
        raise fault("name", message, node, source, suggestion=suggestion)
    if space is not None and not isinstance(node.ctx, ast.Load):
        raise fault(
            "unsupported", Message("{path} cannot be changed.", {"path": f"{space.path}.{node.attr}"}), node, source
        )


def _static_namespace(node: ast.AST, spaces: dict[str, Namespace]) -> Namespace | None:
    """The namespace a dotted expression stands for, as far as the text alone shows it."""
    if isinstance(node, ast.Name):
        return spaces.get(node.id)
    if isinstance(node, ast.Attribute):
        space = _static_namespace(node.value, spaces)
        word = None if space is None else space.words.get(node.attr)
        return word if isinstance(word, Namespace) else None
    return None


def _check_name(node: ast.Name, assigned: set[str], source: str) -> None:
    if node.id.startswith("__") and node.id != "__name__":
        raise _underscore(node.id, node, source)
    if not isinstance(node.ctx, ast.Load):
        _check_bound(node.id, node, source)
        return
    known = assigned | _KNOWN
    if node.id not in known:
        message, suggestion = unknown_name(node.id, known)
        raise fault("name", message, node, source, suggestion=suggestion)


def _is_comment(node: ast.Constant, source: str) -> bool:
    """Whether a long text stands alone, as a docstring does; a program cannot reach it."""
    first = source.split("\n")[node.lineno - 1][: node.col_offset]
    text = node.value
    short = isinstance(text, str) and len(text) <= limits.MAX_CHARACTERS
    return short and not first.strip() and node.end_lineno != node.lineno


def _check_constant(node: ast.Constant, source: str) -> None:
    value = node.value
    if isinstance(value, (complex, bytes)):
        raise fault(
            "unsupported",
            Message("{construct} is not part of the lab's Python.", {"construct": type(value).__name__}),
            node,
            source,
        )
    if isinstance(value, str) and len(value) > limits.MAX_STRING and not _is_comment(node, source):
        raise fault(
            "limit", Message("A text may have at most {limit} characters.", {"limit": limits.MAX_STRING}), node, source
        )
    if isinstance(value, int) and value.bit_length() > limits.MAX_BITS:
        raise fault(
            "limit", Message("A whole number may have at most {limit} bits.", {"limit": limits.MAX_BITS}), node, source
        )
