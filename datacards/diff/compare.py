"""``diff``: two versions of one kind -> what was added, removed and changed, and why."""

import tempfile
from pathlib import Path

from datacards.card import Card, Ref
from datacards.diff.crawls import captures_rows
from datacards.diff.datasets import Datasets, Rows
from datacards.diff.folders import file_rows
from datacards.diff.parts import Files
from datacards.diff.record import CHANGES, Count, Diff, Spool
from datacards.diff.versions import difference, other_code, version
from datacards.errors import UserError
from datacards.store import Store


def diff(store: Store, a: Ref, b: Ref) -> Diff:
    """Return what is different between the versions ``a`` and ``b``, from the first to the second.

    Every file that is read is compared with its card first; files that both versions have byte for byte are not read.
    In memory are 24 bytes for each row of the other files, of one format at a time, some 200 bytes for each row that
    differs, and what is said of 16,000 of these at once, or of a 256th of them if that is more; all that is said of
    them lies on disk as long as the Diff lives. Raises UserError for versions of two
    kinds, and for a damaged file, which it names.
    """
    for ref in (a, b):
        if by := store.purged().get(str(ref)):
            raise UserError(
                str(ref), f"its files were purged by {by}", "a version that is whole", "name another"
            )
    one, other = version(store, a), version(store, b)
    if one.card.kind != other.card.kind:
        raise UserError(
            "diff",
            f"{a} is a version of kind '{one.card.kind}', {b} of kind '{other.card.kind}'",
            "two versions of one kind can be compared",
            "name another one",
        )
    spool = Spool(Path(tempfile.mkdtemp(prefix="kanagura-diff-")))
    files = Files(store)
    with tempfile.TemporaryDirectory(dir=spool.folder) as work:
        if one.card.kind == "dataset":
            rows = Datasets(files, one, other, Path(work)).explain(spool)
        elif one.card.kind == "captures":
            rows = Rows(*captures_rows(files, one, other, spool, Path(work)))
        else:
            rows = Rows(*file_rows(one.card, other.card, spool))
    spool.close()
    order = {form: number for number, form in enumerate([*rows.before, *rows.after])}
    counts = sorted(
        spool.counts.items(), key=lambda one: (order[one[0][0]], CHANGES.index(one[0][1]), -one[1], one[0][2])
    )
    found = Diff(
        a=a,
        b=b,
        kind=one.card.kind,
        before=rows.before,
        after=rows.after,
        counts=tuple(Count(*key, number) for key, number in counts),
        asked=tuple(_asked(one.card, other.card)),
        shared=rows.shared,
        _spool=spool,
    )
    found.check()
    return found


def _asked(a: Card, b: Card) -> list[str]:
    """Return in words what is different in what two versions were made from, and by what."""
    told = [f"{path}: {values}" for path, values in difference(a, b).items()]
    inputs = [", ".join(map(str, one.made_from)) or "nothing" for one in (a, b)]
    if inputs[0] != inputs[1]:
        told.append(f"made from: {inputs[0]} -> {inputs[1]}")
    if code := other_code(a, b):
        told.append(f"code: {code}")
    return told
