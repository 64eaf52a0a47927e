"""What changed between two versions of one kind, row by row, each with one reason that the versions themselves prove."""

from datacards.diff.compare import diff
from datacards.diff.record import CHANGES, REASONS, Count, Diff, Row

__all__ = ["CHANGES", "REASONS", "Count", "Diff", "Row", "diff"]
