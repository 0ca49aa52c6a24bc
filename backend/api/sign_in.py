"""The page on which a browser is given the token: whole in itself, one style and one script, both named in its policy.

The token may come in the address after ``#``, which browsers never send: the script puts it into the form. It stands in
no log and in no Referer.
"""

import base64
import hashlib
from html import escape
from typing import Final

from starlette.responses import HTMLResponse

PATH: Final = "/sign-in"
OUT: Final = "/sign-out"
STYLE: Final = """
:root { color-scheme: light dark; --line: #8888; --quiet: light-dark(#555, #aaa); --act: light-dark(#1c5fb8, #7ab3ff); }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-items: center; }
main { width: min(22rem, calc(100vw - 3rem)); } h1 { font-size: 1.4rem; margin: 0 0 1rem; }
label { display: block; font-weight: 600; margin-bottom: .3rem; } p { color: var(--quiet); font-size: .875rem; }
input, button { font: inherit; padding: .5rem .7rem; border-radius: 6px; box-sizing: border-box; width: 100%; }
input { border: 1px solid var(--line); background: transparent; color: inherit; }
button { margin-top: .8rem; border: 0; background: var(--act); color: light-dark(#fff, #06182e); font-weight: 600; }
[role=alert] { color: light-dark(#a4161a, #ff9b9b); margin: .5rem 0 0; }
:focus-visible { outline: 2px solid var(--act); outline-offset: 1px; }
code { font: .875em ui-monospace, monospace; }
"""
SCRIPT: Final = """
const field = document.querySelector("input[name=token]");
if (field && location.pathname === "/sign-in" && location.hash.length > 1) {
  field.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
  field.form.submit();
}
"""


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


POLICY: Final = (
    f"default-src 'none'; script-src {_hash(SCRIPT)}; style-src {_hash(STYLE)}; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def page(*, then: str = "/", status: int = 200, refused: str = "", inside: bool = False) -> HTMLResponse:
    """Make the page.

    Args:
        then: the address to go to afterwards.
        status: of the answer.
        refused: why the last attempt was refused, in a sentence.
        inside: the browser is signed in already: it may sign out.

    Returns:
        The answer; it is kept in no cache.
    """
    alert = f"<p role=alert id=refused>{escape(refused)}</p>" if refused else ""
    described = "refused hint" if refused else "hint"
    form = (
        f"<form method=post action={OUT}><p>This browser is signed in.</p><button>Sign out</button></form>"
        if inside
        else f'<form method=post action={PATH}><input type=hidden name=then value="{escape(then)}">'
        f'<label for=token>Token</label><input id=token name=token type=password aria-describedby="{described}"'
        f" autocomplete=current-password spellcheck=false required autofocus>{alert}"
        "<p id=hint>The server printed it when it started, or it is what GRADSCAPE_TOKEN was set to.</p>"
        "<button>Sign in</button></form>"
    )
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>Sign in · Gradscape</title><style>{STYLE}</style>"
        f"<main><h1>Gradscape</h1>{form}</main><script>{SCRIPT}</script></html>",
        status_code=status,
        headers={"content-security-policy": POLICY, "cache-control": "no-store"},
    )


def local(then: str) -> str:
    """Return an address of this server as it is, and ``/`` for anything that could lead elsewhere.

    Args:
        then: what the form sent.
    """
    safe = then.startswith("/") and not then.startswith(("//", "/\\")) and then.isprintable() and "\\" not in then
    return then if safe else "/"
