"""What the solution panel draws from a stream of events."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from backend.schemas import events
from tests.browser.stream_page import Stage

pytestmark = pytest.mark.browser
SECTION, MAP = "solution-section", "solution-map"
LINE: dict[str, Any] = {"section": "at t = 1", "s": np.array([0.0, 1.0]), "exact": np.array([0.0, 1.0])}


@pytest.fixture
def page(opened: Stage) -> Iterator[Stage]:
    opened.source.add("a", "first", ("Adam", "SGD"), probes=("solution",))
    yield opened
    opened.show()
    opened.source.clear()
    assert opened.complaints == []


def fit(lane: str, step: int, off: float) -> events.Fit:
    error = np.array([0.0, off])
    return events.Fit(lane=lane, step=step, loss=1.0, relative_l2=off, u=LINE["exact"] + error, error=error, **LINE)


def chart(lane: str, step: int, off: float) -> events.Solution:
    exact = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    axes: dict[str, Any] = {"x_label": "x", "y_label": "t", "x": np.array([0.0, 1.0]), "y": np.array([0.0, 0.5, 1.0])}
    told = fit(lane, step, off)
    return events.Solution(
        lane=lane, step=step, relative_l2=off, worst=off, u=told.u, error=np.array([0.0, off]), **LINE, **axes,
        u_map=exact + off, exact_map=exact, error_map=exact * 0 + off,
    )  # fmt: skip


def test_each_lane_s_newest_section_stands_before_the_exact_one(page: Stage) -> None:
    page.open("a")
    page.emit("a", fit("Adam", 0, 0.5), fit("SGD", 0, 0.75), fit("Adam", 10, 0.25))
    page.painted(SECTION)
    drawn = [(trace["name"], trace["y"]) for trace in page.traces(SECTION)]
    assert drawn == [("exact", [0, 1]), ("exact", [0, 1]), ("Adam", [0, 1.25]), ("SGD", [0, 1.75])]
    assert page.line("solution") == "step 10 · at t = 1 · relative L² error up to 0.75"
    page.show("a", **{"solution.what": "error"})
    page.painted(SECTION)
    page.page.wait_for_function(f"document.querySelector('[data-graph={SECTION}]').data.length === 2")
    assert [trace["y"] for trace in page.traces(SECTION)] == [[0, 0.25], [0, 0.75]]


def test_the_map_is_of_one_lane_and_another_can_be_chosen(page: Stage) -> None:
    page.open("a", **{"solution.view": "map"})
    page.emit("a", chart("Adam", 0, 0.5), chart("SGD", 0, 0.75), chart("Adam", 10, 0.25))
    page.painted(MAP)
    (drawn,) = page.traces(MAP)
    assert (drawn["x"], drawn["y"]) == ([0, 1], [0, 0.5, 1])
    assert drawn["z"] == [[1.25, 4.25], [2.25, 5.25], [3.25, 6.25]]
    titles = f"['xaxis', 'yaxis'].map((axis) => document.querySelector('[data-graph={MAP}]').layout[axis].title.text)"
    assert page.page.evaluate(titles) == ["x", "t"]
    page.page.locator("[data-panel=solution] [data-series]").select_option(label="SGD")
    page.page.wait_for_function(f"document.querySelector('[data-graph={MAP}]').data[0].z[0][0] === 1.75")
