import numpy as np
import pytest
import torch

from vizcore import nms
from vizcore.data import crowds
from vizcore.figures import nms as figures
from vizcore.figures import theme
from vizcore.packing import unpack


def trace_crowd(name, **options):
    crowd = crowds.make_crowd(name)
    return crowd, nms.trace_nms(torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores), **options)


def test_matrix_is_the_overlaps_best_score_first_with_the_step_marked():
    """Chain: IoU 110/210 beside the diagonal, 60/260 in the corner; step 0 compares box 0 with 1 and 2, changes 1."""
    _, trace = trace_crowd("chain")
    figure = figures.plot_overlap_matrix(nms.measure_matrix(trace), comparisons=nms.comparisons_at(trace, 0))
    heat, compared, changed = figure.data
    near, far = 110 / 210, 60 / 260
    assert np.array(heat.z) == pytest.approx(np.array([[1, near, far], [near, 1, near], [far, near, 1]]), abs=1e-6)
    assert list(heat.x) == list(heat.y) == ["0", "1", "2"]
    assert list(compared.x) == ["1", "2"]
    assert set(compared.y) == {"0"}
    assert list(changed.x) == ["1"]
    assert figure.layout.yaxis.autorange == "reversed"


def test_matrix_without_boxes_or_step():
    empty = nms.trace_nms(torch.zeros(0, 4), torch.zeros(0))
    figure = figures.plot_overlap_matrix(nms.measure_matrix(empty))
    assert len(figure.data) == 1
    _, trace = trace_crowd("crowd")
    few = nms.measure_matrix(trace, max_boxes=3)
    assert not few.complete
    outside = nms.comparisons_at(trace, trace.num_steps - 1)
    assert len(figures.plot_overlap_matrix(few, comparisons=outside).data) == 1


def test_decay_lines_are_the_curves():
    options = {method: nms.NMSOptions(method=method) for method in ("hard", "soft_linear", "soft_gaussian")}
    curves = {method: nms.sample_decay(rules) for method, rules in options.items()}
    figure = figures.plot_decay(curves, translate=str.upper)
    assert [line.name for line in figure.data] == ["GREEDY (HARD)", "SOFT, LINEAR", "SOFT, GAUSSIAN"]
    for line, curve in zip(figure.data, curves.values(), strict=True):
        assert list(line.y) == curve.factors.tolist()
    assert len({line.line.dash for line in figure.data}) == 3  # colour is not the only cue


def evaluate_methods(name="crowd"):
    crowd = crowds.make_crowd(name)
    traces = {
        method: nms.trace_nms(
            torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores), method=method, score_threshold=0.05
        )
        for method in nms.METHODS
    }
    return crowd, traces, {method: nms.summarise_kept(trace, crowd.targets) for method, trace in traces.items()}


def test_curves_and_bars_say_the_evaluations():
    _, _, evaluations = evaluate_methods()
    curves = figures.plot_precision_recall(evaluations)
    assert len(curves.data) == len(nms.METHODS)
    for line, evaluation in zip(curves.data, evaluations.values(), strict=True):
        assert np.mean(line.y) == pytest.approx(evaluation.ap50)
    at75 = figures.plot_precision_recall(evaluations, iou=75)
    assert np.mean(at75.data[0].y) == pytest.approx(evaluations["hard"].ap75)
    bars = figures.plot_evaluations(evaluations)
    assert list(bars.data[0].y) == [evaluation.ap for evaluation in evaluations.values()]
    assert bars.data[3].name == "recall"
    assert list(bars.data[3].y) == [evaluation.recall for evaluation in evaluations.values()]


def test_without_ground_truth_there_is_no_curve():
    _, _, evaluations = evaluate_methods("random")
    assert len(figures.plot_precision_recall(evaluations).data) == 0
    assert set(figures.plot_evaluations(evaluations).data[0].text) == {""}


def test_panels_hold_every_kept_box_and_the_object_that_hard_loses():
    crowd, traces, evaluations = evaluate_methods()
    figure = figures.plot_kept_sets(traces, evaluations, crowd.targets, crowd.size)
    first = [line for line in figure.data if line.xaxis == "x"]
    kept = sum(len(line.x) // 6 for line in first if line.name == "kept")
    assert kept == len(traces["hard"].keep)
    (lost,) = [line for line in first if line.name == "object lost"]
    assert list(lost.x[:3]) == pytest.approx([108, 208, 208])  # the second of the pair
    soft = [line for line in figure.data if line.xaxis == "x3"]
    assert not [line for line in soft if line.name == "object lost"]
    assert sum(line.showlegend for line in figure.data if line.name == "object lost") == 1
    high = figures.plot_kept_sets(traces, evaluations, crowd.targets, crowd.size, shown_score=0.5)
    kept = sum(len(line.x) // 6 for line in high.data if line.name == "kept" and line.xaxis == "x")
    assert kept == int((traces["hard"].scores_after[traces["hard"].keep] >= 0.5).sum())
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # y points down


def test_a_crowded_panel_is_cut_short():
    crowd, traces, evaluations = evaluate_methods("random")
    figure = figures.plot_kept_sets({"hard": traces["hard"]}, evaluations, crowd.targets, crowd.size)
    assert sum(len(line.x) // 6 for line in figure.data) == figures.MOST_DRAWN


def test_ranking_clouds_and_the_pair():
    ranked = crowds.make_ranked_crowd(num_images=4)
    result = nms.rank_and_evaluate(ranked, "score")
    lost, kept = figures.plot_score_against_iou(ranked, result).data
    assert len(kept.x) == len(result.kept)
    assert len(lost.x) + len(kept.x) == len(ranked.true_iou)
    assert list(kept.y) == result.ranks_by[np.sort(result.kept)].tolist()
    pair = nms.find_better_lost(ranked, result)
    assert pair.loser_iou > pair.winner_iou
    assert pair.winner_rank >= pair.loser_rank
    figure = figures.plot_better_lost(ranked, pair)
    assert [line.name for line in figure.data] == [
        "object",
        f"kept · IoU {pair.winner_iou:.2f}",
        f"suppressed · IoU {pair.loser_iou:.2f}",
    ]
    assert list(figure.data[0].x[:2]) == pytest.approx(pair.target[[0, 2]].tolist())
    oracle = nms.rank_and_evaluate(ranked, "true_iou")
    assert nms.find_better_lost(ranked, oracle) is None


def test_figures_leave_ground_and_text_to_the_page():
    _, _, evaluations = evaluate_methods()
    figure = figures.plot_evaluations(evaluations)
    assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)"
    assert figure.layout.font.color is None
    assert len(figures.sequential_colors(5)) == 5
    assert figures.plot_decay({"hard": nms.sample_decay(nms.NMSOptions())}).data[0].line.color == theme.CATEGORICAL[0]


@pytest.mark.parametrize("method", nms.METHODS)
def test_packed_bytes_hold_the_trace(method):
    _, trace = trace_crowd("crowd", method=method, score_threshold=0.125)
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
