"""English and Chinese: labels from gettext catalogues, prose from lesson files.

The English label is the message id. Each concept has its catalogue ``assets/locale/zh/LC_MESSAGES/<concept>.po``; what
several pages say stands in ``kit.po``. Catalogues are read as they are written (no compiled copy that could lag
behind).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import streamlit as st
from babel.messages.pofile import read_po

ASSETS = Path(__file__).resolve().parents[2] / "assets"
LANGUAGES = {"en": "English", "zh": "中文"}
# Chinese has no spaces: a line break inside a paragraph must not become one.
_CHINESE_BREAK = re.compile(
    r"(?<=[\u3001-\u303f\u4e00-\u9fff\uff00-\uffef*`])\n(?=[\u4e00-\u9fff\u300a-\u3011\uff08*`])"
)
_SECTION = re.compile(r"^<!-- section: ([a-z0-9_]+) -->\s*$", re.MULTILINE)

# Everything by which Markdown, its mathematics and Streamlit's directives begin something.
_SPECIAL = re.compile(r"[\\`*_\[\]<>&$~|#!:^{}]")
_LINE_START = re.compile(r"^(\d*)([-+=.)])", re.MULTILINE)
_JOINER = "\u2060"
_APART = re.compile(r"https?(?=:)|\bwww(?=\.)|(?<=\S)@(?=\S)|:(?=[\w+/-]+:)", re.IGNORECASE)

Translate = Callable[..., str]


def current_language() -> str:
    """The language of this run: the session's, else what was asked for."""
    chosen = st.session_state.get("shell", {}).get("lang")
    return chosen if chosen in LANGUAGES else asked_language()


def asked_language() -> str:
    """The language that the link names, else the browser's, else English."""
    asked = st.query_params.get("lang")
    if asked in LANGUAGES:
        return asked
    return "zh" if (st.context.locale or "").lower().startswith("zh") else "en"


def translator(concept: str, language: str | None = None) -> Translate:
    """A function that says an English label in the current language.

    Args:
        concept: whose catalogue is asked first; ``kit`` is asked next, and English is the last resort.
        language: ``en`` or ``zh``; the current one if None.

    Returns:
        ``translate(message, **values)``: values fill the ``{names}`` of the message.
    """
    language = language or current_language()
    known = {} if language == "en" else {**catalogue(language, "kit"), **catalogue(language, concept)}

    def translate(message: str, /, **values: object) -> str:
        text = known.get(message, message)
        return text.format(**values) if values else text

    return translate


def explain(error: Exception, translate: Translate) -> str:
    """The sentence of one of our errors (``template`` and ``values``) in the reader's language, as Markdown.

    What fills the template (names of files, of parameters, texts of other libraries) is quoted, never interpreted.
    """
    template = getattr(error, "template", None)
    if template is None:
        return escape_markdown(str(error))
    return translate(template, **escaped(getattr(error, "values", {})))


def escaped(values: Mapping[str, object]) -> dict[str, object]:
    """Values for a translated template that is shown as Markdown: texts are escaped, numbers stay as they are."""
    return {name: escape_markdown(value) if isinstance(value, str) else value for name, value in values.items()}


def escape_markdown(text: str) -> str:
    """A stranger's text so that Streamlit's Markdown shows it as it is written.

    No image is fetched, no link, formula, icon, colour, tag, list or heading is made of it. Some addresses and icon
    names are recognised only after Markdown has taken its backslashes away; an invisible character keeps them apart.

    Args:
        text: as it came in.

    Returns:
        Markdown, to be put into a sentence or to stand alone.
    """
    text = _APART.sub(lambda found: found[0] + _JOINER, text)
    text = _SPECIAL.sub(r"\\\g<0>", text)
    text = re.sub(r"\s*\n\s*", "\n", text.strip())  # no paragraph ends, nothing is indented like code
    return _LINE_START.sub(r"\g<1>\\\g<2>", text)


@functools.lru_cache(maxsize=32)
def catalogue(language: str, concept: str) -> dict[str, str]:
    """The translated labels of one concept; empty when it has none."""
    path = ASSETS / "locale" / language / "LC_MESSAGES" / f"{concept}.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        entries = read_po(file, locale=language)
    return {str(entry.id): str(entry.string) for entry in entries if entry.id and entry.string}


@functools.lru_cache(maxsize=32)
def lesson_sections(concept: str, language: str) -> dict[str, str]:
    """The sections of a lesson, by the name in their ``<!-- section: name -->`` line."""
    text = (ASSETS / "lessons" / language / f"{concept}.md").read_text(encoding="utf-8")
    parts = _SECTION.split(text)
    if language == "zh":
        parts = [join_lines(part) for part in parts]
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


@functools.lru_cache(maxsize=64)
def teacher_notes(concept: str, language: str) -> str:
    """The plan of a class on one concept, Markdown; empty where there is none yet."""
    path = ASSETS / "lessons" / language / f"{concept}.teacher.md"
    if not path.exists():
        return ""
    text = path.read_text(encoding="utf-8")
    return join_lines(text) if language == "zh" else text


def join_lines(text: str) -> str:
    """Chinese Markdown with its paragraphs on one line each; a heading stays a line of its own."""
    lines = re.split(r"(?m)^(#.*\n?)", text)
    return "".join(line if line.startswith("#") else _CHINESE_BREAK.sub("", line) for line in lines)
