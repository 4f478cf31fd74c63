"""The words that an editor may offer while a program is typed."""

from __future__ import annotations

import keyword

from vizcore.autograd import vocabulary
from vizcore.autograd.words import Namespace


def list_words() -> dict[str, dict[str, list[str]] | list[str]]:
    """The vocabulary by place.

    Returns:
        ``modules``: a namespace as it is written → the words behind its dot; ``methods``: what stands behind the dot
        of a tensor; ``functions``: Python's functions and keywords.
    """
    modules: dict[str, list[str]] = {}

    def add(path: str, namespace: Namespace) -> None:
        modules[path] = sorted(namespace.words)
        for name, word in namespace.words.items():
            if isinstance(word, Namespace):
                add(f"{path}.{name}", word)

    for path, namespace in vocabulary.NAMESPACES.items():
        add(path, namespace)
    methods = sorted({*vocabulary.TENSOR_METHODS, *vocabulary.TENSOR_ATTRIBUTES})
    return {
        "modules": modules,
        "methods": methods,
        "functions": sorted({*vocabulary.PYTHON_FUNCTIONS, *keyword.kwlist}),
    }
