"""The documentation: the repository's own Markdown files, as the page shows them.

An installed package carries them inside (``setup.py`` puts them there); a checkout has them beside the packages.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Final

PLACES: Final = (Path(__file__).parent / "documentation", Path(__file__).parents[1] / "docs")
HOME: Final = "README"
ADDRESS: Final = "/docs"
_LINK: Final = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_COMMENT: Final = re.compile(r"<!--.*?-->\s*", re.DOTALL)


@dataclass(frozen=True)
class Part:
    """A part of a document under a heading of its own; ``anchor`` is its id in the page."""

    title: str
    anchor: str
    text: str


@dataclass(frozen=True)
class Document:
    """One file: its title, what stands before its first part, and its parts. Links lead to pages of the site."""

    name: str
    title: str
    opening: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Group:
    """Documents that belong together: their names and titles."""

    title: str
    entries: tuple[tuple[str, str], ...]


def folder() -> Path:
    """Return the folder of the documentation.

    Raises:
        FileNotFoundError: where it is neither in the package nor beside it.
    """
    for place in PLACES:
        if (place / f"{HOME}.md").is_file():
            return place
    raise FileNotFoundError(f"expected the documentation in {' or '.join(map(str, PLACES))}; install the package anew")


@cache
def names() -> tuple[str, ...]:
    """List every document by its path in the folder, without its suffix: ``analyses/surface``."""
    root = folder()
    return tuple(sorted(path.relative_to(root).with_suffix("").as_posix() for path in root.rglob("*.md")))


def address_of(name: str, anchor: str = "") -> str:
    """Return a document's address in the page."""
    return (ADDRESS if name == HOME else f"{ADDRESS}/{name}") + (f"#{anchor}" if anchor else "")


@cache
def read(name: str) -> Document | None:
    """Read a document; None where there is none of this name."""
    if name not in names():
        return None
    text = _COMMENT.sub("", (folder() / f"{name}.md").read_text("utf-8"))
    title = ""
    opening: list[str] = []
    parts: list[tuple[str, list[str]]] = []
    for line, is_code in _lines(text):
        if line.startswith("# ") and not is_code and not title:
            title = line.removeprefix("# ").strip()
        elif line.startswith("## ") and not is_code:
            parts.append((line.removeprefix("## ").strip(), []))
        else:
            (parts[-1][1] if parts else opening).append(line)
    made = tuple(Part(_bare(head), anchor_of(head), _linked(name, "\n".join(body))) for head, body in parts)
    return Document(name, _bare(title), _linked(name, "\n".join(opening)), made)


@cache
def contents() -> tuple[Group, ...]:
    """Return the table of contents: the lists of the opening page, under their headings."""
    groups: list[tuple[str, list[tuple[str, str]]]] = [("", [(HOME, "Contents")])]
    for line in (folder() / f"{HOME}.md").read_text("utf-8").splitlines():
        if line.startswith("**"):
            groups.append((line.split("**")[1], []))
        elif len(groups) > 1:
            for text, target in _LINK.findall(line):
                name = _document(HOME, target)
                if name is not None:
                    groups[-1][1].append((name, text))
    return tuple(Group(title, tuple(entries)) for title, entries in groups if entries)


def anchor_of(title: str) -> str:
    """Make a heading's anchor as repositories do: ``Edge of stability, closely`` is ``edge-of-stability-closely``."""
    return re.sub(r"[^\w\- ]", "", _bare(title).lower()).strip().replace(" ", "-")


def _bare(title: str) -> str:
    return title.replace("`", "")


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """Yield lines, and whether each is code."""
    inside = False
    for line in text.splitlines():
        if line.startswith("```"):
            inside = not inside
        yield line, inside


def _document(here: str, target: str) -> str | None:
    """Return the name of the document that a link of another one means."""
    path = normpath(str(PurePosixPath(here).parent / target.partition("#")[0]))
    name = path.removesuffix(".md")
    return name if path.endswith(".md") and name in names() else None


def _linked(here: str, text: str) -> str:
    """Let links between documents lead to their pages; a link to a file that the page does not show is its text."""

    def changed(link: re.Match[str]) -> str:
        words, target = link.groups()
        if target.startswith(("https://", "http://", "#")):
            return link.group()
        name = _document(here, target)
        return words if name is None else f"[{words}]({address_of(name, target.partition('#')[2])})"

    return _LINK.sub(changed, text).strip()
