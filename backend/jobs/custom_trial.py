"""The process that reads a file of problems once and tells what is in it, as the last line of its output."""

import json
import os
import sys
from pathlib import Path


def tell(file: str) -> None:
    """Try a file's problems; write their entries, or the sentence that says what is wrong.

    Args:
        file: its path; what it prints goes to standard error.
    """
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        print(json.dumps(_told(Path(file))), file=out)


def _told(path: Path) -> dict[str, object]:
    from backend.core.problems.custom.build import tried
    from backend.core.problems.custom.definition import BadProblem
    from backend.jobs.custom_file import read_definitions

    try:
        return {"entries": [tried(each).to_json() for each in read_definitions(path)]}
    except BadProblem as error:
        return {"error": str(error)}
