"""``python -m app``: the same as the ``gradscape`` command."""

import sys

from app.cli import main

sys.exit(main())
