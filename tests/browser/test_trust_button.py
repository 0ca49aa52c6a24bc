"""One press at maps of saliency asks whether they can be believed; what is asked for is what is offered below."""

from typing import Any

import pytest

from tests.browser.conftest import Server
from tests.browser.lab_page import SECONDS, open_lab

pytestmark = pytest.mark.browser
MAPS = {"kind": "saliency", "method": "gradient", "compare": ["occlusion"], "examples": [2, 0], "target": 3}
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
    assert page.inner_text("[data-panel=trust] [data-line]").startswith("step 2 · 2 examples")
    assert page.locator("[data-graph=answers] thead th").all_inner_texts()[0].startswith("Gradient\n✓")


def test_what_a_run_was_asked_for_is_offered_first(page: Any, server: Server) -> None:
    run = raced(server, {"kind": "gradient_stats", "statistics": ["singular_values"], "examples": 4})
    open_lab(page, f"?runs={run}")
    page.wait_for_function("document.querySelector('[data-look-what]')?.value === 'singular'")
    page.select_option("[data-look-what]", "movement")
    page.wait_for_timeout(300)
    assert page.input_value("[data-look-what]") == "movement"
