"""What the roughness panel draws from a stream of events."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from backend.schemas import events
from tests.browser.stream_page import Stage

pytestmark = pytest.mark.browser
INDEX, PROFILES = "roughness", "profiles"


@pytest.fixture
def page(opened: Stage) -> Iterator[Stage]:
    opened.source.add("a", "first", ("Adam",), probes=("roughness",))
    yield opened
    opened.show()
    opened.source.clear()
    assert opened.complaints == []


def told(step: int, index: float, length: float = 0.1, **fields: Any) -> events.Roughness:
    usual: dict[str, Any] = {
        "interval": np.array([index - 0.01, index + 0.03]), "variations": np.array([5.0, 6.0]), "variation": 5.5,
        "least": 1 / (2 * length), "undefined": 0, "points": 2, "directions": 2,
        "t": np.array([-length, 0.0, length]), "profiles": np.array([[4.0, 2.0, 3.0], [1.0, np.nan, 5.0]]),
        "loss": 2.0, "grad_norm": 0.5, "relative_l2": 0.01, "final": True, "first": length == 0.1,
    }  # fmt: skip
    fields = usual | fields
    return events.Roughness(lane="Adam", step=step, index=index, length=length, **fields)


def test_the_index_stands_between_the_ends_of_its_interval(page: Stage) -> None:
    page.open("a")
    page.emit("a", told(0, 0.2), told(0, 0.7, 0.5), told(10, 0.5), told(20, 0.9, final=False))
    page.painted(INDEX)
    (drawn,) = page.traces(INDEX)
    assert (drawn["x"], drawn["y"]) == ([0, 10], [0.2, 0.5])
    assert drawn["error_y"]["array"] == pytest.approx([0.03, 0.03])
    assert drawn["error_y"]["arrayminus"] == pytest.approx([0.01, 0.01])
    for part in ("alike on all directions, not flat", "at l = 0.1: T 5.5", "slope 5", "relative L² error 0.01"):
        assert part in page.line("roughness")


def test_against_the_length_the_newest_of_each_is_shown(page: Stage) -> None:
    page.open("a", **{"roughness.view": "length"})
    page.emit("a", told(0, 0.2), told(0, 0.3, 0.5), told(10, 0.4), told(10, 0.6, 0.5, final=False))
    page.painted(INDEX)
    assert [(trace["x"], trace["y"]) for trace in page.traces(INDEX)] == [([0.1], [0.4]), ([0.5], [0.6])]


def test_profiles_are_thin_lines_with_gaps_between(page: Stage) -> None:
    page.open("a", **{"roughness.view": "loss"})
    page.emit("a", told(0, 0.2))
    page.painted(PROFILES)
    (drawn,) = page.traces(PROFILES)
    gap = drawn["x"][3]
    assert [value for value in drawn["x"] if value != gap] == [-0.1, 0.0, 0.1] * 2
    assert drawn["y"][:3] == [2.0, 0.0, 1.0]  # above the loss of 2 in the middle
    assert (drawn["y"][4], drawn["y"][6]) == (-1.0, 3.0)
    page.show("a", **{"roughness.view": "shape"})
    page.page.wait_for_function(f"document.querySelector('[data-graph={PROFILES}]').data[0].y[0] === 1")
    (drawn,) = page.traces(PROFILES)
    assert drawn["y"][:3] == [1.0, 0.0, 0.5]
    assert (drawn["y"][4], drawn["y"][6]) == (0.0, 1.0)
