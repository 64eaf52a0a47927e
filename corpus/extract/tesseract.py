"""The OCR engine Tesseract, through the copy of it that PyMuPDF holds; only its language data is to be installed."""

from pathlib import Path
from typing import Any

import pymupdf
from pydantic import BaseModel, ConfigDict, Field

from corpus.extract.layout import Line
from corpus.extract.ocr import GROUP, PageImage
from datacards.errors import UserError


class Tesseract(BaseModel):
    """Options: languages as Tesseract names them (``jpn+eng``), the folder of their ``.traineddata``, dots per inch.

    Without ``tessdata`` the folder is that of the installed Tesseract, or what its TESSDATA_PREFIX says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str = Field(default="jpn", pattern=r"^[A-Za-z_]+(\+[A-Za-z_]+)*$")
    tessdata: str = ""
    dpi: int = Field(default=300, ge=72, le=600)

    def model_post_init(self, _: Any) -> None:
        """Raise UserError where data of a language is missing: before any page is read."""
        folder = self.folder()
        missing = [
            name for name in self.language.split("+") if not (folder / f"{name}.traineddata").is_file()
        ]
        if missing:
            raise UserError(
                f"{GROUP}: tesseract",
                f"no {', '.join(f'{name}.traineddata' for name in missing)} in {folder}",
                "tessdata names the folder that holds the data of each language",
                f"install it (Debian: apt-get install {' '.join(f'tesseract-ocr-{name}' for name in missing)})",
            )

    def folder(self) -> Path:
        """Return where the language data lies; raise UserError if there is none."""
        try:
            return Path(pymupdf.get_tessdata(self.tessdata or None) or "")  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise UserError(
                f"{GROUP}: tesseract",
                f"{error}",
                todo="install Tesseract's language data (Debian: apt-get install tesseract-ocr-jpn)",
            ) from error

    def _searchable(self, image: PageImage) -> bytes:
        """Return a file of one page that holds what Tesseract reads."""
        pixmap: Any = pymupdf.Pixmap
        gray = pixmap(pymupdf.csGRAY, image.width, image.height, image.samples, 0)
        picture = pixmap(pymupdf.csRGB, gray)  # of a gray one MuPDF's writer reads nothing
        picture.set_dpi(round(image.dpi), round(image.dpi))
        return bytes(picture.pdfocr_tobytes(language=self.language, tessdata=str(self.folder())))

    def read(self, image: PageImage) -> list[Line]:
        """Return the lines of a page in dots."""
        body = self._searchable(image)
        with pymupdf.open(stream=body, filetype="pdf") as file:  # type: ignore[no-untyped-call]
            page = file[0]
            scale = image.width / page.rect.width
            found = page.get_text("dict", flags=pymupdf.TEXTFLAGS_DICT & ~pymupdf.TEXT_PRESERVE_IMAGES)
        return [
            _line(line, scale)
            for block in found["blocks"]
            for line in block.get("lines", ())
            if line["spans"]
        ]


def _line(line: dict[str, Any], scale: float) -> Line:
    """Return a line without the spaces that Tesseract puts between Japanese signs."""
    text = ""
    for span in line["spans"]:
        for sign in span["text"]:
            if sign == " " and (not text or not text[-1].isascii()):
                continue
            if not sign.isascii() and text.endswith(" "):
                text = text.rstrip()
            text += sign
    x0, y0, x1, y1 = (edge * scale for edge in line["bbox"])
    return Line(text.strip(), x0, y0, x1, y1, y1 - y0)
