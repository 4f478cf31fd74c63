"""English and Chinese at full parity: no missing label, no untranslated one, no lesson without its twin."""

from __future__ import annotations

import re
import string
from collections import Counter
from pathlib import Path

import pytest

from pages.kit import language
from tests.pages.labels import ROOT, concept_files, kit_files, labels_of
from vizcore.models.efficientnet_lite import imagenet_categories

CONCEPTS = sorted(path.parent.name for path in (ROOT / "pages").glob("*/page.py") if path.parent.name != "kit")
LESSONS = sorted((ROOT / "assets" / "lessons" / "en").glob("*.md"))
# Labels that are the same in both languages: names of operators, losses and files.
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def fields(text: str) -> set[str]:
    """Names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def registered_titles() -> set[str]:
    """Headings and titles in the page registry."""
    import ast

    tree = ast.parse((ROOT / "app.py").read_text(encoding="utf-8"))
    table = next(node.value for node in tree.body if isinstance(node, ast.Assign))
    sections = ast.literal_eval(table)
    return {heading for heading in sections if heading} | {
        title for pages in sections.values() for _, title, _ in pages
    }


def test_every_shared_label_is_translated() -> None:
    # A piece of the kit may have a catalogue of its own name (graph.py: graph.po) beside the shared one.
    known = set(language.catalogue("zh", "kit"))
    assert sorted(registered_titles() - known) == []
    for path in kit_files():
        assert sorted(labels_of(path) - known - set(language.catalogue("zh", path.stem))) == [], path.name


@pytest.mark.parametrize("concept", CONCEPTS)
def test_every_label_of_a_page_is_translated(concept: str) -> None:
    known = language.catalogue("zh", "kit") | language.catalogue("zh", concept)
    wanted = set().union(*(labels_of(path) for path in concept_files(concept)))
    assert wanted, "the reader of labels found none: it no longer understands this page"
    assert sorted(wanted - set(known)) == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "assets" / "locale" / "zh" / "LC_MESSAGES").glob("*.po")), ids=lambda path: path.stem
)
def test_translations_keep_their_values(path: Path) -> None:
    for message, translation in language.catalogue("zh", path.stem).items():
        assert fields(message) == fields(translation), message


@pytest.mark.parametrize(
    "path", sorted((ROOT / "assets" / "locale" / "zh" / "LC_MESSAGES").glob("*.po")), ids=lambda path: path.stem
)
def test_sentences_are_really_in_chinese(path: Path) -> None:
    for message, translation in language.catalogue("zh", path.stem).items():
        if len(re.findall(r"[a-z]{2,}", message)) >= 5:
            assert _CHINESE.search(translation), message


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lessons_have_a_twin_with_the_same_sections(path: Path) -> None:
    english = language.lesson_sections(path.stem, "en")
    chinese = language.lesson_sections(path.stem, "zh")
    assert list(english) == list(chinese)
    for name, text in chinese.items():
        assert _CHINESE.search(text), f"section {name} is not in Chinese"
        assert not _CHINESE.search(english[name]), f"section {name} is not in English"


def test_no_chinese_lesson_is_alone() -> None:
    folder = ROOT / "assets" / "lessons"
    assert {path.name for path in (folder / "zh").glob("*.md")} == {path.name for path in LESSONS}


def test_a_line_break_in_chinese_prose_is_no_space() -> None:
    assert "\n" not in language.lesson_sections("home", "zh")["claim"]


def test_every_class_of_imagenet_has_a_chinese_name_of_its_own() -> None:
    said = language.catalogue("zh", "classes")
    names = {name: said.get(name, "") for name in imagenet_categories()}
    assert [name for name, chinese in names.items() if not _CHINESE.search(chinese)] == []
    shared = [chinese for chinese, count in Counter(names.values()).items() if count > 1]
    assert shared == []
    assert (said["kite bird"], said["kite"]) == ("鸢", "风筝")  # ImageNet's bird, COCO's toy
