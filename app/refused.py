"""The one exception by which the command line gives up on a request."""

from backend.schemas.errors import ErrorDetail


class Refused(Exception):
    """The request cannot be run: it is not valid, or the server refuses it or is not there."""

    def __init__(self, detail: ErrorDetail) -> None:
        super().__init__(detail.message)
        self.detail = detail
