"""The plans for a class agree with the tours and challenges that they speak of, in both languages."""

from __future__ import annotations

import re
import unicodedata

import pytest

from pages.kit import tour
from pages.kit.language import ASSETS, LANGUAGES, catalogue
from tests.pages.test_tours import TOURS

LINK = re.compile(r"\[(?P<label>[^\]]*)\]\(\?tour=(?P<number>\d+)")
LABELS = {"en": "step {number}: {title}", "zh": "第 {number} 步：{title}"}
MENTION = {"en": r"\bsteps? (\d+)", "zh": r"第 (\d+) 步"}
KEY = {"en": r"^- \*\*(.+?):\*\* ", "zh": r"^- \*\*(.+?)：\*\* "}

EACH = pytest.mark.parametrize(("concept", "language"), [(name, language) for name in TOURS for language in LANGUAGES])


def notes_of(concept: str, language: str) -> str:
    """The plan of a page."""
    return (ASSETS / "lessons" / language / f"{concept}.teacher.md").read_text(encoding="utf-8")


@EACH
def test_a_plan_leads_through_every_step_by_its_title(concept: str, language: str) -> None:
    steps, notes = TOURS[concept], notes_of(concept, language)
    linked = [(found["label"], int(found["number"])) for found in LINK.finditer(notes)]
    assert [(label, number) for label, number in linked if number] == [
        (LABELS[language].format(number=number, title=tour.words_of(concept, step, language).title), number)
        for number, step in enumerate(steps, start=1)
    ]
    assert all(1 <= int(number) <= len(steps) for number in re.findall(MENTION[language], notes))


@pytest.mark.parametrize("concept", TOURS)
def test_a_plan_has_the_keys_to_challenges_that_there_are(concept: str) -> None:
    english, chinese = (
        re.findall(KEY[language], notes_of(concept, language), re.MULTILINE) for language in ("en", "zh")
    )
    known = catalogue("zh", concept)
    assert set(english) <= set(known)
    assert chinese == [known[title] for title in english]
    assert english or concept == "image_pyramid"  # whose challenges say themselves what is missing


def is_mark(character: str) -> bool:
    """Whether Markdown takes a character for punctuation."""
    return unicodedata.category(character)[0] in "PS"


@pytest.mark.parametrize("path", sorted((ASSETS / "lessons" / "zh").glob("*.md")), ids=lambda path: path.name)
def test_every_pair_of_asterisks_is_bold(path: object) -> None:
    """``**词：**词`` stays as it is typed: after punctuation the closing pair needs a space or punctuation."""
    for line in path.read_text(encoding="utf-8").splitlines():  # type: ignore[attr-defined]
        pairs = list(re.finditer(r"(?<![\\*])\*\*(?!\*)", line))
        for place, pair in enumerate(pairs):
            before, after = line[: pair.start()][-1:] or " ", line[pair.end() :][:1] or " "
            inner, outer = (after, before) if place % 2 == 0 else (before, after)
            assert not inner.isspace(), line
            assert not is_mark(inner) or outer.isspace() or is_mark(outer), line
