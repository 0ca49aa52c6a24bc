"""Pages, one a file; the navigation shows these and no others."""

from frontend.pages import lab, runs
from frontend.shell import Page

PAGES = (Page("/", "Lab", lab.layout), Page("/runs", "Runs", runs.layout))
