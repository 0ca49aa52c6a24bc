"""Pages, one a file; the navigation shows these and no others."""

from frontend import documents
from frontend.pages import docs, lab, runs
from frontend.shell import Page

PAGES = (
    Page("/", "Lab", lab.layout),
    Page("/runs", "Runs", runs.layout),
    Page(documents.ADDRESS, "Docs", docs.layout, docs.inside),
)
