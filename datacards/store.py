"""Write-once versions: a draft is filled, hashed, and put into its place with its card written last."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from itertools import count
from pathlib import Path
from typing import Any

from datacards.card import NAME, VERSION, Card, Kind, Ref
from datacards.describe import README
from datacards.draft import SUMS, Draft, carded, now
from datacards.drafts import Drafts
from datacards.errors import UserError, from_os_error
from datacards.places import CARD, place_at, read_card
from datacards.provenance import capture
from datacards.requests import difference, plain, request_of
from datacards.withdrawn import PURGES, TAKEDOWNS, Withdrawal, purged, withdrawals

__all__ = ["CARD", "README", "SUMS", "TOKENS", "Draft", "Store"]

TOKENS = (
    ".tokens"  # the folder of a store where stages keep what they made of a file's text, TOKENIZER/SHA-256
)
_TOLD = 12  # versions that a message names
NEEDED: dict[Kind, str] = {
    "captures": "captures are needed",
    "dataset": "a dataset is needed",
    "checkpoint": "a checkpoint is needed",
    "evaluation": "an evaluation is needed",
    "takedown": "a takedown is needed",
}


class Store:
    """All versions, as ``NAME/VERSION/`` in a folder or under an address; a finished one is never written again.

    ``root`` is a path, or an address like ``s3://bucket/prefix``. Where that is not a folder of this machine, drafts
    and copies of what is read lie in the folder ``self.root`` (see ``datacards.objects``).
    """

    def __init__(self, root: Path | str) -> None:
        self.place = place_at(root)
        self.root = self.place.root

    @classmethod
    def default(cls) -> "Store":
        """Return the store at ``$KANAGURA_STORE``, else at ``./store``."""
        return cls(os.environ.get("KANAGURA_STORE", "store"))

    # -- reading -------------------------------------------------------------------------------------------

    def refs(self, name: str | None = None) -> list[Ref]:
        """Return the finished versions, oldest first, of one name or of all."""
        if name is not None and not NAME.fullmatch(name):
            return []
        return sorted(self.place.versions(name), key=lambda ref: (ref.name, _order(ref.version)))

    def resolve(self, text: str) -> Ref:
        """Return the Ref that ``name@version``, or ``name`` for its newest version that is not withdrawn, stands for.

        Raises UserError naming the versions that exist.
        """
        name, _, version = text.partition("@")
        if NAME.fullmatch(name) and VERSION.fullmatch(version):
            ref = Ref(name=name, version=version)
            if digest := self.digest(ref):
                return ref.model_copy(update={"digest": digest})
        known = self.refs(name)
        if known and not version:
            withdrawn = self.withdrawn()
            standing = [ref for ref in known if str(ref) not in withdrawn]
            return (standing or known)[-1]
        raise UserError(
            "store",
            f"no version '{text}'",
            f"the store holds: {_held(known or self.refs(), name)}",
            "correct the name",
        )

    def withdrawn(self) -> Mapping[str, Withdrawal]:
        """Return what takedowns have withdrawn, by ``name@version``."""
        return withdrawals(self.place)

    def purged(self) -> Mapping[str, str]:
        """Return which purge deleted the files of withdrawn versions, by ``name@version``; their cards stay."""
        withdrawn = self.withdrawn()
        return {ref: by for ref, by in purged(self.place).items() if ref in withdrawn}

    def standing(self, ref: Ref) -> Ref:
        """Return ``ref``, or what takes its place where a purge has deleted its files.

        For inputs of a version that a takedown had no reason to touch: what it was made of lies there now.
        """
        by = self.withdrawn().get(str(ref))
        return self.resolve(by.successor) if by and by.successor and str(ref) in self.purged() else ref

    def path(self, ref: Ref, name: str = "") -> Path:
        """Return the folder of a version, or one file of it by its path in the folder.

        Of a version under an address, all its files, or the one, are fetched and compared with the card first;
        raises UserError when one of them is damaged.
        """
        return self.place.path(ref, name)

    def card(self, ref: Ref) -> Card:
        """Return the card of a version; raise UserError when it is missing or cannot be read."""
        if (text := self.place.card(ref)) is None:
            raise UserError("store", f"no version '{ref}'", todo="see: kanagura cards list")
        return read_card(ref, text)

    def digest(self, ref: Ref) -> str:
        """Return the SHA-256 of a version's card as it is now, or '' when there is no such version."""
        text = self.place.card(ref)
        return "" if text is None else hashlib.sha256(text).hexdigest()

    def verify(self, ref: Ref) -> list[str]:
        """Hash every file again; return what differs from the card and from what others recorded of it.

        An empty list means: complete, unchanged, and no foreign file in the folder.
        """
        return self._problems(ref, self.place.damage)

    def _problems(self, ref: Ref, damage: Callable[[Ref, Card], list[str]]) -> list[str]:
        try:
            card = self.card(ref)
        except UserError as error:
            return [error.received]
        problems = []
        if (card.name, card.version) != (ref.name, ref.version):
            problems.append(f"its card is that of {card.name}@{card.version}")
        if by := self.purged().get(str(ref)):
            return [*problems, f"its files were purged by {by}"]
        problems += damage(ref, card)
        for made_from in card.made_from:
            below = "" if ":" in made_from.name else self.digest(made_from)
            if below and below != made_from.digest:
                problems.append(f"the card of its input {made_from} has changed since")
            if card.kind == "captures" and not below:
                problems.append(f"{made_from}, which holds bodies of its captures, is gone")
        if ref.digest and ref.digest != self.digest(ref):
            problems.append("its card has changed")
        return problems

    def verified(self, text: str, kind: Kind) -> Ref:
        """Return the version that ``text`` names, once it is of ``kind`` and every byte of it is as it was made.

        Every stage takes its inputs through here. Raises UserError naming the kind it has, or what has changed.
        """
        ref = self.resolve(text)
        if (found := self.card(ref).kind) != kind:
            raise UserError(
                str(ref),
                f"is a version of kind '{found}'",
                NEEDED[kind],
                "name another one",
            )
        if withdrawal := self.withdrawn().get(str(ref)):
            raise withdrawal.told(ref)
        if problems := self._problems(ref, self.place.damage_to_read):
            told = "; ".join(problems[:3])
            raise UserError(str(ref), f"does not verify: {told}", todo="restore it or make it again")
        return ref

    # -- writing -------------------------------------------------------------------------------------------

    def finished(
        self, name: str, version: str, *, recipe: Mapping[str, Any], made_from: Sequence[Ref]
    ) -> Ref | None:
        """Return the version if it exists and was made from an equal request, None if it does not exist.

        Raises UserError naming the differing field when the version stands for something else, and its successor when
        it was withdrawn.
        """
        if not self.digest(Ref(name=name, version=version)):
            return None
        ref = self.resolve(f"{name}@{version}")
        if withdrawal := self.withdrawn().get(str(ref)):
            raise withdrawal.told(ref)
        card = self.card(ref)
        if differing := difference(card, recipe, made_from):
            raise UserError(
                str(ref),
                f"exists already and differs in {differing}",
                "a version never changes",
                "give the recipe a new version",
            )
        return ref

    def newest_of_day(self, name: str, version: str, *, recipe: Mapping[str, Any]) -> Ref | None:
        """Return the newest version of the day of ``version`` that was made from an equal request, or None."""
        day = version.split(".")[:3]
        of_day = [ref for ref in self.refs(name) if ref.version.split(".")[:3] == day]
        return next((ref for ref in reversed(of_day) if self.card(ref).recipe == plain(recipe)), None)

    def next_version(self, name: str, version: str) -> str:
        """Return the first version of the same day behind ``version`` that does not exist: YYYY.MM.DD.N."""
        day = ".".join(version.split(".")[:3])
        taken = {ref.version for ref in self.refs(name)}
        return next(found for n in count(1) if (found := f"{day}.{n}") not in taken)

    def unfinished(
        self, name: str, *, kind: Kind, recipe: Mapping[str, Any], made_from: Sequence[Ref] = ()
    ) -> str | None:
        """Return the newest version of ``name`` that a stopped run of an equal request began, or None."""
        begun = Drafts(self.root / ".drafts").unfinished(name, request_of(kind, recipe, made_from))
        found = [version for version in begun if not self.digest(Ref(name=name, version=version))]
        return max(found, key=_order, default=None)

    @contextmanager
    def write(
        self,
        *,
        name: str,
        version: str,
        kind: Kind,
        recipe: Mapping[str, Any],
        made_from: Sequence[Ref] = (),
        description: str = "",
    ) -> Iterator[Draft]:
        """Yield a Draft; when the block ends well, hash its files, write README and card, put it into its place.

        When the block fails or the process dies, wherever it does, the draft stays and an equal request finds
        it again with ``draft.resumed`` true; a different request for the same version gets a draft of its own.
        Two processes that write one version exclude each other: the second gets a UserError, at once on one machine
        and, where two machines share an address, when it would finish. A version whose input a takedown has withdrawn
        in the meantime is refused at the end; a checkpoint is not, it holds no text.
        """
        label, ref = f"{name}@{version}", Ref(name=name, version=version)
        if not (NAME.fullmatch(name) and VERSION.fullmatch(version)):
            raise UserError(label, "is no name and version", "words-2@2026.11.21", "correct it")
        if (
            name in (TAKEDOWNS, PURGES) and kind != "takedown"
        ):  # it would be read as one, and nothing else any more
            raise UserError(label, f"'{name}' is a name of the store's own", "another name", "rename it")
        request = request_of(kind, recipe, made_from)
        drafts = Drafts(self.root / ".drafts")
        made_by = capture()
        now()  # a time that was given wrong is told before the work, not after it
        before = self.withdrawn()
        try:
            with drafts.lock(label):
                if self.finished(name, version, recipe=recipe, made_from=made_from):
                    raise UserError(label, "exists already", "a version is written once")
                self.place.ready(ref)
                path, resumed = drafts.open(label, request)
                draft = Draft(path, resumed=resumed)
                yield draft
                card = carded(draft, ref, description, request, made_by)
                self._check_inputs(card, before)
                self.place.publish(drafts, card)
        except OSError as error:
            raise from_os_error(error, label) from error

    def _check_inputs(self, card: Card, before: Mapping[str, Withdrawal]) -> None:
        """Raise UserError when an input was withdrawn while a version was made of it, or holds bodies of captures."""
        withdrawn = self.withdrawn() if card.kind != "checkpoint" else {}
        for one in map(str, card.made_from):
            # What a takedown had no reason to touch stays as it was, made from what was withdrawn before.
            if one in withdrawn and (one not in before or card.kind == "captures"):
                raise UserError(
                    f"{card.name}@{card.version}",
                    f"{one}, which it was made from, has been withdrawn by {withdrawn[one].by}",
                    "",
                    f"delete its draft and make it again{' of ' + withdrawn[one].successor if withdrawn[one].successor else ''}",
                )


def _held(refs: list[Ref], name: str) -> str:
    """Return the versions in words: all of a few, else the newest of the names that are most like ``name``."""
    if len(refs) <= _TOLD:
        return ", ".join(map(str, refs)) or "none yet"
    newest = {ref.name: ref for ref in refs}
    near = get_close_matches(name, newest, n=_TOLD // 2, cutoff=0.4) or [*newest][:_TOLD]
    named = ", ".join(str(newest[one]) for one in near)
    return f"{named} and others, {len(refs):,} in all (kanagura cards list)"


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
