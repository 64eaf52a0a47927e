"""All versions of a store with the arrows between them: what each was made from, and what was made from it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from datacards.card import Card, Ref
from datacards.errors import UserError
from datacards.store import Store
from datacards.withdrawn import Withdrawal

State = Literal["ok", "withdrawn", "purged", "damaged", "absent", "outside"]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a store, or an input that is none.

    ``ref.digest`` is that of the card as it is now; of an input that is not here, the one recorded first. ``state``
    is ``ok``, ``withdrawn`` (by the takedown ``withdrawn_by``; ``successor`` stands for it, if anything does),
    ``purged`` (withdrawn, and its bytes are gone), ``damaged`` (its card cannot be read), ``absent`` (not in this
    store) or ``outside`` (a hub model or a local folder). ``card`` is None in the last four.
    """

    ref: Ref
    state: State
    card: Card | None = None
    withdrawn_by: str = ""
    successor: str = ""

    @property
    def kind(self) -> str:
        """Return the kind of the version, '' where no card tells."""
        return self.card.kind if self.card else ""


@dataclass(frozen=True, slots=True)
class Link:
    """One recorded input: ``made`` was made from ``source``, both as ``name@version``.

    ``digest`` is that of the card that was used; ``changed`` says that the card is another one now.
    """

    made: str
    source: str
    digest: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """The versions of a store by ``name@version``, each behind all that it was made from, with the links between.

    A version is asked for as a Ref or as its text; what is not in the graph raises UserError.
    """

    versions: Mapping[str, Version]
    inputs_of: Mapping[str, tuple[Link, ...]]
    users_of: Mapping[str, tuple[Link, ...]]

    def __getitem__(self, ref: Ref | str) -> Version:
        if (found := self.versions.get(str(ref))) is None:
            raise UserError("store", f"no version '{ref}'", todo="see: kanagura cards list")
        return found

    def inputs(self, ref: Ref | str) -> tuple[Link, ...]:
        """Return what ``ref`` itself was made from, in the order of its card."""
        return self.inputs_of.get(str(self[ref].ref), ())

    def users(self, ref: Ref | str) -> tuple[Link, ...]:
        """Return what was made from ``ref`` itself."""
        return self.users_of.get(str(self[ref].ref), ())

    def below(self, *refs: Ref | str) -> tuple[Version, ...]:
        """Return everything the versions ``refs`` were made from, however far down, each behind its own inputs."""
        return self._reached(refs, lambda name: (link.source for link in self.inputs_of.get(name, ())))

    def above(self, *refs: Ref | str) -> tuple[Version, ...]:
        """Return everything made from the versions ``refs``, however far up, each behind its own inputs.

        That is the order in which successors of them can be made. The versions asked for are not among them, unless
        one was made from another.
        """
        return self._reached(refs, lambda name: (link.made for link in self.users_of.get(name, ())))

    def _reached(
        self, refs: Iterable[Ref | str], further: Callable[[str], Iterable[str]]
    ) -> tuple[Version, ...]:
        waiting = [str(self[ref].ref) for ref in refs]
        found: set[str] = set()
        while waiting:
            new = set(further(waiting.pop())) - found
            found |= new
            waiting += new
        return tuple(version for name, version in self.versions.items() if name in found)


def graph(store: Store) -> Graph:
    """Return all versions of the store, and all that their cards name, with the links; every card is read once."""
    withdrawn = store.withdrawn()
    found: dict[str, Version] = {}
    for ref in store.refs():
        name, gone = str(ref), withdrawn.get(str(ref))
        try:
            card = store.card(ref)
        except UserError:
            found[name] = Version(ref, "damaged")
            continue
        # A version that came into the place of a purged one is another: the takedown was about a digest.
        if gone and gone.digest in ("", ref.digest):
            found[name] = Version(ref, "withdrawn", card, str(gone.by), gone.successor)
        else:
            found[name] = Version(ref, "ok", card)
    for version in list(found.values()):
        for ref in version.card.made_from if version.card else ():
            found.setdefault(str(ref), _missing(ref, withdrawn.get(str(ref))))
    for name, gone in withdrawn.items():
        if name not in found:
            base, _, version_ = name.rpartition("@")
            found[name] = _missing(Ref(name=base, version=version_, digest=gone.digest), gone)
    return _linked(found)


def _missing(ref: Ref, gone: Withdrawal | None) -> Version:
    if gone:
        return Version(ref, "purged", None, str(gone.by), gone.successor)
    return Version(ref, "outside" if ":" in ref.name else "absent")


def _linked(found: Mapping[str, Version]) -> Graph:
    """Return the graph of the versions, put in order (Kahn 1962)."""
    inputs: dict[str, tuple[Link, ...]] = {}
    users: defaultdict[str, list[Link]] = defaultdict(list)
    for name, version in found.items():
        links = []
        for ref in dict.fromkeys(version.card.made_from) if version.card else ():
            now = found[str(ref)]
            changed = now.card is not None and ref.digest not in ("", now.ref.digest)
            links.append(Link(name, str(ref), ref.digest, changed))
        inputs[name] = tuple(links)
        for link in links:
            users[link.source].append(link)
    lacking = {name: len(links) for name, links in inputs.items()}
    ready, order = [name for name, number in lacking.items() if not number], []
    for name in ready:  # it grows while it is read
        order.append(name)
        for link in users.get(name, ()):
            lacking[link.made] -= 1
            if not lacking[link.made]:
                ready.append(link.made)
    placed = set(order)
    order += [name for name in found if name not in placed]  # cards that were edited into a circle
    return Graph(
        versions={name: found[name] for name in order},
        inputs_of=inputs,
        users_of={name: tuple(links) for name, links in users.items()},
    )
