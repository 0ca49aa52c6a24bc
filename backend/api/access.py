"""Who has the token: a Bearer header for programs, a signed cookie for browsers; compared in constant time.

The cookie never holds the token: it is ``<expiry>.<HMAC-SHA256 of the expiry under a key made from the token>``, so
that whoever reads it has a session that ends, and a new token ends all sessions at once. Nothing is stored. Its name
has a mark of the token, because browsers do not tell the ports of one host apart: two servers must not overwrite each
other's.
"""

import hashlib
import hmac
import time
from collections.abc import Callable

from starlette.datastructures import Headers

SESSION = 30 * 24 * 3600  # seconds
SCHEME = "bearer "


class Access:
    """Decides who is let in.

    Args:
        token: the secret that callers must know.
        clock: seconds since 1970.
    """

    def __init__(self, token: str, clock: Callable[[], float] = time.time) -> None:
        self._key = hashlib.sha256(b"gradscape session " + token.encode()).digest()
        self._token = _digest(token)
        self._clock = clock
        self.cookie = f"gradscape-{self._sign('name')[:8]}"

    def knows(self, given: str) -> bool:
        """Say whether this is the token; as slow for a good guess as for a bad one."""
        return hmac.compare_digest(_digest(given), self._token)

    def session(self) -> str:
        """Make the value of a new session's cookie."""
        expiry = str(int(self._clock()) + SESSION)
        return f"{expiry}.{self._sign(expiry)}"

    def admits(self, headers: Headers) -> bool:
        """Say whether a request carries the token, or the cookie of a session that has not ended."""
        given = headers.get("authorization", "")
        if given[: len(SCHEME)].lower() == SCHEME and self.knows(given[len(SCHEME) :].strip()):
            return True
        return any(self._is_session(value) for value in self._cookies(headers))

    def _cookies(self, headers: Headers) -> list[str]:
        pairs = (pair.strip().partition("=") for text in headers.getlist("cookie") for pair in text.split(";"))
        return [value for name, _, value in pairs if name == self.cookie]

    def _is_session(self, value: str) -> bool:
        expiry, _, mark = value.partition(".")
        signed = hmac.compare_digest(mark.encode(), self._sign(expiry).encode())
        return signed and int(expiry) > self._clock()  # only what we have written ourselves is read

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def _digest(text: str) -> bytes:
    """Return a text of any length as 32 bytes, so that its comparison tells nothing about its length."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
