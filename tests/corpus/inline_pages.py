"""Pages of inline filings in the manners of many vendors: tables, prose, lists, text blocks, hidden things."""

from collections.abc import Callable
from random import Random

from tests.corpus.inline_numbers import HIDDEN, Numbers

LABELS = (
    "売上高",
    "営業利益",
    "経常利益",
    "当期純利益",
    "純資産額",
    "総資産額",
    "従業員数",
    "１株当たり配当額",
    "現金及び預金",
)
UNITS = ("（単位：百万円）", "（単位：千円）", "単位：億円", "（百万円）")
PERIODS = (
    "第24期",
    "第25期",
    "2024年３月期",
    "当連結会計年度(自 2024年４月１日 至 2025年３月31日)",
    "前期",
    "令和７年３月期",
)
STYLE = (
    "<style type='text/css'>/* 7070707 */ .gone{display:none} p.away , #nowhere { visibility : hidden }\n"
    "div.line{display:table-row} .box {display: table-cell; width:60pt} .grid{display:table}\n"
    ".pill{display:inline-block;width:30pt} @media print{.seen{display:none}} .left{float:left}</style>"
)


class Pages:
    """Writes the bodies of pages out of random parts."""

    def __init__(self, rng: Random, numbers: Numbers) -> None:
        self.rng, self.numbers = rng, numbers
        self.blocks = 0

    def parts(self, count: int) -> list[str]:
        """Return parts of a page, in order."""
        ways = (
            self.table,
            self.table,
            self.prose,
            self.prose,
            self.listing,
            self.layout,
            self.boxes,
            self.oddment,
        )
        return [self.rng.choice(ways)() for _ in range(count)]

    def block(self, inside: str, depth: int = 0) -> str:
        """Return a text block; it may hold another one."""
        self.blocks += 1
        prefix = self.rng.choice(["jpcrp_cor", self.numbers.extension])
        name = self.rng.choice(["BusinessResultsOfGroup", "NotesSegmentInformation", "DividendPolicy"])
        if depth < 2 and self.rng.random() < 0.4:
            inside = self.block(inside, depth + 1) + (self.prose() if self.rng.random() < 0.5 else "")
        return (
            f'<ix:nonNumeric name="{prefix}:{name}{self.blocks}TextBlock" contextRef="Y" escape="true">'
            f"{inside}</ix:nonNumeric>"
        )

    def cell(self) -> str:
        """Return what stands in a cell: a number, perhaps with things around it."""
        number = self.numbers.tagged() if self.rng.random() < 0.7 else self.numbers.plain()
        note = self.rng.randint(1, 9)
        ways = [number] * 6 + [
            f"<p>{number}</p>",
            f'<p style="text-align:right">{number}&#160;</p>',
            f"<ix:footnote footnoteID='f{note}'>※{note}</ix:footnote>{number}",
            f"※{note} {number}",
            f"{number}<sup>※{note}</sup>",
            f"<sup>{note}</sup>{number}",
            f"{number}％",
            f"<div><div>{number}</div></div>",
            f'<span style="display:none">{HIDDEN}</span>{number}',
            f"<p>{number}</p><p>({self.numbers.plain()})</p>",
            f"{number}<br/>[{self.numbers.plain()}]",
            f"{number}<br/>{self.numbers.plain()}",
            f'<span class="pill">{number}</span><span class="pill">{self.numbers.plain()}</span>',
            f'<span class="left">{number}</span><span>{self.numbers.plain()}</span>',
            f'<span>{number}</span><span style="margin-left:12pt">{self.numbers.plain()}</span>',
        ]
        return self.rng.choice(ways)

    def table(self, depth: int = 0) -> str:
        """Return a table of amounts."""
        width, rows = self.rng.randint(1, 4), []
        periods = [self.rng.choice(PERIODS) for _ in range(width)]
        if self.rng.random() < 0.3:
            rows.append(f'<tr><td colspan="{width + 1}" align="right">{self.rng.choice(UNITS)}</td></tr>')
        if self.rng.random() < 0.3:
            rows.append(f'<tr><td rowspan="2"></td><td colspan="{width}">報告セグメント</td></tr>')
            rows.append("<tr>" + "".join(f"<td>{one}</td>" for one in periods) + "</tr>")
        else:
            rows.append("<tr><th>項目</th>" + "".join(f"<th>{one}</th>" for one in periods) + "</tr>")
        body = [self._row(width, depth) for _ in range(self.rng.randint(1, 5))]
        if self.rng.random() < 0.2:
            body.insert(0, f'<tr class="gone"><td>{HIDDEN}</td><td>{HIDDEN}</td></tr>')
        if self.rng.random() < 0.1:  # a page ends inside of the table
            row = f'<tr><td colspan="{width + 1}"><p style="text-align:center">－ 13 －</p></td></tr>'
            body.insert(self.rng.randint(0, len(body)), row)
        if self.rng.random() < 0.1:
            end = self._row(width, depth)
            body = ["<tbody>", *body, "</tbody><tfoot>", end, "</tfoot>"]
            rows = ["<thead>", *rows, "</thead>", *body]
        elif self.rng.random() < 0.2:
            rows = ["<thead>", *rows, "</thead><tbody>", *body, "</tbody>"]
        else:
            rows += body
        caption = f"<caption>表{self.rng.randint(1, 99)}</caption>" if self.rng.random() < 0.15 else ""
        cols = "<colgroup><col/><col/></colgroup>" if self.rng.random() < 0.3 else ""
        space = self.rng.choice(["", "\n", "\n    "])
        return f"<table>{caption}{cols}{space}{space.join(rows)}{space}</table>"

    def _row(self, width: int, depth: int) -> str:
        label = self.rng.choice(LABELS)
        kind = self.rng.random()
        if kind < 0.1:  # the sign, the number and the unit have cells of their own
            return f"<tr><td>{label}</td><td>△</td><td>{self.numbers.plain()}</td><td>％</td></tr>"
        if kind < 0.2:  # indented by empty columns
            cells = "".join(f"<td>{self.cell()}</td>" for _ in range(width))
            return f"<tr><td>&#160;</td><td>{label}</td>{cells}</tr>"
        if kind < 0.3:  # merged downward, with a number
            return (
                f'<tr><td rowspan="2">{label}</td><td>{self.cell()}</td><td rowspan="2">{self.cell()}</td></tr>'
                f"<tr><td>{self.cell()}</td></tr>"
            )
        if kind < 0.35 and depth == 0:
            return f"<tr><td>{label}</td><td>{self.table(1)}</td></tr>"
        if kind < 0.4:
            return f"<tr><td>{label}</td><td/><td>{self.cell()}</td><td hidden='hidden'>{HIDDEN}</td></tr>"
        tag = self.rng.choice(["td", "td", "th"])
        cells = "".join(f"<{tag}>{self.cell()}</{tag}>" for _ in range(width))
        return f"<tr><td>{label}{self.rng.choice(['', '(注)1', '※2', '<sup>3</sup>'])}</td>{cells}</tr>"

    def prose(self) -> str:
        """Return a paragraph with numbers in it."""
        tagged, plain = self.numbers.tagged(), self.numbers.plain()
        note = self.rng.randint(1, 9)
        label = self.rng.choice(LABELS)
        return self._one(
            [
                f"<p>　当連結会計年度の{label}は{tagged}百万円（前期比{plain}％増）となりました。</p>",
                f"<p>{label}は１兆2,345億円、{plain}千円、{tagged}円であります。</p>",
                f"<p>{label}{tagged}百万円<sup>注{note}</sup>、2025年３月31日現在</p>",
                f"<p>注<sup>{note}</sup>{plain}名、{label}は<span>{tagged}</span>です。</p>",
                f"<p>{label}<ruby>七<rp>(</rp><rt>{HIDDEN}</rt><rp>)</rp></ruby>は{tagged}</p>",
                f"<div>{tagged}<br/>{plain}</div>",
                lambda: f"<p>{tagged}{self.numbers.tagged()}</p>",
                f"<p>注{note}{tagged}</p>",
                f"<h3>{note}【{label}】</h3><p>{tagged}</p>",
                f"<p>平成29年４月１日から\n      令和７年３月31日まで {tagged}</p>",
                f"<p>{plain}～{tagged}株　Net sales were 12 345 thousand.</p>",
                f'<p><ix:nonNumeric name="jpcrp_cor:FilingDateCoverPage" contextRef="F">2025年６月20日</ix:nonNumeric>{tagged}</p>',
            ]
        )

    def listing(self) -> str:
        """Return a list."""
        items = [self.numbers.tagged() for _ in range(self.rng.randint(1, 3))]
        ways: list[Callable[[str], str]] = [
            lambda one: f"<li>{one}</li>",
            lambda one: f"<li><p>設備の増強に{one}</p></li>",
            lambda one: f"<li>(1) {one}円</li>",
        ]
        way, kind = self.rng.choice(ways), self.rng.choice(["ul", "ol", "dl"])
        if kind == "dl":
            return "<dl>" + "".join(f"<dt>配当</dt><dd>{one}</dd>" for one in items) + "</dl>"
        return f"<{kind}>{''.join(way(one) for one in items)}</{kind}>"

    def layout(self) -> str:
        """Return a table that only frames other things."""
        return self._one(
            [
                lambda: f"<table><tr><td>{self.prose()}{self.table(1)}</td></tr></table>",
                lambda: f"<table><tr><td>{self.prose()}</td><td>{self.prose()}</td></tr></table>",
                lambda: f"<table><tr><td>{self.table(1)}</td><td>{self.table(1)}</td></tr></table>",
                lambda: f"<table><td>{self.prose()}</td><td>{self.prose()}</td></table>",
            ]
        )

    def _one(self, ways: list[str | Callable[[], str]]) -> str:
        way = self.rng.choice(ways)
        return way if isinstance(way, str) else way()

    def boxes(self) -> str:
        """Return a table without a table: boxes that a style sheet sets side by side."""

        def lines() -> str:
            cells = (f'<div class="box">{self.cell()}</div>' for _ in range(3))
            return f'<div class="line">{"".join(cells)}</div>\n'

        def inline() -> str:
            return "".join(f'<span style="display:table-cell">{self.cell()}</span>' for _ in range(2))

        return self._one(
            [
                lambda: f'<div class="grid">{lines()}{lines()}</div>',
                lambda: lines() + lines(),
                lambda: f'<div style="display:table-row">{inline()}</div>',
                lambda: f"<div>{inline()}</div>",
            ]
        )

    def oddment(self) -> str:
        """Return what a page holds besides."""
        return self._one(
            [
                f'<p class="gone">{HIDDEN}</p>',
                f'<p class="note away">{HIDDEN}</p>',
                f'<div id="nowhere">{HIDDEN}</div>',
                f'<div style="Display : None !important">{HIDDEN}{self.rng.choice(["<p>秘</p>", ""])}</div>',
                f"<script>var a = {HIDDEN};</script>",
                lambda: f'<p class="seen">{self.numbers.tagged()}</p>',
                '<p style="text-align:center">－ 12 －</p>',
                f"<ix:exclude><p>{self.rng.randint(10, 99)}頁</p></ix:exclude>",
                f'<img src="images/1.png" alt="{HIDDEN}"/>',
                "<hr/>",
            ]
        )
