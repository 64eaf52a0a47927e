"""Which prompts begin with a beginning-of-sequence token: the rule is part of what a score means."""

from typing import Literal

Bos = Literal["original", "none", "always", "tokenizer"]


def special_tokens(rule: Bos, model_type: str) -> bool | None:
    """Return whether the tokenizer adds its special tokens to a prompt; None leaves it to the tokenizer's default.

    ``original`` is what lm-evaluation-harness did up to 0.4.9.1, and with it every published figure of the Japanese
    financial benchmark: none, but for the Gemma family (``gemma`` stands in its ``model_type``), which always got one.
    ``always`` is what it did when it was asked for one (``add_bos_token=True``): a prompt that spells the token out
    itself then begins with two. ``tokenizer`` is what the harness does since, ``none`` is none for anybody.
    """
    if rule == "always":
        return True
    if rule == "tokenizer":
        return None
    return rule == "original" and "gemma" in model_type
