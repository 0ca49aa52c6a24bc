"""What the page may load and run (its Content-Security-Policy), measured: without any of these something breaks."""

import base64
import hashlib
from collections.abc import Iterable


def policy(inline: Iterable[str]) -> str:
    """Write the policy: everything from this server, nothing from elsewhere, no script that is not named.

    Args:
        inline: the scripts that stand in the page itself; they may run by their hash.

    Returns:
        The header's value.
    """
    scripts = " ".join(f"'sha256-{_hash(script)}'" for script in inline)
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {scripts}",  # no 'unsafe-eval': Plotly's charts that need it are not used
            "style-src 'self' 'unsafe-inline'",  # the kit, the tables and Plotly write style elements as they go
            "img-src 'self' data: blob:",  # icons in style sheets, and Plotly's pictures to save
            "connect-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
