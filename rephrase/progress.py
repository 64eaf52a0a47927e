"""What a person sees of a run: how far it is, when it ends, what passes and what does not."""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType

from tqdm import tqdm

from rephrase.base import Exchange, Question, Reject


class Progress:
    """A bar over the characters of the corpus, with the share that passes, the commonest reasons and the tokens per second."""

    def __init__(self, total: int | None) -> None:
        self.reasons: Counter[str] = Counter()
        self.tokens = self.accepted = 0
        self._begun = time.monotonic()
        self._bar = tqdm(
            total=total, desc="asked", unit=" characters", unit_scale=True, file=sys.stderr, disable=None
        )

    def __enter__(self) -> "Progress":
        """Return itself."""
        return self

    def told(self, items: Sequence[Question | Reject | Exchange], *, characters: float) -> None:
        """Count what became of one unit; ``characters`` is what the bar goes on by."""
        for item in items:
            if isinstance(item, Exchange):
                self.tokens += item.reply.completion_tokens
            elif isinstance(item, Reject):
                self.reasons[item.drop.reason] += 1
            else:
                self.accepted += 1
        self._bar.set_postfix_str(self._said(), refresh=False)
        self._bar.update(characters)

    def _said(self) -> str:
        judged = self.accepted + self.reasons.total()
        share = f"{self.accepted / judged:.0%} pass" if judged else ""
        most = " ".join(f"{reason} {number / judged:.0%}" for reason, number in self.reasons.most_common(3))
        speed = self.tokens / max(time.monotonic() - self._begun, 1e-3)
        return ", ".join(part for part in (share, most, f"{speed:,.0f} tokens/s") if part)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the bar."""
        self._bar.close()
