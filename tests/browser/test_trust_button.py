"""What one asks of maps of saliency: by the controls of Explain, and by one press whether they can be believed."""

from typing import Any

import pytest

from tests.browser.conftest import Server
from tests.browser.lab_page import SECONDS, open_lab

pytestmark = pytest.mark.browser
SETTINGS = {
    "baseline": "mean",
    "window": 3,
    "weighting": "softmax",
    "rho": 0.5,
    "sparsity": 0.1,
    "patch": 2,
    "layer": -2,
}
MAPS = {"kind": "saliency", "method": "gradient", "compare": ["occlusion"], "examples": [2, 0], "target": 3, **SETTINGS}
LINE = "document.querySelector('[data-panel=saliency] [data-line]').textContent"
SAID = "document.querySelector('[data-panel=saliency] [data-said]').textContent"
TITLES = "[...document.querySelectorAll('.gs-tile-title strong')].map((title) => title.textContent).join()"
DIGITS = {"data": {"kind": "digits", "examples": 100}, "model": {"kind": "mlp", "hidden": [8]}}


def raced(server: Server, analysis: dict[str, Any]) -> str:
    probe = {"every": 2, "late": "wait", "analysis": analysis}
    run = server.start(problem=DIGITS, steps=4, batch_size=20, probes=[probe], name="digits")
    assert server.wait(run)["status"] == "succeeded"
    return run


def ready(page: Any, panel: str) -> None:
    page.wait_for_function(
        f"document.querySelector('[data-panel={panel}]')?.dataset.state === 'ready'", timeout=60 * SECONDS
    )


def test_the_maps_that_are_shown_are_asked_at_the_moment_that_is_shown(page: Any, server: Server) -> None:
    run = raced(server, MAPS)
    open_lab(page, f"?runs={run}&time.step=2")
    page.wait_for_selector("[data-trust]:enabled")
    page.wait_for_function("document.querySelector('[data-panel=saliency] [data-line]').textContent.includes('step 2')")
    page.click("[data-trust]")
    ready(page, "trust")
    asked = str(page.evaluate("new URLSearchParams(location.search).get('runs').split(',')[1]"))
    request = server.run(asked)["request"]
    assert [(at["run"], at["lane"], at["step"]) for at in request["at"]] == [(run, "SGD", 2)]
    analysis = request["analysis"]
    assert (analysis["methods"], analysis["examples"], analysis["target"]) == (["gradient", "occlusion"], [2, 0], 3)
    assert {name: analysis[name] for name in SETTINGS} == SETTINGS
    assert page.inner_text("[data-panel=trust] [data-line]").startswith("step 2 · 2 examples")
    assert page.locator("[data-graph=answers] thead th").all_inner_texts()[0].startswith("Gradient\n✓")


def test_what_a_run_was_asked_for_is_offered_first(page: Any, server: Server) -> None:
    run = raced(server, {"kind": "gradient_stats", "statistics": ["singular_values"], "examples": 4})
    open_lab(page, f"?runs={run}")
    page.wait_for_function("document.querySelector('[data-look-what]')?.value === 'singular'")
    page.select_option("[data-look-what]", "movement")
    page.wait_for_timeout(300)
    assert page.input_value("[data-look-what]") == "movement"


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
