"""Takes the README's pictures from a running app: ``python -m docs.pictures http://127.0.0.1:8050``."""

import argparse
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

from benchmarks.browser import ARGUMENTS, browser_path

IMAGES: Final = Path(__file__).parent / "images"
PANELS: Final = {
    "Edge of stability": "sharpness",
    "Bulk and outliers": "spectrum",
    "Attribution forms": "saliency",
}
LAB: Final = "Four optimizers on digits"
PATIENCE: Final = 300_000  # milliseconds
REST: Final = 1_500  # milliseconds until the last picture stands still


def play(page: Page, address: str, preset: str) -> None:
    """Start a preset from the menu, and wait until it has ended."""
    page.goto(address)
    page.click("#presets")
    page.locator("[role=menu]").get_by_text(preset, exact=True).click()
    page.wait_for_timeout(REST)
    page.click("#start")
    page.wait_for_function("document.querySelector('#status').textContent === 'Finished'")
    page.wait_for_timeout(REST)


def main() -> None:
    """Play each preset once, and take it in both themes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="where the app answers")
    address = parser.parse_args().address
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": 1280, "height": 800}, bypass_csp=True)
        page.set_default_timeout(PATIENCE)
        for preset in (LAB, *PANELS):
            play(page, address, preset)
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme=theme)
                page.wait_for_timeout(REST)
                if preset == LAB:
                    page.screenshot(path=IMAGES / f"lab-{theme}.png")
                else:
                    panel = PANELS[preset]
                    page.locator(f".gs-panel-{panel}").screenshot(path=IMAGES / f"{panel}-{theme}.png")
            page.emulate_media(color_scheme="light")
            sys.stdout.write(f"{preset}\n")
        browser.close()


if __name__ == "__main__":
    main()
