"""What a crawl of a dump may be asked for: which wiki and date, and which articles."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from datacards.recipe import read_recipe, validate
from spiders.arguments import Arguments
from spiders.wikipedia.categories import CHOICE, Choice
from spiders.wikipedia.files import LATEST, Listed, found_in


def _words(value: Any) -> Any:
    return (
        tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value
    )


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]


class WikipediaArguments(Arguments):
    """``date`` of the dump as YYYYMMDD, or latest; ``wiki`` as in the dump's path; ``folder`` of a local dump.

    ``categories`` is a file like categories.yaml; ``roots``, ``stop`` (with commas) and ``depth`` override its fields.
    """

    date: Annotated[str, Field(pattern=r"^(\d{8}|latest)$")] = LATEST
    wiki: Annotated[str, Field(pattern=r"^[a-z_]+wiki$")] = "jawiki"
    folder: Path | None = None
    categories: Path = CHOICE
    roots: Words | None = None
    stop: Words | None = None
    depth: int | None = None

    def choice(self) -> Choice:
        """Return which articles are wanted; raise UserError for a wrong file or field."""
        told = {name: value for name in Choice.model_fields if (value := getattr(self, name)) is not None}
        told = read_recipe(self.categories, Choice).model_dump() | told
        return validate("scrapy crawl wikipedia", told, Choice)

    def local(self) -> Listed | None:
        """Return the files of the local folder, None without one; raise UserError when it holds no dump."""
        return found_in(self.folder, self.wiki, self.date) if self.folder else None
