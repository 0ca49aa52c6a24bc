"""What the jobs layer refuses to do, each refusal with the error that the API answers.

::

    JobsError
    ├── NotFound        no such run
    ├── Conflict        the run's status, or what is stored already, does not allow it
    ├── InvalidRequest  a field is not as expected
    ├── Unsupported     this problem cannot be analysed so
    ├── TooMany         as many runs wait as are allowed
    ├── Unavailable     the workers or the data directory cannot be used now
    └── NotFinite       a point's parameters are not finite
"""

from typing import ClassVar

from backend.schemas.errors import ErrorCode, ErrorDetail, FieldError


class JobsError(Exception):
    """What was expected, what came instead, and what to do about it."""

    code: ClassVar[ErrorCode] = "internal"

    def __init__(
        self, message: str, *, hint: str | None = None, where: str | None = None, errors: tuple[FieldError, ...] = ()
    ) -> None:
        super().__init__(message)
        self.detail = ErrorDetail(code=self.code, message=message, hint=hint, where=where, errors=errors)


class NotFound(JobsError):
    """What is asked for is not there."""

    code = "not_found"


class Conflict(JobsError):
    """The present state does not allow it."""

    code = "conflict"


class InvalidRequest(JobsError):
    """A field is not as expected."""

    code = "invalid_request"


class Unsupported(JobsError):
    """This problem, point or device cannot be worked on so."""

    code = "unsupported"


class TooMany(JobsError):
    """There is as much waiting as is allowed."""

    code = "too_many"


class Unavailable(JobsError):
    """What is needed cannot be had at present."""

    code = "unavailable"


class NotFinite(JobsError):
    """A point whose parameters are NaN or infinite cannot be analysed."""

    code = "not_finite"


def invalid_field(path: str, message: str) -> InvalidRequest:
    """Make the refusal of one field of a request.

    Args:
        path: the field, dotted, as in ``at.0.run``.
        message: what was expected, and what came.

    Returns:
        The refusal, to be raised.
    """
    return InvalidRequest(
        f"1 field is not as expected; {path}: {message}",
        hint="Correct the fields named in errors and send the request again; nothing was stored.",
        errors=(FieldError(path=path, message=message),),
    )


def no_such_run(run: str) -> NotFound:
    """Make the refusal of an unknown run.

    Args:
        run: its id as it was given.

    Returns:
        The refusal, to be raised.
    """
    return NotFound(f"there is no run {run[:40]!r}", hint="GET /api/runs lists the runs there are.", where=run[:40])
