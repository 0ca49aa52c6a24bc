"""Other people's packages, from a folder of their own: ``benchmarks/.peers``, filled from ``requirements.txt``."""

import site
import sys
from importlib import metadata
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / ".peers"
INSTALL: Final = "python -m pip install --no-deps --target benchmarks/.peers -r benchmarks/requirements.txt"


def find_peers(*names: str) -> dict[str, str]:
    """Let the peers be imported; what the project itself has comes first.

    Args:
        names: their distributions.

    Returns:
        Their versions.

    Raises:
        SystemExit: where one is missing, with what to do.
    """
    if str(FOLDER) not in sys.path:
        site.addsitedir(str(FOLDER))
    try:
        return {name: metadata.version(name) for name in names}
    except metadata.PackageNotFoundError as missing:
        raise SystemExit(f"{missing.name} is not installed, which this benchmark compares with: {INSTALL}") from None
