"""Two ends are connected from the landscape: the chosen ones are asked for, and the paths are drawn."""

from typing import Any

import pytest
from lab_page import open_lab

pytestmark = pytest.mark.browser
LANE = {"name": "Adam", "optimizer": {"kind": "adam", "lr": 0.01}}
PROBLEM = {
    "data": {"kind": "digits", "examples": 200},
    "model": {"kind": "mlp", "hidden": [12], "activation": "relu"},
}


def test_two_repeats_are_connected_and_their_barriers_drawn(page: Any, server: Any) -> None:
    server.clear()
    race = server.start(problem=PROBLEM, steps=30, repeats=2, lanes=[LANE])
    server.wait(race)
    open_lab(page, f"?runs={race}")
    page.wait_for_function("gradscape.current.lanes().length === 1")
    assert page.locator("[data-panel=connectivity]").is_hidden()
    page.click("[data-tool=path]")
    ends = page.locator("[data-strip=path] [data-end]")
    assert ends.nth(1).evaluate("(end) => [...end.options].map(({text}) => text)") == [
        "Adam · repeat 1", "Adam · repeat 2",
    ]  # fmt: skip
    ends.nth(1).select_option(index=0)
    page.click("[data-strip=path] .gs-do")
    assert "two different ends" in page.locator("[data-strip=path] [data-said]").inner_text()
    ends.nth(1).select_option(index=1)
    page.click("[data-strip=path] .gs-do")
    page.wait_for_function("new URLSearchParams(location.search).get('runs').split(',').length === 2")
    made = server.wait(page.evaluate("new URLSearchParams(location.search).get('runs').split(',')[1]"))
    assert (made["status"], made["error"]) == ("succeeded", None)
    assert [(point["lane"], point["repeat"]) for point in made["request"]["at"]] == [("Adam", 0), ("Adam", 1)]
    page.wait_for_function(
        """() => (document.querySelector('[data-graph=connectivity]').data || [])
             .filter(({mode}) => mode === 'lines').length === 4"""
    )
    names = page.evaluate(
        "document.querySelector('[data-graph=connectivity]').data.filter((t) => t.showlegend).map(({name}) => name)"
    )
    assert sorted(name.split()[0] for name in names) == ["matched", "straight"]
    naive, matched = (float(next(n for n in names if n.startswith(way)).split()[1]) for way in ("straight", "matched"))
    assert naive > matched >= 0
