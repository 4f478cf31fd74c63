"""Records what every page shows, so that a page can be rewritten and compared with what it was.

``python -m tests.pages.record out.json [page …]`` opens every page in six states and writes down its link, what its
components receive, which controls it draws and what it says. ``python -m tests.pages.record --compare a.json b.json``
tells the differences in words, and ends with 1 if there are any.

A record is the same on every run: measured times, versions made of hashes and addresses of files are not in it. Large
contents are: by a fingerprint, below the place where they are used.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MOST_NUMBERS = 24
MOST_WORDS = 4000
DEFAULTS = "as opened"

# Page → five more states, each by the parameters of a link: other parts, other sources, Chinese, presenter, a preset.
STATES: dict[str, list[dict[str, str]]] = {
    "home": [
        {"lang": "zh"},
        {"present": "1"},
        {"lang": "zh", "present": "1"},
        {"unknown": "3"},
        {"hide": "photo", "lock": "part"},
    ],
    "autograd": [
        {"preset": "accumulate", "step": "5", "lang": "zh"},
        {"program": "import torch\nx = torch.rand(3, requires_grad=True)\n(x * x).sum().backward()", "seed": "7"},
        {"program": "import torch\nx = torch.ones(2)\nx.backward()", "present": "1"},
        {"real": "1", "network": "efficientnet_lite0"},
        {"seed": "1000", "step": "3", "hide": "seed", "lock": "preset"},
    ],
    "modules": [
        {"layer": "conv2d", "normalization": "group_norm", "look": "running", "lang": "zh"},
        {"registered": "1", "pass_training": "1", "look": "step", "mode": "eval"},
        {"middle": "shared", "activation": "tanh", "hidden": "16", "look": "hooks", "present": "1"},
        {"middle": "separate", "bias": "0", "dropout": "0", "look": "dtype", "seed": "3"},
        {"look": "sequential", "lang": "zh", "lock": "layer"},
    ],
    "upsampling": [
        {"part": "shapes", "kernel_size": "4", "padding": "1", "lang": "zh"},
        {"part": "checkerboard", "num_layers": "2", "present": "1"},
        {"part": "corners", "ruler_in": "5"},
        {"part": "photo", "photo": "coffee", "differences": "1", "photo_factor": "3"},
        {"part": "decoder", "skip": "0", "lang": "zh"},
        {"part": "learn", "seed": "2", "num_steps": "100"},
    ],
    "iou_losses": [
        {"view": "race", "kinds": "giou.diou", "lang": "zh"},
        {"view": "simulation", "num_centers": "50", "present": "1"},
        {"view": "metric", "metric_kind": "ciou", "property": "identity"},
        {"boxes": "30,40,100,100_190,130,280,200", "kinds": "iou.giou.diou.ciou", "show": "enclosing.distance.edges"},
        {"over": "size", "landscape_kind": "siou", "eps": "1e-3", "alpha_gate": "1", "via": "10,10,40,50"},
    ],
    "nms": [
        {"source": "photo", "method": "matrix", "step": "12", "lang": "zh"},
        {"source": "own", "boxes": "10,10,60,60_20,20,70,80_100,30,150,90", "score_1": "0.4", "present": "1"},
        {"source": "two_classes", "method": "soft_gaussian", "class_aware": "0", "pace": "pick"},
        {"source": "ties", "suppress_equal": "1", "ties": "last", "predict": "1"},
        {"source": "random", "method": "diou", "ranking": "true_iou", "predicted_iou_noise": "0.2", "seed": "5"},
    ],
    "image_pyramid": [
        {"photo": "coffee", "lang": "zh"},
        {"photo": "astronaut", "step": "40", "pace": "row", "present": "1"},
        {"num_levels": "2", "score_threshold": "0.1", "fusion": "0", "show_map": "0"},
        {"label": "281", "iou_threshold": "0.5", "pace": "level", "hide": "label"},
        {"photo": "own", "scale_step": "1.5", "window_stride": "2"},
    ],
    "fpn": [
        {"part": "designs", "lang": "zh"},
        {"part": "owner", "box": "40,40,120,90", "present": "1"},
        {"part": "cell", "cell_level": "P5", "source": "photo", "photo": "coins"},
        {"part": "data", "scene": "3"},
        {
            "source": "photo",
            "photo": "coffee",
            "view": "pca",
            "level": "P5",
            "cuts": "top_down:P4.lateral:C3",
            "lang": "zh",
        },
    ],
    "detection": [
        {"photo": "chelsea", "lang": "zh"},
        {"detector": "fcos_lite0_fpn", "show_suppressed": "1", "present": "1"},
        {"beside": "sliding_windows_unfused", "show_truth": "1", "candidate": "3"},
        {"detector": "retinanet_resnet50_fpn_v2", "score_threshold": "0.3"},
        {"photo": "own", "iou_threshold": "0.5", "lock": "score_threshold", "hide": "beside"},
    ],
}


def main() -> int:
    """Reads the command line."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--compare"] and len(arguments) == 3:
        before, after = (json.loads(Path(name).read_text(encoding="utf-8")) for name in arguments[1:])
        differences = list(compare(before, after))
        print("\n".join(differences) if differences else "No difference.")
        return 1 if differences else 0
    pages = arguments[1:] or list(STATES)
    if not arguments or arguments[0].startswith("-") or not set(pages) <= set(STATES):
        print(__doc__, f"\nPages: {', '.join(STATES)}")
        return 2
    if os.environ.get("PYTHONHASHSEED") != "0":
        fixed = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        os.execve(sys.executable, [sys.executable, "-m", "tests.pages.record", *arguments], {**os.environ, **fixed})
    recorded = {}
    for page in pages:
        began = time.monotonic()
        recorded[page] = {name_of(state): record(page, state) for state in ({}, *STATES[page])}
        print(f"{page}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
    Path(arguments[0]).write_text(json.dumps(recorded, ensure_ascii=False, indent=1), encoding="utf-8")
    return 0


def name_of(state: Mapping[str, str]) -> str:
    """A state as the record calls it."""
    return "&".join(f"{name}={value}" for name, value in state.items()) or DEFAULTS


# -- recording ---------------------------------------------------------------------------------------------------------


def record(page: str, state: Mapping[str, str]) -> dict[str, Any]:
    """Opens a page by a link in a session of its own, and writes down what it shows."""
    import pytest
    from streamlit.runtime.media_file_manager import MediaFileManager
    from streamlit.testing.v1 import AppTest
    from streamlit.util import calc_hash

    from pages.kit.loaders import warm_up
    from tests.pages.pieces import link

    logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").setLevel(logging.ERROR)
    warm_up().join()  # else the first page waits for torch
    files: dict[str, str] = {}
    add = MediaFileManager.add

    def noted(self: Any, content: bytes | str, *args: Any, **options: Any) -> str:
        url = add(self, content, *args, **options)
        files[url] = content_of(content if isinstance(content, bytes) else Path(content).read_bytes())
        return url

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MediaFileManager, "add", noted)
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
        for name, value in {"lang": "en", **state}.items():
            app.query_params[name] = value
        if page != "home":
            # By its address and not by AppTest.switch_page, which wants a file: a page may be pages/<concept>.py or a
            # package.
            app._page_hash = calc_hash(page)
        app.run()
    shown = list(app)
    shares = any(node.type == "bidi_component" and '"query"' in node.proto.json for node in shown)
    return {
        "link": link(app) if shares else {},  # a page that failed has none
        "components": components(app, files),
        "widgets": [widget_of(node) for node in shown if is_control(node)],
        "errors": [plain(node.proto.body) for node in shown if node.type in ("error", "warning")],
        "exceptions": [f"{node.proto.type}: {node.proto.message}" for node in shown if node.type == "exception"],
        "words": [plain(word) for node in shown for word in words_of(node)],
    }


def components(app: Any, files: Mapping[str, str]) -> dict[str, Any]:
    """What our own pieces receive, by their key."""
    from streamlit.elements.lib.utils import user_key_from_element_id as key_of

    data: dict[str, Any] = {}
    for element in app.get("bidi_component"):
        proto = element.proto
        kind = proto.WhichOneof("data")
        if kind == "json":
            content = fold(json.loads(proto.json), files)
        elif kind == "bytes":
            content = content_of(proto.bytes, files)
        elif kind == "mixed":
            content = {"json": fold(json.loads(proto.mixed.json), files)}
        else:
            content = None if kind is None else fingerprint(proto.arrow_data)
        key = key_of(proto.id) or "without a key"
        if "timing" in key or "funnel" in key:
            content = without_numbers(content)
        while key in data:
            key += " again"
        data[key] = content
    return data


def content_of(content: bytes, files: Mapping[str, str] = {}) -> Any:
    """Bytes as JSON where they are JSON, else their fingerprint."""
    try:
        return fold(json.loads(content), files)
    except ValueError:
        return fingerprint(content)


def fingerprint(content: bytes) -> str:
    """Length and the beginning of the SHA-256."""
    return f"{len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()[:16]}"


_TIMES = re.compile(r"\d[\d.,]*(\s|\xa0|&nbsp;)?(ms|µs|s|毫秒|秒)\b")
_ADDRESS = re.compile(r"/?(mock/)?media/[0-9a-f]{40,}(\.\w+)?")
_RANDOM = re.compile(r"-?\d{7,}|[0-9a-f]{10,}")


def fold(value: Any, files: Mapping[str, Any], name: str = "") -> Any:
    """JSON as the record keeps it: files by their content, long lists and texts by a fingerprint, no chance in it."""
    if isinstance(value, dict):
        return {key: fold(part, files, key) for key, part in value.items()}
    if isinstance(value, list):
        if len(value) > MOST_NUMBERS and all(isinstance(part, int | float | None) for part in value):
            return f"{len(value)} numbers, {fingerprint(json.dumps(value).encode())}"
        return [fold(part, files, name) for part in value]
    if isinstance(value, str):
        if value in files:
            return {"file": files[value]}
        if "version" in name.lower() or name in ("token", "identity"):
            return _RANDOM.sub("#", value)
        if len(value) > MOST_WORDS:
            return f"{value[:80]}… {fingerprint(plain(value).encode())}"
        return plain(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**40 and "version" in name.lower():
        return "#"
    return value


def without_numbers(value: Any) -> Any:
    """What is left of a chart of measured times: its form."""
    if isinstance(value, dict):
        return {
            key: "#" if key in ("x", "y", "customdata", "text", "alt") else without_numbers(value[key]) for key in value
        }
    return [without_numbers(part) for part in value] if isinstance(value, list) else value


def plain(words: str) -> str:
    """Words without measured times and without addresses of files."""
    return _ADDRESS.sub("(file)", _TIMES.sub("#", words))


def is_control(node: Any) -> bool:
    """Whether it is something to press, move or type into, of Streamlit's own."""
    if node.type in ("bidi_component", "main", "sidebar"):
        return False
    proto = getattr(node, "proto", None)
    return hasattr(proto, "DESCRIPTOR") and "label" in proto.DESCRIPTOR.fields_by_name


def widget_of(node: Any) -> dict[str, Any]:
    """A control: its kind, key, words, value, bounds and options."""
    from streamlit.elements.lib.utils import user_key_from_element_id as key_of

    proto = node.proto
    fields = proto.DESCRIPTOR.fields_by_name
    said: dict[str, Any] = {"type": node.type, "label": plain(proto.label)}
    if "id" in fields:
        said["key"] = key_of(proto.id)
    try:
        value = node.value if node.type not in ("button", "download_button", "page_link", "expandable") else None
    except (AttributeError, NotImplementedError, ValueError):
        value = None
    if isinstance(value, str | int | float | bool | list | tuple | None):
        said["value"] = list(value) if isinstance(value, tuple) else value
    for name in ("options", "min", "max", "step", "disabled", "horizontal", "max_chars", "help", "page"):
        if name not in fields:
            continue
        field = getattr(proto, name)
        if isinstance(field, str | int | float):
            said[name] = plain(field) if isinstance(field, str) else field
        else:
            options = [str(getattr(part, "content", part)) for part in field]
            said[name] = (
                fold(options, {}) if len(options) <= MOST_NUMBERS else fingerprint(json.dumps(options).encode())
            )
    return said


def words_of(node: Any) -> Iterator[str]:
    """What Streamlit's own elements say."""
    proto = getattr(node, "proto", None)
    if not hasattr(proto, "DESCRIPTOR"):
        return
    for name in ("body", "code_text"):
        field = proto.DESCRIPTOR.fields_by_name.get(name)
        if field is not None and isinstance(getattr(proto, name), str) and getattr(proto, name):
            yield f"{node.type}: {getattr(proto, name)}"


# -- comparing ---------------------------------------------------------------------------------------------------------


def compare(before: Any, after: Any) -> Iterator[str]:
    """The differences between two records, each in a line that names its place."""
    for page in dict.fromkeys([*before, *after]):
        if page not in before or page not in after:
            yield f"{page}: only in the {'second' if page in after else 'first'} record"
            continue
        for state in dict.fromkeys([*before[page], *after[page]]):
            place = f"{page} [{state}]"
            if state not in before[page] or state not in after[page]:
                yield f"{place}: only in the {'second' if state in after[page] else 'first'} record"
                continue
            first, second = before[page][state], after[page][state]
            yield from unlike(first["link"], second["link"], f"{place} link")
            yield from unlike(first["components"], second["components"], f"{place} component")
            yield from unlike(by_key(first["widgets"]), by_key(second["widgets"]), f"{place} control")
            for kind in ("errors", "exceptions", "words"):
                yield from unlike_words(first[kind], second[kind], f"{place} {kind}")


def by_key(widgets: list[dict[str, Any]]) -> dict[str, Any]:
    """The controls by their key, else by kind and label, so that a moved control is no difference but in its order."""
    named: dict[str, Any] = {}
    for widget in widgets:
        name = widget.get("key") or f"{widget['type']} “{widget['label'][:60]}”"
        while name in named:
            name += " again"
        named[name] = widget
    return {**named, "(order)": list(named)}


def unlike(before: Any, after: Any, place: str) -> Iterator[str]:
    """Where two values of the same place differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            if key not in after:
                yield f"{place} › {key}: gone (was {short(before[key])})"
            elif key not in before:
                yield f"{place} › {key}: new ({short(after[key])})"
            else:
                yield from unlike(before[key], after[key], f"{place} › {key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from unlike(one, other, f"{place} › {index}")
    elif before != after:
        yield f"{place}: {short(before)} became {short(after)}"


def unlike_words(before: list[str], after: list[str], place: str) -> Iterator[str]:
    """Which sentences went and came; their order alone is one difference."""
    gone, come = subtract(before, after), subtract(after, before)
    yield from (f"{place}: gone {short(words)}" for words in gone)
    yield from (f"{place}: new {short(words)}" for words in come)
    if not gone and not come and before != after:
        yield f"{place}: in another order"


def subtract(those: list[str], others: list[str]) -> list[str]:
    """Those that are not among the others, with their counts."""
    left = list(others)
    answer = []
    for words in those:
        if words in left:
            left.remove(words)
        else:
            answer.append(words)
    return answer


def short(value: Any) -> str:
    """A value in at most a line."""
    words = json.dumps(value, ensure_ascii=False)
    return words if len(words) <= 160 else f"{words[:100]} … {words[-50:]}"


if __name__ == "__main__":
    sys.exit(main())
