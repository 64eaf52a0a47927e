"""Text of a document inside a prompt: what could pass for the prompt's own signs is marked, and unmarked in replies.

A word joiner (U+2060, no glyph, no width) behind the first character of such a sign breaks it for tokenizers, stop
strings and readers of lines. Word joiners of the document itself are doubled, so that nothing is lost.
"""

import re

_JOINER = "\u2060"
_ROLES = "INST|SYS|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_[A-Z_]+|MODEL_SETTINGS|THINK|PREFIX|SUFFIX|MIDDLE|IMG[A-Z_]*|CLS|SEP|MASK|PAD|UNK|BOS|EOS"
# Three number signs begin a section; Q, A, O and X a line of a reply; tags and bracketed words are roles of chat templates.
_SIGNS = re.compile(rf"#(?=##)|(?<![^\n])[ \t　]*[QAOX](?=:)|<(?=[|｜/!<A-Za-z_])|\[(?=/?(?:{_ROLES})\])")
_RUN = re.compile(f"{_JOINER}+")


def mark(text: str) -> str:
    """Return a text that holds no sign of a prompt; ``unmark`` gives the text back."""
    if _JOINER in text:
        text = text.replace(_JOINER, _JOINER * 2)
    return _SIGNS.sub(lambda sign: sign[0] + _JOINER, text)


def unmark(text: str) -> str:
    """Return the text that was marked: a single word joiner is a mark, of a run of them half remain."""
    return _RUN.sub(lambda run: _JOINER * (len(run[0]) // 2), text) if _JOINER in text else text
