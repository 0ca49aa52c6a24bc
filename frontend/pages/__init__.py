"""Pages, one a file; the navigation shows these and no others."""

from frontend import documents
from frontend.pages import compare, docs, lab, runs
from frontend.shell import COMPARE, Page

PAGES = (
    Page("/", "Lab", lab.layout),
    Page(COMPARE, "Compare", compare.layout),
    Page("/runs", "Runs", runs.layout),
    Page(documents.ADDRESS, "Docs", docs.layout, docs.inside),
)
