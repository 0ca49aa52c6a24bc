"""Writes the README's table from ``benchmarks/results/*.json``; ``--list`` names the benchmarks instead."""

import argparse
import json
from pathlib import Path
from typing import Any, Final

from benchmarks.record import RESULTS

BENCHES: Final = (
    "train_overhead",
    "lanes",
    "shared_race",
    "ray_surface",
    "start_up",
    "readers",
    "first_paint",
    "paint_latency",
    "planes",
    "laplacian",
    "many_starts",
    "eigenvalues",
    "sharpness_tracking",
    "per_sample",
    "saliency",
    "explain",
    "recorder",
)
README: Final = Path(__file__).parents[1] / "README.md"
BEGIN: Final = "<!-- benchmarks: begin -->\n"
END: Final = "<!-- benchmarks: end -->"


def results(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """Read what has been measured, in the order of ``BENCHES``."""
    files = [folder / f"{bench}.json" for bench in BENCHES]
    return [json.loads(path.read_text("utf-8")) for path in files if path.exists()]


def table(measured: list[dict[str, Any]]) -> str:
    """Write the figures as a Markdown table, with the machines below it; a sentence where there are none.

    Args:
        measured: what :func:`results` returns.
    """
    if not measured:
        return "Nothing has been measured yet.\n"
    rows = [
        f"| {figure['what']} | {figure['value']:.3g} {figure['unit']} | {_goal(figure)} |"
        for result in measured
        for figure in result["figures"]
    ]
    stands = dict.fromkeys(_machine(result) for result in measured)
    return "\n".join(["| | measured | goal | met |", "| --- | --- | --- | --- |", *rows, "", *stands]) + "\n"


def _goal(figure: dict[str, Any]) -> str:
    """The goal, and whether it is met; nothing where a figure is only told."""
    if figure["goal"] is None:
        return "– | –"
    sign = "≥" if figure.get("more_is_better") else "≤"
    return f"{sign} {figure['goal']:g} {figure['unit']} | {'yes' if figure['met'] else 'no'}"


def _machine(result: dict[str, Any]) -> str:
    on, versions = result["machine"], result["machine"]["versions"]
    return (
        f"{result['date']}: {on['processor']}, {on['cores']} cores, {on['system']}, Python {on['python']}, "
        f"torch {versions['torch']}."
    )


def renewed(readme: str, text: str) -> str:
    """Put a table between the README's marks."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{text}{END}{after}"


def main() -> None:
    """List the benchmarks, or write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="print the benchmarks' modules")
    if parser.parse_args().list:
        print("\n".join(f"benchmarks.{bench}" for bench in BENCHES))
        return
    README.write_text(renewed(README.read_text("utf-8"), table(results())), "utf-8")


if __name__ == "__main__":
    main()
