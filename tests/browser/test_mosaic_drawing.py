"""Surfaces that come in tiles: laid over one another, the gaps drawn as straight lines and said to be so."""

from collections.abc import Iterator

import numpy as np
import pytest

from backend.schemas import events
from benchmarks.synthetic_stream import plane, tile, valley
from tests.browser.stream_page import Stage

pytestmark = pytest.mark.browser
CONTOUR = "landscape-contour"


@pytest.fixture
def page(opened: Stage) -> Iterator[Stage]:
    opened.source.add("a", "first")
    yield opened
    opened.show()
    opened.source.clear()
    assert opened.complaints == []


def start() -> events.Started:
    return events.Started(device="cpu", dtype="float32", parameters=9, examples=9, lanes=("SGD",))


def part(level: int, low: float, high: float, spoil: bool = False) -> events.SurfaceTile:
    """The patch from low to high in both coordinates."""
    side = np.linspace(-1, 1, level)
    side = side[(side >= low) & (side <= high)].astype(np.float32)
    loss = valley(side[:, None], side[None, :]).astype(np.float32)
    if spoil:
        loss[1, 1] = np.nan
    return events.SurfaceTile(
        plane="p1", level=level, a=side, b=side, loss=loss, stderr=None, bound=0.1, data_fraction=1.0, final=False,
        coarsest=5, least_fraction=0.25, even=False,
    )  # fmt: skip


def drawn(page: Stage) -> np.ndarray:
    [surface] = [trace for trace in page.traces(CONTOUR) if trace["type"] == "contour"]
    return np.array([[np.nan if value is None else value for value in row] for row in surface["z"]])


def texts(page: Stage) -> list[list[str]]:
    return page.page.evaluate(
        "document.querySelector('[data-graph=landscape-contour]').data.find((trace) => trace.type === 'contour').text"
    )


def test_a_finer_patch_is_laid_over_and_the_rest_is_straight_between_its_points(page: Stage) -> None:
    page.open("a", landscape__scale="linear")
    page.emit("a", start(), plane(), tile(5), part(9, 0.0, 0.5))
    page.painted(CONTOUR)
    page.page.wait_for_function(
        "document.querySelector('[data-graph=landscape-contour]').data.some((trace) => trace.z && trace.z.length === 9)"
    )
    found, side = drawn(page), np.linspace(-1, 1, 9)
    true = valley(side[None, :], side[:, None])  # rows are b
    known = np.zeros((9, 9), dtype=bool)
    known[::2, ::2] = True
    known[4:7, 4:7] = True
    assert np.allclose(found[known], true[known], rtol=1e-5)
    coarse = true[::2, ::2]
    straight = np.array([[np.interp(x, side[::2], row) for x in side] for row in coarse])
    straight = np.array([np.interp(side, side[::2], column) for column in straight.T]).T
    far = ~known
    far[3:8, 3:8] = False  # beside the patch its own points count
    assert np.allclose(found[far], straight[far], rtol=1e-4, atol=1e-5)
    words = texts(page)
    marked = np.array([["not evaluated" in text for text in row] for row in words])
    assert (marked == ~known).all()
    line = page.line("landscape")
    assert "5×5 to 9×9 points" in line
    assert "25 % of" in line
    assert "within about 10 % of the range" in line
    assert "holes" not in line


def test_a_hole_in_a_patch_is_a_hole(page: Stage) -> None:
    page.open("a", landscape__scale="linear")
    page.emit("a", start(), plane(), tile(5), part(17, 0.0, 0.5, spoil=True))
    page.painted(CONTOUR)
    page.page.wait_for_function(
        "document.querySelector('[data-graph=landscape-contour]').data.some((t) => t.z && t.z.length === 17)"
    )
    assert np.argwhere(np.isnan(drawn(page))).tolist() == [[9, 9]]
    evaluated = 5 * 5 + 5 * 5 - 2 * 2  # the coarse grid's points, and the patch's, of which four are the same
    assert f"holes: not finite, {100 / evaluated:.1f} % of it" in page.line("landscape")
