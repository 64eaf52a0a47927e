"""Where the right choice stands: every place as often as the others, whatever the number of questions."""

import hashlib
import random
from collections.abc import Sequence

CHOICES = 4


class Places:
    """Hands out the least used place so far, counted apart for every license.

    So what one license gives does not depend on the others. Memory: a few numbers a license.
    """

    def __init__(self, choices: int = CHOICES) -> None:
        self.choices = choices
        self.used: dict[str, list[int]] = {}

    def take(self, license_: str, drawn: random.Random) -> int:
        """Return the place of the next right choice, from 0; ``drawn`` decides among equally used ones."""
        used = self.used.setdefault(license_, [0] * self.choices)
        place = drawn.choice([at for at, times in enumerate(used) if times == min(used)])
        used[place] += 1
        return place


def chance(seed: int, *key: str) -> random.Random:
    """Return a source of chance that follows from a seed and the words of a key alone."""
    digest = hashlib.sha256("|".join((str(seed), *key)).encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))  # noqa: S311


def arranged(right: str, wrong: Sequence[str], place: int) -> tuple[str, ...]:
    """Return the choices with the right one at ``place``, the wrong ones around it in their order."""
    return (*wrong[:place], right, *wrong[place:])
