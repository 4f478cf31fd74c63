# ruff: noqa: E501  (a table of short texts reads best)
"""What a stranger wrote is shown as it is written: no Markdown of it is carried out."""

from __future__ import annotations

import re

import pytest

from pages.kit.language import escape_markdown, escaped, explain
from vizcore.errors import ExplainedError

HOSTILE = [
    "![a](http://host/x.png)", "[a](http://host)", "<img src=x>", "<b>", "$x^2$", "$$x$$", ":material/check:", ":red[a]", ":red-background[a]", "**a**", "_a_",
    "`a`", "~~a~~", "# a", "> a", "- a", "+ a", "1. a", "2) a", "---", "===", "a\n\n    code", "a\n===", "| a | b |\n|---|---|", "&lt;", "\\*", "http://host/p",
    "https://host", "www.host.org", "a@b.org", ":smile:", "[^1]", "[a]: http://host", "```\na\n```", "!\\[](x)", "{.a}",
]  # fmt: skip


def seen(markdown: str) -> str:
    """What a reader sees where every backslash before punctuation is Markdown's."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown).replace("\u2060", "")


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_it_is_carried_out(text: str) -> None:
    escaped_text = escape_markdown(text)
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "x", escaped_text)  # what is left for Markdown to act on
    assert not re.search(r"[\\`*_\[\]<>&$~|#!:^{}]", bare)
    assert not re.search(r"^\s*(\d+[.)]|[-+=])", bare, re.MULTILINE)
    assert not re.search(r"\n\s*\n|\n[ \t]", escaped_text)
    plain = escaped_text.replace("\\", "")
    assert not re.search(r"https?:|www\.|\S@\w|:\w+:|:material/\w+:", plain)  # found in the text, backslashes or not


@pytest.mark.parametrize("text", HOSTILE)
def test_it_is_still_to_be_read(text: str) -> None:
    assert seen(escape_markdown(text)).split() == text.split()


@pytest.mark.parametrize("text", ["4,096 elements", "x (y) 'z' 0.5", "中文。", "a / b", ""])
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert escape_markdown(text) == text


def test_errors_quote_what_fills_them() -> None:
    error = ExplainedError("No file {name} of {limit} MB.", name="![a](b)", limit=20)
    assert explain(error, lambda template, **values: template.format(**values)) == r"No file \!\[a\](b) of 20 MB."
    assert explain(ValueError("*a*"), str) == r"\*a\*"
    assert escaped({"a": "_", "b": 2.5}) == {"a": r"\_", "b": 2.5}
