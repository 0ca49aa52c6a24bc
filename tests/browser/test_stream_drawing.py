"""What the panels draw from a stream of events."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from backend.schemas import events
from benchmarks.synthetic_stream import LANES, chunk, path, plane, race, tile, valley
from frontend.theme import PALETTE
from tests.browser.stream_page import Stage

pytestmark = pytest.mark.browser
CONTOUR, RELIEF, CURVES = "landscape-contour", "landscape-relief", "curves"


@pytest.fixture
def page(opened: Stage) -> Iterator[Stage]:
    opened.source.add("a", "first")
    opened.requests.clear()
    yield opened
    opened.show()
    opened.source.clear()
    assert opened.complaints == []


def start(*lanes: str) -> events.Started:
    return events.Started(device="cpu", dtype="float32", parameters=9, examples=9, lanes=lanes or LANES)


def test_a_race_is_drawn_whole_and_nothing_is_fetched_from_elsewhere(page: Stage) -> None:
    page.open("a")
    page.emit("a", *race(40))
    for graph in (CURVES, CONTOUR):
        page.painted(graph)
    for number, lane in enumerate(LANES):
        told = np.concatenate([chunk(number, turn * 5).loss for turn in range(10)])
        drawn = page.named(CURVES, lane, "lines")
        assert np.allclose(drawn["y"], told, rtol=1e-6)
        assert drawn["x"] == list(range(1, 51))
        assert len(page.named(CONTOUR, lane, "lines")["x"]) == 51
    assert {page.state(panel) for panel in ("landscape", "curves", "lanes")} == {"ready"}
    assert (
        "PCA plane · 83 % + 11 % of the movement · 33×33 points · 100 % of digits · within about 0.4 % of the range"
        in page.line("landscape")
    )
    rows = page.page.locator("[data-panel=lanes] tbody tr")
    assert rows.count() == 4
    assert rows.first.inner_text().split() == ["SGD", "sgd", "50", *rows.first.inner_text().split()[3:-1], "done"]
    assert all(url.startswith((page.url, "data:", "blob:")) for url in page.requests)
    assert page.page.locator(".modebar-btn[data-title^='Share']").count() == 0


def test_a_surface_lies_the_right_way_round_with_its_true_loss_on_hover(page: Stage) -> None:
    page.open("a")
    page.emit("a", start(), plane(), tile(17))
    page.painted(CONTOUR)
    [surface] = [trace for trace in page.traces(CONTOUR) if trace["type"] == "contour"]
    side = np.linspace(-1, 1, 17)
    assert np.allclose(surface["x"], 4 * side)  # shown = offset + scale · coordinate
    assert np.allclose(surface["y"], side)
    for i, j in ((0, 16), (12, 3), (5, 9)):
        shown = surface["text"][j][i].split("loss ")[1]
        assert float(shown) == pytest.approx(valley(side[i], side[j]), rel=2e-3)
    lowest = np.unravel_index(np.argmin(np.array(surface["z"])), (17, 17))
    grid = valley(side[None, :], side[:, None])
    assert lowest == np.unravel_index(np.argmin(grid), (17, 17))
    box = page.page.locator("[data-graph=landscape-contour] .nsewdrag").bounding_box()
    page.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.page.wait_for_selector("[data-graph=landscape-contour] .hoverlayer .hovertext")
    hover = page.page.text_content("[data-graph=landscape-contour] .hoverlayer .hovertext")
    assert f"loss {valley(0.0, 0.0):.3g}" in hover


def test_colour_bar_ticks_are_true_losses(page: Stage) -> None:
    page.open("a")
    page.emit("a", start(), plane(), tile(33))
    page.painted(CONTOUR)
    bar = "coloraxis.colorbar"
    ticks = [float(text) for text in page.layout(CONTOUR, f"{bar}.ticktext")]
    side = np.linspace(-1, 1, 33)
    loss = valley(side[:, None], side[None, :])
    assert ticks == sorted(ticks)
    assert loss.min() * 0.9 <= ticks[0]
    assert ticks[-1] <= loss.max() * 1.1
    page.show("a", landscape__scale="linear")
    page.page.wait_for_function(
        "document.querySelector('[data-graph=landscape-contour]')._fullLayout.coloraxis.colorbar.tickmode === 'auto'"
    )
    [surface] = [trace for trace in page.traces(CONTOUR) if trace["type"] == "contour"]
    assert np.allclose(surface["z"], loss.T, rtol=1e-5)


def test_a_low_panel_has_as_many_ticks_as_it_has_room_for(page: Stage) -> None:
    bar = "document.querySelector('[data-graph=landscape-contour] .infolayer .colorbar')"
    panel = "document.querySelector('[data-panel=landscape]').style"
    ticks = f"[...({bar}?.querySelectorAll('.cbaxis text') ?? [])]"
    page.open("a")
    page.emit("a", start(), plane(), tile(33))
    page.painted(CONTOUR)
    page.page.wait_for_function(f"{ticks}.length === 6")
    page.page.evaluate(f"{panel}.height = '210px', {panel}.alignSelf = 'start'")
    page.page.wait_for_function(f"(count => count > 1 && count < 5)({ticks}.length)")
    boxes = page.page.evaluate(f"{ticks}.map((text) => text.getBoundingClientRect().toJSON())")
    boxes.sort(key=lambda box: box["top"])
    assert all(upper["bottom"] <= lower["top"] for upper, lower in pairwise(boxes))
    page.page.evaluate(f"{panel}.height = {panel}.alignSelf = ''")
    page.page.wait_for_function(f"{ticks}.length === 6")


def test_points_that_no_patch_of_the_relief_holds_are_drawn_alone(page: Stage) -> None:
    few = tile(5)
    loss = np.full_like(few.loss, np.nan)
    loss[::2, ::2] = few.loss[::2, ::2]
    page.open("a", landscape__view="relief")
    page.emit("a", start(), plane(), few.model_copy(update={"loss": loss}))
    page.painted(RELIEF)
    [surface, points] = page.traces(RELIEF)
    assert (surface["type"], points["type"], len(points["z"])) == ("surface", "scatter3d", 9)
    assert sorted(points["z"]) == sorted(value for row in surface["z"] for value in row if value is not None)
    page.emit("a", tile(9, hole=True))
    page.painted(RELIEF)
    assert [trace["type"] for trace in page.traces(RELIEF)] == ["surface"]


def test_a_hole_stays_a_hole(page: Stage) -> None:
    page.open("a")
    page.emit("a", start(), plane(), tile(9, hole=True))
    page.painted(CONTOUR)
    [surface] = [trace for trace in page.traces(CONTOUR) if trace["type"] == "contour"]
    holes = np.array([[value is None for value in row] for row in surface["z"]])
    assert holes.sum() == 4
    assert holes[:2, :2].all()


def test_what_is_not_finite_is_a_gap(page: Stage) -> None:
    loss = np.array([1.0, 0.9, np.nan, np.inf, 0.6, 0.5], dtype=np.float32)
    page.open("a")
    page.emit("a", start("SGD"), chunk(0, 0, 6, loss=loss))
    page.painted(CURVES)
    assert [value is None for value in page.named(CURVES, "SGD", "lines")["y"]] == [
        False,
        False,
        True,
        True,
        False,
        False,
    ]
    assert page.page.locator("[data-graph=curves] .js-line").count() == 2


def test_a_diverged_lane_keeps_its_curve_and_says_where_and_why(page: Stage) -> None:
    loss = np.array([1.0, 30.0, 900.0, np.inf], dtype=np.float32)
    page.open("a")
    page.emit("a", start("SGD"), chunk(0, 0, 4, loss=loss), events.LaneEnded(lane="SGD", step=4, reason="diverged"))
    page.painted(CURVES)
    mark = page.named(CURVES, "SGD", "markers+text")
    assert (mark["x"], mark["y"]) == ([4], [900])
    assert mark["text"] == ["SGD diverged<br>at step 4: loss ∞"]
    assert len(page.named(CURVES, "SGD", "lines")["x"]) == 4
    row = page.page.locator("[data-panel=lanes] tbody tr").first
    assert row.inner_text().endswith("diverged at step 4")
    page.show("a", time__step="2")  # it had not diverged then
    page.page.wait_for_function(
        "document.querySelector('[data-panel=lanes] tbody tr')?.lastChild?.textContent === 'training'"
    )
    assert row.inner_text().split()[2] == "2"
    page.show("a")


def test_negative_losses_are_drawn_on_a_linear_axis_that_says_so(page: Stage) -> None:
    page.open("a")
    page.emit("a", start("SGD"), chunk(0, 0, 3, loss=np.array([1.0, 0.5, -0.25], dtype=np.float32)))
    page.painted(CURVES)
    assert page.layout(CURVES, "yaxis.type") == "linear"
    assert page.layout(CURVES, "yaxis.title.text") == "loss (linear, as some is negative)"


def test_choices_change_axes_and_columns(page: Stage) -> None:
    page.open("a")
    page.emit("a", *race(16))
    page.painted(CURVES)
    assert page.layout(CURVES, "yaxis.type") == "log"
    assert page.layout(CURVES, "yaxis.title.text") == "loss"
    page.show("a", curves__scale="linear", curves__metric="lr", curves__x="seconds")
    page.page.wait_for_function(
        "document.querySelector('[data-graph=curves]')._fullLayout.yaxis.title.text === 'learning rate'"
    )
    assert page.layout(CURVES, "yaxis.type") == "linear"
    assert page.layout(CURVES, "xaxis.title.text") == "training time (s)"
    assert np.allclose(page.named(CURVES, "SGD", "lines")["x"], np.arange(1, 21) * 0.002)
    page.show("a", curves__metric="accuracy", curves__x="seconds")
    page.page.wait_for_function(
        "document.querySelector('[data-graph=curves]')._fullLayout.yaxis.title.text === 'accuracy'"
    )
    test = page.named(CURVES, "SGD", "lines+markers")
    assert np.allclose(test["x"], np.array([5, 15]) * 0.002)  # seconds of the steps that were evaluated


def test_the_theme_changes_without_a_reload(page: Stage) -> None:
    page.open("a")
    page.emit("a", *race(16))
    page.painted(CONTOUR)
    for scheme in ("dark", "light"):
        page.page.evaluate(
            "scheme => document.documentElement.setAttribute('data-mantine-color-scheme', scheme)", scheme
        )
        page.page.wait_for_function(
            "ink => document.querySelector('[data-graph=landscape-contour]')._fullLayout.font.color === ink",
            arg=PALETTE[scheme]["text"],
        )
        start_mark = next(t for t in page.traces(CONTOUR) if t.get("marker", {}).get("symbol") == "cross")
        assert start_mark["marker"]["color"] == PALETTE[scheme]["text"]


def test_three_dimensions_give_each_path_its_own_height(page: Stage) -> None:
    page.open("a", landscape__view="relief")
    page.emit("a", *race(60))
    page.painted(RELIEF)
    assert page.page.is_hidden("[data-graph=landscape-contour]")
    traces = page.traces(RELIEF)
    assert [trace["type"] for trace in traces] == ["surface"] + ["scatter3d"] * 12
    line = page.named(RELIEF, "SGD", "lines")
    measured = [step for step in range(76) if step % 10 == 0]
    assert len(line["z"]) == len(measured)
    assert all("loss not measured here" not in text for text in line["text"])
    before = page.layout(RELIEF, "scene.camera.eye")
    page.drag(RELIEF, "canvas", (0.5, 0.5), (0.7, 0.5))
    turned = page.layout(RELIEF, "scene.camera.eye")
    assert turned != before
    page.emit("a", path(0, 76))
    page.painted(RELIEF)
    assert page.layout(RELIEF, "scene.camera.eye") == turned


def test_paths_in_space_stand_a_hair_above_what_they_tell(page: Stage) -> None:
    page.open("a", landscape__view="relief", landscape__scale="linear")
    page.emit("a", *race(60))
    page.painted(RELIEF)
    [surface, *_] = page.traces(RELIEF)
    span = np.ptp([value for row in surface["z"] for value in row if value is not None])
    line = page.named(RELIEF, "SGD", "lines")
    told = [float(text.split("loss ")[1].split("<br>")[0]) for text in line["text"]]
    above = np.array(line["z"]) - told
    assert np.all(above > 0)
    assert np.all(above < 0.02 * span)


def test_zoom_survives_what_comes_later(page: Stage) -> None:
    page.open("a")
    page.emit("a", *list(race(40))[:60])
    for graph in (CURVES, CONTOUR):
        page.painted(graph)
    zoomed = {}
    for graph in (CURVES, CONTOUR):
        page.drag(graph, ".nsewdrag", (0.3, 0.3), (0.6, 0.6))
        page.page.wait_for_function("g => document.querySelector(`[data-graph=${g}]`).layout.xaxis.range", arg=graph)
        zoomed[graph] = [page.layout(graph, f"{axis}.range") for axis in ("xaxis", "yaxis")]
    page.emit("a", chunk(0, 200), path(0, 200), tile(9))
    for graph in (CURVES, CONTOUR):
        page.painted(graph)
        assert [page.layout(graph, f"{axis}.range") for axis in ("xaxis", "yaxis")] == zoomed[graph]


def test_the_old_plane_stays_until_the_new_one_is_whole(page: Stage) -> None:
    page.open("a")
    page.emit("a", start(), plane(), tile(9), path(0, 0, 10), path(1, 0, 10))
    page.painted(CONTOUR)
    page.emit("a", plane("p2"), tile(5, "p2"), path(0, 0, 20, "p2"))
    page.painted(CONTOUR)
    assert "9×9 points" in page.line("landscape")
    assert len(page.named(CONTOUR, "SGD", "lines")["x"]) == 10
    page.emit("a", path(1, 0, 20, "p2"))
    page.painted(CONTOUR)
    assert "5×5 points" in page.line("landscape")
    assert len(page.named(CONTOUR, "SGD", "lines")["x"]) == 20


def test_planes_of_two_kinds_are_offered(page: Stage) -> None:
    page.open("a")
    page.emit("a", start(), plane(), tile(9), plane("r1", "random"), tile(5, "r1"))
    page.painted(CONTOUR)
    selector = page.page.locator("[data-panel=landscape] [data-series]")
    assert selector.locator("option").all_inner_texts() == ["first · PCA", "first · random"]
    assert "9×9 points" in page.line("landscape")
    selector.select_option(label="first · random")
    page.page.wait_for_function(
        "document.querySelector('[data-panel=landscape] [data-line]').textContent.includes('5×5')"
    )


def test_the_newest_run_is_shown_until_another_is_chosen(page: Stage) -> None:
    page.source.add("b", "second")
    page.open("a", "b")
    page.emit("a", start(), plane(), tile(9))
    page.painted(CONTOUR)
    assert "9×9 points" in page.line("landscape")
    page.emit("b", start(), plane("p2"), tile(5, "p2"))
    page.painted(CONTOUR)
    assert "5×5 points" in page.line("landscape")
    selector = page.page.locator("[data-panel=landscape] [data-series]")
    assert selector.locator("option:checked").inner_text() == "second · PCA"
    selector.select_option(label="first · PCA")
    page.page.wait_for_function(
        "document.querySelector('[data-panel=landscape] [data-line]').textContent.includes('9×9')"
    )


def test_long_curves_are_thinned_but_keep_their_extremes_and_gaps(page: Stage) -> None:
    count = 50_000
    loss = np.full(count, 0.5, dtype=np.float32)
    loss[[12_345, 23_456]] = [7.0, 0.001]
    loss[34_567] = np.nan
    page.open("a")
    page.emit("a", start("SGD"), chunk(0, 0, count, loss=loss))
    page.painted(CURVES)
    drawn = page.named(CURVES, "SGD", "lines")
    assert len(drawn["x"]) < 4000
    values = [value for value in drawn["y"] if value is not None]
    assert (max(values), min(values)) == (7.0, pytest.approx(0.001))
    assert drawn["y"].count(None) == 1
    assert (drawn["x"][0], drawn["x"][-1]) == (1, count)
