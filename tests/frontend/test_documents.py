"""The documentation as the page reads it."""

import re

import pytest

from frontend import documents
from frontend.pages import PAGES
from frontend.panels.documentation import pages_of
from frontend.panels.registry import PANELS


def texts(name: str) -> list[str]:
    shown = documents.read(name)
    assert shown is not None
    return [shown.opening, *(part.text for part in shown.parts)]


@pytest.mark.parametrize("name", documents.names())
def test_every_document_has_a_title_and_links_that_lead_somewhere(name: str) -> None:
    shown = documents.read(name)
    assert shown is not None
    assert shown.title
    assert len({part.anchor for part in shown.parts}) == len(shown.parts)
    for text in texts(name):
        assert "<!--" not in text
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            address, _, anchor = target.partition("#")
            if address.startswith("https://"):
                continue
            assert address.startswith(documents.ADDRESS), target
            below = address.removeprefix(documents.ADDRESS).removeprefix("/") or documents.HOME
            found = documents.read(below)
            assert found is not None, target
            assert not anchor or anchor in {part.anchor for part in found.parts}, target


def test_parts_are_split_at_headings_but_not_inside_code() -> None:
    shown = documents.read("problems")
    assert shown is not None
    assert "Digits" in {part.title for part in shown.parts}
    for name in documents.names():
        assert all(text.count("```") % 2 == 0 for text in texts(name)), name


def test_the_contents_list_documents_that_are_there() -> None:
    groups = documents.contents()
    entries = [name for group in groups for name, _ in group.entries]
    assert {"README", "analyses/surface", "optimizers", "reference/events"} <= set(entries)
    assert set(entries) <= set(documents.names())
    assert len(set(entries)) == len(entries)


def test_every_analysis_is_in_the_contents() -> None:
    entries = {name for group in documents.contents() for name, _ in group.entries}
    assert {name for name in documents.names() if name.startswith("analyses/")} <= entries


@pytest.mark.parametrize("name", ["", "../README", "analyses/../presets", "/etc/passwd", "nothing"])
def test_nothing_else_is_read(name: str) -> None:
    assert documents.read(name) is None


def test_addresses_lead_to_their_pages() -> None:
    docs = next(page for page in PAGES if page.path == documents.ADDRESS)
    for name in documents.names():
        assert docs.at(documents.address_of(name)) is not None
    assert docs.at("/docs/nothing") is None
    assert all(page.at("/docs/presets") is None for page in PAGES if page is not docs)


def test_links_to_files_outside_are_plain_text() -> None:
    assert "[`backend/jobs/store.py`]" not in " ".join(texts("architecture"))


@pytest.mark.parametrize("view", PANELS, ids=lambda view: view.panel.name)
def test_a_panel_shows_all_of_its_documents(view: object) -> None:
    from frontend.panels.base import PanelView

    assert isinstance(view, PanelView)
    assert len(pages_of(view)) == len(view.panel.docs)
