"""Blocks of a sample filing as the XHTML of a filing agent: inline tags, ＭＳ 明朝, one p per cell."""

from collections.abc import Sequence
from html import escape
from itertools import count

from sample.filing import Block, Cell, Figure, Filing, Grid, Heading, Named, Para, Part, Section

IX_2008 = "http://www.xbrl.org/2008/inlineXBRL"
IX_2013 = "http://www.xbrl.org/2013/inlineXBRL"

_BORDER = "border-style:solid;border-width:0.75pt;overflow:hidden;"
_STYLE = """div#pageDIV{width:495pt}
p{font-family:'ＭＳ 明朝';font-size:9pt;text-align:justify;margin:0;padding:0;line-height:18pt}
.kng_head1{font-family:'ＭＳ ゴシック';font-size:12pt}
.kng_text{text-indent:9pt;line-height:15pt}
.kng_unit{text-align:right;line-height:10pt}
.kng_tblL{text-align:left;line-height:10pt}
.kng_tblC{text-align:center;line-height:10pt}
.kng_tblR{text-align:right;line-height:10pt}"""


def _attributes(fact: Figure | Named | Section) -> str:
    return f'contextRef="{fact.context}" name="{fact.name}"'


class Writer:
    """Blocks -> markup. With tags it writes inline XBRL, without them the plain HTML of an instance value."""

    def __init__(self, loss_mark: str, *, tags: bool = True) -> None:
        self.loss_mark = loss_mark
        self.tags = tags
        self._numbers = count(1)

    def blocks(self, blocks: Sequence[Block]) -> str:
        """Markup of a run of blocks."""
        return "\n".join(self._block(block) for block in blocks)

    def _block(self, block: Block) -> str:
        if isinstance(block, Section):
            return self._section(block)
        if isinstance(block, Heading):
            text = escape(block.text).replace(" ", "&#160;", 1)
            return f'<h{block.level} class="kng_head1">{text}</h{block.level}>'
        if isinstance(block, Para):
            return f'<p class="kng_text" style="orphans:0;widows:0;">{self.parts(block.parts)}</p>'
        return self._grid(block)

    def _section(self, section: Section) -> str:
        if not self.tags:
            return self.blocks(section.blocks)
        opening = f"<ix:nonNumeric {_attributes(section)}"
        if section.broken_at is None:
            return f'{opening} escape="true">\n{self.blocks(section.blocks)}\n</ix:nonNumeric>'
        before, after = section.blocks[: section.broken_at], section.blocks[section.broken_at :]
        label = f"continued{next(self._numbers)}"
        return (
            f'{opening} escape="true" continuedAt="{label}">\n{self.blocks(before)}\n</ix:nonNumeric>\n'
            f'<p style="text-align:center;page-break-after:always;">－{next(self._numbers)}－</p>\n'
            f'<ix:continuation id="{label}">\n{self.blocks(after)}\n</ix:continuation>'
        )

    def _grid(self, grid: Grid) -> str:
        lines = [f'<p class="kng_unit">{escape(grid.note) or "&#160;"}</p>', '<div class="tbld">']
        lines.append('<table cellspacing="0" cellpadding="0" style="border-collapse:collapse;width:468pt;">')
        for row in grid.rows:
            lines.append('<tr style="height:22.5pt;min-height:22.5pt;">')
            lines += [self._cell(cell) for cell in row]
            lines.append("</tr>")
        return "\n".join([*lines, "</table>", "</div>"])

    def _cell(self, cell: Part | Cell) -> str:
        if not isinstance(cell, Cell):
            cell = Cell((cell,))
        spans = "".join(
            f' {name}="{size}"'
            for name, size in (("colspan", cell.colspan), ("rowspan", cell.rowspan))
            if size > 1
        )
        kind = "kng_tblR" if any(isinstance(part, Figure) for part in cell.parts) else "kng_tblL"
        text = self.parts(cell.parts) or "&#160;"
        return f'<td valign="middle"{spans} style="{_BORDER}"><p class="{kind}">{text}</p></td>'

    def parts(self, parts: Sequence[Part]) -> str:
        """Markup of a run of text and tagged facts."""
        return "".join(
            escape(part, quote=False).replace("\n", "<br />") if isinstance(part, str) else self.fact(part)
            for part in parts
        )

    def fact(self, fact: Figure | Named) -> str:
        """One tagged number or text; the sign stands before the tag, as filers print it."""
        if isinstance(fact, Named):
            return self._named(fact)
        if fact.value is None:
            if not self.tags:
                return "－"
            return f'<ix:nonFraction {_attributes(fact)} unitRef="{fact.unit}" xsi:nil="true" />－'
        mark = self.loss_mark if fact.value < 0 else ""
        if not self.tags:
            return mark + fact.shown
        sign = ' sign="-"' if fact.value < 0 else ""
        return (
            f'{mark}<ix:nonFraction contextRef="{fact.context}" decimals="{fact.decimals}" '
            f'scale="{fact.scale}" format="ixt:numdotdecimal" name="{fact.name}"{sign} '
            f'unitRef="{fact.unit}">{fact.shown}</ix:nonFraction>'
        )

    def _named(self, fact: Named) -> str:
        text = escape(fact.shown or fact.value or "", quote=False)
        if not self.tags:
            return text
        if fact.value is None:
            return f'<ix:nonNumeric {_attributes(fact)} xsi:nil="true" />{text}'
        form = f' format="{fact.format}"' if fact.format else ""
        return f'<ix:nonNumeric contextRef="{fact.context}"{form} name="{fact.name}">{text}</ix:nonNumeric>'


def namespaces(filing: Filing, *, inline: bool) -> dict[str, str]:
    """The prefixes a file of this filing declares."""
    fsa = "http://disclosure.edinet-fsa.go.jp"
    taxonomy = f"{fsa}/taxonomy"
    names = {
        "xbrli": "http://www.xbrl.org/2003/instance",
        "xbrldi": "http://xbrl.org/2006/xbrldi",
        "xlink": "http://www.w3.org/1999/xlink",
        "link": "http://www.xbrl.org/2003/linkbase",
        "xsi": "http://www.w3.org/2001/XMLSchema-instance",
        "iso4217": "http://www.xbrl.org/2003/iso4217",
        "jpcrp_cor": f"{taxonomy}/jpcrp/2024-11-01/jpcrp_cor",
        "jppfs_cor": f"{taxonomy}/jppfs/2024-11-01/jppfs_cor",
        "jpdei_cor": f"{taxonomy}/jpdei/2013-08-31/jpdei_cor",
        filing.extension: extension_namespace(filing),
    }
    if inline:
        names["ix"] = IX_2013 if is_continued(filing) else IX_2008
        names["ixt"] = "http://www.xbrl.org/inlineXBRL/transformation/2011-07-31"
    return names


def extension_namespace(filing: Filing) -> str:
    """The address of the filer's own elements, made of the parts of its file names."""
    number = "02" if filing.amends else "01"
    code = f"{filing.company.edinet_code}-000"
    base = "http://disclosure.edinet-fsa.go.jp/jpcrp030000/asr/001"
    return f"{base}/{code}/{filing.year.end}/{number}/{filing.submitted}"


def is_continued(filing: Filing) -> bool:
    """Whether a text block is continued: the element came with the 2013 version of inline XBRL."""
    return any(
        isinstance(block, Section) and block.broken_at is not None
        for _, blocks in filing.files
        for block in blocks
    )


def page(filing: Filing, number: str, body: str) -> bytes:
    """A whole file: UTF-8 with BOM, XML prologue, XHTML without DOCTYPE."""
    declared = " ".join(f'xmlns:{key}="{value}"' for key, value in namespaces(filing, inline=True).items())
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<html xmlns="http://www.w3.org/1999/xhtml" {declared}>\n<head>\n'
        f"<title>{number}_honbun_{filing.doc_id}.htm</title>\n"
        '<meta http-equiv="content-type" content="text/html; charset=utf-8" />\n'
        f'<style type="text/css">{_STYLE}</style>\n</head>\n<body>\n'
        f'<div id="pageDIV">\n{body}\n</div>\n</body>\n</html>\n'
    ).encode("utf-8-sig")
