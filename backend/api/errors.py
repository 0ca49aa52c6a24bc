"""Exceptions into answers: one table of statuses and one shape, for our exceptions and for FastAPI's own."""

import logging
import secrets
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from backend.jobs.errors import JobsError
from backend.schemas.errors import ErrorBody, ErrorCode, ErrorDetail, FieldError

log = logging.getLogger(__name__)

STATUS: dict[ErrorCode, int] = {
    "malformed": 400,
    "bad_host": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "invalid_request": 422,
    "unsupported": 422,
    "not_finite": 422,
    "too_many": 429,
    "internal": 500,
    "out_of_memory": 500,
    "worker_died": 500,
    "worker_lost": 500,
    "unavailable": 503,
}
CODE_OF_STATUS: dict[int, ErrorCode] = {
    400: "malformed", 401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "not_found", 409: "conflict",
    413: "too_large", 429: "too_many", 503: "unavailable",
}  # fmt: skip


class ApiError(Exception):
    """A request that the API itself refuses, before any run is touched."""

    def __init__(self, detail: ErrorDetail) -> None:
        super().__init__(detail.message)
        self.detail = detail


class Malformed(ApiError):
    """The body is not JSON."""

    def __init__(self, reason: str) -> None:
        hint = "Send one JSON object in UTF-8; nothing was stored."
        super().__init__(ErrorDetail(code="malformed", message=f"the body is not valid JSON: {reason}", hint=hint))


class TooLarge(ApiError):
    """The body is longer than ``limit`` bytes."""

    def __init__(self, limit: int) -> None:
        hint = "Send less, or raise the server's limit (see gradscape serve --help); nothing was stored."
        message = f"the body is larger than {limit / 2**20:g} MiB"
        super().__init__(ErrorDetail(code="too_large", message=message, hint=hint))


class InvalidQuery(ApiError):
    """The query parameter ``name`` is not as expected."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(
            ErrorDetail(
                code="invalid_request",
                message=f"{name}: {message}",
                hint="/api/docs lists what this route takes.",
                errors=(FieldError(path=name, message=message),),
            )
        )


class InvalidBody(ApiError):
    """Fields of the body are not as expected."""


def answer(detail: ErrorDetail, status: int | None = None, headers: dict[str, str] | None = None) -> Response:
    """Write an error as a response; its code stands for a status, unless another is given."""
    return Response(
        ErrorBody(error=detail).encode(),
        status_code=status or STATUS[detail.code],
        media_type="application/json",
        headers=headers,
    )


async def _of_job(_request: Request, error: Exception) -> Response:
    return answer(error.detail) if isinstance(error, JobsError | ApiError) else _unexpected(error)


async def _of_query(request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    fields = tuple(
        FieldError(
            path=".".join(str(part) for part in each["loc"][1:]),
            message=f"{each['msg']}, got {str(each.get('input'))[:80]!r}",
        )
        for each in found
    )
    detail = ErrorDetail(
        code="invalid_request",
        message="; ".join(f"{each.path}: {each.message}" for each in fields),
        hint=f"/api/docs lists what {request.method} {request.url.path} takes.",
        where=request.url.path,
        errors=fields,
    )
    return answer(detail)


async def _of_http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if status == 405:
        message = f"{request.method} is not allowed on {request.url.path}; expected {headers.get('allow', 'another')}"
    elif status == 404:
        message = f"there is no {request.url.path}"
    else:
        message = f"{HTTPStatus(status).phrase} on {request.url.path}"
    code = CODE_OF_STATUS.get(status, "internal" if status >= 500 else "invalid_request")
    detail = ErrorDetail(code=code, message=message, hint="/api/docs lists every route.", where=request.url.path)
    return answer(detail, status, headers)


def _unexpected(error: Exception) -> Response:
    quote = secrets.token_hex(4)
    log.error("unexpected error %s", quote, exc_info=error)
    return answer(
        ErrorDetail(
            code="internal",
            message=f"something went wrong inside the server (error {quote})",
            hint=f"The server's log says more under {quote}; please quote it in a report.",
        )
    )


async def _of_anything(_request: Request, error: Exception) -> Response:
    return _unexpected(error)


def install(app: FastAPI) -> None:
    """Answer every exception in the one shape."""
    app.add_exception_handler(JobsError, _of_job)
    app.add_exception_handler(ApiError, _of_job)
    app.add_exception_handler(RequestValidationError, _of_query)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _of_anything)
