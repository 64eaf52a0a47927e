"""Where the right choice stands: every place as often as the others, whatever the number of questions."""

import hashlib
from collections.abc import Sequence

CHOICES = 4


class Places:
    """Hands out the least used place so far, counted apart for every license; ``seed`` decides among equally used ones.

    So what one license gives does not depend on the others. Memory: a few numbers a license.
    """

    def __init__(self, seed: int, choices: int = CHOICES) -> None:
        self.seed, self.choices = seed, choices
        self.used: dict[str, list[int]] = {}

    def take(self, key: str, license_: str) -> int:
        """Return the place, from 0, of the right choice of the question that ``key`` names."""
        used = self.used.setdefault(license_, [0] * self.choices)
        fewest = [at for at, times in enumerate(used) if times == min(used)]
        drawn = int.from_bytes(hashlib.sha256(f"{self.seed}|{key}".encode()).digest()[:8], "big")
        place = fewest[drawn % len(fewest)]
        used[place] += 1
        return place


def arranged(right: str, wrong: Sequence[str], place: int) -> tuple[str, ...]:
    """Return the choices with the right one at ``place``, the wrong ones around it in their order."""
    return (*wrong[:place], right, *wrong[place:])
