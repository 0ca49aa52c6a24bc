"""What the panels of gradients draw from a stream of events."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from backend.schemas import events
from tests.browser.stream_page import Stage

pytestmark = pytest.mark.browser
STATISTICS = ["gradient_norm", "coherence", "singular_values", "examples", "opposing", "conflict"]


@pytest.fixture
def page(opened: Stage) -> Iterator[Stage]:
    opened.source.add("a", "first", ("SGD", "Adam"), probes=("gradient_stats",))
    analysis = {"kind": "gradient_stats", "statistics": STATISTICS}
    opened.source.runs["a"]["request"]["probes"] = [{"analysis": analysis}]
    yield opened
    opened.show()
    opened.source.clear()
    assert opened.complaints == []


def stat(lane: str, step: int, statistic: str, values: Any, **fields: Any) -> events.GradientStats:
    usual: dict[str, Any] = {"layer": ("0", "2", "all"), "baseline": None, "edges": None, "examples": 8}
    return events.GradientStats(
        lane=lane, step=step, statistic=statistic, values=np.array(values, float), **(usual | fields)
    )


def test_a_statistic_by_layer_and_by_lane(page: Stage) -> None:
    page.open("a")
    for step in (0, 10):
        for lane, size in (("SGD", 1.0), ("Adam", 2.0)):
            page.emit("a", stat(lane, step, "gradient_norm", [size, size + step, 3.0]))
            page.emit("a", stat(lane, step, "coherence", [4.0, 5.0, size], baseline=np.ones(3)))
    page.painted("gradients")
    (picture,) = page.traces("gradients")
    assert (picture["x"], picture["y"]) == ([0, 10], ["0", "2", "all"])
    assert picture["text"] == [["1", "1"], ["1", "11"], ["3", "3"]]
    page.show("a", gradients__by="lanes", gradients__statistic="coherence")
    page.page.wait_for_function("(document.querySelector('[data-graph=gradients_lanes]').data || []).length === 6")
    drawn = page.traces("gradients_lanes")
    assert [trace["y"] for trace in drawn[:4]] == [[1, 1], [1, 1], [1, 1], [2, 2]]
    assert [trace["name"] for trace in drawn[:4]] == ["chance", "chance", "SGD", "Adam"]


def test_singular_values_are_a_fan_over_their_band(page: Stage) -> None:
    page.open("a")
    for step in (0, 5):
        page.emit(
            "a",
            stat("SGD", step, "singular_values", [[3.0, 1.0 + step]], layer=("w",), edges=np.array([[0.5, 2.0]])),
        )
    page.painted("singular")
    low, high, fan = page.traces("singular")
    assert (low["y"], high["y"]) == ([0.5, 0.5], [2, 2])
    assert fan["y"] == [3, 3, None, 1, 6, None]


def test_of_many_values_a_fan_draws_the_largest_and_evenly_some_of_the_others(page: Stage) -> None:
    page.open("a")
    values = [float(value) for value in range(200, 0, -1)]
    page.emit("a", stat("SGD", 0, "singular_values", [values], layer=("w",), edges=np.array([[0.5, 2.0]])))
    page.painted("singular")
    drawn = page.traces("singular")[-1]["y"][::2]
    assert drawn[:16] == values[:16]
    assert (len(drawn), drawn[-1]) == (64, 1)
    gaps = {one - other for one, other in itertools.pairwise(drawn[16:])}
    assert gaps == {3, 4}  # 184 values, 48 of them


def test_examples_show_their_pictures_and_pairs_stand_below_one_another(page: Stage) -> None:
    page.open("a")
    numbers = np.array([1.0, 2.0, 4.0])
    page.emit("a", events.ExamplePictures(lane="SGD", step=0, pictures=np.zeros((3, 4, 4), np.uint8)))
    page.emit(
        "a",
        events.Examples(
            lane="SGD", step=0, label=np.array([0, 1, 1], np.int32), loss=numbers, norm=numbers, cosine=numbers,
            alignment=numbers, examples=3,
        ),
    )  # fmt: skip
    page.painted("examples")
    (boxes,) = page.traces("examples")
    assert (boxes["x"], boxes["y"]) == ([1, 2, 4], [0, 1, 1])
    page.page.evaluate("""document.querySelector('[data-graph=examples]').emit('plotly_hover',
        {points: [{curveNumber: 0, pointNumber: 2}], event: {clientX: 900, clientY: 500}})""")
    assert page.page.locator(".gs-peek:visible canvas").count() == 1
    page.emit(
        "a",
        events.Opposition(
            lane="SGD", step=1, helped=tuple(range(8)), hurt=tuple(range(8, 16)), change=np.linspace(-1, 1, 16),
            cosine=-0.5, pair_cosine=-np.ones(8), label=np.zeros(16, np.int32), pictures=np.ones((16, 2, 2)),
        ),
    )  # fmt: skip
    page.painted("opposing")
    pictures, said = page.traces("opposing")
    assert (len(pictures["z"]), len(pictures["z"][0])) == (5, 23)
    assert (said["text"][0], said["text"][15]) == ("−1", "+1")


def test_many_classes_are_named_by_number_and_never_over_one_another(page: Stage) -> None:
    page.open("a")
    labels = np.arange(30, dtype=np.int32)
    numbers = np.linspace(1.0, 2.0, 30)
    page.emit(
        "a",
        events.Examples(
            lane="SGD", step=0, label=labels, loss=numbers, norm=numbers, cosine=numbers, alignment=numbers, examples=30
        ),
    )
    page.painted("examples")
    ticks = "[...document.querySelectorAll('[data-graph=examples] .ytick text')]"
    page.page.wait_for_function(f"{ticks}.length > 1")
    boxes = page.page.evaluate(f"{ticks}.map((text) => [text.textContent, text.getBoundingClientRect().toJSON()])")
    boxes.sort(key=lambda one: one[1]["top"])
    named = [int(text) for text, _ in boxes]
    assert named[0] == 0
    assert named == sorted(named)
    assert 2 < len(named) < 30
    assert all(upper["bottom"] <= lower["top"] + 1 for (_, upper), (_, lower) in itertools.pairwise(boxes))


def test_long_names_of_layers_show_their_ends(page: Stage) -> None:
    page.open("a")
    long = "blocks.layers.0.self_attn.out_proj"
    page.emit("a", stat("SGD", 0, "gradient_norm", [1.0, 2.0, 3.0], layer=("0", long, "all")))
    page.painted("gradients")
    assert page.layout("gradients", "yaxis.ticktext") == ["0", "…self_attn.out_proj", "all"]
    (picture,) = page.traces("gradients")
    assert picture["y"] == ["0", long, "all"]


def test_the_scale_of_signed_values_has_zero_in_its_middle(page: Stage) -> None:
    page.open("a")
    page.emit(
        "a",
        events.Conflict(
            lane="SGD", step=0, task=("0", "1"), cosine=np.array([[1.0, -0.5], [-0.5, 1.0]]), magnitude=np.ones((2, 2)),
            mean=np.ones(2), pcgrad=np.ones(2), upgrad=np.ones(2), conflicting=1.0, examples=4,
        ),
    )  # fmt: skip
    page.painted("conflict")
    (matrix,) = page.traces("conflict")
    assert (matrix["zmin"], matrix["zmax"], matrix["z"]) == (-1, 1, [[1, -0.5], [-0.5, 1]])
    page.show("a", conflict__what="steps")
    page.page.wait_for_function("(document.querySelector('[data-graph=conflict_steps]').data || []).length === 3")
    assert [trace["name"] for trace in page.traces("conflict_steps")] == ["mean gradient", "PCGrad", "UPGrad"]
