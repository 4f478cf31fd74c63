"""Runs the tests of the front end's own modules: each file beside this one, in Node."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.javascript import COMPONENTS, ROOT, need_node, run_modules
from vizcore import nms
from vizcore.data import crowds

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.test.js"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_module(path: Path) -> None:
    ran = subprocess.run(
        [need_node(), "--test", "--test-reporter=tap", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    # A file that ran nothing is not a file that passed.
    assert int(re.search(r"^# pass (\d+)$", ran.stdout, re.MULTILINE)[1]) > 0, ran.stdout


def test_every_import_names_a_file() -> None:
    imports = [
        (path, found)
        for path in COMPONENTS.rglob("*.js")
        for found in re.findall(r'(?:from |import\.meta\.url, )"(\.[^"]+)"', path.read_text(encoding="utf-8"))
    ]
    assert len(imports) > 50
    assert [(path, found) for path, found in imports if not (path.parent / found).is_file()] == []


REPLAY = """
  const trace = new Trace(inputs[0]);
  const state = () => ({ score: trace.score.slice(), status: trace.status.slice() });
  const start = state();
  const forward = [];
  for (let count = 0; count <= trace.numOps; count++) {
    trace.seek(count);
    forward.push(state());
  }
  const end = state();
  // In any order: to the end, back step by step, and in leaps.
  let same = true;
  const equal = (a, b) => a.score.every((x, k) => x === b.score[k]) && a.status.every((x, k) => x === b.status[k]);
  for (let count = trace.numOps; count >= 0; count--) {
    trace.seek(count);
    same &&= equal(state(), forward[count]);
  }
  for (const count of [trace.numOps, 0, Math.floor(trace.numOps / 2), 1]) {
    trace.seek(count);
    same &&= equal(state(), forward[count]);
  }
  const places = [0, 1, trace.numSteps, trace.numSteps + 1, trace.numOps + 1];
  const at = (pace) => places.map((place) => trace.position(place, pace));
  return {
    start, end, same, numOps: trace.numOps, decided: trace.decidedOp,
    steps: Array.from({ length: trace.numOps }, (_, op) => trace.stepOf(op)), pick: at("pick"), op: at("op"),
  };
"""


@pytest.mark.parametrize("method", nms.METHODS)
def test_a_suppression_stepped_in_the_browser_ends_as_torch_did(method: str) -> None:
    crowd = crowds.make_crowd("crowd")
    trace = nms.trace_nms(
        torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores), method=method, score_threshold=0.125
    )
    read = run_modules({"nms/trace.js": "Trace"}, REPLAY, nms.pack_trace(trace).content)
    assert read["same"]
    assert read["numOps"] == trace.num_steps + len(nms.list_events(trace).others)
    waiting, kept, out, low = 0, 1, 2, 3
    counted = np.isin(np.arange(len(trace.boxes)), trace.order)
    np.testing.assert_array_equal(read["start"]["status"], np.where(counted, waiting, low))
    np.testing.assert_array_equal(read["start"]["score"], trace.scores.astype(np.float32))
    kept_at_end = np.flatnonzero(read["end"]["status"] == kept)
    np.testing.assert_array_equal(kept_at_end, np.sort(trace.keep))
    assert ((read["end"]["status"] == out) == (counted & ~np.isin(np.arange(len(trace.boxes)), trace.keep))).all()
    alive = trace.keep if method != "fusion" else trace.keep[:0]  # fusion gives its boxes another score at the very end
    np.testing.assert_allclose(read["end"]["score"][alive], trace.scores_after[alive], rtol=1e-6)
    assert read["steps"] == sorted(read["steps"])
    assert read["steps"][-1] == trace.num_steps - 1
    assert [position["phase"] for position in read["pick"]] == ["start", "step", "step", "end", "end"]
    assert read["pick"][2]["count"] == read["numOps"]
    assert [position["phase"] for position in read["op"]][:2] == ["start", "pick"]
    assert read["op"][-1] == {"phase": "end", "count": read["numOps"]}
    assert (read["decided"][trace.order] >= 0).all()
