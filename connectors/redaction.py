"""Takes secrets out of texts: remembers every credential this process has seen. Knows no Django; stores nothing."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST_SECRET = 4  # characters; shorter ones would blank out ordinary words
URL_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)[^\s/?#\"'<>]*@")


class Redactor:
    """The secrets that were seen so far, and the one pattern that finds them all. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._remembered: set[str] = set()
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def remember(self, value: str) -> None:
        """From now on `redact` replaces this value, in clear and in the forms it travels in."""
        if len(value) < SHORTEST_SECRET or value in self._remembered:
            return
        with self._lock:
            self._remembered.add(value)
            self._forms.update(form for form in _forms_of(value) if len(form) >= SHORTEST_SECRET)
            # Longest first: a form that begins another one would leave the rest of it in the text.
            ordered = sorted(self._forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(re.escape(form) for form in ordered))

    def redact(self, text: str) -> str:
        """The text with every remembered secret, and user and password of every URL, replaced by `***`."""
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        return URL_USERINFO.sub(rf"\g<scheme>{MASK}@", text)


def _forms_of(value: str) -> set[str]:
    """The value as it appears in clear, in URLs, in repr, JSON and HTML, and inside base64."""
    forms = {value, quote(value), quote(value, safe=""), quote_plus(value), quote_plus(value, safe="")}
    forms |= {repr(value)[1:-1], json.dumps(value)[1:-1], html.escape(value)}
    return forms | _base64_forms(value)


def _base64_forms(value: str) -> set[str]:
    """base64 of the value alone, and the part that stays the same wherever it stands inside a longer text."""
    data = value.encode("utf-8", "surrogatepass")
    forms = {base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()}
    for offset in range(3):
        first = -(-offset * 8 // 6)  # characters that also hold bits of what stands before
        last = (offset + len(data)) * 8 // 6  # from here on they hold bits of what follows
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            inner = encode(b"\0" * offset + data).decode()[first:last]
            # A shorter run would also be found in innocent text.
            if len(inner) >= 2 * SHORTEST_SECRET:
                forms.add(inner)
    return forms


_process = Redactor()
remember_secret = _process.remember
redact = _process.redact
