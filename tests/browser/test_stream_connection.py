"""How events reach the panels: replay, loss of the connection, several runs, the five states."""

from collections.abc import Iterator

import pytest

from backend.schemas import events
from backend.schemas.errors import ErrorDetail
from benchmarks.synthetic_stream import LANES, chunk, race
from frontend.theme import LANE_COLOURS
from tests.browser.stream_page import Stage

pytestmark = pytest.mark.browser
CURVES = "curves"


@pytest.fixture
def page(opened: Stage) -> Iterator[Stage]:
    opened.source.add("a", "first")
    opened.requests.clear()
    yield opened
    opened.show()
    opened.source.clear()


def start(*lanes: str) -> events.Started:
    return events.Started(device="cpu", dtype="float32", parameters=9, examples=9, lanes=lanes or LANES)


def steps(page: Stage, name: str) -> list[int]:
    return page.named(CURVES, name, "lines")["x"]


def test_a_stored_run_is_replayed_as_it_was_drawn_live(page: Stage) -> None:
    page.open("a")
    page.emit("a", *race(24))
    page.painted(CURVES)
    live = page.traces(CURVES)
    page.load()
    page.show("a")
    page.painted(CURVES)
    page.wait_state("curves", "ready")
    assert page.traces(CURVES) == live


def test_a_lost_connection_leaves_no_gap_and_no_double(page: Stage) -> None:
    page.open("a")
    page.emit("a", start("SGD"), chunk(0, 0), chunk(0, 5))
    page.painted(CURVES)
    page.source.drop += 1
    page.emit("a", chunk(0, 10))
    page.painted(CURVES)
    page.source.drop += 1
    page.emit("a", chunk(0, 15), chunk(0, 20))
    page.painted(CURVES)
    assert steps(page, "SGD") == list(range(1, 26))


def test_a_restarted_server_is_found_again(page: Stage) -> None:
    page.open("a")
    page.emit("a", start("SGD"), chunk(0, 0))
    page.painted(CURVES)
    page.source.up = False
    page.source.drop += 1
    page.emit("a", chunk(0, 5))
    page.page.wait_for_selector("html[data-stream=connecting]")
    page.page.wait_for_function(
        "performance.getEntriesByType('resource').filter(e => e.name.includes('/api/stream')).length >= 2"
    )
    page.source.up = True
    page.painted(CURVES)
    assert steps(page, "SGD") == list(range(1, 11))
    page.page.wait_for_selector("html[data-stream=open]")


def test_what_the_stream_left_out_is_read_from_the_history(page: Stage) -> None:
    page.open("a")
    page.emit("a", start("SGD"), chunk(0, 0))
    page.painted(CURVES)
    page.source.skip = {len(page.source.rows) + 1}  # the next row never comes by the stream
    page.emit("a", chunk(0, 5), chunk(0, 10))
    page.page.wait_for_function("document.querySelector('[data-graph=curves]').data[0].x.length === 15")
    assert steps(page, "SGD") == list(range(1, 16))


def test_a_run_that_joins_brings_its_history(page: Stage) -> None:
    page.source.add("b", "second", ("Adam",))
    page.emit("b", start("Adam"), chunk(3, 0), chunk(3, 5))
    page.open("a")
    page.emit("a", start("SGD"), chunk(0, 0))
    page.painted(CURVES)
    page.show("a", "b")
    page.page.wait_for_function("document.querySelector('[data-graph=curves]').data.length === 2")
    page.emit("b", chunk(3, 10))
    page.painted(CURVES)
    page.page.wait_for_function("document.querySelector('[data-graph=curves]').data[1].x.length === 15")
    assert steps(page, "SGD · first") == list(range(1, 6))
    assert steps(page, "Adam · second") == list(range(1, 16))
    assert len({url for url in page.requests if "/api/stream" in url and "runs=a,b" in url}) == 1


def test_colours_go_on_over_the_runs_of_a_view(page: Stage) -> None:
    page.source.add("b", "second")
    page.open("a", "b")
    for run in ("a", "b"):
        page.emit(run, start(), *(chunk(lane, 0) for lane in range(4)))
    page.painted(CURVES)
    colours = [trace["line"]["color"] for trace in page.traces(CURVES)]
    assert colours == list(LANE_COLOURS["light"])
    page.show("b")
    page.page.wait_for_function("document.querySelector('[data-graph=curves]').data.length === 4")
    assert [trace["line"]["color"] for trace in page.traces(CURVES)] == list(LANE_COLOURS["light"][:4])
    assert [trace["name"] for trace in page.traces(CURVES)] == list(LANES)


def test_each_state_says_what_it_is(page: Stage) -> None:
    page.source.add("a", "first", probes=("surface",))
    page.open()
    page.wait_state("landscape", "empty")
    assert page.words("landscape").startswith("Press Start")
    page.show("a")
    page.wait_state("curves", "loading")
    page.emit("a", start("SGD"), events.Progress(phase="training", done=3, total=9))
    page.page.wait_for_function(
        "document.querySelector('[data-panel=curves] [data-words]').textContent.includes('Training: 3 of 9.')"
    )
    page.emit("a", chunk(0, 0))
    page.wait_state("curves", "partial")
    assert page.state("landscape") == "loading"
    page.emit("a", events.Finished(status="succeeded", seconds=1.0))
    page.wait_state("curves", "ready")
    page.wait_state("landscape", "unsupported")
    assert "drew no surface" in page.words("landscape")


def test_nobody_waits_for_what_no_run_was_asked_for(page: Stage) -> None:
    page.open("a")
    page.emit("a", start("SGD"), chunk(0, 0))
    page.wait_state("curves", "partial")
    page.wait_state("landscape", "unsupported")
    assert "drew no surface" in page.words("landscape")


def test_a_failure_says_what_happened_and_keeps_what_was_drawn(page: Stage) -> None:
    error = ErrorDetail(code="worker_died", message="The worker died at step 5.", hint="Start it again.")
    page.open("a")
    page.emit("a", start("SGD"), chunk(0, 0), events.Failed(error=error), events.Finished(status="failed", seconds=1.0))
    page.painted(CURVES)
    page.wait_state("landscape", "error")
    page.wait_words("landscape", "The worker died at step 5. Start it again.")
    assert (page.state("curves"), page.words("curves")) == ("ready", "")
    assert steps(page, "SGD") == list(range(1, 6))


def test_an_unsupported_analysis_gives_its_own_sentence(page: Stage) -> None:
    error = ErrorDetail(code="unsupported", message="A function of one variable has no plane.")
    page.open("a")
    page.emit("a", events.Failed(error=error), events.Finished(status="failed", seconds=0.1))
    page.wait_state("landscape", "unsupported")
    page.wait_words("landscape", "A function of one variable has no plane.")


def test_an_unknown_run_is_named_and_beside_others_it_is_they_who_speak(page: Stage) -> None:
    page.source.add("a", "first", probes=("trajectory",))
    page.open("nowhere")
    page.wait_state("landscape", "error")
    assert {page.words(panel) for panel in ("landscape", "curves")} == {"There is no run nowhere."}
    page.show("nowhere", "a")
    page.emit("a", start("SGD"), chunk(0, 0))
    page.painted(CURVES)
    page.wait_state("curves", "partial")
    page.wait_state("landscape", "loading")
    page.emit("a", events.Finished(status="succeeded", seconds=1.0))
    page.wait_state("landscape", "unsupported")
    assert page.words("curves") == ""
    assert "drew no surface" in page.words("landscape")
