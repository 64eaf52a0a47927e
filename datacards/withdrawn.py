"""Which versions a takedown has withdrawn, by which one, and what takes their place."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from datacards.card import Ref
from datacards.errors import UserError
from datacards.places import Place

TAKEDOWNS = "takedowns"  # the name of the versions that say what was taken down
RECEIPT = "receipt.json"
PURGES = "purges"  # the name of the versions that say which files were deleted
PURGE = "purge.json"


class Withdrawal(NamedTuple):
    """That a version may not be used any more: ``successor`` is ``name@version``, or '' when nothing takes its place."""

    by: Ref
    digest: str
    successor: str

    def told(self, ref: Ref) -> UserError:
        """Return the error for who wants to use ``ref`` nevertheless."""
        todo = (
            f"use {self.successor}"
            if self.successor
            else f"make it again; see: kanagura cards show {self.by}"
        )
        return UserError(str(ref), f"was withdrawn by {self.by}", "a version that is not withdrawn", todo)


def withdrawals(place: Place) -> Mapping[str, Withdrawal]:
    """Return the withdrawn versions as ``name@version``, as the receipts of all takedowns list them.

    The successor is the one that stands: what took the place of a version may have been withdrawn, too. Raises UserError when a receipt cannot be read: then nobody knows what may be used.
    """
    found: dict[str, Withdrawal] = {}
    for by in sorted(place.versions(TAKEDOWNS), key=lambda ref: tuple(map(int, ref.version.split(".")))):
        try:
            said = json.loads(place.path(by, RECEIPT).read_text(encoding="utf-8"))
            for one in said["withdrawn"]:
                found[str(one["ref"])] = Withdrawal(by, str(one["digest"]), str(one["successor"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(str(by), f"its {RECEIPT} cannot be read", todo="restore it") from error
    return {ref: one._replace(successor=_standing(ref, found)) for ref, one in found.items()}


def _standing(ref: str, found: Mapping[str, Withdrawal]) -> str:
    seen: set[str] = set()
    while ref in found and ref not in seen:  # receipts may come from anybody: no circle holds this up
        seen.add(ref)
        ref = found[ref].successor
    return "" if ref in seen else ref


def purged(place: Place) -> Mapping[str, str]:
    """Return which purge deleted the files of a version, by ``name@version``; the card of such a version stays."""
    found: dict[str, str] = {}
    for by in place.versions(PURGES):
        try:
            said = json.loads(place.path(by, PURGE).read_text(encoding="utf-8"))
            found |= {str(one["ref"]): str(by) for one in said["purged"]}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(str(by), f"its {PURGE} cannot be read", todo="restore it") from error
    return found
