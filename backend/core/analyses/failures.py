"""Why an analysis cannot go on, where that shows only once it works."""


class AnalysisError(Exception):
    """The run fails, with this sentence; ``code`` is one of the published error codes."""

    code: str


class Unsupported(AnalysisError):
    """What was asked for does not exist here."""

    code = "unsupported"


class NotFinite(AnalysisError):
    """The point has NaN or infinite parameters."""

    code = "not_finite"
