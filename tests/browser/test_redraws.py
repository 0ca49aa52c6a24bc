"""What is drawn anew, and what is not: a picture costs tens of milliseconds, and the reader waits for one of them."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from backend.schemas import events
from benchmarks.synthetic_stream import LANES, chunk, path, race
from frontend.theme import PALETTE
from tests.browser.stream_page import Stage

pytestmark = pytest.mark.browser
CONTOUR, CURVES, SALIENCY = "landscape-contour", "curves", "saliency"
COUNT = """() => {
  window.drawn = {};
  if (window.counted) return;
  window.counted = true;
  const places = [[window.Plotly, "react"], [window.gradscape.tiles, "draw"], [window.gradscape.matrix, "draw"]];
  for (const [place, name] of places) {
    const draw = place[name];
    place[name] = (target, ...others) => {
      window.drawn[target.dataset.graph] = (window.drawn[target.dataset.graph] || 0) + 1;
      return draw(target, ...others);
    };
  }
}"""
RESTING = (
    """() => [...document.querySelectorAll('[data-panel]')].every(({ panelView: { painter } }) => !painter.busy)"""
)


@pytest.fixture
def page(opened: Stage) -> Iterator[Stage]:
    """Show a race with its curves, its landscape and its maps, at rest."""
    opened.source.add("a", "first", probes=("saliency",))
    opened.source.add("b", "second")
    opened.open("a")
    opened.emit("a", *list(race(40))[:-1], *maps("SGD", 0), *maps("SGD", 10), *race_end())
    for graph in (CONTOUR, CURVES, SALIENCY):
        opened.painted(graph)
    opened.page.wait_for_function(RESTING)
    opened.page.evaluate(COUNT)
    yield opened
    opened.page.evaluate("document.documentElement.setAttribute('data-mantine-color-scheme', 'light')")
    opened.show()
    opened.source.clear()
    assert opened.complaints == []


def race_end() -> Iterator[events.AnyEvent]:
    yield events.Finished(status="succeeded", seconds=1.0)


def maps(lane: str, step: int, **keys: Any) -> Iterator[events.AnyEvent]:
    yield events.SaliencyExample(
        lane=lane, step=step, example=0, split="test", input=np.eye(2), label=7, target=7, predicted=7, correct=True,
        own=True, logit=3.0, **keys,
    )  # fmt: skip
    yield events.SaliencyMap(
        lane=lane, step=step, example=0, method="gradient", target=7, map=np.eye(2) * (1 + step), signed=True,
        scale=1.0, samples=1, final=True, completeness_gap=None, **keys,
    )  # fmt: skip


def drawn(page: Stage, *awaited: str) -> set[str]:
    """Wait until these graphs were drawn and the page rests; return all that were drawn."""
    page.page.wait_for_function("(names) => names.every((name) => window.drawn[name] > 0)", arg=list(awaited))
    page.page.wait_for_function(RESTING)
    return set(page.page.evaluate("window.drawn"))


def look(page: Stage) -> None:
    """Let a look at the race's maps join the view, and tell its own."""
    page.source.add("look", "look", ())
    page.source.runs["look"]["request"] = {
        "at": [{"run": "a", "lane": "SGD", "step": 10}],
        "analysis": {"kind": "saliency"},
    }
    page.show("a", "look")
    page.emit("look", events.Started(device="cpu", dtype="float32", parameters=9, examples=9, lanes=("SGD",)))
    page.emit("look", *maps("SGD", 10, point=0), *race_end())


def test_a_run_that_joins_draws_what_it_tells_and_nothing_else(page: Stage) -> None:
    look(page)
    assert drawn(page, SALIENCY) == {SALIENCY}
    page.painted(CURVES)  # which was asked, and had nothing to draw
    page.page.evaluate(COUNT)
    page.show("a")
    assert drawn(page, SALIENCY) == {SALIENCY}


def test_what_nobody_asks_for_is_not_drawn_until_somebody_does(page: Stage) -> None:
    sharpness = "document.querySelector('[data-graph=sharpness]')"
    assert page.page.is_hidden("[data-panel=sharpness]")
    assert page.page.evaluate(f"{sharpness}.data === undefined")
    page.source.add("c", "third", ("SGD",), probes=("sharpness",))
    page.show("a", "c")
    page.page.wait_for_function(f"{sharpness}.data && !{sharpness}.closest('[data-panel]').hidden")


def dark(page: Stage) -> None:
    page.page.evaluate("document.documentElement.setAttribute('data-mantine-color-scheme', 'dark')")


def renamed(page: Stage) -> None:
    page.show("a", "b")
    drawn(page, CURVES)
    page.page.evaluate(COUNT)
    page.source.runs["b"]["name"] = "renamed"
    page.emit("b", *race_end())


CHANGES: dict[str, tuple[Callable[[Stage], object], set[str], set[str]]] = {  # → drawn, not drawn
    "theme": (dark, {CURVES, CONTOUR, SALIENCY}, set()),
    "moment": (lambda page: page.show("a", time__step="10"), {CURVES, CONTOUR, SALIENCY}, set()),
    "choice": (lambda page: page.show("a", curves__scale="linear"), {CURVES}, {CONTOUR, SALIENCY}),
    "maps": (lambda page: page.emit("a", *maps("SGD", 20)), {SALIENCY}, {CURVES, CONTOUR}),
    "steps": (lambda page: page.emit("a", chunk(0, 50)), {CURVES}, {SALIENCY}),
    "path": (lambda page: page.emit("a", path(0, 51)), {CONTOUR}, {CURVES, SALIENCY}),
    "end": (
        lambda page: page.emit("a", events.LaneEnded(lane="SGD", step=50, reason="diverged")),
        {CURVES},
        {SALIENCY},
    ),
    "more lanes": (lambda page: page.show("a", "b"), {CURVES, CONTOUR, SALIENCY}, set()),
    "no runs": (lambda page: page.show(), {CURVES, CONTOUR}, set()),
    "names": (renamed, {CURVES, CONTOUR, SALIENCY}, set()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_picture_hangs_on_draws_it_anew(page: Stage, change: str) -> None:
    act, awaited, still = CHANGES[change]
    act(page)
    assert drawn(page, *awaited).isdisjoint(still)


def test_what_is_drawn_anew_is_true(page: Stage) -> None:
    colour = page.named(CURVES, LANES[0], "lines")["line"]["color"]
    page.show("b", "a")
    page.page.wait_for_function(
        "document.querySelector('[data-graph=curves]').data.some(({ name }) => name === 'SGD · first')"
    )
    page.page.wait_for_function(RESTING)
    assert page.named(CURVES, "SGD · first", "lines")["line"]["color"] != colour  # the fifth lane of the view now
    page.show("a")
    page.page.wait_for_function("document.querySelector('[data-graph=curves]').data.some(({ name }) => name === 'SGD')")
    assert page.named(CURVES, "SGD", "lines")["line"]["color"] == colour
    dark(page)
    page.page.wait_for_function(
        "ink => document.querySelector('[data-graph=curves]')._fullLayout.font.color === ink",
        arg=PALETTE["dark"]["text"],
    )


def test_a_page_that_is_read_again_is_drawn_again(page: Stage) -> None:
    """The same events in new tables: what is pointed at is found by the tables' numbers, which the traces carry."""
    before = {trace["uid"] for trace in page.traces(CURVES)}
    page.page.evaluate("window.gradscape.restart()")
    assert CURVES in drawn(page, CURVES)
    page.painted(CURVES)
    page.page.wait_for_function(
        "before => document.querySelector('[data-graph=curves]').data.every(({ uid }) => !before.includes(uid))",
        arg=list(before),
    )
    assert len(page.traces(CURVES)) == len(before)


def test_a_run_that_was_just_made_is_read_from_the_stream_alone(page: Stage) -> None:
    since = len(page.source.rows)
    page.source.add("new", "new", ())
    page.source.runs["new"]["request"] = {
        "at": [{"run": "a", "lane": "SGD", "step": 10}],
        "analysis": {"kind": "saliency"},
    }
    page.emit("new", *maps("SGD", 10, point=0))
    page.emit("a", chunk(0, 50))
    page.page.wait_for_function("row => window.gradscape.current.row >= row", arg=len(page.source.rows))
    page.requests.clear()
    page.page.evaluate(
        "([run, since]) => window.gradscape.present(run, ['a'], since)", [page.source.runs["new"], since]
    )
    page.page.wait_for_function("window.gradscape.current.buffers.ofKind('saliency_map', 'new').length === 1")
    page.painted(SALIENCY)
    assert [url for url in page.requests if "/events" in url] == []
    assert len(page.named(CURVES, "SGD", "lines")["x"]) == 55  # what came twice counts once


def test_what_the_reader_waits_for_is_drawn_first(page: Stage) -> None:
    order = page.page.evaluate(
        """async () => {
          const { Painter, first } = window.gradscape.draw;
          const order = [];
          const [other, awaited] = ["other", "awaited"].map((name) => new Painter(() => order.push(name)));
          first(awaited);
          other.touch();
          awaited.touch();
          while (order.length < 2) await new Promise(requestAnimationFrame);
          return order;
        }"""
    )
    assert order == ["awaited", "other"]
