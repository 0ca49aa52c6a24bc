"""Colours that everybody can tell apart, and text that everybody can read."""

import pytest

from frontend.app import style_variables
from frontend.theme import (
    ACCENT,
    LANE_COLOURS,
    LANE_DASHES,
    PALETTE,
    SCHEMES,
    Scheme,
    lane_colour,
    lane_dash,
    mantine_theme,
    plotly_template,
)  # fmt: skip

OKABE_ITO = {"#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}
AA = 4.5


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2.2)."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_measured_as_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_lanes_have_the_colours_of_okabe_and_ito() -> None:
    assert set(LANE_COLOURS["light"]) == OKABE_ITO
    assert len(set(LANE_COLOURS["dark"])) == 8
    assert "#000000" not in LANE_COLOURS["dark"]


def test_colour_is_never_alone() -> None:
    assert len(LANE_DASHES) == 8
    assert len({(lane_colour(i), lane_dash(i)) for i in range(8)}) == 8
    assert len({lane_dash(i) for i in range(6)}) == 6
    assert lane_colour(8) == lane_colour(0)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("text", ["text", "dim"])
@pytest.mark.parametrize("ground", ["ground", "page"])
def test_text_can_be_read(scheme: Scheme, text: str, ground: str) -> None:
    assert contrast(PALETTE[scheme][text], PALETTE[scheme][ground]) >= AA


def test_the_accent_carries_white_text() -> None:
    assert contrast(ACCENT[mantine_theme()["primaryShade"]], "#ffffff") >= AA


@pytest.mark.parametrize("scheme", SCHEMES)
def test_figures_take_the_theme(scheme: Scheme) -> None:
    layout = plotly_template(scheme)["layout"]
    assert layout["font"]["color"] == PALETTE[scheme]["text"]
    assert layout["colorway"] == list(LANE_COLOURS[scheme])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_style_sheet_gets_every_colour(scheme: Scheme) -> None:
    style = style_variables()
    for colour in (*PALETTE[scheme].values(), *LANE_COLOURS[scheme]):
        assert colour in style
