"""What a crawl of EDINET may be asked for: days, forms, types of download, and how much is read again."""

from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from spiders.arguments import Arguments, Day, today

ANNUAL, AMENDED = "010/030000", "010/030001"  # a company's annual report, and its amendment


def yesterday() -> date:
    """Return the last day that is over in Japan."""
    return today() - timedelta(days=1)


def _listed(value: Any) -> Any:
    return tuple(sorted({*value.split(",")})) if isinstance(value, str) else value


def _resync(value: Any) -> Any:
    return {"all": None}.get(value, value)


Form = Annotated[str, Field(pattern=r"^\d{3}/[0-9A-Z]{6}$")]
Type = Annotated[str, Field(pattern=r"^[1-5]$")]


class EdinetArguments(Arguments):
    """``since`` and ``until`` bound the day of disclosure, both included; no ``until`` means yesterday.

    Forms are ORDINANCE/FORM; the download ``types`` are out of 1 to 5. ``resync`` is how many days back a list that
    an earlier version holds is read again; older ones are taken as they were. Without it, all are read again.
    """

    since: Day = Field(default_factory=yesterday)
    until: Day | None = None
    forms: Annotated[tuple[Form, ...], BeforeValidator(_listed)] = (ANNUAL, AMENDED)
    types: Annotated[tuple[Type, ...], BeforeValidator(_listed), Field(min_length=1)] = ("1",)
    resync: Annotated[Annotated[int, Field(ge=0)] | None, BeforeValidator(_resync)] = None
    codelist: Annotated[bool, BeforeValidator(lambda v: {"yes": True, "no": False}.get(v, v))] = True

    @model_validator(mode="after")
    def _ordered(self) -> "EdinetArguments":
        if self.until and self.since > self.until:
            raise ValueError(f"since={self.since} is after until={self.until}")
        return self
