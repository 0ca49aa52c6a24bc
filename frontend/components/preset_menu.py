"""The menu of presets, and what the chosen one shows."""

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from frontend import ids
from frontend.components.draft import title_of
from frontend.components.node import Node, icon
from frontend.preset import Preset
from frontend.presets import GROUPS


def preset_menu() -> Node:
    """Make the menu."""
    items: list[Node] = []
    for title, group in GROUPS:
        items.append(dmc.MenuLabel(title))
        items += [
            dmc.MenuItem([html.Div(p.title), html.Div(p.sentence, className="dim small")], id=ids.preset_item(p.name))
            for p in group
        ]
    return dmc.Menu(
        [
            dmc.MenuTarget(
                dmc.Button(
                    "Presets", variant="default", size="xs", rightSection=icon("down"), id=ids.PRESETS, fullWidth=True
                ),
                boxWrapperProps={"w": "100%"},
            ),
            dmc.MenuDropdown(items, className="gs-presets"),
        ],
        width=440,
        position="bottom-start",
        shadow="sm",
    )


def preset_note(
    chosen: Preset | None,
    variants: Sequence[Mapping[str, Any]],
    dropped: Sequence[Mapping[str, Any]] = (),
    also: Sequence[Mapping[str, Any]] = (),
) -> list[Node]:
    """Say what the chosen preset shows, and which runs one Start makes where they are several.

    Args:
        chosen: the preset, where one was chosen just now.
        variants: the runs that one Start makes, where they are several.
        dropped: those that it made before a change took away what they differed in.
        also: the analyses that start along with the race.

    Returns:
        The note's parts; none where there is nothing to say.
    """
    parts: list[Node] = []
    if chosen is not None:
        parts = [html.Div(chosen.title, className="strong"), html.Div(chosen.sentence, className="dim")]
    if variants:
        parts += [html.Div(f"Start makes {len(variants)} runs: {_names(variants)}.", className="dim"), _single()]
    elif dropped:
        text = f"Start makes one run now: what {_names(dropped)} differed in is no longer there."
        parts.append(html.Div(text, className="dim", role="status"))
    if also:
        named = " and ".join(title_of(analysis).lower() for analysis in also)
        parts += [html.Div(f"Start also draws: {named}, by the rules of all lanes.", className="dim"), _single()]
    return parts


def _single() -> Node:
    return html.Button("Make one run instead", id=ids.single_run("note"), type="button", className="gs-do")


def _names(variants: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(str(variant.get("name", "")) for variant in variants)
