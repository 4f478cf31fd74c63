"""One Chinese word for one term: what ``assets/locale/glossary.md`` rules out stands in no label and in no lesson."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from pages.kit import language
from tests.pages.labels import ROOT

_LOCALE = ROOT / "assets" / "locale"
CATALOGUES = sorted(path.stem for path in (_LOCALE / "zh" / "LC_MESSAGES").glob("*.po"))
LESSONS = sorted(path.stem for path in (ROOT / "assets" / "lessons" / "zh").glob("*.md"))


def rules() -> list[tuple[str, str, str, str]]:
    """Rows of the glossary, one for each thing ruled out: term, its Chinese, English condition (or ""), pattern."""
    found = []
    for line in (_LOCALE / "glossary.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| ") or cells[0] == "English":
            continue
        assert len(cells) == 3, line
        assert all(cells), line
        for entry in re.findall(r"`([^`]+)`", cells[2]):
            condition, separator, pattern = entry.rpartition(": ")
            found.append((cells[0], cells[1], condition if separator else "", pattern))
    return found


def broken(english: str, chinese: str) -> Iterator[str]:
    """What the Chinese of a text says against the glossary."""
    for term, wanted, condition, pattern in rules():
        if re.search(condition, english, re.IGNORECASE) and (seen := re.search(pattern, chinese)):
            yield f"{term}: {wanted}, not {seen[0]}, in “{chinese[max(0, seen.start() - 20) : seen.end() + 20]}”"


def texts(lesson: str, spoken: str) -> dict[str, str]:
    """A lesson's sections by name; a teacher's plan has none and is one text."""
    whole = (ROOT / "assets" / "lessons" / spoken / f"{lesson}.md").read_text(encoding="utf-8")
    return language.lesson_sections(lesson, spoken) or {"": whole}


@pytest.mark.parametrize("concept", [name for name in CATALOGUES if name != "classes"])
def test_labels_use_the_terms_of_the_glossary(concept: str) -> None:
    said = language.catalogue("zh", concept).items()
    assert [found for english, chinese in said for found in broken(english, chinese)] == []


@pytest.mark.parametrize("concept", LESSONS)
def test_lessons_use_the_terms_of_the_glossary(concept: str) -> None:
    english, chinese = texts(concept, "en"), texts(concept, "zh")
    assert [found for name, text in chinese.items() for found in broken(english.get(name, ""), text)] == []


def test_the_glossary_is_read_and_does_not_rule_out_its_own_words() -> None:
    table = rules()
    assert len({term for term, *_ in table}) >= 80
    for term, wanted, _, pattern in table:
        assert not re.search(pattern, wanted), f"{term}: {pattern} rules out {wanted}"


@pytest.mark.parametrize(
    ("english", "chinese", "refused"),
    [
        ("a stride of 2", "步长为 2", True),
        ("a smaller step", "更小的步长", False),
        ("activations", "激活超过三倍", True),
        ("activations", "激活值超过三倍", False),
        ("the way back", "回传途中", True),
    ],
)
def test_the_check_tells_right_from_wrong(english: str, chinese: str, refused: bool) -> None:
    assert bool(list(broken(english, chinese))) == refused
