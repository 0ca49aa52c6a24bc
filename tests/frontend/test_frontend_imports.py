"""The page is loaded in the serving process: neither torch nor the layers beside it may come with it."""

import subprocess
import sys

import pytest

MODULES = (
    "import frontend.app, frontend.client, frontend.presets, frontend.state; "
    "import frontend.pages.lab_callbacks, frontend.pages.runs_callbacks"
)
CHECK = f"import sys; {MODULES}; print(sorted(set(sys.argv[1:]) & set(sys.modules)))"


@pytest.mark.parametrize("absent", [("torch", "fastapi", "backend.core", "backend.jobs", "backend.api", "sqlalchemy")])
def test_the_page_loads_only_the_published_language(absent: tuple[str, ...]) -> None:
    ran = subprocess.run([sys.executable, "-c", CHECK, *absent], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
