"""Exceptions of a program: raised, caught, asserted."""

from __future__ import annotations

import ast

import torch

from vizcore.autograd.classes import Classes
from vizcore.autograd.faults import FaultError
from vizcore.autograd.formatting import error_message
from vizcore.autograd.trace import Message
from vizcore.autograd.values import ErrorClass, ErrorValue, UserClass

_MAX_NOTE = 80
_MOMENTS = 64


class Exceptions(Classes):
    """The part of the interpreter that raises and catches."""

    def finish_step(self, statement: ast.stmt, note: str = "", *, header: bool = False) -> None:
        """Writes the step of the statement that has just run."""
        raise NotImplementedError

    def _run_try(self, statement: ast.Try) -> str:
        """Catches what the program's own lines raised; what the lab refuses or limits goes through."""
        depth, scope, frames, mode = self.depth, self.scope, len(self.frames), torch.is_grad_enabled()
        try:
            try:
                signal = self._run_block(statement.body)
            except FaultError as error:
                handler = None if error.cause is None else self._handler_of(statement, error)
                if handler is None:
                    raise
                self.depth, self.scope = depth, scope
                del self.frames[frames:]
                torch.set_grad_enabled(mode)
                signal = self._handle(handler, error)
            else:
                signal = signal or self._run_block(statement.orelse)
        except FaultError as error:
            if error.cause is not None:
                self._run_block(statement.finalbody)
            raise
        return self._run_block(statement.finalbody) or signal

    def _handler_of(self, statement: ast.Try, error: FaultError) -> ast.ExceptHandler | None:
        for handler in statement.handlers:
            if handler.type is None:
                return handler
            wanted = self._evaluate(handler.type)
            for kind in wanted if isinstance(wanted, tuple) else (wanted,):
                if isinstance(kind, ErrorClass) and isinstance(error.cause, kind.type):
                    return handler
                own = error.value.type if isinstance(error.value, ErrorValue) else None
                if isinstance(kind, UserClass) and own is not None and own.extends(kind):
                    return handler
                if not isinstance(kind, (ErrorClass, UserClass)):
                    text = "catching classes that do not inherit from BaseException is not allowed"
                    raise self._raised(handler, TypeError(text))
        return None

    def _handle(self, handler: ast.ExceptHandler, error: FaultError) -> str:
        cause = error.cause
        value = error.value if isinstance(error.value, ErrorValue) else ErrorValue(cause or Exception())
        if handler.name:
            self._bind(handler.name, value)
        name = value.type.name if value.type is not None else type(value.error).__name__
        note = f"{name}: {error_message(value.error)}"
        place = ast.copy_location(ast.Pass(), handler)
        self.current = place
        self.finish_step(place, note if len(note) <= _MAX_NOTE else note[: _MAX_NOTE - 1] + "…", header=True)
        before, self._handled = self._handled, error
        try:
            return self._run_block(handler.body)
        finally:
            self._handled = before
            if handler.name:
                self.scope.variables.pop(handler.name, None)

    _handled: FaultError | None = None

    def _raise(self, statement: ast.Raise) -> FaultError:
        if statement.exc is None:
            if self._handled is not None:
                return self._handled
            return self._raised(statement, RuntimeError("No active exception to reraise"))
        value = self._evaluate(statement.exc)
        if isinstance(value, (ErrorClass, UserClass)):
            value = self._call_value(statement.exc, value, (), {})
        if not isinstance(value, ErrorValue):
            return self._raised(statement, TypeError("exceptions must derive from BaseException"))
        name = value.type.name if value.type is not None else type(value.error).__name__
        text = error_message(value.error)
        message = Message("{text}", {"text": f"{name}: {text}" if text else name})
        fault = self._fault("value", message, statement, cause=value.error)
        fault.value = value
        return fault

    def _assert(self, statement: ast.Assert) -> None:
        if self._truth(statement.test):
            return
        text = "" if statement.msg is None else self._text(self._evaluate(statement.msg), quoted=False, node=statement)
        message = Message("{text}", {"text": f"AssertionError: {text}" if text else "AssertionError"})
        raise self._fault("value", message, statement, cause=AssertionError(text) if text else AssertionError())
