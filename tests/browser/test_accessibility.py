"""axe looks at every page, as it opens and with a finished race in it, light and dark: no serious fault."""

import json
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from browser.lab_page import open_lab, wait_status

from frontend.pages import PAGES

pytestmark = pytest.mark.browser
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text("utf-8")
SCHEME = "mantine-color-scheme-value"
GRAVE = ("serious", "critical")


def faults(page: Any) -> list[str]:
    """Return what is wrong, a line for each place."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [
        f"{rule['id']} ({rule['help']}): {json.dumps(node['target'])} {node['html'][:200]}"
        for rule in found["violations"]
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [page.path for page in PAGES])
def test_no_page_has_a_serious_fault(page: Any, path: str, scheme: str) -> None:
    page.add_init_script(f"localStorage.setItem('{SCHEME}', '{scheme}')")
    page.goto(path)
    page.wait_for_selector("nav a[aria-current=page]")
    page.wait_for_timeout(500)
    assert faults(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_finished_race_has_no_serious_fault(page: Any, server: Any, scheme: str) -> None:
    run = server.start()
    server.wait(run)
    page.add_init_script(f"localStorage.setItem('{SCHEME}', '{scheme}')")
    open_lab(page, f"?runs={run}")
    wait_status(page, "Finished")
    page.wait_for_timeout(500)
    assert faults(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_open_tools_and_several_runs_have_no_serious_fault(page: Any, server: Any, scheme: str) -> None:
    looks = [{"every": 10, "analysis": {"kind": kind, "plane": {"kind": "coordinates"}}} for kind in ("surface",)]
    runs = [server.start(probes=looks), server.start(name="another")]
    for run in runs:
        server.wait(run)
    page.add_init_script(f"localStorage.setItem('{SCHEME}', '{scheme}')")
    open_lab(page, f"?runs={','.join(runs)}")
    page.wait_for_selector("#members li:nth-child(2)")
    for name in ("landscape", "curves", "lanes"):
        for tool in page.locator(f"[data-panel={name}] [data-tool]").all():
            tool.click()
            assert faults(page) == []
