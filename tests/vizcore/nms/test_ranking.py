import pytest
import torch

from tests.vizcore.nms.candidates import pair_iou
from vizcore import nms
from vizcore.data import crowds


def test_ranking_by_true_iou_is_the_ceiling_and_misalignment_pulls_the_score_down():
    aps = {}
    for misalignment in (0.0, 0.7, 1.0):
        ranked = crowds.make_ranked_crowd(misalignment=misalignment, num_images=12)
        for ranking in nms.RANKINGS:
            result = nms.rank_and_evaluate(ranked, ranking)
            aps[misalignment, ranking] = result.evaluation.ap
            if ranking == "true_iou":
                assert result.better_lost == 0
                assert result.correlation == pytest.approx(1)
    for misalignment in (0.7, 1.0):
        best = max(nms.RANKINGS, key=lambda ranking: aps[misalignment, ranking])
        assert best == "true_iou"
        assert aps[misalignment, "score_predicted_iou"] > aps[misalignment, "score"]
    assert aps[0.0, "score"] > aps[0.7, "score"] > aps[1.0, "score"]
    assert aps[0.0, "true_iou"] == aps[1.0, "true_iou"]  # the same boxes, whatever the scores say


def test_the_numbers_that_the_lesson_states():
    """assets/lessons/*/nms.md quotes these; whoever changes a crowd changes the lesson."""
    crowd = crowds.make_crowd("crowd")
    boxes, scores = torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores)
    kept = {m: len(nms.trace_nms(boxes, scores, method=m, score_threshold=0.05).keep) for m in ("hard", "soft_linear")}
    assert kept == {"hard": 11, "soft_linear": 14}
    assert nms.trace_nms(boxes, scores).suppressed_by[8] == 0
    assert pair_iou(*crowd.targets[:2].tolist()) == pytest.approx(0.67, abs=0.005)
    chain = crowds.make_crowd("chain")
    matrix = nms.trace_nms(torch.from_numpy(chain.boxes), torch.from_numpy(chain.scores), method="matrix")
    assert matrix.scores_after[2] == pytest.approx(0.629, abs=0.0005)
    ranked = crowds.make_ranked_crowd()
    aps = [nms.rank_and_evaluate(ranked, ranking).evaluation.ap for ranking in nms.RANKINGS]
    assert aps == pytest.approx([0.567, 0.613, 0.625, 0.821], abs=0.001)


def test_unknown_rankings_are_refused():
    with pytest.raises(nms.NMSError, match="ranking must be one of"):
        nms.rank_and_evaluate(crowds.make_ranked_crowd(num_images=1), "luck")
