"""Panels as data: which events feed which trace of which graph, and how.

A panel says it once, in Python; ``stream.js`` reads it and knows no panel by name, so that a live run, a stored run
and an exported page are all drawn in one way.

Events are kept as tables; a binding draws one trace for each table. Text is written in templates: ``"step {step}"``,
``"{loss:number}"``; a template with a field that is not there says nothing at all.
"""

from typing import Literal

from pydantic import JsonValue

from backend.schemas.base import WireModel
from backend.schemas.matrix import Matrix

Choices = dict[str, tuple[str, ...]]  # control → the values with which this holds; all must hold
How = Literal["extend", "append", "replace", "mosaic"]


class Source(WireModel):
    """Events that are kept as tables: one for each run and each combination of ``keys``.

    ``extend`` joins the event's arrays to the table's columns, ``append`` adds one row (of an array, entry i goes to
    the column ``field.i``), ``replace`` keeps the newest event alone, ``mosaic`` lays the tiles of a picture over one
    another. ``where`` asks for values of the event's fields.

    With ``step`` among its keys each step has a table of its own; shown is the newest at or before the moment that the
    page shows.
    """

    kind: str
    how: How
    keys: tuple[str, ...] = ("lane", "repeat")
    where: dict[str, bool | int | str] = {}


class Column(WireModel):
    """Numbers of a table: an event's field.

    With ``kind``, they are looked up in that kind's table of the same lane: the last row at or before this one's
    ``step``. ``along`` names the page's axis whose offset and scale apply; ``scaled`` runs them through the graph's
    scale; ``transpose`` turns [n, m] into the [m, n] that a picture of rows wants; ``finite`` looks up finite values
    alone, and takes the first where none came before.
    ``stretched`` draws each strand from 0, its lowest value, to 1, its highest; ``above`` names what is subtracted.
    ``spread`` gives every number the lane's own height instead, the first lane's and the last one's as it says.
    ``one_of`` names a count n of the event: what is below a tenth of 1/n of the largest is not drawn.
    ``entry`` takes, of an appended table's arrays, the entry of this name among the event's ``layer``, or the first.
    ``part`` divides each row of a picture by its sum. ``otherwise`` stands for every number where the event has none.
    """

    field: str
    kind: str | None = None
    along: str | None = None
    scaled: bool = False
    transpose: bool = False
    finite: bool = False
    stretched: bool = False
    above: str | None = None
    spread: tuple[float, float] | None = None
    one_of: str | None = None
    entry: str | None = None
    part: bool = False
    otherwise: str | None = None


class Pick(WireModel):
    """The column that a control chooses; without a column for its value, nothing is drawn."""

    choice: str
    columns: dict[str, Column]


Channel = Column | Pick


class Binding(WireModel):
    """Events and the traces that they feed: one trace for each table of the source.

    ``trace`` is Plotly's trace without its data; ``paint`` sets dotted attributes of it from the lane's style
    (``color``, ``tint``, ``dash``, ``symbol``, ``hollow``) or the theme (``ink``, ``paper``, ``muted``). ``where`` asks
    for values of the table's newest event.

    ``rows`` counts up to the moment that the page shows: the ``last`` is the one at or before it, and so is the
    ``now``, which is drawn only where the reader has chosen a moment. ``all`` are all there are, ``past`` those up to
    it.
    """

    source: Source
    graph: str
    trace: dict[str, JsonValue]
    when: Choices = {}
    where: dict[str, bool | int | str] = {}
    rows: Literal["all", "past", "first", "last", "now"] = "all"
    x: Channel
    y: Channel
    z: Channel | None = None
    error: Channel | None = None  # half the length of vertical error bars
    low: Channel | None = None  # where a vertical bar begins
    high: Channel | None = None  # and where it ends
    strands: bool = False  # y is [k, n] over an x of [n]: k lines in one trace
    entries: bool = False  # of an appended table's arrays: each entry of y a line, or each of z a row that y names
    gallery: int | None = None  # z is [n, height, width]: n pictures side by side, so many in a row
    pictures: str | None = None  # kind of the event whose ``pictures`` show what is pointed at, in the points' order
    error_x: Channel | None = None  # of horizontal ones
    name: str = "{lane.title}"
    hover: str | None = None  # template of a point's hover text, where the trace's own hovertemplate is not enough
    label: str | None = None  # template of a text that stands beside a point
    paint: dict[str, str] = {}
    faint_beside: str | None = None  # drawn faint where the same lane has events of this kind
    hidden_beside: str | None = None  # not drawn there at all
    area: bool = False  # low and high are the edges of an area, and not the ends of bars


class Page(WireModel):
    """A graph that shows one page at a time: the newest value of ``field`` in a series that has all that it ``needs``.

    Until a new page has every kind that the old one shows, the old one stays. Tables with a ``field`` of their own are
    drawn on their page alone. Pages of different ``series`` are offered in a selector.
    """

    source: Source
    field: str
    series: tuple[str, ...]
    label: str
    needs: tuple[str, ...]
    title: str = "Plane"  # of the selector


class Scale(WireModel):
    """Logarithm of the height above the lowest of these columns (``kind.field``), with ticks in the true values."""

    columns: tuple[str, ...]
    when: Choices = {}
    ticks: tuple[str, ...]  # dotted places of the layout that get the ticks
    limits: tuple[str, ...] = ()  # dotted places that get [lowest of all, highest of the first column]


class Tiles(WireModel):
    """Small pictures in a grid instead of Plotly's axes: one for each table of the bindings, of the newest look alone.

    A binding's ``y`` is the row, its ``x`` the column; ``z`` is the picture: [height, width], [n] (bars, or a line of
    many), or, of a ``plain`` row, [height, width, 3] (its colours). ``signed`` names the event's flag that says whether
    zero is in the middle. Colours end at a percentile of the sizes: of a row's pictures, of one, or of a row's at all
    steps, as the choice ``common`` says; the end is written beside the row.
    """

    titles: dict[str, str]  # row → what it is called; rows come in this order
    plain: tuple[str, ...] = ()  # rows in grey or in their own colours, each picture in its own range
    signed: str
    common: str
    percentile: float = 99.0
    notes: tuple["Phrase", ...] = ()  # below a row's title stands the first that has something to say of its newest
    places: dict[str, str] = {}  # row → what a place in its values is called, other than a place


class Patch(WireModel):
    """A piece of layout that holds with these choices."""

    when: Choices
    layout: dict[str, JsonValue]


class Graph(WireModel):
    """One picture: Plotly's layout without colours, and what changes it."""

    name: str
    layout: dict[str, JsonValue]
    when: Choices = {}
    patches: tuple[Patch, ...] = ()
    page: Page | None = None
    titles: dict[str, str] = {}  # dotted place of an axis → the page's field that describes it
    cursor: Choices | None = None  # with these choices x is the step, and a line stands at the moment that is shown
    fit: dict[str, str] = {}  # dotted place of an axis → ``kind.channel`` whose span is its range
    scale: Scale | None = None
    tiles: Tiles | None = None
    matrix: Matrix | None = None
    shade: bool = False  # colours by what there is: about zero where some is negative, by powers over decades


class Option(WireModel):
    """One value of a control."""

    value: str
    label: str


class Choice(WireModel):
    """A control of a panel; the first option is the default."""

    name: str
    label: str
    options: tuple[Option, ...]


class Sort(WireModel):
    """A selector of a panel: only tables with the chosen value of this key are shown.

    Its values are found in the tables; null, the default, is called ``whole``, and so is a table without the key. Where
    there is no ``whole``, the first value is the default. ``titles`` says what they are called, in which order they
    come, and that no others are offered; patches may ask for the value as for a choice's.
    """

    key: str
    label: str
    whole: str | None = None
    title: str = "{value}"  # of every other value
    titles: dict[str, str] = {}


class Phrase(WireModel):
    """A piece of text about the last row of a source's newest table (``{field:max}``: the largest of all tables).

    ``run`` and ``lane`` are there as the API shows them (``{run.status}``) and as it was asked for, and ``past``:
    the time line has been moved back. ``where`` asks for values at dotted places of all this, ``when`` for choices.
    """

    text: str
    source: Source | None = None
    when: Choices = {}
    where: dict[str, bool | int | str] = {}


Tiles.model_rebuild()
Graph.model_rebuild()


class Cell(WireModel):
    """A column of a table of lanes; the first phrase that has something to say is shown."""

    title: str
    phrases: tuple[Phrase, ...]
    numeric: bool = False


class Words(WireModel):
    """What a panel says when it has nothing to draw: no run chosen, waiting, or a run without what it draws.

    ``blank`` is for data of which the present choices draw nothing.
    """

    empty: str
    loading: str
    absent: str
    blank: str = ""


class Measure(WireModel):
    """What lanes are ranked by: an event's number, looked up at the steps at which it was told.

    ``more`` says that more is better. Where a lane has no such event, the next of ``sources`` that it has counts.
    """

    sources: tuple[Source, ...]
    field: str
    title: str
    format: str = "number"
    more: bool = False


class Standings(WireModel):
    """A table that ranks the lanes by what they had reached when all had spent the same.

    The budget is what the lane that spent least has spent, in the unit that the choice ``by`` names; ``measure`` is the
    choice of what counts. ``rows`` is the source whose columns hold the steps and what they have cost. Fewer lanes than
    ``least`` are not ranked: the panel stays away.
    """

    least: int = 2
    by: str
    measure: str
    rows: Source
    budgets: dict[str, str]  # a column of the rows → what it counts, in words
    measures: dict[str, Measure]


class Panel(WireModel):
    """A panel: graphs with their bindings, a table of lanes, or their standings."""

    name: str
    title: str
    words: Words
    docs: tuple[str, ...] = ()  # documents that explain it: ``analyses/surface`` is docs/analyses/surface.md
    asked: str | tuple[str, ...] | None = None  # shown only where a run of the view asks for an analysis of this kind
    asked_with: dict[str, tuple[str, ...]] = {}  # and only where that analysis has one of these values in these fields
    fed_by: tuple[str, ...] = ()  # it waits for runs that ask for one of these analyses alone; empty: for every run
    look: dict[str, JsonValue] | None = None  # the analysis of a kept moment that it draws, where a race has not asked
    look_needs: str | None = None  # offered where a problem is of this family alone: data, function or pde
    sort: Sort | None = None
    choices: tuple[Choice, ...] = ()
    graphs: tuple[Graph, ...] = ()
    bindings: tuple[Binding, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    cells: tuple[Cell, ...] = ()
    standings: Standings | None = None

    @property
    def tabular(self) -> bool:
        """Whether it is a table, which goes below the pictures."""
        return bool(self.cells) or self.standings is not None
