"""Three sites of a glossary and a profile whose charsets are unsaid, old or wrong: an insurer, a regional bank, a lessor."""

from functools import cache, partial
from html import escape

from sample.companies import COMPANIES
from sample.http import Response
from sample.institution_pages import Kept, Pages, Skin, Term, company_rows, paragraphs, profile, written

INSURER = Skin("朧月生命保険相互会社", "euc_jp")
REGIONAL_BANK = Skin("株式会社早蕨銀行", "iso2022_jp", declared="iso-2022-jp", header="ISO-2022-JP")
LEASING = Skin("常夜灯リース株式会社", "utf-8", declared="Shift_JIS")
LEASING_OLD = Skin("常夜灯リース株式会社", "cp932", declared="utf-8", header="UTF-8")
LEASING_OLDEST = Skin("常夜灯リース株式会社", "utf-8", declared="EUC-JP", header="EUC-JP")


# -- the insurer: frames in frames, EUC-JP that nobody mentions -----------------------------------------------


@cache
def insurer() -> Pages:
    """The insurer's pages."""
    terms = {f"/yogo/{number}.html": term for number, term in enumerate(written("insurer"), start=1)}
    menu = '<li><a href="/yogo/index.html" target="_top">保険用語</a></li><li><a href="annai/kaisha.html" target="main">当社について</a></li>'
    words = "\n".join(
        f'<li><a href="{path.rsplit("/", 1)[1]}" target="honbun"><img src="/img/{number}.gif" alt=""></a></li>'
        for number, path in enumerate(terms)
    )
    return {
        "/index.html": partial(_frames, "朧月生命", ("menu.html", "top.html")),
        "/menu.html": lambda: INSURER.dressed("メニュー", f"<ul>{menu}</ul>"),
        "/top.html": lambda: INSURER.dressed("ようこそ", "<p>保険のことなら朧月生命へ。</p>"),
        "/yogo/index.html": partial(_frames, "保険用語", ("list.html", "1.html")),
        "/yogo/list.html": lambda: INSURER.dressed("保険用語の目次", f"<ul>{words}</ul>"),
        "/annai/kaisha.html": _insurer_profile,
        **{path: partial(_insurer_term, term) for path, term in terms.items()},
    }


def insurer_kept() -> tuple[Kept, ...]:
    """One page for each term, named by its heading: the links are pictures; and the profile."""
    terms = enumerate(written("insurer"), start=1)
    return (
        *(Kept(f"/yogo/{number}.html", term.headword, "term") for number, term in terms),
        Kept("/annai/kaisha.html", "当社について", "profile"),
    )


def _frames(title: str, sources: tuple[str, str]) -> Response:
    left, right = sources
    body = (
        f'<frameset cols="180,*">\n<frame src="{left}" name="menu">\n<frame src="{right}" name="main">\n'
        "<noframes><body>フレームに対応したブラウザでご覧ください。</body></noframes>\n</frameset>"
    )
    return INSURER.dressed(title, "", body=body)


def _insurer_term(term: Term) -> Response:
    return INSURER.dressed(
        term.headword, f"<p>（{term.reading}）</p>\n<p>{term.english}</p>\n{paragraphs(term.paragraphs)}"
    )


def _insurer_profile() -> Response:
    rows = {
        "名称": "朧月生命保険相互会社",
        "本店所在地": "京都府京都市下京区朧月通一丁目３番地",
        "設立": "1932年（昭和7年）6月",
        "基金の総額": "45,000百万円",
        "代表者": "代表取締役社長　久遠寺　楓",
        "事業内容": "個人保険、個人年金保険及び団体保険の引受けと、保険料としてお預かりした資産の運用を行っています。",
    }
    return INSURER.dressed(
        "当社について",
        profile(rows, "　相互会社である当社には株主がなく、ご契約者が会社を構成する社員となります。"),
    )


# -- the regional bank: a table of terms, ISO-2022-JP ---------------------------------------------------------


@cache
def regional_bank() -> Pages:
    """The regional bank's pages."""
    return {
        "/index.html": lambda: REGIONAL_BANK.dressed(
            "早蕨銀行",
            '<p><a href="yougo.html">ご融資の用語</a></p><p><a href="profile.html">当行の概要</a></p>',
        ),
        "/yougo.html": _regional_terms,
        "/profile.html": _regional_profile,
    }


def regional_bank_kept() -> tuple[Kept, ...]:
    """The table of terms and the profile."""
    return (Kept("/yougo.html", "ご融資の用語", "term"), Kept("/profile.html", "当行の概要", "profile"))


def _regional_terms() -> Response:
    rows = "\n".join(
        f"<tr><td>{term.headword}</td><td>{term.reading}</td><td>{escape(term.paragraphs[0])}</td></tr>"
        for term in written("regional_bank")
    )
    table = f'<table border="1">\n<tr><th>用語</th><th>読み</th><th>説明</th></tr>\n{rows}\n</table>'
    return REGIONAL_BANK.dressed("ご融資の用語", table)


def _regional_profile() -> Response:
    rows = {
        "商号": "株式会社早蕨銀行",
        "本店所在地": "岐阜県高山市早蕨町四丁目１番２号",
        "設立": "1943年（昭和18年）9月",
        "資本金": "18,400百万円（2026年3月末現在）",
        "代表者": "取締役頭取　飛騨野　実",
        "事業内容": "飛騨地方を中心に５８店舗を置き、預金、貸出、内国為替及び外国為替業務を営んでいます。",
    }
    return REGIONAL_BANK.dressed(
        "当行の概要", profile(rows, "　地場の木工と観光の事業者を支える融資に力を入れています。")
    )


# -- the lessor: pages that declare another charset than theirs -----------------------------------------------


@cache
def leasing() -> Pages:
    """The lessor's pages: UTF-8 that says Shift_JIS or EUC-JP, CP932 that says UTF-8."""
    skins = (LEASING, LEASING_OLD, LEASING_OLDEST, LEASING_OLD)
    terms = [
        (f"/lease/term{number}.html", term, skin)
        for number, (term, skin) in enumerate(zip(written("leasing"), skins, strict=True), start=1)
    ]
    links = "\n".join(f'<li><a href="{path}">{term.headword}</a></li>' for path, term, _ in terms)
    return {
        "/index.html": lambda: LEASING.dressed(
            "リースのことば", f'<ul>\n{links}\n</ul>\n<p><a href="/company.html">会社概要①</a></p>'
        ),
        "/company.html": _leasing_profile,
        **{
            path: partial(
                skin.dressed,
                term.headword,
                f"<p>（{term.reading}）</p>\n<p>{term.english}</p>\n{paragraphs(term.paragraphs)}",
            )
            for path, term, skin in terms
        },
    }


def leasing_kept() -> tuple[Kept, ...]:
    """One page for each term, named by the link to it, and the profile, named by its heading."""
    terms = enumerate(written("leasing"), start=1)
    return (
        *(Kept(f"/lease/term{number}.html", term.headword, "term") for number, term in terms),
        Kept("/company.html", "会社概要　～髙い志とともに①～", "profile"),
    )


def _leasing_profile() -> Response:
    rows = company_rows(COMPANIES[19], "代表取締役社長　髙見澤　怜", "1973年（昭和48年）10月")
    return LEASING_OLD.dressed(
        "会社概要　～髙い志とともに①～",
        profile(rows, "　①設備の導入、②資金の平準化、③環境への配慮をリースで支えます。"),
    )
