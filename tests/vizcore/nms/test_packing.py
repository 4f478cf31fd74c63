import numpy as np
import pytest
import torch

from tests.vizcore.nms.candidates import GOOD
from vizcore import nms
from vizcore.data import crowds
from vizcore.packing import unpack


@pytest.mark.parametrize("method", nms.METHODS)
def test_packed_bytes_hold_the_trace(method):
    crowd = crowds.make_crowd("crowd")
    trace = nms.trace_nms(
        torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores), method=method, score_threshold=0.125
    )
    bundle = nms.pack_trace(trace)
    packed = bundle.content
    header, arrays = unpack(packed)
    array = arrays.__getitem__
    assert header["method"] == method

    events = nms.list_events(trace)
    assert (bundle.num_steps, bundle.num_events, bundle.complete) == (trace.num_steps, len(events.others), True)
    assert array("picks").tolist() == trace.picks.tolist()
    assert array("other").tolist() == events.others.tolist()
    assert array("verdict").tolist() == events.verdicts.tolist()
    assert array("changed") == pytest.approx(events.after, abs=1e-6)
    assert array("boxes").reshape(-1, 4) == pytest.approx(trace.boxes)
    assert array("start").tolist() == events.start.tolist()
    assert packed.endswith(array("verdict").tobytes())
    if method == "fusion":
        assert array("fused").reshape(-1, 4).shape == (trace.num_steps, 4)
        last = {}
        for step, box in enumerate(trace.picks.tolist()):
            last[int(trace.suppressed_by[box]) if trace.suppressed_by[box] >= 0 else box] = step
        fused = nms.list_fused(trace)[[last[int(founder)] for founder in trace.keep]]
        assert fused == pytest.approx(trace.kept_boxes, abs=1e-4)


def test_names_for_a_blind_trace():
    trace = nms.trace_nms(GOOD, torch.tensor([0.5, 0.75]))
    named = nms.pack_trace(trace, labels=np.array([7, 8]))
    assert named.content != nms.pack_trace(trace).content
