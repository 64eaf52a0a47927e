"""The tables of a sample annual report: key figures over the years, statements, employees, shareholders."""

from decimal import ROUND_HALF_UP, Decimal

from sample.companies import MILLION, Company, Year
from sample.filing import (
    CRP,
    PFS,
    Block,
    Cell,
    Figure,
    Grid,
    Heading,
    Named,
    Part,
    Section,
    loss_mark,
    para,
    text_block,
)
from sample.story import day, person, pick, story

_NOW = "CurrentYear"
_SUMMARY = "SummaryOfBusinessResults"

#: A year with the names of its duration and its instant.
_Column = tuple[Year, str, str]


def amount(company: Company, name: str, context: str, yen: int) -> Figure:
    """A tagged amount in the company's display unit."""
    digits = 6 if company.unit == MILLION else 3
    return Figure(name, context, Decimal(yen), "JPY", digits, -digits)


def shares(company: Company) -> int:
    """Issued shares, the same in every year."""
    return company.years[0].net_assets // 1850 // 1000 * 1000


def dividend(company: Company, year: Year) -> int:
    """Yen per share: three tenths of the profit, none after a loss."""
    return max(0, year.profit * 3 // 10 // shares(company))


def equity_ratio(year: Year) -> Decimal:
    """Net assets over total assets, three decimals."""
    return (Decimal(year.net_assets) / year.total_assets).quantize(Decimal("0.001"), ROUND_HALF_UP)


def own(company: Company, yen: int) -> int:
    """The reporting company's own part of a consolidated amount (non-consolidated figures)."""
    share = 620 + pick(company.edinet_code, "own", below=300)
    return yen * share // 1000 // company.unit * company.unit


def term(company: Company, year: Year) -> str:
    """第N期 counted from the founding."""
    return f"第{year.end.year - company.founded}期"


def _contexts(known: tuple[Year, ...], suffix: str = "") -> list[_Column]:
    """Years with their duration and instant contexts, oldest first."""
    names = [_NOW if back == 0 else f"Prior{back}Year" for back in range(len(known))][::-1]
    return [
        (year, f"{name}Duration{suffix}", f"{name}Instant{suffix}")
        for year, name in zip(known, names, strict=True)
    ]


def _head(company: Company, known: tuple[Year, ...]) -> list[tuple[Part | Cell, ...]]:
    return [
        (Cell(("回次",), colspan=2), *(term(company, year) for year in known)),
        (Cell(("決算年月",), colspan=2), *(day(year.end).partition("月")[0] + "月" for year in known)),
    ]


def results(company: Company, known: tuple[Year, ...]) -> Grid:
    """連結経営指標等: the key figures of the known years, oldest first."""
    columns = _contexts(known)
    loss = any(year.profit < 0 for year in known)
    minus = f"（{loss_mark(company)}）" if loss else ""
    owners = "親会社株主に帰属する当期純"
    rows = _head(company, known)
    for label, name, field in (
        (company.sales_name, _sales(company), "net_sales"),
        (f"経常利益又は経常損失{minus}" if loss else "経常利益", "OrdinaryIncomeLoss", "ordinary_income"),
        (
            f"{owners}利益又は{owners}損失{minus}" if loss else f"{owners}利益",
            "ProfitLossAttributableToOwnersOfParent",
            "profit",
        ),
        ("純資産額", "NetAssets", "net_assets"),
        ("総資産額", "TotalAssets", "total_assets"),
    ):
        rows.append(_money(company, columns, label, name, [getattr(year, field) for year in known]))
    rows.append(
        (
            f"１株当たり当期純利益又は当期純損失{minus}" if loss else "１株当たり当期純利益",
            "(円)",
            *(
                _yen("BasicEarningsLossPerShare", over, _per_share(company, year.profit))
                for year, over, _ in columns
            ),
        )
    )
    diluted = (_yen("DilutedEarningsPerShare", over, None) for _, over, _ in columns)
    rows.append(("潜在株式調整後１株当たり当期純利益", "(円)", *diluted))
    ratios = (
        Figure(f"{CRP}:EquityToAssetRatio{_SUMMARY}", at, equity_ratio(year), "pure", -2, 3)
        for year, _, at in columns
    )
    rows.append(("自己資本比率", "(％)", *ratios))
    staff = (
        Figure(f"{CRP}:NumberOfEmployees", at, Decimal(year.employees), "pure") for year, _, at in columns
    )
    rows.append(("従業員数", "(人)", *staff))
    return Grid(tuple(rows))


def _sales(company: Company) -> str:
    return "NetSales" if company.sales_name == "売上高" else "OperatingRevenue1"


def _money(
    company: Company, columns: list[_Column], label: str, name: str, figures: list[int]
) -> tuple[Part | Cell, ...]:
    """A row of amounts; assets are as of the end of the year, all others for its length."""
    instant = name.endswith("Assets")
    facts = (
        amount(company, f"{CRP}:{name}{_SUMMARY}", at if instant else over, figure)
        for figure, (_, over, at) in zip(figures, columns, strict=True)
    )
    return (label, f"({company.unit_name})", *facts)


def _yen(name: str, context: str, value: Decimal | None) -> Figure:
    return Figure(f"{CRP}:{name}{_SUMMARY}", context, value, "JPYPerShares", 0, 2)


def _per_share(company: Company, yen: int) -> Decimal:
    return (Decimal(yen) / shares(company)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def own_results(company: Company, known: tuple[Year, ...]) -> Grid:
    """提出会社の経営指標等: the same names under the non-consolidated member."""
    columns = _contexts(known, "_NonConsolidatedMember")
    rows = _head(company, known)
    for label, name, field in (
        (company.sales_name, _sales(company), "net_sales"),
        ("純資産額", "NetAssets", "net_assets"),
        ("総資産額", "TotalAssets", "total_assets"),
    ):
        rows.append(
            _money(company, columns, label, name, [own(company, getattr(year, field)) for year in known])
        )
    payouts = (
        _yen("DividendPaidPerShare", over, Decimal(dividend(company, year))) for year, over, _ in columns
    )
    rows.append(("１株当たり配当額", "(円)", *payouts))
    return Grid(tuple(rows))


def employees(company: Company, year: Year) -> Section:
    """従業員の状況: staff by segment, and the total without a dimension."""
    rows: list[tuple[Part, ...]] = [("セグメントの名称", "従業員数(人)")]
    parts = story(company).segments
    left = year.employees
    for number, (name, share, _) in enumerate(parts, 1):
        staff = left if number == len(parts) else year.employees * share // 1000
        left -= staff
        member = f"jpcrp030000-asr_{company.edinet_code}-000Segment{number}ReportableSegmentMember"
        rows.append(
            (name, Figure(f"{CRP}:NumberOfEmployees", f"{_NOW}Instant_{member}", Decimal(staff), "pure"))
        )
    total = Figure(f"{CRP}:NumberOfEmployees", f"{_NOW}Instant", Decimal(year.employees), "pure")
    rows.append(("合計", total))
    return text_block(
        "InformationAboutEmployees",
        Heading(3, "５ 【従業員の状況】"),
        Heading(4, "(1) 連結会社の状況"),
        Grid(tuple(rows), f"{day(year.end)}現在"),
        para("（注）　従業員数は就業人員であり、臨時雇用者数は含まれておりません。"),
        Heading(4, "(2) 労働組合の状況"),
        para("労使関係は円満に推移しており、特記すべき事項はありません。"),
    )


def shareholders(company: Company, year: Year) -> Section:
    """大株主の状況: five invented holders, each under its own member."""
    surname, given = person(company, 5)
    holders = (
        ("日本架空信託銀行株式会社（信託口）", "東京都港区虚空坂二丁目１番", 11),
        (f"{company.short_name}取引先持株会", company.address, 7),
        ("株式会社まぼろし銀行", "大阪府大阪市北区幻町５番", 5),
        (f"{company.short_name}従業員持株会", company.address, 4),
        (f"{surname}　{given}", "東京都世田谷区", 2),
    )
    rows: list[tuple[Part, ...]] = [
        ("氏名又は名称", "住所", "所有株式数\n(千株)", "発行済株式(自己株式を除く。)の\n総数に対する割合(％)")
    ]
    for number, (name, address, share) in enumerate(holders, 1):
        context = f"{_NOW}Instant_No{number}MajorShareholdersMember"
        noise = pick(company.edinet_code, year.fiscal_year, number, below=90)
        held = shares(company) * (share * 100 + noise) // 10_000 // 1000 * 1000
        ratio = (Decimal(held) / shares(company)).quantize(Decimal("0.0001"), ROUND_HALF_UP)
        rows.append(
            (
                Named(f"{CRP}:NameMajorShareholders", context, name),
                Named(f"{CRP}:AddressMajorShareholders", context, address),
                Figure(f"{CRP}:NumberOfSharesHeld", context, Decimal(held), "shares", 3, -3),
                Figure(f"{CRP}:ShareholdingRatio", context, ratio, "pure", -2, 4),
            )
        )
    return text_block(
        "MajorShareholders",
        Heading(4, "(6) 【大株主の状況】"),
        Grid(tuple(rows), f"{day(year.end)}現在"),
    )


def _two_years(company: Company, year: Year, before: Year) -> list[tuple[Part | Cell, ...]]:
    return [("", f"前連結会計年度\n({day(before.end)})", f"当連結会計年度\n({day(year.end)})")]


def balance_sheet(company: Company, year: Year, before: Year) -> tuple[Block, ...]:
    """連結貸借対照表 of this year and the year before."""
    rows = _two_years(company, year, before)
    sheets = [_sheet(company, before), _sheet(company, year)]
    contexts = ("Prior1YearInstant", f"{_NOW}Instant")
    for label, name in (
        ("流動資産合計", "CurrentAssets"),
        ("固定資産合計", "NoncurrentAssets"),
        ("資産合計", "Assets"),
        ("流動負債合計", "CurrentLiabilities"),
        ("固定負債合計", "NoncurrentLiabilities"),
        ("負債合計", "Liabilities"),
        ("純資産合計", "NetAssets"),
        ("負債純資産合計", "LiabilitiesAndNetAssets"),
    ):
        facts = [
            amount(company, f"{PFS}:{name}", context, sheet[name])
            for context, sheet in zip(contexts, sheets, strict=True)
        ]
        rows.append((label, *facts))
    return (
        Heading(2, "第５ 【経理の状況】"),
        Heading(3, "１ 【連結財務諸表等】"),
        text_block(
            "ConsolidatedBalanceSheet",
            Heading(4, "① 【連結貸借対照表】"),
            Grid(tuple(rows), f"(単位：{company.unit_name})"),
            context=f"{_NOW}Duration",
        ),
    )


def _sheet(company: Company, year: Year) -> dict[str, int]:
    unit = company.unit
    current = year.total_assets * (380 + pick(company.edinet_code, "current", below=250)) // 1000
    current = current // unit * unit
    debts = year.total_assets - year.net_assets
    short = debts * (500 + pick(company.edinet_code, "short", below=200)) // 1000 // unit * unit
    return {
        "CurrentAssets": current,
        "NoncurrentAssets": year.total_assets - current,
        "Assets": year.total_assets,
        "CurrentLiabilities": short,
        "NoncurrentLiabilities": debts - short,
        "Liabilities": debts,
        "NetAssets": year.net_assets,
        "LiabilitiesAndNetAssets": year.total_assets,
    }


def income_statement(company: Company, year: Year, before: Year) -> tuple[Block, ...]:
    """連結損益計算書 of this year and the year before; its lines add up."""
    spans = (
        f"{label}\n(自　{day(one.start)}\n至　{day(one.end)})"
        for label, one in (("前連結会計年度", before), ("当連結会計年度", year))
    )
    rows: list[tuple[Part | Cell, ...]] = [("", *spans)]
    statements = [_statement(company, before), _statement(company, year)]
    contexts = ("Prior1YearDuration", f"{_NOW}Duration")
    sales = _sales(company)
    cost = "売上原価" if company.sales_name == "売上高" else "営業原価"
    for label, name in (
        (company.sales_name, sales),
        (cost, "CostOfSales"),
        ("販売費及び一般管理費", "SellingGeneralAndAdministrativeExpenses"),
        ("営業利益", "OperatingIncome"),
        ("営業外収益合計", "NonOperatingIncome"),
        ("営業外費用合計", "NonOperatingExpenses"),
        ("経常利益", "OrdinaryIncome"),
        ("特別損失合計", "ExtraordinaryLoss"),
        ("税金等調整前当期純利益", "IncomeBeforeIncomeTaxes"),
        ("法人税等合計", "IncomeTaxes"),
        ("親会社株主に帰属する当期純利益", "ProfitLossAttributableToOwnersOfParent"),
    ):
        values = [statement[name] for statement in statements]
        if not any(values):
            continue
        minus = f"又は{label.replace('利益', '損失')}（{loss_mark(company)}）" if min(values) < 0 else ""
        facts = [
            amount(company, f"{PFS}:{name}", context, value)
            for context, value in zip(contexts, values, strict=True)
        ]
        rows.append((label + minus, *facts))
    return (
        text_block(
            "ConsolidatedStatementOfIncome",
            Heading(4, "② 【連結損益計算書】"),
            Grid(tuple(rows), f"(単位：{company.unit_name})"),
            context=f"{_NOW}Duration",
        ),
    )


def _statement(company: Company, year: Year) -> dict[str, int]:
    """Every line of the income statement, from the five figures of the year."""
    unit = company.unit
    overhead = year.net_sales * (90 + pick(company.edinet_code, "overhead", below=160)) // 1000
    overhead = overhead // unit * unit
    outside = year.ordinary_income - year.operating_income
    expenses = year.net_sales // 400 // unit * unit
    special = (year.ordinary_income - year.profit) * 69 // 100 // unit * unit if year.profit < 0 else 0
    before_tax = year.ordinary_income - special
    sales = _sales(company)
    return {
        sales: year.net_sales,
        "CostOfSales": year.net_sales - year.operating_income - overhead,
        "SellingGeneralAndAdministrativeExpenses": overhead,
        "OperatingIncome": year.operating_income,
        "NonOperatingIncome": outside + expenses,
        "NonOperatingExpenses": expenses,
        "OrdinaryIncome": year.ordinary_income,
        "ExtraordinaryLoss": special,
        "IncomeBeforeIncomeTaxes": before_tax,
        "IncomeTaxes": before_tax - year.profit,
        "ProfitLossAttributableToOwnersOfParent": year.profit,
    }
