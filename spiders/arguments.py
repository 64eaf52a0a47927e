"""What may be said of a crawl with ``-a``: typed, checked, with days as people write them."""

from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from datacards.card import Version

JAPAN = ZoneInfo("Asia/Tokyo")


def _day(value: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) else value


Day = Annotated[date, BeforeValidator(_day)]  # YYYY-MM-DD; pydantic alone would take 2024 for seconds


def today() -> date:
    """Return today's date in Japan."""
    return datetime.now(JAPAN).date()


def _version_of_today() -> str:
    return today().strftime("%Y.%m.%d")


class Arguments(BaseModel):
    """What may be said with ``-a``; every spider adds its own. ``version`` names the result, YYYY.MM.DD[.N]."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Version = Field(default_factory=_version_of_today)
