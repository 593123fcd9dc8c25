"""Makes untrusted text safe to show: passages, names and paths may be hostile."""

import html
import json
import re
from typing import Any

from topores.report.language import say

_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # controls, but for tab and line feed
    "\u2028\u2029"  # line ends that only some programs know
    "\u202a-\u202e\u2066-\u2069"  # overrides that turn the reading direction
    "\ud800-\udfff\ufeff\ufffe\uffff]"  # halves of pairs, marks and non-characters
)


def clean(value: object) -> str:
    """The text with every invisible or misleading character replaced by a visible one.

    >>> clean("a\\x00b")
    'a␀b'
    >>> clean("a\\u202eb")
    'a⟨U+202E⟩b'
    """
    lines = str(value).replace("\r\n", "\n").replace("\r", "\n")
    return _UNSEEN.sub(_visible, lines)


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def escape_html(value: object) -> str:
    """Any value as HTML text or quoted attribute."""
    return html.escape(clean(value), quote=True)


def clip_html(value: object, most: int) -> str:
    """As `escaped`, but at most `most` characters; says how many are left out."""
    text = str(value)
    if len(text) <= most:
        return escape_html(text)
    return f"{escape_html(text[:most])}… <em>{say('({n:,} more characters)', n=len(text) - most)}</em>"


def json_block(name: str, data: Any) -> str:
    """`data` as a JSON block that no text inside can close.

    Raises:
        ValueError: A number is NaN or infinite, which JSON lacks; pass None.
    """
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f'<script type="application/json" id="{name}">{text}</script>'
