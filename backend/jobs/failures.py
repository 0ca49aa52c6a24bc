"""What an exception in a worker becomes: an error that says what happened and what to do, never a stack."""

import logging
import secrets

from backend.jobs.errors import JobsError
from backend.schemas.errors import ErrorDetail

LOG = logging.getLogger(__name__)


def failure_of(error: Exception) -> ErrorDetail:
    """Turn an exception into the run's error; what nobody expected is written to the log under an id.

    Args:
        error: what ended the work.

    Returns:
        The error of the run.
    """
    from backend.core.analyses.failures import AnalysisError
    from backend.core.problems.custom.definition import BadProblem
    from backend.core.problems.image_files import MalformedFile
    from backend.core.runtime.device import UnavailableDevice
    from backend.core.runtime.memory import exhausted

    match error:
        case JobsError():
            return error.detail
        case AnalysisError():
            return ErrorDetail.model_validate({"code": error.code, "message": str(error)})
        case UnavailableDevice():
            return ErrorDetail(code="unsupported", message=str(error), where="device")
        case MalformedFile():
            return ErrorDetail(code="unsupported", message=str(error), where="problem.data")
        case BadProblem():
            return ErrorDetail(code="unsupported", message=str(error), where="problem.custom")
        case _ if exhausted(error):
            return ErrorDetail(
                code="out_of_memory",
                message="the worker's memory was not enough for this run",
                hint="Use a smaller model, fewer examples or lanes, smaller batches, or another device.",
            )
        case FloatingPointError():
            return ErrorDetail(
                code="not_finite",
                message=str(error) or "a value that must be finite was not",
                hint="Take an earlier step of the lane, or smaller learning rates.",
            )
    mark = secrets.token_hex(4)
    LOG.error("failure %s", mark, exc_info=error)
    first = str(error).partition("\n")[0][:200]
    return ErrorDetail(
        code="internal",
        message=f"the worker stopped on an unexpected {type(error).__name__}: {first}",
        hint=f"The server's log has the details under {mark}; please report them together with the request.",
    )
