"""Tells the language of an answer: a fastText model of yours, as the published gate has it, else by script."""

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from datacards.errors import UserError


class Detector(Protocol):
    """Something that tells languages; ``name`` is what a result says it was told by."""

    @property
    def name(self) -> str:
        """Return what tells the languages, with the model it has."""

    def detect(self, text: str) -> str:
        """Return the ISO 639-1 code of the language of ``text``, '' where it cannot be told."""


class Letters(NamedTuple):
    """How many signs of each script a text holds."""

    kana: int
    kanji: int
    hangul: int
    latin: int

    @property
    def japanese(self) -> int:
        """Return the signs that Japanese is written with."""
        return self.kana + self.kanji


def letters(text: str) -> Letters:
    """Return the letters of ``text`` by script; digits and punctuation count nothing."""
    return Letters(
        kana=sum("\u3041" <= sign <= "\u30fa" or "\uff66" <= sign <= "\uff9d" for sign in text),
        kanji=sum("\u3400" <= sign <= "\u9fff" or sign == "々" for sign in text),
        hangul=sum("\uac00" <= sign <= "\ud7a3" for sign in text),
        latin=sum(sign.isascii() and sign.isalpha() for sign in text),
    )


class ByScript:
    """Tells Japanese by its kana, Chinese, Korean and English by their scripts: rough, and the same everywhere.

    Kanji without kana are taken for Chinese, and five Latin letters for each Japanese one for English: on the openings
    that the published gate looks at, this agrees with fastText's small model as well as any detector that was tried.
    """

    name = "script"

    def detect(self, text: str) -> str:
        """Return ja, zh, ko, en, or '' for a text without letters of these."""
        found = letters(text)
        if not sum(found):
            return ""
        if found.hangul > found.japanese:
            return "ko"
        if found.latin > 4 * found.japanese:
            return "en"
        return "ja" if found.kana and found.kana >= 0.02 * found.kanji else "zh"


class FastText:
    """Asks a fastText model for language identification; the published gate asks ``lid.176.bin``."""

    def __init__(self, path: Path) -> None:
        if not find_spec("fasttext"):
            raise UserError(
                "fasttext",
                "is not installed",
                todo="pip install fasttext-predict, or leave language_model out of the recipe",
            )
        if not path.is_file():
            raise UserError(path.name, "there is no such file", todo="give the path of lid.176.bin")
        module: Any = importlib.import_module("fasttext")
        try:
            self._model = module.load_model(str(path))
        except (ValueError, RuntimeError) as error:
            raise UserError(path.name, f"is no fastText model: {error}") from error
        self.name = f"fasttext {path.name}"

    def detect(self, text: str) -> str:
        """Return the likeliest label of the model."""
        labels, _ = self._model.predict(text.replace("\n", " "), k=1)
        return str(labels[0]).removeprefix("__label__") if labels else ""


def detector(model: Path | None) -> Detector:
    """Return what tells languages: the fastText model in ``model``, else the scripts."""
    return ByScript() if model is None else FastText(model)
