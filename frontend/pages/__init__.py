"""Pages, one a file; the navigation shows these and no others."""

from collections.abc import Sequence
from functools import partial

from backend.schemas.problem.custom import CustomEntry
from frontend import documents
from frontend.pages import compare, docs, lab, runs
from frontend.shell import COMPARE, Page

__all__ = ["PAGES", "pages"]


def pages(entries: Sequence[CustomEntry] = ()) -> tuple[Page, ...]:
    """Return the pages of a server that has these problems of the user's own."""
    return (
        Page("/", "Lab", partial(lab.layout, entries)),
        Page(COMPARE, "Compare", compare.layout),
        Page("/runs", "Runs", runs.layout),
        Page(documents.ADDRESS, "Docs", docs.layout, docs.inside),
    )


PAGES = pages()
