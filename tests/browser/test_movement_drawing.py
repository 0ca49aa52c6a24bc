"""What the movement draws from a stream of events."""

from collections.abc import Iterator

import numpy as np
import pytest

from backend.schemas import events
from backend.schemas.movement_band import NUMBERS
from tests.browser.stream_page import Stage

pytestmark = pytest.mark.browser
LANES, LAYERS = "movement", "movement_layers"


@pytest.fixture
def page(opened: Stage) -> Iterator[Stage]:
    opened.source.add("a", "first", ("SGD", "Adam"), probes=("movement",))
    yield opened
    opened.show()
    opened.source.clear()
    assert opened.complaints == []


def told(lane: str, step: int, effective: float) -> events.Movement:
    numbers = np.array([effective, effective, effective])
    return events.Movement(
        lane=lane, step=step, layer=("0", "2", "all"), effective_step=numbers if step else numbers * np.nan,
        update_ratio=numbers / 10, distance=np.array([1.0, 2.0, 3.0]) * step, rotation=numbers * step, lr=0.1,
    )  # fmt: skip


def rates(lane: str, lr: float) -> events.TrainChunk:
    column = np.array([lr, lr])
    return events.TrainChunk(
        lane=lane, step=np.array([1, 2], np.int32), loss=column, grad_norm=column, lr=column, seconds=column,
        evaluations=column,
    )  # fmt: skip


def test_the_effective_step_stands_beside_the_learning_rate(page: Stage) -> None:
    page.open("a")
    for lane, lr, effective in (("SGD", 0.1, 0.1), ("Adam", 0.01, 0.4)):
        page.emit("a", rates(lane, lr), told(lane, 0, effective), told(lane, 2, effective))
    page.painted(LANES)
    dashed, _, line, adam, *now = page.traces(LANES)
    assert (dashed["y"], dashed["line"]["dash"]) == ([0.1, 0.1], "5px,4px")
    assert (line["x"], line["y"], adam["y"]) == ([0, 2], [None, 0.1], [None, 0.4])
    assert [trace["y"] for trace in now] == [[0.1], [0.4]]
    assert page.layout(LANES, "yaxis.type") == "log"
    page.show("a", movement__what="distance")
    page.page.wait_for_function("(document.querySelector('[data-graph=movement]').data || []).length === 4")
    assert [trace["y"] for trace in page.traces(LANES)[:2]] == [[0, 6], [0, 6]]
    assert page.layout(LANES, "yaxis.title.text") == "‖θ − θ₀‖"


def test_layers_are_rows_and_a_rounding_error_is_no_colour(page: Stage) -> None:
    page.open("a", movement__by="layers")
    for step in (0, 2, 4):
        page.emit("a", told("SGD", step, 0.1 + 1e-9 * step))
    page.painted(LAYERS)
    page.page.wait_for_function("(document.querySelector('[data-graph=movement_layers]').data || []).length === 1")
    (picture,) = page.traces(LAYERS)
    assert (picture["x"], picture["y"]) == ([0, 2, 4], ["0", "2", "all"])
    assert picture["z"][0][0] is None
    assert picture["zmax"] - picture["zmin"] == pytest.approx(0.002)
    page.show("a", movement__by="layers", movement__what="distance")
    page.page.wait_for_function("document.querySelector('[data-graph=movement_layers]').data[0].text[2][2] === '12'")
    assert page.traces(LAYERS)[0]["z"] == [[0, 2, 4], [0, 4, 8], [0, 6, 12]]


def test_repeats_are_drawn_as_their_median_on_their_middle_half(page: Stage) -> None:
    page.open("a")
    for step in (2, 4):
        middle = step * np.ones(3)
        bands = {f"{name}{end}": middle * by for name in NUMBERS for end, by in (("", 1), ("_low", 0.5), ("_high", 3))}
        looks = [told("SGD", step, 0.1 * repeat).model_copy(update={"repeat": repeat}) for repeat in (0, 1)]
        band = events.MovementBand(lane="SGD", step=step, repeats=2, layer=("0", "2", "all"), **bands)
        page.emit("a", *looks, band)
    page.painted(LANES)
    page.page.wait_for_function("(document.querySelector('[data-graph=movement]').data || []).length === 3")
    area, line, now = page.traces(LANES)
    assert (area["fill"], area["x"], area["y"]) == ("toself", [2, 4, 4, 2], [6, 12, 2, 1])
    assert (line["x"], line["y"], now["y"]) == ([2, 4], [2, 4], [4])
    assert line["text"] == ["SGD, median of 2 repeats · step 2<br>2", "SGD, median of 2 repeats · step 4<br>4"]
    page.show("a", movement__by="layers")
    page.painted(LAYERS)
    page.page.wait_for_function("(document.querySelector('[data-graph=movement_layers]').data || []).length === 1")
    assert page.traces(LAYERS)[0]["z"] == [[2, 4]] * 3
