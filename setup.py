"""Puts the documentation into the package of the page, which finds it there when there is no checkout around it.

Everything else that setuptools must know stands in ``pyproject.toml``.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SOURCE = Path(__file__).parent / "docs"


class WithDocumentation(build_py):
    """Builds the packages, then copies ``docs/**/*.md`` beside the page's code."""

    def run(self) -> None:
        """Build."""
        super().run()
        if self.editable_mode:
            return
        for path in SOURCE.rglob("*.md"):
            target = Path(self.build_lib) / "frontend" / "documentation" / path.relative_to(SOURCE)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


setup(cmdclass={"build_py": WithDocumentation})
