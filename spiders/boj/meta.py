"""What is known of a document of the Bank of Japan, typed and checked; kept with its capture as text."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from spiders.arguments import Day
from spiders.boj.people import OFFICE

Kind = Literal["speech", "press_conference", "minutes", "opinions", "statement", "outlook"]
KINDS: frozenset[str] = frozenset(get_args(Kind))
FIRST = date(1998, 1, 1)  # the year of the new Bank of Japan Act: the series begin here
Line = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f]*$")]
Url = Annotated[str, Field(pattern=r"^$|^https?://[^\s/]+/\S*$")]


class BojMeta(BaseModel):
    """One document: ``kind`` and ``language`` always, the rest where it is known.

    ``event_at`` and ``published_at`` are days; ``twin`` is the address of the document in the other language,
    ``attachment_of`` the page an attachment belongs to. ``found_as`` holds other addresses that lists gave for
    it, by spaces; ``identity`` the address that stands for it where only another one answers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    language: Literal["ja", "en"]
    series: Line = ""
    title: Line = ""
    speaker: Annotated[str, Field(max_length=60, pattern=r"^[^\x00-\x1f0-9０-９。、/]*$")] = ""
    role: str = ""
    event: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")] = ""
    event_at: Day | None = None
    published_at: Day | None = None
    attachment_of: Url = ""
    found_as: Line = ""
    identity: Url = ""
    redirected_from: Url = ""
    twin: Url = ""

    @field_validator("role")
    @classmethod
    def _is_office(cls, value: str) -> str:
        if value and not OFFICE.match(value):
            raise ValueError("is no office of the Bank")
        return value

    @field_validator("speaker")
    @classmethod
    def _is_name(cls, value: str) -> str:
        if OFFICE.match(value) or value.startswith(("日本銀行", "政策委員会")):
            raise ValueError("is an office, not a name")
        return value

    @field_validator("event_at", "published_at")
    @classmethod
    def _is_of_the_series(cls, value: date | None, info: ValidationInfo) -> date | None:
        if value and value < FIRST:
            raise ValueError(f"is before {FIRST}")
        if info.field_name == "published_at" and value and (info.data.get("event_at") or value) > value:
            raise ValueError("is before the event")
        return value

    @field_validator("twin")
    @classmethod
    def _is_in_the_other_language(cls, value: str, info: ValidationInfo) -> str:
        if value and ("/en/" in value) == (info.data.get("language") == "en"):
            raise ValueError("is in the same language")
        return value

    def text(self) -> dict[str, str]:
        """Return the fields that are known, days as YYYY-MM-DD."""
        return {
            name: value
            for name, value in self.model_dump(mode="json").items()
            if isinstance(value, str) and value
        }


def checked(said: Mapping[str, str]) -> tuple[BojMeta, tuple[str, ...]]:
    """Return what ``said`` tells of a document, and the names of the fields that cannot be true and were left out.

    Raises ValidationError (pydantic) when kind or language cannot: then the document is unknown.
    """
    lost: tuple[str, ...] = ()
    while True:
        try:
            return BojMeta.model_validate({k: v for k, v in said.items() if v and k not in lost}), lost
        except ValidationError as error:
            wrong = {str(problem["loc"][0]) for problem in error.errors()} - {"kind", "language"}
            if not wrong:
                raise
            lost += tuple(sorted(wrong))
