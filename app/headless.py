"""``gradscape run``: one request, from a file to its last event, without a page."""

import asyncio
import contextlib
import json
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from pydantic import ValidationError

from app.refused import Refused
from app.report import Report
from app.settings import EngineName, Settings
from app.wiring import make_service
from backend.jobs.errors import JobsError
from backend.schemas.control import Cancel
from backend.schemas.errors import ErrorBody, ErrorDetail, invalid_request
from backend.schemas.events import Envelope
from backend.schemas.run import REQUEST, AnyRequest

SUCCEEDED, FAILED, INVALID, CANCELLED = 0, 1, 2, 130
LAST = "finished"
EXIT = {"succeeded": SUCCEEDED, "failed": FAILED, "cancelled": CANCELLED}
AT_FAULT = {"malformed", "invalid_request", "unsupported", "not_found", "too_large"}
Print = Callable[[str], None]


def read_request(source: str) -> AnyRequest:
    """Read and validate a request.

    Args:
        source: a file's name, or ``-`` for standard input.

    Returns:
        The request.

    Raises:
        Refused: where there is no such file, it is not JSON, or it does not fit.
    """
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(
            ErrorDetail(code="malformed", message=f"cannot read {source}: {error}", hint="Give a JSON file, or -.")
        ) from error
    try:
        return REQUEST.validate_json(text)
    except ValidationError as invalid:
        try:
            data = json.loads(text)
        except ValueError as error:
            hint = "gradscape describe says what a request holds."
            detail = ErrorDetail(code="malformed", message=f"{source} is not valid JSON: {error}", hint=hint)
            raise Refused(detail) from None
        raise Refused(invalid_request(invalid, data)) from None


def run(
    request: AnyRequest,
    *,
    data: Path | None,
    server: str | None,
    engine: EngineName,
    as_json: bool,
    problems: str | None = None,
) -> int:
    """Run a request to its end, printing as it goes.

    Args:
        request: what to run.
        data: where to store it; None: in memory alone.
        server: a running server that is asked to run it, in place of this process.
        engine: what computes it here.
        problems: Python file of problems of one's own.
        as_json: envelopes as JSON Lines, in place of text for people.

    Returns:
        The exit code: 0 succeeded, 1 failed, 2 refused, 130 cancelled.
    """
    report = Report(sys.stdout, live=sys.stdout.isatty())

    def show(text: str) -> None:
        if as_json:
            print(text, flush=True)
        else:
            report.take(Envelope.decode(text).event)

    try:
        if server is not None:
            return asyncio.run(_on_server(request, server.rstrip("/"), show))
        with tempfile.TemporaryDirectory(prefix="gradscape-", ignore_cleanup_errors=True) as scratch:
            return asyncio.run(_here(request, data or Path(scratch), data is not None, engine, show, problems))
    except (JobsError, Refused) as refused:
        return complain(refused.detail, as_json=as_json)


def complain(detail: ErrorDetail, *, as_json: bool) -> int:
    """Write the error object on standard error, on one line or indented for people.

    Returns:
        The exit code: 2 where the request is at fault, 1 otherwise.
    """
    print(ErrorBody(error=detail).model_dump_json(indent=None if as_json else 2), file=sys.stderr, flush=True)
    return INVALID if detail.code in AT_FAULT else FAILED


@contextlib.contextmanager
def _on_interrupt(cancel: Callable[[], Awaitable[object]]) -> Iterator[None]:
    """Let the first Ctrl-C cancel the run, and the second end the process as usual."""
    loop = asyncio.get_running_loop()
    asked: list[asyncio.Future[object]] = []

    def once() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        asked.append(asyncio.ensure_future(cancel()))

    loop.add_signal_handler(signal.SIGINT, once)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


async def _here(
    request: AnyRequest, folder: Path, stored: bool, engine: EngineName, show: Print, problems: str | None
) -> int:
    # A run in memory has a data directory of its own, but data sets lie where they always do.
    known = Settings.read(problems=problems)
    datasets = known.datasets or (folder if stored else known.data) / "datasets"
    settings = Settings(data=folder, datasets=datasets, problems=known.problems, engine=engine, workers=1)
    service = make_service(settings, in_memory=not stored)
    try:
        service.recover()
        made = service.submit(request)
        with _on_interrupt(lambda: asyncio.to_thread(service.control, made.id, Cancel())):
            async for rows in service.feed.follow((made.id,)):
                for row in rows:
                    show(row.text)
                if rows[-1].kind == LAST:
                    break
        return EXIT[service.get(made.id).status]
    finally:
        await asyncio.to_thread(service.close)


async def _on_server(request: AnyRequest, url: str, show: Print) -> int:
    from app.remote import Remote  # httpx: not needed, and not waited for, when the run is computed here

    remote = Remote(url, Settings.read().token)
    try:
        made = await remote.submit(request)
        with _on_interrupt(lambda: remote.cancel(made.id)):
            async for text in remote.envelopes(made.id):
                show(text)
        return EXIT[(await remote.get(made.id)).status]
    finally:
        await remote.close()
