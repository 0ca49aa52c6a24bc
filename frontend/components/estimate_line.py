"""The line beside Start: what a run would take, or why it would be refused."""

from collections.abc import Sequence

from dash import html

from backend.schemas.estimate import Estimate, duration
from frontend import ids
from frontend.components.node import Node

GIB = 1024  # MiB


def estimate_place() -> Node:
    """Make the line's place; it is empty until the first answer."""
    return html.Div(id=ids.ESTIMATE, className="estimate", role="status")


def estimate_line(found: Sequence[Estimate]) -> Node:
    """Say what one Start would take, in few words, with more on pointing at it.

    Args:
        found: of each run that it makes.

    Returns:
        The line.
    """
    refused = next((each.refused for each in found if each.refused is not None), None)
    if refused is not None:
        return html.Span(
            f"too large: {duration(sum(each.working for each in found))}, {memory(most_memory(found))}",
            title=f"{refused.message}. {refused.hint or ''}",
            className="estimate-refused",
        )
    guess = "" if all(each.known for each in found) else "perhaps "
    seconds = duration(sum(each.seconds for each in found))
    return html.Span(f"{guess}about {seconds} on one worker, {memory(most_memory(found))}", title=told(found))


def told(found: Sequence[Estimate]) -> str:
    """Say what the time is spent on, and how sure that is."""
    first = found[0]
    parts = [part for part in first.parts if part.seconds >= 0.05 * first.working]
    spent = ", ".join(f"{part.name} {duration(part.seconds)}" for part in parts)
    sure = f"speed taken from {first.measured} finished runs" if first.measured else "within a factor of two, usually"
    runs = f"{len(found)} runs; of the first " if len(found) > 1 else ""
    size = f"{first.parameters:,} parameters, {first.examples:,} examples"
    idle = f"; up to {first.shared} workers share it if they are idle (serve --workers 3 or more)"
    return f"{runs}{size}; computing: {spent or 'next to nothing'} ({sure}){idle if first.shared > 1 else ''}"


def most_memory(found: Sequence[Estimate]) -> float:
    """Return the memory of the largest run."""
    return max(each.memory_mb for each in found)


def memory(mib: float) -> str:
    """Write an amount of memory to two digits.

    Args:
        mib: MiB.

    Returns:
        The amount with its unit.

    Example:
        >>> memory(317.2), memory(4321), memory(1e6)
        ('320 MB', '4.2 GB', '980 GB')
    """
    if mib < 1000:
        return f"{round(mib, -1):.0f} MB"
    gib = mib / GIB
    return f"{gib:.1f} GB" if gib < 10 else f"{round(gib, -1):,.0f} GB"
