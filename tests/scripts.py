"""Runs the scripts that pages hand out, each in an interpreter of its own, as a reader would.

Importing torch takes seconds, so one process does it and forks for each script: the script still begins with nothing
but an empty ``__main__``, and has to import whatever it names.
"""

from __future__ import annotations

import atexit
import json
import re
import subprocess
import sys
from functools import cache

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|nan|inf)")

_NURSERY = """
import json, os, signal, sys, tempfile, traceback, types
import numpy, torch, torchvision

def run(source, timeout):
    out, err = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(timeout)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            os.close(answers.fileno())
            sys.stdin = open(os.devnull)
            main = sys.modules["__main__"] = types.ModuleType("__main__")
            exec(compile(source, "<script>", "exec"), main.__dict__)
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    texts = []
    for file in (out, err):
        file.seek(0)
        texts.append(file.read())
        file.close()
    return [os.waitstatus_to_exitcode(status), *texts]

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
for line in sys.stdin:
    print(json.dumps(run(*json.loads(line))), file=answers, flush=True)
"""


@cache
def _nursery() -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _NURSERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(process.kill)
    return process


def run_script(source: str, *, timeout: int = 120) -> str:
    """Everything that a script prints; one that fails, or never ends, fails the test with its own error."""
    process = _nursery()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps([source, timeout]) + "\n")
    process.stdin.flush()
    code, printed, error = json.loads(process.stdout.readline())
    assert code == 0, error or f"ended with {code}"
    return str(printed)


def printed_numbers(text: str) -> list[float]:
    """The numbers of a script's output, in order."""
    return [float(word) for word in _NUMBER.findall(text)]
