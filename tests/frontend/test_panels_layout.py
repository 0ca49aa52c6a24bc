"""The panels' frames: what stream.js looks for is there, controls are labelled, themes are complete."""

import json

import plotly.graph_objects as go
import pytest

from backend.schemas.events import EVENT_KINDS
from frontend import documents, ids, theme
from frontend.panels.base import PanelView
from frontend.panels.registry import PANELS
from frontend.panels.stream import lane_styles, stream_script


def attributes(view: PanelView, name: str) -> list[str]:
    frame = view.layout()
    found = [getattr(node, name, None) for node in (frame, *frame._traverse()) if not isinstance(node, str)]
    return [value for value in found if value is not None]


@pytest.mark.parametrize("view", PANELS, ids=lambda view: view.panel.name)
def test_a_frame_has_what_the_script_looks_for(view: PanelView) -> None:
    assert attributes(view, "data-panel") == [view.panel.name]
    assert attributes(view, "data-graph") == [graph.name for graph in view.panel.graphs]
    for name in ("data-words", "data-line", "data-fullscreen"):
        assert len(attributes(view, name)) == 1, name
    assert len(attributes(view, "data-table")) == view.panel.tabular
    assert len(attributes(view, "data-series")) == any(graph.page for graph in view.panel.graphs)


@pytest.mark.parametrize("view", PANELS, ids=lambda view: view.panel.name)
def test_controls_belong_to_the_view_and_are_labelled(view: PanelView) -> None:
    named = [node for node in view.layout()._traverse() if isinstance(getattr(node, "id", None), dict)]
    controls = [node for node in named if node.id["type"] == "choice"]
    assert [node.id for node in controls] == [
        ids.choice(f"{view.panel.name}.{choice.name}") for choice in view.panel.choices
    ]
    for node, choice in zip(controls, view.panel.choices, strict=True):
        assert getattr(node, "aria-label") == choice.label
        assert node.value == node.data[0]["value"] == choice.options[0].value


@pytest.mark.parametrize("view", PANELS, ids=lambda view: view.panel.name)
def test_a_question_mark_opens_what_explains_the_panel(view: PanelView) -> None:
    ids_here = [getattr(node, "id", None) for node in view.layout()._traverse()]
    assert ids_here.count(ids.panel_docs(view.panel.name)) == 1
    assert view.panel.docs, f'name the documents of the panel {view.panel.name}: Panel(docs=("analyses/…",))'
    for name in view.panel.docs:
        shown = documents.read(name)
        assert shown is not None, f"there is no docs/{name}.md"
        for heading in ("What you see", "What it means", "Equation", "Cost", "Limits", "Paper"):
            assert f"**{heading}" in shown.opening, f"{name}: {heading} is missing"


@pytest.mark.parametrize("view", PANELS, ids=lambda view: view.panel.name)
def test_an_empty_panel_says_what_to_do(view: PanelView) -> None:
    words = view.panel.words
    assert all(sentence.endswith(".") for sentence in (words.empty, words.loading, words.absent))
    assert attributes(view, "data-state") == ["empty"]


def test_the_script_knows_every_kind_and_both_themes() -> None:
    settings = json.loads(stream_script().children)
    assert settings["kinds"] == [kind.model_fields["kind"].default for kind in EVENT_KINDS]
    assert set(settings["themes"]) == set(theme.SCHEMES)
    for scheme in theme.SCHEMES:
        template = settings["themes"][scheme]["template"]
        go.layout.Template(template)
        assert template["layout"]["font"]["color"] == theme.PALETTE[scheme]["text"]


@pytest.mark.parametrize("scheme", theme.SCHEMES)
def test_eight_lanes_differ_in_colour_and_in_line_or_symbol(scheme: theme.Scheme) -> None:
    styles = lane_styles(scheme)
    assert len({style["color"] for style in styles}) == 8
    assert len({(style["dash"], style["symbol"]) for style in styles}) == 8
    assert all(style["hollow"] == f"{style['symbol']}-open" for style in styles)
