"""What the matching says in the browser, and the names of what can be chosen; braces are filled there."""

from __future__ import annotations

from typing import Any

from pages.kit.language import Translate


def preset_names(_: Translate) -> dict[str, str]:
    """The presets by name, in the order shown."""
    return {
        "scene": _("Scene"),
        "flip": _("A flip"),
        "greedy": _("Greedy is worse"),
        "duplicates": _("Two on one object"),
        "overlapping": _("Two objects close together"),
        "crowded": _("More objects than queries"),
    }


def part_names(_: Translate) -> dict[str, str]:
    """The parts of the cost, by name."""
    return {"total": _("total"), "class_part": _("class"), "bbox_part": "L1", "giou_part": "GIoU"}


def class_names(_: Translate) -> list[str]:
    """The classes, and last "no object"."""
    return [_("circle"), _("square"), _("triangle"), _("no object")]


def component_words(_: Translate) -> dict[str, Any]:
    """Everything that the piece says."""
    return {
        "matrix": _("Cost of every pair: the lower, the better"),
        "queries": _("queries"),
        "objects": _("objects"),
        "parts": part_names(_),
        "classes": class_names(_),
        "cell": _(
            "Query {query} and object {object}: class {class_part} + L1 {bbox_part} + GIoU {giou_part} = {total}"
        ),
        "hint": _("Point at a cell to see its three parts."),
        "matched": _("optimal pair"),
        "greedy_pair": _("greedy pair"),
        "optimal": _("Optimal matching"),
        "greedy": _("Greedy"),
        "nms": _("NMS"),
        "more": _("{amount} more"),
        "same": _("the same pairs"),
        "unmatched": _("No object for query {queries}."),
        "left": _("No query for object {objects}."),
        "kept": _("keeps {kept}"),
        "removed": _("removes {removed}"),
        "unsure": _("leaves out {unsure} (unsure)"),
        "nobody": _("none"),
        "empty": _("There is nothing to match: all queries should say “no object”."),
        "query": _("Query {query} says"),
        "choose": _("Click a query on the picture to change what it says."),
        "start": _("Nobody is matched yet. Press → to begin."),
        "take_query": _("Query {row}: its cheapest free way leads to object {column}. They are paired."),
        "take_object": _("Object {row}: its cheapest free way leads to query {column}. They are paired."),
        "search_query": _(
            "Query {row} wants object {column}, but query {owner} has it. What else could query {owner} take?"
        ),
        "search_object": _(
            "Object {row} wants query {column}, but object {owner} has it. What else could object {owner} take?"
        ),
        "change": _("The way ends at a free one, so everyone on it moves on: {pairs}."),
        "extra": _("The total changes by {distance}."),
        "summary": _("Pairs: {pairs}. Total cost {total}."),
    }


def attention_words(_: Translate) -> dict[str, str]:
    """Everything that the piece with the attention says."""
    return {
        "encoder": _("Encoder: where this place looks, by layer and head"),
        "decoder": _("Decoder: where this query looks, by layer and head"),
        "places": _("Arrow keys move the place that looks."),
        "mean": _("mean"),
        "head": _("head {head}"),
        "layer": _("layer {layer}"),
        "said_place": _(
            "The white ring looks. {percent} % of its attention goes to one cell (small frame), half of it to {count} "
            "of {tokens} tokens. Click to keep a place."
        ),
        "said_query": _(
            "Query {query} looks. {percent} % of its attention goes to one cell (small frame), half of it to {count} "
            "of {tokens} tokens. Click another box."
        ),
    }


def panoptic_words(_: Translate) -> dict[str, str]:
    """Everything that the piece with the masks says."""
    return {
        "keep": _("Keep threshold"),
        "places": _("Arrow keys move the pixel that is asked, Enter chooses the query that owns it."),
        "masks": _("Masks of the sure queries: {count} of {all}"),
        "mask": _("Query {query}, {name}, score {score}: its mask"),
        "score": _("score {score}"),
        "value": _("mask {value}"),
        "lost": _("no pixels"),
        "argmax": _("Argmax of the masks"),
        "truth": _("Truly visible (grey: unpaired)"),
        "nobody": _("No query is surer than {threshold}: nobody owns a pixel."),
        "looked": _("The mask of query {query}, {name}: the bluer, the surer that a pixel belongs to it."),
        "denied": _(
            "Pixel ({x}, {y}): nobody’s. Even the greatest mask value there, {value} of query {query}, is below 0.5."
        ),
        "owned": _("Pixel ({x}, {y}): query {query}, {name}, owns it; its mask value there is {value}."),
        "merged": _(
            "Merged: {count} segments own {percent} % of the pixels; sure queries left without pixels: {dropped}. "
            "Point at a pixel or a mask."
        ),
        "sum": _(
            "PQ {pq} = SQ {sq} × RQ {rq}. Pairs: {pairs}; segments without an object: {invented}; objects without "
            "a segment: {missed}."
        ),
        "curve": _("Quality of this picture by keep threshold"),
    }
