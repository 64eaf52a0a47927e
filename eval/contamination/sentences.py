"""What a reader may quote of a score and the items behind it that the model may have read."""

from eval.compare.clean import Gap, Part
from eval.contamination.split import Split


def sentence_of(split: Split) -> str:
    """Return what is known of one task in plain English: its clean score, and how far contamination bears on it."""
    exposure = split.exposure
    if exposure.unlooked:
        return f"{split.task}: no item can be called clean, since {'; '.join(exposure.unlooked)}.{_unknown(split)}"
    if split.clean is None or split.dirty is None:
        return f"{split.task}: the store holds no corpus of this model.{_unknown(split)}"
    told = f"{split.task}: {_clean(split.clean, split.dirty, split.all)}"
    if split.gap and split.inflation:
        told += (
            f" On the {split.dirty.n:,} others it is {_number(split.dirty)}, {_signed(split.gap)} away;"
            f" they move the score of the whole test by {_signed(split.inflation)},"
            f" which is {'beyond' if split.inflated else 'within'} noise."
        )
    if exposure.unmatchable:
        told += (
            f" {exposure.unmatchable:,} items of the test are too short or too formulaic to be looked for."
        )
    return told + _unknown(split)


def _clean(clean: Part, dirty: Part, whole: Part) -> str:
    if not dirty.n:
        return f"none of the {whole.n:,} items stands in a corpus of the model."
    if not clean.n:
        return f"every one of the {whole.n:,} items stands in a corpus of the model."
    return f"{_number(clean)} on the {clean.n:,} of {whole.n:,} items that no corpus of the model shows."


def _number(part: Part) -> str:
    if part.value is None:
        return "unknown"
    return f"{part.value:.4f}" + ("" if part.interval.stderr is None else f" ± {part.interval.stderr:.4f}")


def _signed(gap: Gap) -> str:
    if gap.low is None or gap.high is None:
        return f"{gap.value:+.4f}"
    return f"{gap.value:+.4f} (95 % interval {gap.low:+.4f} to {gap.high:+.4f})"


def _unknown(split: Split) -> str:
    if not split.exposure.unknown:
        return ""
    return f" Nobody knows what {', '.join(split.exposure.unknown)} has read."
