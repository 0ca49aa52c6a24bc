"""Answers in a table, as a graph of a panel."""

from backend.schemas.base import WireModel


class Question(WireModel):
    """A row of a table of answers: the question in plain words, and what its number is."""

    title: str
    hint: str


class Matrix(WireModel):
    """Answers in a table instead of Plotly's axes, of the newest look alone: a row for each question.

    A binding's ``y`` is the row, its ``x`` the column and its ``label`` the cell's text; ``hover`` is said of a cell
    that is pointed at. The event's field ``mark`` says how the answer is to be read, ``marks`` what stands for each of
    its values; where the field ``note`` is not null, it is told instead.
    """

    rows: dict[str, Question]
    columns: dict[str, str]
    mark: str
    marks: dict[str, str]
    note: str
