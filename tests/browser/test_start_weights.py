"""Weights from a file, in a real browser: chosen, sent, matched by name and shape, and a race that starts from them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lab_page import field, open_lab, run_id, set_up, wait_status
from safetensors.numpy import save

pytestmark = pytest.mark.browser
SAID = "document.querySelector('#weights-said')?.textContent"
SHAPES = {
    "0.weight": (32, 64),
    "0.bias": (32,),
    "2.weight": (32, 32),
    "2.bias": (32,),
    "4.weight": (10, 32),
    "4.bias": (10,),
}


@pytest.fixture(autouse=True)
def _nothing_runs(server: Any) -> None:
    server.clear()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    file = tmp_path / "my digits (2).safetensors"
    draw = np.random.default_rng(0)
    file.write_bytes(save({name: draw.normal(0, 0.1, shape).astype(np.float32) for name, shape in SHAPES.items()}))
    return file


def choose(page: Any, file: Path) -> None:
    """Choose a file with the keyboard alone."""
    if not page.locator("#weights-choose").is_visible():
        page.locator("summary", has_text="Start from weights").press("Enter")
    with page.expect_file_chooser() as asked:
        page.locator("#weights-choose").press("Enter")
    asked.value.set_files(file)


def test_a_race_starts_from_a_file(page: Any, server: Any, weights: Path) -> None:
    open_lab(page)
    choose(page, weights)
    page.wait_for_function(f'{SAID}?.includes("6 of the problem\'s 6 tensors match by name and shape: it fits")')
    assert page.input_value("#weights") == "my-digits-2-"
    set_up(page, steps="5", pace="")
    page.click("#start")
    wait_status(page, "Finished", seconds=60)
    run = server.run(run_id(page))
    assert run["request"]["origin"] == {"checkpoint": "my-digits-2-"}
    assert run["status"] == "succeeded"


def test_what_does_not_fit_is_told_before_the_start(page: Any, server: Any, weights: Path) -> None:
    open_lab(page)
    field(page, "problem.model.hidden").fill("16")
    choose(page, weights)
    page.wait_for_function(f"{SAID}?.includes('a run from it would fail')")
    said = page.inner_text("#weights-said")
    assert "0 of the problem's 4 tensors match" in said
    assert "Of another shape: 0.weight ([16, 64] expected, [32, 64] there)" in said
    assert "Not used: 4.bias, 4.weight" in said
    field(page, "problem.model.hidden").fill("32, 32")
    page.wait_for_function(f"{SAID}?.includes('it fits')")


def test_a_file_that_holds_no_weights_is_refused_with_a_sentence(page: Any, tmp_path: Path) -> None:
    file = tmp_path / "notes.pt"
    file.write_text("no weights", "utf-8")
    open_lab(page)
    choose(page, file)
    page.wait_for_function(f"{SAID}?.includes('notes.pt: expected a safetensors file or a state dict')")
    assert page.input_value("#weights") == ""


def test_what_a_run_would_take_is_said_beside_start(page: Any) -> None:
    said = "document.querySelector('#estimate')?.textContent"
    open_lab(page)
    page.wait_for_function(f"{said}?.startsWith('about 15 s on one worker')")
    set_up(page, pace="")
    page.wait_for_function(f"{said}?.includes('on one worker') && !{said}.includes('15 s')")
    set_up(page, steps="9999999", batch_size="", problem__model__hidden="2048, 2048")
    page.wait_for_function(f"{said}?.startsWith('too large: ')")
    page.click("#start")
    page.wait_for_selector("#notice :text('are allowed')")
    notice = page.inner_text("#notice")
    assert "Steps – this would compute for about" in notice
    assert "Lower steps, lanes" in notice
    assert "GRADSCAPE_MAX_HOURS" in notice
