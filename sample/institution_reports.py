"""Three sites of reports: an asset manager's list over pages, a trust bank's PDFs, an association's endless calendar."""

import re
from functools import cache, partial
from html import escape

from sample import pdf
from sample.http import Response, page
from sample.institution_pages import Kept, Pages, Skin, paragraphs
from sample.prose import passages, table

ASSET_MANAGER = Skin("遥アセットマネジメント株式会社", declared="UTF-8", header="utf-8")
TRUST_BANK = Skin("氷室信託銀行株式会社", declared="UTF-8")
ASSOCIATION = Skin("一般社団法人 見本金融教育協会", declared="UTF-8", header="UTF-8")

PER_PAGE = 3
YEARS = (2026, 2025, 2024)


# -- the asset manager: five pages of monthly reports, each of which links only to the next ---------------------


@cache
def asset_manager() -> Pages:
    """The asset manager's pages."""
    reports = _monthly()
    pages = -(-len(reports) // PER_PAGE)
    found = {
        f"/report/list?page={number}": partial(_list_page, number, pages) for number in range(1, pages + 1)
    }
    return {
        "/index.html": partial(_list_page, 1, pages),
        "/report/list": partial(_list_page, 1, pages),
        **found,
        **{path: partial(_monthly_page, *said) for path, said in reports.items()},
    }


def asset_manager_kept() -> tuple[Kept, ...]:
    """Every monthly report, named by the link to it."""
    return tuple(
        Kept(path, _monthly_title(fund, month), "report") for path, (fund, month) in _monthly().items()
    )


@cache
def _monthly() -> dict[str, tuple[str, str]]:
    """The fund and the month of every report by its path, newest first."""
    texts = table("institutions/reports.toml")
    order = [(fund, month) for month in sorted(texts["markets"], reverse=True) for fund in texts["funds"]]
    return {f"/report/view?id={number}": said for number, said in enumerate(order, start=301)}


def _monthly_title(fund: str, month: str) -> str:
    return f"{table('institutions/reports.toml')['funds'][fund]['name']}　月次レポート（2026年{month}月）"


def _list_page(number: int, pages: int) -> Response:
    held = list(_monthly().items())[(number - 1) * PER_PAGE : number * PER_PAGE]
    rows = "\n".join(f'<li><a href="{path}">{escape(_monthly_title(*said))}</a></li>' for path, said in held)
    head, onward = "", ""
    if number < pages:
        if number % 2:  # some pages say it in the head, some in the link
            head = f'<link rel="next" href="/report/list?page={number + 1}">\n'
        onward = f'<a {"" if number % 2 else "rel=next "}href="/report/list?page={number + 1}">次の{PER_PAGE}件</a>'
    back = f'<a href="/report/list?page={number - 1}">前へ</a>　' if number > 1 else ""
    main = f'<ul class="reports">\n{rows}\n</ul>\n<p class="pager">{back}{onward}</p>'
    return ASSET_MANAGER.dressed("ファンドの運用レポート", main, head=head)


def _monthly_page(fund: str, month: str) -> Response:
    texts = table("institutions/reports.toml")
    price = 9_000 + len(fund) * 811 + int(month) * 97
    said = texts["funds"][fund]
    main = (
        f"<h2>{said['name']}</h2>\n<p>{said['about']}</p>\n"
        f'<table border="1"><tr><th>基準価額</th><td>{price:,}円</td></tr>'
        f"<tr><th>前月末比</th><td>{int(month) * 13 - 80:+,}円</td></tr>"
        f"<tr><th>純資産総額</th><td>{price // 37:,}億円</td></tr></table>\n"
        f"<h2>市場の動き</h2>\n<p>{texts['markets'][month]}</p>\n<h2>運用の経過</h2>\n<p>{texts['actions'][fund]}</p>\n"
        "<p>　当資料は情報の提供を目的として作成したものであり、金融商品取引法に基づく開示書類ではありません。</p>"
    )
    return ASSET_MANAGER.dressed(f"2026年{month}月　運用報告", main)


# -- the trust bank: a page that has moved, then a shelf of PDFs for each year ----------------------------------


@cache
def trust_bank() -> Pages:
    """The trust bank's pages and files."""
    moved = '<meta http-equiv="refresh" content="0; URL=library/index.html">\n'
    return {
        "/ir/index.html": lambda: TRUST_BANK.dressed(
            "移転しました", "<p>ページが移りました。</p>", head=moved
        ),
        "/ir/library/index.html": _years,
        **{f"/ir/library/{year}.html": partial(_shelf, year) for year in YEARS},
        **{path: partial(_file, name, year) for path, (name, year) in _files().items()},
    }


def trust_bank_kept() -> tuple[Kept, ...]:
    """Every PDF, named by the link to it without the size of the file."""
    names = table("institutions/reports.toml")["shelf"]
    return tuple(
        Kept(path, f"{names[name]['name']}{year}", "report") for path, (name, year) in _files().items()
    )


@cache
def _files() -> dict[str, tuple[str, int]]:
    names = table("institutions/reports.toml")["shelf"]
    return {f"/ir/library/pdf/{year}_{name}.pdf": (name, year) for year in YEARS for name in names}


def _years() -> Response:
    links = "　".join(f'<a href="{year}.html">{year}年</a>' for year in YEARS)
    return TRUST_BANK.dressed("ＩＲライブラリー", f"<p>{links}</p>")


def _shelf(year: int) -> Response:
    names = table("institutions/reports.toml")["shelf"]
    rows = "\n".join(
        f'<tr><td><a href="{path}"><img src="/img/pdf.gif" alt=""></a></td><td><a href="{path}" target="_blank">'
        f"{names[name]['name']}{year}<small>［PDF：{len(name) * 37}KB］</small></a></td></tr>"
        for path, (name, of) in _files().items()
        if of == year
    )
    return TRUST_BANK.dressed(f"{year}年の資料", f"<table>\n{rows}\n</table>")


@cache
def _file(name: str, year: int) -> Response:
    said = table("institutions/reports.toml")["shelf"][name]
    figures = {"year": year - 1, "fee": 412 + year % 7 * 9, "income": 138 + year % 5 * 6}
    figures |= {"firms": 154 + year % 9 * 5, "against": 11 + year % 4}
    blocks: list[pdf.Block] = []
    for heading, body in said["sections"]:
        blocks += [pdf.Heading(heading, 1), pdf.Paragraph(body.format(**figures))]
    title = f"{said['name']}{year}"
    layout = pdf.Layout(header=(f"氷室信託銀行　{title}",))
    body = pdf.render(title, blocks, layout=layout, author="氷室信託銀行株式会社", title_lines=(title,))
    return page(body, "application/pdf")


# -- the association: three articles, and a calendar, folders and days without end --------------------------------


@cache
def association() -> Pages:
    """The association's pages that are worth keeping or lead to them."""
    return {
        "/index.html": _association_index,
        **{path: partial(_article, title, body) for path, (title, body) in _articles().items()},
    }


def association_kept() -> tuple[Kept, ...]:
    """The articles, named by their headings."""
    return tuple(Kept(path, title, "page") for path, (title, _) in _articles().items())


def endless(path: str) -> Response | None:
    """Return a page of the calendars or of the folders in folders; each leads to another one, forever."""
    if found := re.fullmatch(r"/event/calendar\?ym=(\d{1,9})", path):
        links = [f"/event/calendar?ym={int(found[1]) + step}" for step in (1, -1) if int(found[1]) + step > 0]
        links += [f"/event/calendar?ym={found[1]}&amp;day={day}" for day in range(1, 4)]
    elif found := re.fullmatch(r"/event/months/(\d{1,9})\.html", path):
        links = [f"{int(found[1]) + 1}.html"]
    elif re.fullmatch(r"/event/calendar\?ym=\d+&day=\d+", path) or path.startswith("/links/"):
        links = ["links/index.html"]
    else:
        return None
    main = "　".join(f'<a href="{link}">次へ</a>' for link in links)
    return ASSOCIATION.dressed("催しとリンク", f"<p>この月の催しはありません。</p>\n<p>{main}</p>")


@cache
def _articles() -> dict[str, tuple[str, str]]:
    written = passages("institutions/articles.txt")
    return {key.split("|")[0]: (key.split("|")[1], body) for key, body in written.items()}


def _association_index() -> Response:
    links = "\n".join(f'<li><a href="{path}">くわしく読む</a></li>' for path in _articles())
    others = (
        '<p><a href="/event/calendar?ym=202611">催しの予定</a>　<a href="/event/months/1.html">月ごとの予定</a>　'
        f'<a href="/links/index.html">リンク集</a>　<a href="/event/{"x" * 2_000}.html">長い住所</a></p>'
    )
    return ASSOCIATION.dressed("見本金融教育協会", f"<ul>\n{links}\n</ul>\n{others}")


def _article(title: str, body: str) -> Response:
    return ASSOCIATION.dressed(title, paragraphs(tuple(part.strip("\n") for part in body.split("\n\n"))))
