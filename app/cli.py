"""The command line: ``gradscape serve | run | describe | doctor``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from app.settings import Settings, SettingsError, settings_table

EPILOG = """environment variables (an option wins over its variable):
{settings}

exit codes of run: 0 succeeded, 1 failed, 2 invalid request, 130 cancelled
"""


def parser() -> argparse.ArgumentParser:
    """Make the parser."""
    rows = settings_table()
    width = max(len(name) for name, _, _ in rows)
    settings = "\n".join(f"  {name:<{width}}  {text} [{default}]" for name, default, text in rows)
    top = argparse.ArgumentParser(
        prog="gradscape",
        description="See how neural networks train: loss landscapes, live in the browser.",
        epilog=EPILOG.format(settings=settings),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="store_true", help="print the version and leave")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")

    serve = commands.add_parser("serve", help="serve the page and the API", description="Serve the page and the API.")
    serve.add_argument("--port", help="TCP port; 0 takes a free one [8050]")
    serve.add_argument("--workers", help="worker processes [one per GPU, or two on a CPU machine]")
    serve.add_argument("--log-level", help="critical, error, warning, info or debug [info]")
    serve.add_argument("--max-hours", metavar="H", help="longest that a run may compute, as estimated; 0: any [72]")
    serve.add_argument("--max-memory", metavar="GIB", help="most memory of a run, as estimated [this machine's]")
    serve.add_argument("--problems", metavar="FILE", help="Python file of problems of your own (docs/own-model.md)")

    run = commands.add_parser(
        "run",
        help="run one request to its end",
        description="Run one request (JSON; gradscape describe says what it holds) to its end, in memory by default.",
    )
    run.add_argument("file", metavar="FILE|-", help="the request; - reads standard input")
    run.add_argument("--json", action="store_true", help="print the events as JSON Lines")
    place = run.add_mutually_exclusive_group()
    place.add_argument("--server", metavar="URL", help="post it to a running server instead")
    place.add_argument("--data", metavar="DIR", type=Path, help="store it in this data directory")
    run.add_argument("--problems", metavar="FILE", help="Python file of problems of your own")
    run.add_argument("--engine", choices=("inline", "local"), default="inline", help="what computes it here [inline]")

    say = commands.add_parser(
        "describe",
        help="say what a request may hold",
        description="Say what a request may hold: families, their kinds, and each kind's fields.",
    )
    say.add_argument("family", nargs="?", help="such as optimizer")
    say.add_argument("kind", nargs="?", help="such as adam")
    say.add_argument("--json", action="store_true", help="print JSON Schemas")

    doctor = commands.add_parser("doctor", help="check this installation", description="Check this installation.")
    for command in (serve, doctor):
        command.add_argument("--host", help="address to listen on [127.0.0.1]")
        command.add_argument("--data", metavar="DIR", help="data directory [~/.local/share/gradscape]")
        command.add_argument("--engine", help="what computes: local, ray or inline [local]")
        command.add_argument(
            "--ray-address", metavar="HOST:PORT", help="Ray cluster to join [one of its own, on this machine]"
        )
        command.add_argument(
            "--store-url",
            metavar="URL",
            help="where snapshots, checkpoints and planes are kept [runs in the data folder]",
        )
    doctor.add_argument("--port", help="TCP port that serve would take [8050]")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: those after the program's name; None: the process' own.

    Returns:
        The exit code.
    """
    top = parser()
    given = top.parse_args(arguments)
    if given.version:
        from app.wiring import version

        print(f"gradscape {version()}")
        return 0
    if given.command is None:
        top.print_help()
        return 2
    try:
        return _dispatch(given)
    except SettingsError as error:
        print(f"gradscape: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever reads our output has gone: head, say
        sys.stderr.close()
        return 1


def _dispatch(given: argparse.Namespace) -> int:
    match given.command:
        case "serve":
            return _serve(given)
        case "run":
            return _run(given)
        case "describe":
            return _describe(given)
        case _:
            from app.doctor import doctor

            names = ("host", "port", "data", "engine", "ray_address", "store_url")
            return doctor(Settings.read(**{name: getattr(given, name) for name in names}), sys.stdout)


def _serve(given: argparse.Namespace) -> int:
    from app.serve import PortTaken, serve
    from backend.jobs.errors import JobsError

    names = (
        "host", "port", "workers", "data", "engine", "ray_address", "store_url", "log_level", "problems",
        "max_hours", "max_memory",
    )  # fmt: skip
    try:
        return serve(Settings.read(**{name: getattr(given, name) for name in names}))
    except PortTaken as error:
        print(f"gradscape: {error}", file=sys.stderr)
    except JobsError as error:
        print(f"gradscape: {error}", file=sys.stderr)
        if error.detail.hint:
            print(f"           {error.detail.hint}", file=sys.stderr)
    return 1


def _run(given: argparse.Namespace) -> int:
    from app import headless
    from app.refused import Refused

    try:
        request = headless.read_request(given.file)
    except Refused as refused:
        return headless.complain(refused.detail, as_json=given.json)
    return headless.run(
        request, data=given.data, server=given.server, engine=given.engine, problems=given.problems, as_json=given.json
    )


def _describe(given: argparse.Namespace) -> int:
    from app.describe import UnknownName, describe

    try:
        print(describe(given.family, given.kind, as_json=given.json))
    except UnknownName as error:
        print(f"gradscape: {error}", file=sys.stderr)
        return 2
    return 0
