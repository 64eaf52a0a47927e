"""The parts of a dataset's page about what it lacks: what was left out and why, overlap with tests, known limits."""

from collections import Counter
from collections.abc import Iterable

from datacards.card import Card
from datacards.profile.record import OTHERS, Profile
from datacards.render.markdown import link, share, table, text

_OCR = "needs_ocr"


def left_out(card: Card, profile: Profile | None) -> list[str]:
    """Return tables of reasons and examples; reasons that only the card counts stand without a stage."""
    kept = profile.dropped if profile else ()
    rows = [(one.stage, one.reason, one.rows) for one in kept]
    counted = Counter(dict.fromkeys(card.drops, 0))
    for one in kept:
        counted[one.reason] += one.rows
    rows += [
        ("", reason, number - counted[reason])
        for reason, number in sorted(card.drops.items())
        if number > counted[reason]
    ]
    if not rows:
        return []
    shown = [
        (
            one.reason,
            link(example.title or example.url, example.url),
            example.source,
            example.license,
            " — ".join(part for part in (example.detail, example.excerpt) if part),
        )
        for one in kept
        for example in one.examples
    ]
    parts = ["## Left out, and why", table(["stage", "reason", "number"], rows)]
    if shown:
        parts += [
            "Examples; what may not be given to others is named, not shown:",
            table(["reason", "what", "source", "license", "detail"], shown),
        ]
    return parts


def contamination(profile: Profile) -> list[str]:
    """Return the report on overlap with tests, nothing for a version that was not held against any."""
    present = [test for test in profile.tests if test.status != "absent"]
    if not profile.tests:
        return []
    rows = [
        (t.test, t.status, t.items, t.items_unmatchable, t.items_touched, t.items_answered, t.documents)
        for t in present
    ]
    head = ["test", "from", "items", "cannot be found", "touched", "with the answer", "documents"]
    parts = ["## Overlap with tests", table(head, rows)]
    if overlaps := sum(one.rows for one in profile.tables if one.config == "contamination"):
        parts.append(f"Every one of the {overlaps:,} overlaps is a row of `contamination`.")
    return parts


def known_limits(card: Card, profile: Profile) -> list[str]:
    """Return what a reader should not take this version for, as far as the run itself knows."""
    return ["## Known limits", "\n".join(f"- {text(one)}" for one in _limits(card, profile)) or "-"]


def _limits(card: Card, profile: Profile) -> Iterable[str]:
    for name in profile.unreadable:
        yield f"{name} cannot be read as Parquet; its rows are counted nowhere."
    yield from _of_rights(profile)
    yield from _of_tests(card, profile)
    if scanned := sum(one.rows for one in profile.dropped if one.reason == _OCR):
        yield f"{scanned:,} files hold nothing but images of pages and were left out: they need character recognition."
    if partly := profile.marked.get("pages_needing_ocr"):
        yield f"{partly:,} documents lack pages that are images (pages_needing_ocr in their meta)."
    if marked := profile.marked.get("contamination"):
        yield f"{marked:,} documents overlap with tests and are marked so (contamination in their meta)."
    if sampled := [one for one in profile.tokens if one.stderr is not None]:
        yield f"Tokens are estimates: of {len(sampled)} counts each is from a sample of the texts."
    if (one := profile.quality) and one.rows < one.of:
        yield f"Quality is that of {one.rows:,} of {one.of:,} documents: of a sample, or of those that carry its signals."
    unknown = profile.rows_by("industry").get("", 0)
    if unknown and unknown < profile.rows:
        yield f"The industry of {share(unknown, profile.rows)} of the documents is not known: they are about no listed company, or no list names it."
    for column, told in (
        ("event_at", "the day of what they tell"),
        ("captured_at", "the day on which they were fetched"),
    ):
        if number := profile.year_from.get(column):
            yield f"{number:,} documents give no day of publication; their year is that of {told}."
    if any(group.value == OTHERS for groups in profile.groups.values() for group in groups):
        yield "Some tables tell only the first two thousand values apart."
    made = card.provenance
    if made.dirty:
        yield "The code had changes that its commit does not hold."
    if not made.commit:
        yield "The commit of the code is not known."


def _of_rights(profile: Profile) -> Iterable[str]:
    if kept := profile.rows - profile.rows_by("redistribution").get("yes", 0):
        yield f"{kept:,} of {profile.rows:,} documents ({share(kept, profile.rows)}) may not be given to others: this version is not to be passed on whole."
    if profile.pointers:
        yield f"{profile.pointers:,} records stand here as pointers without their texts; kanagura cards rebuild makes them again."


def _of_tests(card: Card, profile: Profile) -> Iterable[str]:
    if absent := [test.test for test in profile.tests if test.status == "absent"]:
        yield f"Not held against these tests, which were absent: {', '.join(absent)}."
    if not profile.tests:
        below = ", ".join(str(ref) for ref in card.made_from) or "nothing"
        yield f"Holds no report on overlap with tests of its own; it was made from {below}."
