"""The prose of the sample annual reports: what each company says, with figures that agree with its tables."""

from decimal import Decimal

from sample.companies import Company, Year
from sample.filing import CRP, Block, Figure, Grid, Heading, Para, Part, Section, para, text_block
from sample.story import (
    change,
    digits,
    money,
    month,
    percent,
    person,
    pick,
    rate,
    segment_sales,
    story,
    subsidiaries,
)

_FORWARD = "文中の将来に関する事項は、当連結会計年度末現在において当社グループが判断したものであります。"


def _result(company: Company, label: str, now: int, before: int) -> str:
    named = label if now >= 0 else label.replace("利益", "損失")
    if (now < 0) != (before < 0):
        side = "利益" if before > 0 else "損失"
        return f"{named}は{money(company, now)}（前期は{money(company, before)}の{side}）"
    return f"{named}は{money(company, now)}（前期比{change(now, before)}）"


def history(company: Company) -> Section:
    """沿革: a table of months and events."""
    rows = tuple((month(when), what) for when, what in story(company).history)
    grid = Grid((("年月", "事項"), *rows))
    return text_block("CompanyHistory", Heading(3, "２ 【沿革】"), grid)


def business(company: Company, year: Year) -> Section:
    """事業の内容, one heading per segment."""
    rows = story(company).segments
    names = "」及び「".join(name for name, _, _ in rows)
    blocks: list[Block] = [
        Heading(3, "３ 【事業の内容】"),
        para(
            f"当社グループは、当社及び連結子会社{subsidiaries(company)}社で構成され、"
            f"{company.business.replace('いる。', 'おります。')}"
            f"報告セグメントは「{names}」の{digits(len(rows))}つであります。"
        ),
        para("当該セグメントは「第５　経理の状況」に掲げるセグメントの区分と同一であります。"),
    ]
    for number, (name, _, text) in enumerate(rows, 1):
        blocks += [Heading(4, f"({number}) {name}"), para(text)]
    return text_block("DescriptionOfBusiness", *blocks)


def policy(company: Company, year: Year) -> Section:
    """経営方針、経営環境及び対処すべき課題等."""
    words = story(company)
    blocks: list[Block] = [
        Heading(3, "１ 【経営方針、経営環境及び対処すべき課題等】"),
        para(_FORWARD),
        Heading(4, "(1) 経営方針"),
        para(words.plan),
        Heading(4, "(2) 経営環境"),
        para(words.environment[year.fiscal_year]),
        Heading(4, "(3) 優先的に対処すべき事業上及び財務上の課題"),
    ]
    for mark, (title, text) in zip("①②③", words.issues, strict=False):
        blocks += [Heading(5, f"{mark}　{title}"), para(text)]
    return text_block("BusinessPolicyBusinessEnvironmentIssuesToAddressEtc", *blocks)


def sustainability(company: Company, year: Year) -> Section:
    """サステナビリティに関する考え方及び取組, with text blocks nested in the outer one."""
    words = story(company)
    president, given = person(company, 0)
    return text_block(
        "DisclosureOfSustainabilityRelatedFinancialInformation",
        Heading(3, "２ 【サステナビリティに関する考え方及び取組】"),
        para(_FORWARD),
        text_block(
            "Governance",
            Heading(4, "(1) ガバナンス"),
            para(
                f"代表取締役社長{president}{given}を委員長とするサステナビリティ委員会を設置し、年"
                f"{digits(2 + pick(company.edinet_code, 'board', below=4))}回、取締役会に活動の状況を報告しております。"
            ),
        ),
        text_block(
            "Strategy",
            Heading(4, "(2) 戦略"),
            para(
                f"当社グループは、{words.issues[0][0]}を持続的な成長の前提と位置付けております。{words.issues[0][1]}"
            ),
        ),
        text_block(
            "RiskManagement",
            Heading(4, "(3) リスク管理"),
            para(
                f"気候変動に関連する事項は「{words.risks[0][0]}」を含む全社の重要なリスクと併せて評価しております。"
            ),
        ),
    )


def risks(company: Company, *, broken: bool) -> Section:
    """事業等のリスク; where broken, the text goes on in a second place of the file."""
    blocks: list[Block] = [
        Heading(3, "３ 【事業等のリスク】"),
        para(
            "有価証券報告書に記載した事業の状況、経理の状況等に関する事項のうち、経営者が連結会社の財政状態、"
            "経営成績及びキャッシュ・フローの状況に重要な影響を与える可能性があると認識している主要なリスクは、"
            "以下のとおりであります。"
        ),
        para(f"なお、{_FORWARD}"),
    ]
    for number, (title, text) in enumerate(story(company).risks, 1):
        blocks += [Heading(4, f"({number}) {title}"), para(text)]
    words = story(company)
    blocks += [
        Heading(4, f"({len(words.risks) + 1}) 大規模な災害及び情報システムの停止"),
        para(
            f"当社グループの主要な拠点である{words.plant}が地震、風水害等により被災した場合、又は不正な侵入により"
            f"基幹の情報システムが停止した場合には、{words.segments[0][0]}の操業に支障が生じ、復旧の費用の負担により"
            "経営成績に影響を与える可能性があります。このため、事業継続計画を定め、毎年の訓練と代替拠点の確認を行っております。"
        ),
    ]
    return Section(f"{CRP}:BusinessRisksTextBlock", "FilingDateInstant", tuple(blocks), 5 if broken else None)


def analysis(company: Company, year: Year, before: Year, *, prefix: str) -> Section:
    """MD&A: results and position in words that agree with the statements, and sales by segment as a table."""
    words = story(company)
    sales = company.sales_name
    results = "、".join(
        (
            f"{sales}は{money(company, year.net_sales)}（前期比{change(year.net_sales, before.net_sales)}）",
            _result(company, "営業利益", year.operating_income, before.operating_income),
            _result(company, "経常利益", year.ordinary_income, before.ordinary_income),
            _result(company, "親会社株主に帰属する当期純利益", year.profit, before.profit),
        )
    )
    rows: list[tuple[str, str, str]] = [
        ("セグメントの名称", f"{sales}（{company.unit_name}）", "前期比（％）")
    ]
    blocks: list[Block] = [
        Heading(3, "４ 【経営者による財政状態、経営成績及びキャッシュ・フローの状況の分析】"),
        Heading(4, "(1) 経営成績等の状況の概要"),
        Heading(5, "①　経営成績の状況"),
        para(words.environment[year.fiscal_year]),
        para(
            f"このような状況の下、当連結会計年度の{results}となりました。主に{words.results[year.fiscal_year]}"
        ),
    ]
    for (name, now, _), (_, then, _) in zip(
        segment_sales(company, year), segment_sales(company, before), strict=True
    ):
        blocks.append(
            para(f"{name}の{sales}は{money(company, now)}（前期比{change(now, then)}）となりました。")
        )
        rows.append((name, f"{now // company.unit:,}", percent(now, then)))
    rows.append(("合計", f"{year.net_sales // company.unit:,}", percent(year.net_sales, before.net_sales)))
    liabilities = year.total_assets - year.net_assets
    blocks += [
        Heading(5, "②　財政状態の状況"),
        para(
            f"当連結会計年度末の総資産は{money(company, year.total_assets)}となり、前連結会計年度末に比べ"
            f"{money(company, year.total_assets - before.total_assets)}"
            f"{'増加' if year.total_assets >= before.total_assets else '減少'}しました。"
            f"負債は{money(company, liabilities)}、純資産は{money(company, year.net_assets)}となりました。"
        ),
        Heading(5, f"③　{sales}の実績"),
        Grid(tuple(rows)),
        para("（注）　セグメント間の取引については、相殺消去しております。"),
        Heading(4, "(2) 経営者の視点による経営成績等の状況に関する分析・検討内容"),
        para(_FORWARD),
        para(
            f"当連結会計年度の{sales}営業利益率は{rate(year.operating_income, year.net_sales)}％（前期は"
            f"{rate(before.operating_income, before.net_sales)}％）、自己資本比率は"
            f"{rate(year.net_assets, year.total_assets)}％となりました。{words.issues[1][1]}"
        ),
        Heading(5, "①　資本の財源及び資金の流動性"),
        para(
            f"運転資金及び{words.plant}への設備投資に必要な資金は、自己資金及び金融機関からの借入により調達しております。"
        ),
        Heading(5, "②　重要な会計上の見積り及び当該見積りに用いた仮定"),
        para(
            "連結財務諸表の作成に当たり、会計上の見積りが必要となる事項については、合理的な基準に基づき見積りを行って"
            "おりますが、見積りには不確実性が伴うため、実際の結果と異なる場合があります。"
        ),
    ]
    name = "ManagementAnalysisOfFinancialPositionOperatingResultsAndCashFlows"
    return text_block(name, *blocks, prefix=prefix)


def research(company: Company, year: Year, amount: int) -> Section:
    """研究開発活動; amount in yen, 0 for a company without research."""
    words = story(company)
    blocks: list[Block] = [Heading(3, "６ 【研究開発活動】"), para(words.research)]
    if amount:
        tag = Figure(
            f"{CRP}:ResearchAndDevelopmentExpensesResearchAndDevelopmentActivities",
            "CurrentYearDuration",
            Decimal(amount),
            scale=len(str(company.unit)) - 1,
            decimals=1 - len(str(company.unit)),
        )
        ending: tuple[Part, ...] = (
            "なお、当連結会計年度における研究開発費の総額は",
            tag,
            f"{company.unit_name}であります。",
        )
        blocks.append(Para(ending))
    return text_block("ResearchAndDevelopmentActivities", *blocks)


def dividends(company: Company, year: Year, per_share: int) -> Section:
    """配当政策; per_share in yen."""
    return text_block(
        "DividendPolicy",
        Heading(3, "３ 【配当政策】"),
        para(
            "当社は、株主に対する利益還元を経営の重要課題と位置付け、将来の事業展開と経営体質の強化のために必要な"
            "内部留保を確保しつつ、連結配当性向三割を目安として安定した配当を継続することを基本方針としております。"
        ),
        para(
            f"当事業年度の剰余金の配当につきましては、上記方針に基づき１株当たり{per_share}円としております。"
            if per_share
            else "当事業年度の剰余金の配当につきましては、当期純損失を計上したことから無配としております。"
        ),
        para(
            "内部留保資金は、"
            f"{story(company).plant}をはじめとする設備への投資と人材の育成に充当してまいります。"
        ),
    )
