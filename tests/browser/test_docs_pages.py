"""The documentation in a real browser: pages of its own, and beside each panel."""

from typing import Any

import pytest

from tests.browser.lab_page import open_lab

pytestmark = pytest.mark.browser


def test_documents_are_pages_that_link_to_each_other(page: Any) -> None:
    page.goto("/docs")
    page.locator(".docs-page h1", has_text="Documentation").wait_for()
    assert page.locator("nav a[aria-current=page]").first.inner_text() == "Docs"
    page.locator(".docs-page a", has_text="Trajectory").click()
    page.locator(".docs-page h1", has_text="Trajectory").wait_for()
    assert page.url.endswith("/docs/analyses/trajectory")
    assert page.locator(".docs-contents a[aria-current=page]").inner_text() == "Trajectory"
    page.get_by_text("While training.").wait_for()


def test_an_anchor_leads_to_its_part(page: Any) -> None:
    page.goto("/docs/problems#wine")
    page.wait_for_function(
        """() => { const part = document.getElementById("wine");
          const there = part && part.textContent.includes("growers");
          return there && Math.abs(part.getBoundingClientRect().top - 64) < 40; }"""
    )


def test_what_is_not_there_is_said(page: Any) -> None:
    page.goto("/docs/nothing")
    page.get_by_text("There is no page here").wait_for()


def test_a_panels_question_mark_opens_its_own_pages(page: Any) -> None:
    open_lab(page)
    page.get_by_role("button", name="About Landscape").click()
    drawer = page.get_by_role("dialog")
    drawer.get_by_text("What you see.").first.wait_for()
    assert drawer.locator("article > h2").all_inner_texts() == ["Loss surface", "Trajectory"]
    page.keyboard.press("Escape")
    drawer.wait_for(state="detached")
    page.get_by_role("button", name="About Training").click()
    page.get_by_role("dialog").get_by_text("edge of stability").wait_for()


def test_the_drawer_opens_beside_the_panel_that_it_explains(page: Any) -> None:
    open_lab(page)
    for panel, title in (("landscape", "Landscape"), ("curves", "Training")):
        page.get_by_role("button", name=f"About {title}").click()
        drawer = page.get_by_role("dialog", name=title)
        drawer.locator("article").first.wait_for()
        page.wait_for_function("document.querySelector('.docs-drawer [role=dialog]').getAnimations().length === 0")
        edges = """element => (({left, right}) => [left, right])(element.getBoundingClientRect())"""
        left, right = page.locator(f".gs-panel-{panel}").evaluate(edges)
        start, end = drawer.evaluate(edges)
        hidden = max(min(right, end) - max(left, start), 0)
        assert hidden < 0.5 * (right - left)
        assert (start == 0) == (left > page.viewport_size["width"] / 2)
        page.keyboard.press("Escape")
        drawer.wait_for(state="detached")
