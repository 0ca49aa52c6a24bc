"""What the spectrum and the overlap draw from a stream of events, now and at earlier moments."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from backend.schemas import events
from frontend.theme import PALETTE, lane_colour
from tests.browser.stream_page import Stage

pytestmark = pytest.mark.browser
LANES = ("SGD", "Adam")
GRID = np.linspace(-1.0, 9.0, 101)


@pytest.fixture
def page(opened: Stage) -> Iterator[Stage]:
    opened.source.add("a", "first", LANES, probes=("spectrum", "overlap"))
    yield opened
    opened.show()
    opened.source.clear()
    assert opened.complaints == []


def density(lane: str, step: int, centre: float, **fields: Any) -> events.Spectrum:
    usual: dict[str, Any] = {
        "matrix": "hessian", "layer": None, "size": 100, "trace": 1.0, "trace_stderr": 0.1, "probes": 4,
        "products": 40, "final": True,
    }  # fmt: skip
    curve = np.exp(-((GRID - centre) ** 2) / 0.02)
    return events.Spectrum(lane=lane, step=step, grid=GRID, density=curve, **(usual | fields))


def stems(lane: str, step: int, *values: float, converged: bool = True, **fields: Any) -> events.Eigenvalues:
    usual: dict[str, Any] = {"matrix": "hessian", "which": "largest", "products": 9, "final": True}
    residuals = np.full(len(values), 0.25)
    return events.Eigenvalues(
        lane=lane, step=step, values=np.array(values), residuals=residuals, converged=converged, **(usual | fields)
    )


def share(lane: str, step: int, fraction: float, **fields: Any) -> events.Overlap:
    usual: dict[str, Any] = {
        "layer": None, "k": 10, "update": None, "baseline": 0.01, "previous": None, "converged": True, "products": 30
    }  # fmt: skip
    return events.Overlap(lane=lane, step=step, fraction=fraction, **(usual | fields))


def peaks(page: Stage) -> dict[str, float]:
    """Where the density of each lane is largest."""
    lines = [trace for trace in page.traces("spectrum") if trace["mode"] == "lines"]
    return {line["name"]: line["x"][int(np.nanargmax(np.array(line["y"], float)))] for line in lines}


def marks(page: Stage) -> list[dict[str, Any]]:
    return [trace for trace in page.traces("spectrum") if trace["mode"] == "markers"]


def test_stems_are_hollow_with_their_residuals_until_they_converge(page: Stage) -> None:
    page.open("a")
    page.emit("a", stems("SGD", 0, 5.0, 3.0, converged=False, final=False))
    page.painted("spectrum")
    (hollow,) = marks(page)
    assert (hollow["x"], hollow["error_x"]["array"]) == ([5.0, 3.0], [0.25, 0.25])
    assert hollow["marker"]["color"] == PALETTE["light"]["ground"]
    assert "converging" in page.line("spectrum")
    page.emit("a", stems("SGD", 0, 5.25, 3.5), density("SGD", 0, 0.0))
    page.painted("spectrum")
    (solid,) = marks(page)
    assert (solid["x"], solid["marker"]["color"]) == ([5.25, 3.5], lane_colour(0))
    assert page.line("spectrum") == "step 0 · 100 eigenvalues · probes: 4, products: 40"


def test_a_trace_and_an_index_are_said_in_words(page: Stage) -> None:
    page.source.add("b", "look", ())
    page.source.runs["b"]["request"] = {"at": [{"run": "a"}], "analysis": {"kind": "trace"}}
    page.open("b")
    found = {"lane": "SGD", "step": 10, "point": 0, "final": True}
    page.emit("b", events.Trace(**found, matrix="gauss_newton", value=12.5, stderr=0.34567, probes=30))
    page.emit("b", events.Index(**found, value=0.1234, stderr=0.01, below=-1e-3, products=500))
    page.page.wait_for_function(
        "document.querySelector('[data-panel=spectrum] [data-line]')?.textContent.includes('eigenvalues below')"
    )
    said = "step 10: trace of G 12.5 ± 0.35, probes: 30 · step 10: 12.3 % of the eigenvalues below −0.001"
    assert page.line("spectrum") == f"{said}, standard error 0.01"
    assert page.page.locator("[data-panel=spectrum]").is_visible()


def test_what_never_converged_says_so(page: Stage) -> None:
    page.open("a")
    page.emit("a", stems("SGD", 0, 5.0, converged=False), density("SGD", 0, 0.0))
    page.painted("spectrum")
    assert [mark["marker"]["color"] for mark in marks(page)] == [PALETTE["light"]["ground"]]
    assert page.line("spectrum").endswith("not all eigenvalues converged")


def test_each_moment_shows_the_newest_look_before_it(page: Stage) -> None:
    page.open("a")
    for step, centre in ((0, 0.0), (10, 2.0), (20, 4.0)):
        page.emit("a", stems("SGD", step, centre + 1), density("SGD", step, centre), density("Adam", step, 1.0))
    page.painted("spectrum")
    assert peaks(page) == pytest.approx({"SGD": 4.0, "Adam": 1.0})
    page.show("a", time__step="15")
    page.page.wait_for_function(
        "document.querySelector('[data-panel=spectrum] [data-line]').textContent.startsWith('step 10')"
    )
    assert peaks(page) == pytest.approx({"SGD": 2.0, "Adam": 1.0})
    assert [mark["x"] for mark in marks(page)] == [[3.0]]
    page.show("a")
    page.page.wait_for_function(
        "document.querySelector('[data-panel=spectrum] [data-line]').textContent.startsWith('step 20')"
    )
    assert peaks(page)["SGD"] == pytest.approx(4.0)


def test_matrices_and_layers_are_chosen(page: Stage) -> None:
    page.open("a")
    page.emit("a", *(density("SGD", 0, place, matrix=kind) for kind, place in (("hessian", 0.0), ("residual", 3.0))))
    page.emit("a", density("SGD", 0, 6.0, layer="4"), stems("SGD", 0, 5.0), stems("SGD", 0, 7.0, layer="4"))
    page.painted("spectrum")
    assert peaks(page) == pytest.approx({"SGD": 0.0})
    assert [mark["x"] for mark in marks(page)] == [[5.0]]
    page.show("a", spectrum__matrix="all")
    page.page.wait_for_function(
        "document.querySelector('[data-graph=spectrum]').data.filter((t) => t.mode === 'lines').length === 2"
    )
    page.show("a", spectrum__matrix="residual")
    page.page.wait_for_function(
        "document.querySelector('[data-graph=spectrum]').layout.xaxis.title.text.endsWith('of H − G')"
    )
    assert peaks(page) == pytest.approx({"SGD": 3.0})
    assert marks(page) == []
    page.show("a")
    select = page.page.locator("[data-panel=spectrum] [data-sort]")
    assert select.locator("option").all_inner_texts() == ["Whole network", "Layer 4"]
    select.select_option("4")
    page.page.wait_for_function("document.querySelector('[data-graph=spectrum]').data.some((t) => t.x[0] === 7)")
    assert [mark["x"] for mark in marks(page)] == [[7.0]]
    assert peaks(page) == pytest.approx({"SGD": 6.0})


def test_a_look_at_a_kept_moment_takes_its_lanes_place(page: Stage) -> None:
    page.source.add("b", "look", ())
    page.source.runs["b"]["request"] = {
        "at": [{"run": "a", "lane": "Adam", "step": 10}],
        "analysis": {"kind": "spectrum"},
    }
    page.open("a", "b")
    page.emit("a", density("Adam", 0, 0.0))
    page.emit("b", density("Adam", 10, 3.0, point=0))
    page.painted("spectrum")
    (line,) = (trace for trace in page.traces("spectrum") if trace["mode"] == "lines")
    assert (line["name"], line["line"]["color"]) == ("Adam", lane_colour(1))
    assert peaks(page) == pytest.approx({"Adam": 3.0})


def test_the_tails_of_a_density_are_cut(page: Stage) -> None:
    page.open("a")
    page.emit("a", density("SGD", 0, 0.0))
    page.painted("spectrum")
    (line,) = (trace for trace in page.traces("spectrum") if trace["mode"] == "lines")
    drawn = [value for value in line["y"] if value is not None]
    assert min(drawn) == pytest.approx(1e-3, rel=1e-6)
    assert len(drawn) < len(line["y"])


def test_overlap_stands_over_what_chance_gives(page: Stage) -> None:
    page.open("a")
    page.emit("a", share("SGD", 0, 0.2), share("SGD", 10, 0.9, update=0.8, previous=0.7, converged=False))
    page.painted("overlap")
    chance, line, now, hollow = page.traces("overlap")
    assert (chance["name"], chance["y"]) == ("chance", [0.01, 0.01])
    assert (line["x"], line["y"]) == ([0, 10], [0.2, 0.9])
    assert (now["x"], now["y"]) == ([10], [0.9])
    assert (hollow["x"], hollow["marker"]["color"]) == ([10], PALETTE["light"]["ground"])
    assert page.line("overlap") == (
        "in the 10 sharpest directions · dashed: chance, 1 % · 30 products a look · not converged"
    )
    page.show("a", overlap__what="update", time__step="4")
    page.page.wait_for_function("document.querySelector('[data-graph=overlap]').layout.shapes.length === 1")
    assert page.line("overlap").endswith("30 products a look")
    _, line, now, _ = page.traces("overlap")
    assert (line["y"], now["x"], now["y"]) == ([None, 0.8], [0], [None])
