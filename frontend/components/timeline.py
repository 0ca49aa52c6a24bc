"""The time line below the panels: the step that all of them show, and a closer look at it.

What it does is done by ``assets/timeline.js`` and ``assets/look.js``, without Dash in between.
"""

from dash import html

from frontend import ids
from frontend.components.node import Node, aria
from frontend.panels.base import data


def timeline() -> Node:
    """Make the time line, as it is before anything runs: hidden."""
    return html.Div(
        [
            html.Span("Time", className="dim"),
            html.Span(
                className="timeline-range", **data(**{"range-place": ""})
            ),  # Dash has no slider that is the browser's
            html.Output(className="timeline-step", **data(step="")),
            html.Button(
                "Live",
                type="button",
                className="timeline-live",
                title="Follow the newest step (End)",
                **data(live=""),
                **aria(pressed="true"),
            ),
            html.Div(
                [
                    html.Select(**data(**{"look-what": ""}), **aria(label="What to look for")),
                    html.Select(hidden=True, **data(**{"look-lane": ""}), **aria(label="In which lane")),
                    html.Button(
                        "Look",
                        type="button",
                        title="Analyse the kept moment nearest to this step; what is found joins the view",
                        **data(**{"look-start": ""}),
                    ),
                ],
                className="timeline-look",
                role="group",
                **aria(label="Look closer at this step"),
            ),
        ],
        id=ids.TIMELINE,
        className="timeline",
        hidden=True,
        **data(timeline=""),
    )
