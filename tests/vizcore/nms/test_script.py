import json

import pytest
import torch

from vizcore import nms
from vizcore.data import crowds

RULES = [
    {"method": "hard"},
    {"method": "hard", "suppress_equal": True, "ties": "last", "iou_threshold": 0.5},
    {"method": "hard", "pixel_inclusive": True, "iou_threshold": 0.25},
    {"method": "soft_linear", "iou_threshold": 0.25, "ties": "last"},
    {"method": "soft_gaussian", "sigma": 0.25},
    {"method": "diou", "distance_power": 0.6, "iou_threshold": 0.25},
    {"method": "matrix", "sigma": 0.5},
    {"method": "matrix", "matrix_kernel": "linear"},
    {"method": "fusion", "iou_threshold": 0.25},
    {"method": "fusion", "ties": "last", "suppress_equal": True},
]


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: "-".join(str(value) for value in rules.values()))
def test_the_program_handed_out_prints_the_numbers(rules, capsys):
    for name in ("crowd", "two_classes", "ties", "chain"):
        crowd = crowds.make_crowd(name, seed=2)
        for labels in (None, torch.from_numpy(crowd.labels)):
            boxes, scores = torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores)
            trace = nms.trace_nms(boxes, scores, labels=labels, score_threshold=0.1, **rules)
            exec(nms.write_nms_script(trace), {})  # our own source; pages run it in a fresh interpreter too
            printed = dict(line.split(": ") for line in capsys.readouterr().out.splitlines())
            assert [int(word) for word in printed["keep"].strip("[]").split(", ")] == trace.keep.tolist()
            final = [float(word) for word in printed["scores"].strip("[]").split(", ")]
            assert final == pytest.approx(trace.scores_after[trace.keep].tolist(), abs=1e-5)


def test_a_long_table_is_read_from_a_file(tmp_path, monkeypatch, capsys):
    crowd = crowds.make_crowd("random")
    trace = nms.trace_nms(torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores))
    script = nms.write_nms_script(trace)
    assert len(script) < 2000
    rows = [
        {"x1": box[0], "y1": box[1], "x2": box[2], "y2": box[3], "score": score}
        for box, score in zip(crowd.boxes.tolist(), crowd.scores.tolist(), strict=True)
    ]
    (tmp_path / "grad2box-nms.json").write_text(json.dumps(rows))
    monkeypatch.chdir(tmp_path)
    exec(script, {})
    assert capsys.readouterr().out.splitlines()[0] == f"keep: {trace.keep.tolist()}"
