"""Models of one's own, in a real browser: a problem of a file, and a plain loop that records itself."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from lab_page import field, open_lab, run_id, set_up, wait_status
from torch import nn
from torch.nn import functional as F

from gradscape import Client, Recorder

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Any, own: Any) -> Iterator[Any]:
    """Open a page of that server; it fails the test where a script fails."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, base_url=own.url, bypass_csp=True)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    yield page
    context.close()
    assert faults == []


def test_a_transformer_of_ones_own_is_raced_on_its_landscape(page: Any, own: Any) -> None:
    open_lab(page)
    page.get_by_role("radiogroup", name="Kind of problem").get_by_text("Own").click()
    field(page, "problem.custom.parameters.sentences").wait_for()
    page.wait_for_function("document.querySelector('#estimate')?.textContent.startsWith('perhaps about')")
    set_up(page, problem__custom__parameters__sentences="5", steps="8", pace="", batch_size="32")
    page.click("#start")
    wait_status(page, "Finished", seconds=120)
    run = own.run(run_id(page))
    assert run["status"] == "succeeded"
    assert run["request"]["problem"]["custom"]["name"] == "small_transformer"
    page.wait_for_function(
        "document.querySelectorAll('[data-graph^=landscape] .trace, [data-graph^=landscape] .contour').length"
    )
    kinds = {item["event"]["kind"] for item in own.api.get(f"/runs/{run['id']}/events?limit=1000").json()["items"]}
    assert {"train_chunk", "eval", "surface_tile", "path_points"} <= kinds


def test_a_recorded_loop_is_seen_like_any_other_run(page: Any, own: Any) -> None:
    model, x = nn.Linear(3, 1), torch.linspace(-1, 1, 90).reshape(30, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    with Client(own.url) as client, Recorder(model, "a plain loop", steps=20, client=client) as record:
        for _ in range(20):
            optimizer.zero_grad()
            loss = F.mse_loss(model(x), x.sum(1, keepdim=True))
            loss.backward()
            optimizer.step()
            record.step(loss, lr=0.05)
    page.goto(f"/?runs={record.run}")
    wait_status(page, "Finished", seconds=60)
    whole = "graph.data?.some((trace) => trace.y?.length >= 20)"
    page.wait_for_function(f"[...document.querySelectorAll('[data-graph]')].some((graph) => {whole})")
    page.goto("/runs")
    page.wait_for_selector("text=a plain loop")
