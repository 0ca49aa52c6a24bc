"""Explain, as a newcomer uses it: every control changes the maps, and what they say is what is shown."""

from typing import Any

import pytest

from tests.browser.conftest import Server
from tests.browser.lab_page import SECONDS, open_lab

pytestmark = pytest.mark.browser
DIGITS = {"data": {"kind": "digits", "examples": 100}, "model": {"kind": "mlp", "hidden": [8]}}
LINE = "document.querySelector('[data-panel=saliency] [data-line]').textContent"
SAID = "document.querySelector('[data-panel=saliency] [data-said]').textContent"
TITLES = "[...document.querySelectorAll('.gs-tile-title strong')].map((title) => title.textContent).join()"


def told(page: Any, condition: str) -> None:
    page.wait_for_function(condition, timeout=60 * SECONDS)


def slide(page: Any, name: str, value: float) -> None:
    page.evaluate(
        """([name, value]) => {
             const slider = document.querySelector(`[data-panel=saliency] [data-${name}]`);
             slider.value = String(value);
             slider.dispatchEvent(new Event("input", { bubbles: true }));
           }""",
        [name, value],
    )


def test_every_control_asks_anew_and_the_newest_answer_is_shown(page: Any, server: Server) -> None:
    lanes = [{"name": name, "optimizer": {"kind": "sgd", "lr": 0.1}} for name in ("one", "other")]
    run = server.start(problem=DIGITS, steps=6, batch_size=20, name="digits", lanes=lanes)
    assert server.wait(run)["status"] == "succeeded"
    open_lab(page, f"?runs={run}")
    page.wait_for_selector("[data-look-start]:enabled")
    page.select_option("[data-look-what]", "saliency")
    page.click("[data-look-start]")
    told(page, f"{TITLES} === 'Input,Gradient,SmoothGrad,Integrated gradients'")
    page.click("[data-panel=saliency] [data-tool=saliency]")
    page.select_option("[data-more]", "vargrad")
    told(page, f"{TITLES} === 'Input,Gradient,SmoothGrad,VarGrad,Integrated gradients'")
    page.click("[aria-label='Without Gradient']")
    told(page, f"{TITLES} === 'Input,SmoothGrad,VarGrad,Integrated gradients'")
    page.select_option("[data-target]", "3")
    told(page, f"{LINE}.includes('class 3 explained')")
    page.fill("[data-examples]", "0-1, 5")
    page.press("[data-examples]", "Enter")
    told(page, "document.querySelectorAll('[data-graph=saliency] figcaption:not([hidden])').length === 3")
    slide(page, "samples", 1)
    told(page, "document.querySelector('[data-graph=saliency]').textContent.includes('10 samples')")
    page.evaluate("gradscape.timeline.choose(3, true)")
    told(page, f"{LINE}.startsWith('step 3 ·') && {LINE}.includes('class 3 explained')")
    page.fill("[data-examples]", "none")
    page.press("[data-examples]", "Enter")
    told(
        page, "document.querySelector('[data-panel=saliency] [data-said]').textContent.startsWith('Write examples as')"
    )
    page.fill("[data-examples]", "5000")
    page.press("[data-examples]", "Enter")
    told(page, f"{SAID}.includes('and example 5000 was asked for')")
    told(page, f"{LINE}.startsWith('step 3 ·') && {LINE}.includes('class 3 explained')")
