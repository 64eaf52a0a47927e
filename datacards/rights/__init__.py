"""Rights as data: licenses, what follows when records are mixed, and what may not be given to others."""

from datacards.rights.algebra import Terms, combined, joined, mixed
from datacards.rights.licenses import (
    LICENSES,
    License,
    RightsRow,
    counted,
    expression,
    license_of,
    parts_of,
    rights_rows,
)
from datacards.rights.verdicts import Refusal, Verdict, allowed, merged, permitted, refusals

__all__ = [
    "LICENSES",
    "License",
    "Refusal",
    "RightsRow",
    "Terms",
    "Verdict",
    "allowed",
    "combined",
    "counted",
    "expression",
    "joined",
    "license_of",
    "merged",
    "mixed",
    "parts_of",
    "permitted",
    "refusals",
    "rights_rows",
]
