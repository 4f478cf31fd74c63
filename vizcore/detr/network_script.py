"""What the parts with the network show, as programs that need this project for its weights."""

from __future__ import annotations

from typing import Literal


def write_attention_script(
    picture: str,
    *,
    look: Literal["encoder", "decoder"],
    point: tuple[float, float],
    query: int,
    layer: int,
    head: int,
    score_threshold: float,
    official: bool = False,
) -> str:
    """Prints the boxes that were found, and where one place or one query looks.

    Args:
        picture: lines that make ``picture``, see :mod:`vizcore.data.script`.
        look: ``"encoder"`` for the place, ``"decoder"`` for the query.
        point: (x, y) of the place, pixels of the picture.
        query: that looks.
        layer: from 0; the last one there is for a greater number.
        head: from 0; the last one there is for a greater number; -1 for the mean.
        score_threshold: surer queries have found something.
        official: ask the authors' own network; its weights must be on disk.

    Returns:
        Python source. It prints ``query, class, score, x1, y1, x2, y2`` of each box, then ``looks`` with the greatest
        weight, its cell's row and column, and how many tokens hold half of all attention.
    """
    row, weights = (
        (f"trace.token_at({point[0]!r}, {point[1]!r})", "encoder")
        if look == "encoder"
        else (str(int(query)), "decoder_cross")
    )
    which = "weights.mean(0)" if head < 0 else f"weights[min({int(head)}, len(weights) - 1)]"
    return (
        _start(picture, official)
        + f"for query in trace.found({score_threshold!r}):\n"
        + _line("query", "-1")
        + f"\nlayers = trace.{weights}  # [layers, heads, askers, tokens]\n"
        f"weights = layers[min({int(layer)}, len(layers) - 1)]\n"
        f"row = {which}[{row}]  # sums to 1\n"
        "peak = divmod(int(row.argmax()), trace.grid[1])\n"
        "half = int(np.searchsorted(np.cumsum(np.sort(row)[::-1]), 0.5)) + 1\n"
        'print("looks", f"{row.max():.6f}", *peak, half)\n'
    )


def write_queries_script(
    picture: str, *, query: int, off: bool, turned: bool, score_threshold: float, official: bool = False
) -> str:
    """Prints what the queries find when one is switched off or they are asked in reverse order.

    Args:
        picture: lines that make ``picture``.
        query: the one that is switched off.
        off: whether it is.
        turned: whether the queries are asked in reverse order.
        score_threshold: surer queries have found something.
        official: ask the authors' own network; its weights must be on disk.

    Returns:
        Python source that prints ``query, class, score, x1, y1, x2, y2`` of each box, by query.
    """
    return (
        _start(picture, official)
        + "asked = list(range(trace.num_queries))\n"
        + (f"asked.remove({int(query)})\n" if off else "")
        + ("asked.reverse()\n" if turned else "")
        + "answer = detr.run_queries(network, trace, asked)\n"
        "for place in np.argsort(answer.chosen):\n"
        f"    if answer.scores[-1, place] > np.float32({score_threshold!r}):\n"
        '        print(answer.chosen[place], CLASSES[answer.labels[-1, place]], f"{answer.scores[-1, place]:.6f}",\n'
        '              *(f"{side:.3f}" for side in answer.boxes[-1, place]))\n'
    )


def write_layers_script(picture: str, *, layer: int, nms: bool, score_threshold: float, official: bool = False) -> str:
    """Prints the boxes after one decoder layer.

    Args:
        picture: lines that make ``picture``.
        layer: from 0; the last one there is for a greater number.
        nms: whether they are suppressed, at 0.7.
        score_threshold: surer queries have found something.
        official: ask the authors' own network; its weights must be on disk.

    Returns:
        Python source that prints ``query, class, score, x1, y1, x2, y2`` of each box, by decreasing score.
    """
    found = (
        f"detr.suppress_layer(trace, layer, score_threshold={score_threshold!r}).keep"
        if nms
        else f"trace.found({score_threshold!r}, layer=layer)"
    )
    return (
        _start(picture, official)
        + f"layer = min({int(layer)}, len(trace.boxes) - 1)\n"
        + f"for query in {found}:\n"
        + _line("query", "layer")
    )


def write_masks_script(picture: str, *, keep_threshold: float, drawn: int | None = None) -> str:
    """Prints the segments of the merged picture, and how good it is where the picture was drawn.

    Args:
        picture: lines that make ``picture``.
        keep_threshold: surer queries take part.
        drawn: the validation scene that the picture is; None for a photo.

    Returns:
        Python source that prints ``query, class, score, pixels`` of each segment; of a scene then a line
        ``query, object, IoU`` of each pair, and ``PQ``, ``SQ``, ``RQ``.
    """
    script = (
        _start(picture, official=False).replace(
            "from vizcore.models.detr import load_detr\n",
            "from vizcore.models.detr import load_detr\nfrom vizcore.models.detr_masks import load_mask_head\n",
        )
        + "masks = detr.run_masks(load_mask_head(), network, trace, picture)\n"
        f"merged = detr.merge_output(masks, keep_threshold={keep_threshold!r})\n"
        "for query, label, score, area in zip(merged.queries, merged.labels, merged.scores, merged.areas):\n"
        '    print(query, CLASSES[label], f"{score:.6f}", area)\n'
    )
    if drawn is None:
        return script
    return script + (
        f'scene = draw_scene("validation", {int(drawn)})\n'
        "match = detr.match_segments(merged.owner, masks.labels, scene.owner, scene.labels)\n"
        "for query, target, iou in zip(match.queries, match.targets, match.iou):\n"
        '    print(query, target, f"{iou:.6f}")\n'
        'print("quality", f"{match.pq:.6f}", f"{match.sq:.6f}", f"{match.rq:.6f}")\n'
    )


def write_strip_script(place: int, time: int) -> str:
    """Prints who was matched to each object of a scene at one time of the training.

    Args:
        place: of the scene in the strip.
        time: from 0.

    Returns:
        Python source that prints ``object, class, query, probability, x1, y1, x2, y2``; the query is -1 for none.
    """
    return (
        "from vizcore import detr\n"
        "from vizcore.data.scenes import CLASSES\n\n"
        f"matched = detr.match_strip(detr.load_strip(), {int(place)})\n"
        f"time = {int(time)}\n"
        "for target, label in enumerate(matched.labels):\n"
        "    print(target, CLASSES[label], matched.owners[time, target],\n"
        '          f"{matched.probabilities[time, target]:.4f}",\n'
        '          *(f"{side:.2f}" for side in matched.boxes[time, target]))\n'
    )


def _start(picture: str, official: bool) -> str:
    if official:
        imports, network = "", "network, CLASSES = detr.load_official(), detr.official_classes()\n"
    else:
        imports = "from vizcore.data.scenes import CLASSES\nfrom vizcore.models.detr import load_detr\n"
        network = "network = load_detr()\n"
    return (
        "import numpy as np\n\n"
        "from vizcore import detr\n"
        f"{imports}"
        f"{picture}"
        f"{network}"
        "trace = detr.trace_detr(network, picture)\n"
    )


def _line(query: str, layer: str) -> str:
    return (
        f'    print({query}, CLASSES[trace.labels[{layer}, {query}]], f"{{trace.scores[{layer}, {query}]:.6f}}",\n'
        f'          *(f"{{side:.3f}}" for side in trace.boxes[{layer}, {query}]))\n'
    )
