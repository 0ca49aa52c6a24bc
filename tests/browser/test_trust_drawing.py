"""What Trust shows: a table of questions by methods that fills as answers come, and the curves behind three of them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from backend.schemas.events import Trust
from tests.browser.stream_page import Stage

pytestmark = pytest.mark.browser
CELLS = """() => [...document.querySelectorAll('[data-graph=answers] tr')].map((row) =>
  [...row.children].map((cell) => cell.tagName === 'TH' && cell.firstElementChild ? cell.firstElementChild.textContent
    : cell.textContent.trim()))"""


@pytest.fixture
def page(opened: Stage) -> Iterator[Stage]:
    opened.source.add("a", "first", ("SGD",), probes=("saliency_trust",))
    opened.open("a")
    yield opened
    opened.show()
    opened.source.clear()
    assert opened.complaints == []


def answer(question: str, method: str, value: float, **fields: Any) -> Trust:
    usual: dict[str, Any] = {
        "lane": "SGD", "step": 5, "random": method == "random", "stderr": 0.01, "baseline": 0.4, "verdict": "yes",
        "x": None, "y": None, "labels": (), "note": None, "examples": 16,
    }  # fmt: skip
    return Trust(question=question, method=method, value=value, **(usual | fields))


def test_answers_stand_in_the_order_of_questions_and_methods(page: Stage) -> None:
    page.emit(
        "a",
        answer("class", "smoothgrad", 0.9123, verdict="no"),
        answer("weights", "gradient", 0.0512),
        answer("weights", "random", 1.0, verdict=None, baseline=None),
        answer("refused", "grad_cam", float("nan"), verdict=None, note="No pictures here."),
    )
    page.painted("answers")
    head, left_out, weights, classes = page.page.evaluate(CELLS)
    assert head == ["", "Gradient", "SmoothGrad", "Grad-CAM", "Random map"]
    assert left_out == ["Left out", "", "", "No pictures here.", ""]
    assert weights == ["Does it change when the weights are redrawn?", "✓ 0.051", "", "", "1"]
    assert classes == ["Does it depend on the class?", "", "✗ 0.91", "", ""]
    heads = page.page.locator("[data-graph=answers] thead th").all_inner_texts()
    assert [head.split("\n")[1:] for head in heads] == [["✓ 1 of 1"], ["✓ 0 of 1"], [], []]
    cell = page.page.locator("[data-graph=answers] td", has_text="0.91")
    assert cell.get_attribute("title") == "0.9123 ± 0.01 over 16 examples · random maps 0.4"
    assert page.line("trust").startswith("step 5 · 16 examples")


def test_curves_have_a_line_for_each_method_and_a_dotted_one_for_chance(page: Stage) -> None:
    x, y = np.linspace(0, 1, 3), np.array([0.9, 0.5, 0.1])
    for method in ("grad_cam", "random"):
        page.emit("a", answer("deletion", method, 0.5, x=x, y=y), answer("weights", method, 0.1, x=x, y=1 - y))
    page.show("a", trust__view="deletion")
    page.page.wait_for_function("(document.querySelector('[data-graph=answer_curves]').data || []).length === 2")
    random, found = page.traces("answer_curves")
    assert (random["name"], random["line"]["dash"]) == ("Random map", "dot")
    assert (found["name"], found["y"]) == ("Grad-CAM", [0.9, 0.5, 0.1])
    assert page.layout("answer_curves", "yaxis.title.text") == "probability of the class"
