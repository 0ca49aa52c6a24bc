"""What the saliency draws: a picture for each example and method, in colours that say where they end."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from backend.schemas import events
from tests.browser.stream_page import Stage

pytestmark = pytest.mark.browser
MAP = np.array([[-2.0, 0.0], [1.0, 2.0]])
PIXELS = """() => [...document.querySelectorAll('[data-graph=saliency] .gs-tile canvas')].map((canvas) =>
  [canvas.width, canvas.height, [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]])"""
TITLES = """() => [...document.querySelectorAll('.gs-tile-title')].map((title) =>
  [...title.querySelectorAll('strong, span')].map((part) => part.textContent))"""
ROW = "document.querySelectorAll('.gs-tile-title')[1]?.textContent"


@pytest.fixture
def page(opened: Stage) -> Iterator[Stage]:
    opened.source.add("a", "first", ("SGD",), probes=("saliency",))
    opened.open("a")
    yield opened
    opened.show()
    opened.source.clear()
    assert opened.complaints == []


def example(number: int, step: int = 0, **fields: Any) -> events.SaliencyExample:
    usual: dict[str, Any] = {
        "lane": "SGD", "split": "test", "input": np.eye(2), "label": 7, "target": 7, "predicted": 7, "correct": True,
        "own": True, "logit": 3.0,
    }  # fmt: skip
    return events.SaliencyExample(example=number, step=step, **(usual | fields))


def mapped(number: int, found: np.ndarray = MAP, step: int = 0, **fields: Any) -> events.SaliencyMap:
    usual: dict[str, Any] = {
        "lane": "SGD", "method": "gradient", "target": 7, "signed": True, "scale": 2.0, "samples": 1, "final": True,
        "completeness_gap": None,
    }  # fmt: skip
    return events.SaliencyMap(example=number, map=found, step=step, **(usual | fields))


def pixels(page: Stage) -> list[Any]:
    page.painted("saliency")
    return list(page.page.evaluate(PIXELS))


def colour(picture: Any, place: int) -> tuple[int, int, int]:
    red, green, blue = picture[2][4 * place : 4 * place + 3]
    return red, green, blue


def test_a_pixel_is_a_value_and_zero_has_the_grounds_colour(page: Stage) -> None:
    page.emit("a", example(3), mapped(3))
    grey, found = pixels(page)
    assert grey[:2] == found[:2] == [2, 2]
    assert [colour(grey, place) for place in range(4)] == [(255,) * 3, (0,) * 3, (0,) * 3, (255,) * 3]
    below, zero, _, above = (colour(found, place) for place in range(4))
    assert min(zero) > 240
    assert below[2] > below[0]  # blue below zero
    assert above[0] > above[2]
    assert (
        page.line("saliency")
        == "step 0 · own class explained, ✗ says what is read instead · colours end at the 99th percentile"
    )


def test_a_map_of_zeros_has_the_grounds_colour(page: Stage) -> None:
    page.emit("a", example(3), mapped(3, 0 * MAP))
    _, found = pixels(page)
    assert min(min(colour(found, place)) for place in range(4)) > 240


def test_pixels_are_the_palettes_colours(page: Stage) -> None:
    page.emit("a", example(3), mapped(3))
    pixels(page)
    worst = page.page.evaluate(
        """() => {
          const values = Float64Array.from({ length: 999 }, (_, i) => Math.sin(i) * 3);
          values[500] = NaN;
          const found = [true, false].flatMap((signed) => ["#ffffff", "#101113"].map((paper) => {
            const limits = { signed, low: signed ? -2 : 0, high: 2, paper };
            const image = new ImageData(999, 1);
            window.gradscape.palette.pixels(limits, values, new Uint32Array(image.data.buffer));
            const colour = window.gradscape.palette.colours(limits);
            const gap = (i) => colour(values[i]).map((one, k) => Math.abs(one - image.data[4 * i + k]));
            const gaps = Array.from(values.keys(), gap);
            return Math.max(...gaps.flat());
          }));
          return Math.max(...found);
        }"""
    )
    assert worst <= 1


def test_one_scale_for_a_method_or_one_for_each_map(page: Stage) -> None:
    page.emit("a", example(0), example(1, correct=False, predicted=2), mapped(0), mapped(1, 10 * MAP))
    _, _, small, large = pixels(page)
    assert colour(small, 3) != colour(large, 3)
    name, ends, _ = page.page.evaluate(TITLES)[1]
    assert (name, ends) == ("Gradient", "±20")
    captions = page.page.locator("[data-graph=saliency] figcaption:visible").all_inner_texts()
    assert captions == ["7 ✓", "7 ✗ 2"]
    page.show("a", saliency__scale="map")
    page.page.wait_for_function(f"{ROW}?.includes('each its own')")
    _, _, small, large = pixels(page)
    assert colour(small, 3) == colour(large, 3)


def test_sizes_are_told_from_signed_maps_and_colours_are_shown(page: Stage) -> None:
    photograph = np.zeros((2, 2, 3))
    photograph[0, 0, 0] = 1.0
    page.emit("a", example(0, input=photograph), mapped(0, np.abs(MAP), method="vargrad", signed=False, samples=50))
    photo, found = pixels(page)
    assert colour(photo, 0) == (255, 0, 0)
    assert colour(found, 1) == (68, 1, 84)  # nothing is dark
    assert page.page.evaluate(TITLES)[1] == ["VarGrad", "0–2", "50 samples"]


def test_a_map_that_is_blind_to_the_class_says_so(page: Stage) -> None:
    page.emit("a", example(0), mapped(0, np.abs(MAP), method="cf_cam", signed=False, weighting="softmax"))
    pixels(page)
    assert page.page.evaluate(TITLES)[1] == ["CF-CAM", "0–2", "softmax as published: any class's map"]


def test_each_moment_shows_its_own_maps(page: Stage) -> None:
    for step in (0, 10, 20):
        page.emit("a", example(0, step), mapped(0, (1 + step) * MAP, step))
    pixels(page)
    assert page.page.evaluate(TITLES)[1][1] == "±42"
    page.show("a", time__step="15")
    page.page.wait_for_function(f"{ROW}?.includes('±22')")
    page.show("a", time__step="15", saliency__scale="time")
    page.page.wait_for_function(f"{ROW}?.includes('±42')")


def test_a_new_question_takes_the_place_of_the_old_answer(page: Stage) -> None:
    page.emit("a", example(0, 10), mapped(0, MAP, 10), mapped(0, MAP, 10, method="smoothgrad"))
    page.source.add("b", "look", ())
    page.source.runs["b"]["request"] = {
        "at": [{"run": "a", "lane": "SGD", "step": 10}],
        "analysis": {"kind": "saliency"},
    }
    page.show("a", "b")
    page.emit("b", example(4, 10, point=0, own=False, target=2), mapped(4, MAP, 10, point=0, method="occlusion"))
    page.page.wait_for_function(f"{ROW}?.includes('Occlusion')")
    assert len(page.page.evaluate(TITLES)) == 2
    assert "class 2 explained" in page.line("saliency")


def test_of_two_looks_at_one_lane_the_newer_is_shown(page: Stage) -> None:
    for name, method in (("b", "gradient"), ("c", "occlusion")):
        page.source.add(name, "look", ())
        page.source.runs[name]["request"] = {
            "at": [{"run": "a", "lane": "SGD", "step": 10}],
            "analysis": {"kind": "saliency"},
        }
        page.show(*"abc"[: "abc".index(name) + 1])
        page.emit(name, example(4, 10, point=0), mapped(4, MAP, 10, point=0, method=method))
        page.page.wait_for_function(
            "(row) => document.querySelectorAll('.gs-tile-title')[1]?.textContent.includes(row)", arg=method.title()
        )
    assert len(page.page.evaluate(TITLES)) == 2


def test_pointing_tells_the_value(page: Stage) -> None:
    page.emit("a", example(0), mapped(0))
    pixels(page)
    canvas = page.page.locator("[data-graph=saliency] .gs-tile canvas").nth(1)
    box = canvas.bounding_box()
    assert box is not None
    canvas.hover(position={"x": 0.25 * box["width"], "y": 0.75 * box["height"]})
    assert page.page.inner_text(".gs-tip").startswith("Gradient row 1, column 0: 1\nlogit 7 · colours end at ±2")
    assert canvas.get_attribute("aria-label") == "Gradient, 0: logit 7"


def test_a_row_of_values_is_drawn_as_bars(page: Stage) -> None:
    wave = np.sin(np.arange(16.0))
    page.emit("a", example(0, input=wave), mapped(0, wave))
    grey, found = pixels(page)
    assert grey[0] > 40  # the screen's own pixels
    colours = {tuple(found[2][4 * i : 4 * i + 3]) for i in range(found[0] * found[1]) if found[2][4 * i + 3] == 255}
    assert any(red > blue + 40 for red, _, blue in colours)
    assert any(blue > red + 40 for red, _, blue in colours)


def test_a_signal_is_drawn_as_a_line_over_its_own_axis(page: Stage) -> None:
    wave = np.sin(np.arange(64.0))
    peak = np.where(np.arange(33) == 5, 1.0, -0.2)
    page.emit(
        "a",
        example(0, input=wave),
        mapped(0, wave),
        mapped(0, peak, method="frequency_integrated_gradients"),
    )
    _, line, _ = pixels(page)
    filled = [line[2][4 * i + 3] for i in range(line[0] * line[1])]
    assert any(0 < opacity < 255 for opacity in filled)  # the area to zero is lighter than the line
    titles = page.page.locator(".gs-tile-title").all_inner_texts()
    assert titles[1].split("\n")[-1] == "place 0–63"
    assert titles[2].split("\n")[-1] == "periods 0–32"
    canvas = page.page.locator("[data-graph=saliency] .gs-tile canvas").nth(2)
    box = canvas.bounding_box()
    assert box is not None
    canvas.hover(position={"x": 5.5 / 33 * box["width"], "y": 0.5 * box["height"]})
    assert page.page.inner_text(".gs-tip").startswith("IG by frequency periods 5: 1")
