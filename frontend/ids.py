"""Every component's id, written once. A quoted id anywhere else is a mistake.

Ids of form fields are dictionaries made by the functions at the end; their ``path`` is the dotted path of the field in
the request, so that an error of the API finds its field.
"""

from typing import Any, Final

# The page
LOCATION: Final = "location"
PAGE: Final = "page"
PROVIDER: Final = "provider"
VIEW: Final = "view"  # dcc.Store: {"runs": [id, …], "choices": {"panel.control": "value", …}}
THEME: Final = "theme"  # dcc.Store, kept by the browser: "light" or "dark"
THEME_SWITCH: Final = "theme-switch"
COPY_LINK: Final = "copy-link"
COPIED: Final = "copied"
KEYS_BUTTON: Final = "keys-button"
KEYS_DIALOG: Final = "keys-dialog"
DOCUMENT: Final = "document"  # assets/docs.js knows it by name
DOCS_DRAWER: Final = "docs-drawer"
LAST_LAB: Final = "last-lab"  # dcc.Store, kept by the tab: the Lab's last query
LAST_COMPARE: Final = "last-compare"  # likewise of the Compare page

# The Lab's set-up
LAB: Final = "lab"
SETUP: Final = "setup"
SETUP_TOGGLE: Final = "setup-toggle"
DRAFT: Final = "draft"  # dcc.Store: the request as it was last drawn
DRAFT_FROM: Final = "draft-from"  # dcc.Store: which view the draft was taken from
PROBLEM_FORM: Final = "problem-form"
LANES_FORM: Final = "lanes-form"
RUN_FORM: Final = "run-form"
PROBES_FORM: Final = "probes-form"
PROBLEM_FAMILY: Final = "problem-family"
WEIGHTS: Final = "weights"  # which file a race starts from
WEIGHTS_CHOOSE: Final = "weights-choose"  # assets/tool_weights.js knows these two by name
WEIGHTS_SENT: Final = "weights-sent"  # dcc.Store: the last file that was sent, or why it was refused
WEIGHTS_SAID: Final = "weights-said"
ADD_LANE: Final = "add-lane"
PRESETS: Final = "presets"
PRESET: Final = "preset"  # dcc.Store: name of the preset that the draft was taken from
PRESET_NOTE: Final = "preset-note"
BRANCH: Final = "branch"  # dcc.Store: what assets/branch.js asks for: a ball or a fork
BRANCHED: Final = "branched"  # dcc.Store: the run that came of it
MEMBERS: Final = "members"  # the runs of the view, by name: assets/members.js fills it
ERRORS: Final = "errors"  # dcc.Store: the API's last answer to Start, where it was an error

# Run controls: assets/bar.js knows these by name
START: Final = "start"
ESTIMATE: Final = "estimate"  # what Start would take
PAUSE: Final = "pause"
STEP: Final = "step"
CANCEL: Final = "cancel"
STATUS: Final = "status"
PROGRESS: Final = "progress"
PROGRESS_TEXT: Final = "progress-text"
NOTICE: Final = "notice"
PANELS: Final = "panels"
TIMELINE: Final = "timeline"

# The Compare page: assets/compare.js knows these by name
COMPARE: Final = "compare"
COMPARE_EMPTY: Final = "compare-empty"
COMPARE_ADD: Final = "compare-add"
COMPARE_PLANE: Final = "compare-plane"
COMPARE_COUNT: Final = "compare-count"

# The Runs page
RUNS_GRID: Final = "runs-grid"
RUNS_EMPTY: Final = "runs-empty"
RUNS_NOTICE: Final = "runs-notice"
RUNS_POLL: Final = "runs-poll"
RUNS_CHANGED: Final = "runs-changed"  # dcc.Store: when a run was last renamed or deleted
RUNS_OPEN: Final = "runs-open"
RUNS_RESUME: Final = "runs-resume"
RUNS_COMPARE: Final = "runs-compare"
RUNS_DELETE: Final = "runs-delete"
RUNS_FILTER: Final = "runs-filter"
RUNS_COUNT: Final = "runs-count"
DELETE_DIALOG: Final = "delete-dialog"
DELETE_TEXT: Final = "delete-text"
DELETE_YES: Final = "delete-yes"
DELETE_NO: Final = "delete-no"

# Panels (owned by the panels)
STREAM: Final = "gradscape-stream"  # JSON in the page: what stream.js must know


def choice(key: Any) -> dict[str, Any]:
    """Name a panel's control whose ``value`` (a text) belongs to the view; ``key`` is ``panel.control``."""
    return {"type": "choice", "key": key}


def panel_docs(panel: Any) -> dict[str, Any]:
    """Name the button that opens a panel's documentation."""
    return {"type": "panel-docs", "panel": panel}


def nav_link(path: Any) -> dict[str, Any]:
    """Name a page's link in the navigation."""
    return {"type": "nav-link", "path": path}


def field(path: Any, reads: Any) -> dict[str, Any]:
    """Name a field whose answer is its ``value``, and how that is read (``components.answers.READERS``)."""
    return {"type": "field", "path": path, "reads": reads}


def kind(path: Any) -> dict[str, Any]:
    """Name a choice that changes which fields there are; its answer is its ``value``."""
    return {"type": "kind", "path": path}


def flag(path: Any) -> dict[str, Any]:
    """Name a switch; its answer is its ``checked``."""
    return {"type": "flag", "path": path}


def slider(path: Any) -> dict[str, Any]:
    """Name the slider that moves the field of the same path."""
    return {"type": "slider", "path": path}


def schedule_preview(lane: Any) -> dict[str, Any]:
    """Name the picture of a lane's schedule."""
    return {"type": "schedule-preview", "lane": lane}


def lane_action(action: Any, lane: Any) -> dict[str, Any]:
    """Name a lane's button: ``duplicate`` or ``remove``."""
    return {"type": "lane-action", "action": action, "lane": lane}


def single_run(place: Any) -> dict[str, Any]:
    """Name the button that makes one run of several variants."""
    return {"type": "single-run", "place": place}


def preset_item(name: Any) -> dict[str, Any]:
    """Name a preset's entry in the menu."""
    return {"type": "preset-item", "name": name}
