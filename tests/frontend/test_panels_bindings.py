"""Panels are data: whatever they name must exist, and what they draw must be a figure that Plotly takes."""

import json
import re
from typing import Any

import plotly.graph_objects as go
import pytest
from pydantic import TypeAdapter

from backend.schemas.analysis import AnyAnalysis
from backend.schemas.events import EVENT_KINDS
from backend.schemas.panels import Binding, Channel, Column, Graph, Panel, Phrase, Pick, Source
from backend.schemas.problem import DataProblem
from backend.schemas.problem.model import CnnModel
from backend.schemas.run import TrainRequest
from frontend.panels.base import PanelView
from frontend.panels.registry import PANELS

ANALYSIS: TypeAdapter[Any] = TypeAdapter(AnyAnalysis)
EVENTS = {kind.model_fields["kind"].default: kind for kind in EVENT_KINDS}
PANEL_LIST = [view.panel for view in PANELS]
BINDINGS = [(panel, binding) for panel in PANEL_LIST for binding in panel.bindings]
BINDING_IDS = [f"{panel.name}-{number}" for number, (panel, _) in enumerate(BINDINGS)]
GRAPHS = [(panel, graph) for panel in PANEL_LIST for graph in panel.graphs]
RUN_FIELDS = {"run.name", "run.status", "run.paused", "run.kind", "past"}
ASKED = {"run.request.problem.model.norm", "run.request.problem.data.kind"}
LANE_FIELDS = {"lane.title", "lane.name", "lane.optimizer.kind"}
MOSAIC = {"even", "coarsest", "finest", "least_fraction", "known", "holes"}  # what a picture of tiles says of itself
STYLES = {"color", "tint", "dash", "symbol", "hollow", "ink", "paper", "muted"}


def sources_of(panel: Panel) -> list[Source]:
    said = [*panel.phrases, *(phrase for cell in panel.cells for phrase in cell.phrases)]
    pages = [graph.page.source for graph in panel.graphs if graph.page]
    return [*(binding.source for binding in panel.bindings), *pages, *(p.source for p in said if p.source)]


def columns_of(channel: Channel | None) -> list[Column]:
    if channel is None:
        return []
    return list(channel.columns.values()) if isinstance(channel, Pick) else [channel]


def fields_in(template: str) -> set[str]:
    return {match.group(1) for match in re.finditer(r"\{([\w.]+)(?::\w+)?\}", template)}


def known_fields(source: Source | None) -> set[str]:
    own = set(EVENTS[source.kind].model_fields) if source else set()
    if source and source.how == "mosaic":
        own |= MOSAIC
    return own | RUN_FIELDS | ASKED | LANE_FIELDS


def options(panel: Panel) -> dict[str, set[str]]:
    return {choice.name: {option.value for option in choice.options} for choice in panel.choices}


def selectable(panel: Panel) -> dict[str, set[str]]:
    """What patches may ask for: the choices' values, and the titled ones of the selector."""
    return options(panel) | ({panel.sort.key: set(panel.sort.titles)} if panel.sort else {})


@pytest.mark.parametrize("panel", PANEL_LIST, ids=lambda panel: panel.name)
def test_sources_name_kinds_and_fields_that_exist(panel: Panel) -> None:
    for source in sources_of(panel):
        fields = EVENTS[source.kind].model_fields
        assert set(source.keys) <= set(fields), source
        assert set(source.where) <= set(fields), source


@pytest.mark.parametrize(("panel", "binding"), BINDINGS, ids=BINDING_IDS)
def test_bindings_name_fields_that_exist(panel: Panel, binding: Binding) -> None:
    assert set(binding.where) <= set(EVENTS[binding.source.kind].model_fields)
    for channel in (binding.x, binding.y, binding.z, binding.error, binding.error_x, binding.low, binding.high):
        for column in columns_of(channel):
            kind = column.kind or binding.source.kind
            assert column.field.partition(".")[0] in EVENTS[kind].model_fields, column  # of an array: name.i
            assert column.one_of is None or column.one_of in EVENTS[kind].model_fields
            assert column.along is None or column.along in EVENTS["plane"].model_fields
    channels = {"x", "y", "z"}
    for template in (binding.name, binding.hover, binding.label):
        named = {re.sub(r"\.\d+$", "", field) for field in fields_in(template or "")}  # of an array: name.i
        assert named <= known_fields(binding.source) | channels, template
    assert set(binding.paint.values()) <= STYLES
    assert binding.faint_beside is None or binding.faint_beside in EVENTS
    assert binding.graph in {graph.name for graph in panel.graphs}


@pytest.mark.parametrize("panel", PANEL_LIST, ids=lambda panel: panel.name)
def test_choices_that_are_named_are_offered(panel: Panel) -> None:
    offered = selectable(panel)
    conditions = [
        *(graph.when for graph in panel.graphs),
        *(patch.when for graph in panel.graphs for patch in graph.patches),
        *(graph.scale.when for graph in panel.graphs if graph.scale),
        *(graph.cursor for graph in panel.graphs if graph.cursor is not None),
        *(binding.when for binding in panel.bindings),
    ]
    for when in conditions:
        assert all(set(values) <= offered[name] for name, values in when.items()), when
    for binding in panel.bindings:
        for channel in (binding.x, binding.y, binding.z, binding.error):
            if isinstance(channel, Pick):
                assert set(channel.columns) <= offered[channel.choice], channel


@pytest.mark.parametrize(("panel", "graph"), GRAPHS, ids=lambda value: value.name)
def test_every_value_of_every_choice_draws_something(panel: Panel, graph: Graph) -> None:
    mine = [binding for binding in panel.bindings if binding.graph == graph.name]
    for name, values in options(panel).items():
        for value in values:
            picks = [b for b in mine if all(_drawn(channel, name, value) for channel in (b.x, b.y))]
            assert picks, (name, value)


def _drawn(channel: Channel, choice: str, value: str) -> bool:
    return not isinstance(channel, Pick) or channel.choice != choice or value in channel.columns


@pytest.mark.parametrize("panel", PANEL_LIST, ids=lambda panel: panel.name)
def test_texts_name_fields_that_exist(panel: Panel) -> None:
    phrases: list[Phrase] = [*panel.phrases, *(phrase for cell in panel.cells for phrase in cell.phrases)]
    for phrase in phrases:
        assert fields_in(phrase.text) | set(phrase.where) <= known_fields(phrase.source), phrase


def test_what_texts_take_from_the_request_is_in_its_spec() -> None:
    request = TrainRequest(problem=DataProblem(model=CnnModel())).model_dump()
    for place in ASKED:
        value: Any = {"run": {"request": request}}
        for name in place.split("."):
            value = value[name]
        assert isinstance(value, str)


@pytest.mark.parametrize(("panel", "graph"), GRAPHS, ids=lambda value: value.name)
def test_pages_scales_and_ranges_refer_to_what_is_drawn(panel: Panel, graph: Graph) -> None:
    mine = [binding for binding in panel.bindings if binding.graph == graph.name]
    kinds = {binding.source.kind for binding in mine}
    if graph.page:
        assert graph.page.field in graph.page.source.keys
        assert set(graph.page.series) <= set(graph.page.source.keys)
        assert set(graph.page.needs) <= kinds
        assert all(graph.page.field in b.source.keys for b in mine)
        assert set(graph.titles.values()) <= set(EVENTS[graph.page.source.kind].model_fields)
    for reference in graph.fit.values():
        kind, channel = reference.split(".")
        assert any(b.source.kind == kind and getattr(b, channel) is not None for b in mine)
    for reference in graph.scale.columns if graph.scale else ():
        kind, field = reference.split(".")
        assert kind in kinds
        assert field in EVENTS[kind].model_fields


@pytest.mark.parametrize("panel", PANEL_LIST, ids=lambda panel: panel.name)
def test_what_is_looked_for_is_an_analysis_that_the_panel_draws(panel: Panel) -> None:
    if panel.look is not None:
        found = ANALYSIS.validate_json(json.dumps(panel.look))
        assert found.kind in ([panel.asked] if isinstance(panel.asked, str) else panel.asked or ())
    if panel.sort is not None:
        assert panel.sort.key in {key for source in sources_of(panel) for key in source.keys}
        assert panel.sort.key not in {choice.name for choice in panel.choices}
        assert "{value}" in panel.sort.title


@pytest.mark.parametrize(("panel", "binding"), BINDINGS, ids=BINDING_IDS)
def test_traces_are_plotly_s_own(panel: Panel, binding: Binding) -> None:
    trace: dict[str, Any] = {key: value for key, value in binding.trace.items() if key != "coloraxis"}
    kind = trace["type"]
    made = go.Figure(data=[trace]).data[0]
    assert made.type == kind


@pytest.mark.parametrize(("panel", "graph"), GRAPHS, ids=lambda value: value.name)
def test_layouts_are_plotly_s_own_with_every_patch(panel: Panel, graph: Graph) -> None:
    layout = go.Layout(graph.layout)
    for patch in graph.patches:
        layout.update(patch.layout)
    assert layout.to_plotly_json()


@pytest.mark.parametrize("view", PANELS, ids=lambda view: view.panel.name)
def test_a_panel_travels_to_the_browser_unchanged(view: PanelView) -> None:
    assert Panel.decode(view.panel.encode()) == view.panel
    script = [node for node in view.layout()._traverse() if getattr(node, "type", None) == "application/json"]
    assert [Panel.decode(node.children) for node in script] == [view.panel]


def test_graphs_and_panels_have_names_of_their_own() -> None:
    graphs = [graph.name for _, graph in GRAPHS]
    assert len(set(graphs)) == len(graphs)
    assert len({panel.name for panel in PANEL_LIST}) == len(PANEL_LIST)
