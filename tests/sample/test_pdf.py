"""PDFs of the sample world: equal bytes, lines that break inside words, headers, outlines, a locked file."""

from typing import Any

import pymupdf

from sample.pdf import Heading, Layout, PageBreak, Paragraph, Table, render, truncated

BLOCKS = (
    Heading("第１【企業の概況】", 1),
    Heading("１【主要な経営指標等の推移】", 2),
    Paragraph("　当社グループは、ハードウェアの選定と保守を重視している。" * 12),
    Table((("売上高", "百万円", "1,234"), ("経常利益", "百万円", "△12"))),
    PageBreak(),
    Paragraph("2026年11月21日", right=True),
    Paragraph("The quick brown fox jumps over the lazy dog. " * 6),
)


def opened(body: bytes) -> Any:
    return pymupdf.open(stream=body)  # type: ignore[no-untyped-call]


def texts(body: bytes) -> list[str]:
    with opened(body) as file:
        return [page.get_text() for page in file]


def test_equal_arguments_give_equal_bytes() -> None:
    first = render("表題", BLOCKS, author="見本")
    render("別の表題", BLOCKS[:1])
    assert render("表題", BLOCKS, author="見本") == first


def test_japanese_lines_break_inside_words_and_english_ones_do_not() -> None:
    first, second = texts(render("表題", BLOCKS))
    assert "ハードウェアの選定と保守を重視している" in first.replace("\n", "")
    assert first.count("ハードウェア") < first.replace("\n", "").count("ハードウェア") == 12
    assert set(second.replace("\n", " ").split()) >= {"quick", "jumps", "lazy"}
    assert not any(line.endswith(("jum", "qui", "bro")) for line in second.split("\n"))


def test_headers_alternate_and_pages_are_numbered() -> None:
    first, second = texts(render("表題", BLOCKS, layout=Layout(header=("右の柱", "左の柱"))))
    assert first.startswith("右の柱")
    assert second.startswith("左の柱")
    assert "- 2 -" in second


def test_headings_are_in_the_outline_and_cells_are_lines_of_their_own() -> None:
    body = render("表題", BLOCKS, layout=Layout(face="mincho"))
    with opened(body) as file:
        assert [entry[:2] for entry in file.get_toc()] == [
            [1, "第１【企業の概況】"],
            [2, "１【主要な経営指標等の推移】"],
        ]
        assert {"売上高", "百万円", "△12"} <= set(file[0].get_text().split("\n"))


def test_a_locked_file_opens_with_its_password_only_and_a_truncated_one_holds_no_pages() -> None:
    locked = render("表題", BLOCKS, password="k")
    with opened(locked) as file:
        assert file.needs_pass
        assert not file.authenticate("x")
        assert file.authenticate("k")
    assert len(truncated(locked)) < len(locked)
