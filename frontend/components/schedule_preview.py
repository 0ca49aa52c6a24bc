"""A schedule drawn before the race starts: the factor on the learning rate over all steps, from its own formula."""

import json
from collections.abc import Mapping
from typing import Any, Final

from dash import html
from pydantic import TypeAdapter, ValidationError

from backend.schemas.optimizer import AnySchedule
from frontend.components.answers import write_number
from frontend.components.node import Node, aria

SCHEDULE: Final[TypeAdapter[AnySchedule]] = TypeAdapter(AnySchedule)
MOST_POINTS: Final = 150


def schedule_preview(schedule: Mapping[str, Any], steps: Any) -> list[Node]:
    """Draw a schedule.

    Args:
        schedule: its present values, as plain JSON values; they may be half typed.
        steps: of the race.

    Returns:
        The picture with its ends, or a sentence where the values are no schedule yet.
    """
    try:
        spec = SCHEDULE.validate_json(json.dumps(schedule))
    except ValidationError:
        return [html.P("These values are no schedule yet.", className="dim small")]
    if not isinstance(steps, int) or not 1 <= steps <= 10_000_000:
        return [html.P("The number of steps is not known yet.", className="dim small")]
    places = sorted({round(i * (steps - 1) / (MOST_POINTS - 1)) for i in range(MOST_POINTS)})
    factors = [spec.factor(place, steps) for place in places]
    top = max(*factors, 1e-300, 1.0)
    told = f"{_short(factors[0])} at first, {_short(max(factors))} at most, {_short(factors[-1])} at the end"
    said = " → ".join(dict.fromkeys(_short(value) for value in (factors[0], max(factors), factors[-1])))
    outline = ", ".join(
        f"{100 * place / max(steps - 1, 1):.2f}% {100 * (1 - value / top):.2f}%"
        for place, value in zip(places, factors, strict=True)
    )
    area = html.Div(className="preview-area", style={"clipPath": f"polygon({outline}, 100% 100%, 0% 100%)"})
    return [
        html.Div(area, className="preview-frame", role="img", **aria(label=f"Factor on the learning rate: {told}")),
        html.Div(
            [html.Span("0"), html.Span(f"× {said}"), html.Span(str(steps))],
            className="preview-ends",
            **aria(hidden="true"),
        ),
    ]


def _short(value: float) -> str:
    return write_number(float(f"{value:.2g}"))
