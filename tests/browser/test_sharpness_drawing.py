"""What the sharpness panel draws from a stream of events."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from backend.schemas import events
from frontend.theme import PALETTE
from tests.browser.stream_page import Stage

pytestmark = pytest.mark.browser
GRAPH = "sharpness"
LANES = ("SGD", "Adam")


@pytest.fixture
def page(opened: Stage) -> Iterator[Stage]:
    opened.source.add("a", "first", LANES, probes=("sharpness",))
    yield opened
    opened.show()
    opened.source.clear()
    assert opened.complaints == []


def started() -> events.Started:
    return events.Started(device="cpu", dtype="float64", parameters=9, examples=9, lanes=LANES)


def chunk(lane: str, first: int, **thresholds: float) -> events.TrainChunk:
    columns: dict[str, Any] = {name: np.ones(5) for name in ("loss", "grad_norm", "lr", "seconds")}
    edges: dict[str, Any] = {name: np.full(5, value) for name, value in thresholds.items()}
    return events.TrainChunk(lane=lane, step=np.arange(first, first + 5, dtype=np.int32), **columns, **edges)


def told(lane: str, step: int, value: float, preconditioned: float | None = None, **fields: Any) -> events.Sharpness:
    usual: dict[str, Any] = {
        "threshold": None, "preconditioned_threshold": None, "residual": 0.01, "preconditioned_residual": None,
        "converged": True, "products": 6,
    }  # fmt: skip
    scaled = None if preconditioned is None else np.array([preconditioned, 1.0])
    fields = usual | fields
    return events.Sharpness(lane=lane, step=step, values=np.array([value, 0.5]), preconditioned=scaled, **fields)


def test_values_stand_beside_thresholds_that_move_at_once(page: Stage) -> None:
    page.open("a")
    page.emit("a", started(), told("SGD", 0, 4.0), chunk("SGD", 1, threshold=10.0), told("SGD", 5, 6.0))
    page.emit("a", chunk("SGD", 6, threshold=20.0))
    page.painted(GRAPH)
    threshold, value = [t for t in page.traces(GRAPH) if t["name"] == "SGD" and t["mode"] == "lines"]
    assert (threshold["x"], threshold["y"]) == (list(range(1, 11)), [10.0] * 5 + [20.0] * 5)
    assert (value["x"], value["y"]) == ([0, 5], [4.0, 6.0])
    assert threshold["line"]["color"] == value["line"]["color"]
    assert page.line("sharpness") == "thin dashes: above them, steps grow · 6 products a look"


def test_preconditioned_values_begin_where_there_are_some(page: Stage) -> None:
    page.open("a", sharpness__matrix="preconditioned")
    first = told("Adam", 0, 4.0, preconditioned_threshold=19000.0)
    others = [told("Adam", step, 4.0, 100.0 * step, preconditioned_threshold=19000.0) for step in (5, 10)]
    page.emit("a", started(), first, chunk("Adam", 1, preconditioned_threshold=19000.0), *others, told("SGD", 5, 6.0))
    page.painted(GRAPH)
    threshold, value = [t for t in page.traces(GRAPH) if t["mode"] == "lines"]
    assert threshold["name"] == value["name"] == "Adam"
    assert set(threshold["y"]) == {19000.0}
    assert (value["x"], value["y"]) == ([0, 5, 10], [None, 500.0, 1000.0])


def test_the_end_of_the_flow_stands_beside_the_same_threshold(page: Stage) -> None:
    page.open("a", sharpness__matrix="flow")
    ends = [told("SGD", step, 4.0, flow=flow, flow_gradients=60) for step, flow in ((0, 6.7), (5, 6.1), (10, math.nan))]
    page.emit("a", started(), chunk("SGD", 1, threshold=6.5), *ends)
    page.painted(GRAPH)
    threshold, value = [t for t in page.traces(GRAPH) if t["mode"] == "lines"]
    assert set(threshold["y"]) == {6.5}
    assert (value["x"], value["y"][:2]) == ([0, 5, 10], [6.7, 6.1])
    assert value["y"][2] is None  # a flow that did not end is a gap
    assert page.line("sharpness").endswith("flow: 60 gradients")


def test_what_has_not_converged_is_hollow_with_its_residual(page: Stage) -> None:
    page.open("a")
    page.emit("a", started(), told("SGD", 0, 4.0), told("SGD", 5, 6.0, converged=False, residual=1.5))
    page.painted(GRAPH)
    [hollow] = [t for t in page.traces(GRAPH) if "error_y" in t]
    assert hollow["marker"]["color"] == PALETTE["light"]["ground"] != hollow["marker"]["line"]["color"]
    assert (hollow["x"], hollow["y"], hollow["error_y"]["array"]) == ([5], [6.0], [1.5])
    assert page.line("sharpness").endswith("not converged")


def test_a_choice_that_draws_nothing_says_so(page: Stage) -> None:
    page.open("a", sharpness__matrix="preconditioned")
    page.emit("a", started(), told("SGD", 0, 4.0))
    page.painted(GRAPH)
    page.wait_words(
        "sharpness",
        "Nothing to draw here: P⁻¹H is of rules that divide the gradient by P, as Adam does; the end of the flow is "
        "switched on in the settings of the probe.",
    )
    page.show("a")
    page.wait_words("sharpness", "")


def test_the_panel_is_there_where_a_run_asks_for_it(page: Stage) -> None:
    page.source.add("b", "second", LANES)
    page.open("b")
    page.wait_state("curves", "loading")
    assert page.page.is_hidden("[data-panel=sharpness]")
    page.show("b", "a")
    page.page.wait_for_selector("[data-panel=sharpness]", state="visible")
    page.wait_state("sharpness", "loading")


def test_a_diverged_lane_ends_in_a_cross_at_its_last_finite_value(page: Stage) -> None:
    page.open("a")
    page.emit("a", started(), told("SGD", 0, 4.0), chunk("SGD", 1, threshold=10.0), told("SGD", 5, 30.0))
    page.emit("a", chunk("SGD", 6), told("SGD", 10, math.nan), events.LaneEnded(lane="SGD", step=10, reason="diverged"))
    page.emit("a", told("Adam", 5, 6.0, 100.0), events.LaneEnded(lane="Adam", step=10, reason="done"))
    page.painted(GRAPH)
    (mark,) = [trace for trace in page.traces(GRAPH) if trace["mode"] == "markers+text"]
    assert (mark["name"], mark["x"], mark["y"]) == ("SGD", [10], [30.0])
    assert mark["text"] == ["SGD diverged<br>at step 10: loss 1"]
    page.show("a", sharpness__matrix="preconditioned")  # SGD has no such value, so that there is no place for a mark
    page.page.wait_for_function(
        "document.querySelector('[data-graph=sharpness]').layout.yaxis.title.text === 'λ₁(P⁻¹H)'"
    )
    assert not [y for trace in page.traces(GRAPH) if trace["mode"] == "markers+text" for y in trace["y"] if y]
