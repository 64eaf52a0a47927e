"""What may be done with what was made from, or stands beside, records of several licenses."""

from collections.abc import Iterable
from dataclasses import dataclass

from datacards.rights.licenses import LICENSES, License, expression, parts_of

# From the freest to the least free: what is named when a work may be given on under several licenses.
_FREEST = (
    "CC0-1.0",
    "MIT",
    "PDL-1.0",
    "GJSTU-2.0",
    "CC-BY-4.0",
    "Apache-2.0",
    "CC-BY-SA-4.0",
    "CC-BY-NC-4.0",
    "CC-BY-NC-SA-4.0",
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for one record made of several parents, or for a collection of records.

    ``license`` is the expression of all licenses that apply, ``under`` those under which it may be given on, the
    freest first: where one of them is share-alike, it alone. ``attribution`` and ``changed`` are the credits of all, a
    line each. ``why`` says, a sentence each, why it may not be given on (``redistribution`` is false then).
    """

    license: str
    under: tuple[str, ...]
    redistribution: bool
    derivatives: bool
    commercial: bool
    share_alike: bool
    credit: bool
    attribution: str
    changed: str
    why: tuple[str, ...] = ()

    @property
    def hub(self) -> dict[str, str]:
        """Return the lines ``license``, and for what the Hub has no name ``license_name``, of its YAML header."""
        parts = parts_of(self.license) if self.license else ()
        if not parts:
            return {}
        if len(parts) == 1 and parts[0].hub:
            return {"license": parts[0].hub}
        return {"license": "other", "license_name": "-and-".join(part.id.lower() for part in parts)}


def combined(licenses: Iterable[str], derived: bool) -> Terms:
    """Return what holds for ONE record made from parents under ``licenses``, names or expressions.

    ``derived`` says that their texts were changed or merged into a new one. Then the record may be given on only
    under a license into which every parent may be adapted: share-alike forces its own, against another share-alike or
    a non-commercial parent it leaves none, a no-derivatives parent never leaves one. What is not derived keeps each
    part under its own license, like a collection. Raises UserError for an unknown license.
    """
    parts = _parts(licenses)
    if not derived:
        return _terms(parts, tuple(part.id for part in parts), _withheld(parts))
    under = frozenset.intersection(*(part.adapted for part in parts)) if parts else frozenset(LICENSES)
    why = _withheld(parts)
    why += [f"{part.id} forbids to give on what was made from it" for part in _rigid(parts)]
    if not under and not why:
        why = [
            f"no license is known that a work made from {expression(p.id for p in parts)} may have: "
            + _clash(parts)
        ]
    return _terms(parts, tuple(name for name in _FREEST if name in under), why)


def mixed(licenses: Iterable[str]) -> Terms:
    """Return what may be done with a COLLECTION of records that keep their own licenses: what every one allows.

    Nothing is adapted when records stand side by side, so share-alike binds its own records and no others. Raises
    UserError for an unknown license.
    """
    return combined(licenses, derived=False)


def joined(attributions: Iterable[str]) -> str:
    """Return the credits of all parents of one record: every line once, in the order of the parents."""
    return "\n".join(dict.fromkeys(line for one in attributions for line in one.splitlines() if line))


def _parts(licenses: Iterable[str]) -> tuple[License, ...]:
    names = list(dict.fromkeys(licenses))
    return tuple(
        sorted({part.id: part for name in names for part in parts_of(name)}.values(), key=lambda p: p.id)
    )


def _withheld(parts: Iterable[License]) -> list[str]:
    return [
        f"{part.id} does not allow its texts to be given to others"
        for part in parts
        if not part.redistribution
    ]


def _rigid(parts: Iterable[License]) -> list[License]:
    return [part for part in parts if part.redistribution and not part.derivatives]


def _clash(parts: Iterable[License]) -> str:
    """Return what stands in the way, for people: which licenses insist on what."""
    told = [f"{p.id} only into {' or '.join(n for n in _FREEST if n in p.adapted)}" for p in parts]
    return ", ".join(told)


def _terms(parts: tuple[License, ...], under: tuple[str, ...], why: list[str]) -> Terms:
    return Terms(
        license=expression(part.id for part in parts),
        under=() if why else under,
        redistribution=not why,
        derivatives=all(part.derivatives for part in parts),
        commercial=all(part.commercial for part in parts),
        share_alike=any(part.share_alike for part in parts),
        credit=any(part.credit for part in parts),
        attribution="\n".join(part.attribution for part in parts),
        changed="\n".join(part.changed for part in parts),
        why=tuple(why),
    )
