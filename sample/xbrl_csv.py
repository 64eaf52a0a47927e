"""The type=5 ZIP of a sample filing: every fact in a tab-separated file, text blocks flattened as EDINET does."""

from sample.filing import Figure, Filing, Named, Section, parts_of, shown
from sample.xbrl import archive, facts

_HEADER = "要素ID 項目名 コンテキストID 相対年度 連結・個別 期間・時点 ユニットID 単位 値".split(" ")  # noqa: SIM905
#: EDINET cuts every value at this length without saying so.
CUT = 30_000

_LABELS = {
    "EDINETCodeDEI": "EDINETコード、DEI",
    "FundCodeDEI": "ファンドコード、DEI",
    "SecurityCodeDEI": "証券コード、DEI",
    "FilerNameInJapaneseDEI": "提出者名（日本語表記）、DEI",
    "FilerNameInEnglishDEI": "提出者名（英語表記）、DEI",
    "CabinetOfficeOrdinanceDEI": "府令、DEI",
    "DocumentTypeDEI": "様式、DEI",
    "AccountingStandardsDEI": "会計基準、DEI",
    "WhetherConsolidatedFinancialStatementsArePreparedDEI": "連結決算の有無、DEI",
    "CurrentFiscalYearStartDateDEI": "当事業年度開始日、DEI",
    "CurrentPeriodEndDateDEI": "当会計期間終了日、DEI",
    "TypeOfCurrentPeriodDEI": "当会計期間の種類、DEI",
    "CurrentFiscalYearEndDateDEI": "当事業年度終了日、DEI",
    "PreviousFiscalYearStartDateDEI": "前事業年度開始日、DEI",
    "PreviousFiscalYearEndDateDEI": "前事業年度終了日、DEI",
    "AmendmentFlagDEI": "訂正の有無、DEI",
    "IdentificationOfDocumentSubjectToAmendmentDEI": "訂正対象書類の書類管理番号、DEI",
    "ReportAmendmentFlagDEI": "記載事項訂正のフラグ、DEI",
    "XBRLAmendmentFlagDEI": "XBRL訂正のフラグ、DEI",
    "NumberOfSubmissionDEI": "提出回数、DEI",
    "DocumentTitleCoverPage": "提出書類、表紙",
    "ClauseOfStipulationCoverPage": "根拠条文、表紙",
    "PlaceOfFilingCoverPage": "提出先、表紙",
    "FilingDateCoverPage": "提出日、表紙",
    "FiscalYearCoverPage": "事業年度、表紙",
    "CompanyNameCoverPage": "会社名、表紙",
    "CompanyNameInEnglishCoverPage": "英訳名、表紙",
    "TitleAndNameOfRepresentativeCoverPage": "代表者の役職氏名、表紙",
    "AddressOfRegisteredHeadquarterCoverPage": "本店の所在の場所、表紙",
    "NetSalesSummaryOfBusinessResults": "売上高、経営指標等",
    "OperatingRevenue1SummaryOfBusinessResults": "営業収益、経営指標等",
    "OrdinaryIncomeLossSummaryOfBusinessResults": "経常利益又は経常損失（△）、経営指標等",
    "ProfitLossAttributableToOwnersOfParentSummaryOfBusinessResults": (
        "親会社株主に帰属する当期純利益又は親会社株主に帰属する当期純損失（△）、経営指標等"
    ),
    "NetAssetsSummaryOfBusinessResults": "純資産額、経営指標等",
    "TotalAssetsSummaryOfBusinessResults": "総資産額、経営指標等",
    "BasicEarningsLossPerShareSummaryOfBusinessResults": "１株当たり当期純利益又は当期純損失（△）、経営指標等",
    "DilutedEarningsPerShareSummaryOfBusinessResults": "潜在株式調整後１株当たり当期純利益、経営指標等",
    "EquityToAssetRatioSummaryOfBusinessResults": "自己資本比率、経営指標等",
    "DividendPaidPerShareSummaryOfBusinessResults": "１株当たり配当額、経営指標等",
    "NumberOfEmployees": "従業員数",
    "ResearchAndDevelopmentExpensesResearchAndDevelopmentActivities": "研究開発費、研究開発活動",
    "CapitalExpendituresOverviewOfCapitalExpendituresEtc": "設備投資額、設備投資等の概要",
    "NameMajorShareholders": "氏名又は名称、大株主の状況",
    "AddressMajorShareholders": "住所、大株主の状況",
    "NumberOfSharesHeld": "所有株式数",
    "ShareholdingRatio": "発行済株式（自己株式を除く。）の総数に対する所有株式数の割合",
    "OfficialTitleOrPositionInformationAboutDirectorsAndCorporateAuditors": "役職名、役員の状況（取締役（及び監査役））",
    "NameInformationAboutDirectorsAndCorporateAuditors": "氏名、役員の状況（取締役（及び監査役））",
    "CurrentAssets": "流動資産",
    "NoncurrentAssets": "固定資産",
    "Assets": "資産",
    "CurrentLiabilities": "流動負債",
    "NoncurrentLiabilities": "固定負債",
    "Liabilities": "負債",
    "NetAssets": "純資産",
    "LiabilitiesAndNetAssets": "負債純資産",
    "NetSales": "売上高",
    "OperatingRevenue1": "営業収益",
    "CostOfSales": "売上原価",
    "SellingGeneralAndAdministrativeExpenses": "販売費及び一般管理費",
    "OperatingIncome": "営業利益又は営業損失（△）",
    "NonOperatingIncome": "営業外収益",
    "NonOperatingExpenses": "営業外費用",
    "OrdinaryIncome": "経常利益又は経常損失（△）",
    "ExtraordinaryLoss": "特別損失",
    "IncomeBeforeIncomeTaxes": "税引前当期純利益又は税引前当期純損失（△）",
    "IncomeTaxes": "法人税等",
    "ProfitLossAttributableToOwnersOfParent": (
        "親会社株主に帰属する当期純利益又は親会社株主に帰属する当期純損失（△）"
    ),
    "BusinessResultsOfGroup": "連結経営指標等",
    "BusinessResultsOfReportingCompany": "提出会社の経営指標等",
    "CompanyHistory": "沿革",
    "DescriptionOfBusiness": "事業の内容",
    "InformationAboutEmployees": "従業員の状況",
    "BusinessPolicyBusinessEnvironmentIssuesToAddressEtc": "経営方針、経営環境及び対処すべき課題等",
    "DisclosureOfSustainabilityRelatedFinancialInformation": "サステナビリティに関する考え方及び取組",
    "Governance": "ガバナンス",
    "Strategy": "戦略",
    "RiskManagement": "リスク管理",
    "BusinessRisks": "事業等のリスク",
    "ManagementAnalysisOfFinancialPositionOperatingResultsAndCashFlows": (
        "経営者による財政状態、経営成績及びキャッシュ・フローの状況の分析"
    ),
    "CriticalContracts": "重要な契約等",
    "ResearchAndDevelopmentActivities": "研究開発活動",
    "OverviewOfCapitalExpendituresEtc": "設備投資等の概要",
    "MajorFacilities": "主要な設備の状況",
    "MajorShareholders": "大株主の状況",
    "DividendPolicy": "配当政策",
    "InformationAboutOfficers": "役員の状況",
    "ConsolidatedBalanceSheet": "連結貸借対照表",
    "ConsolidatedStatementOfIncome": "連結損益計算書",
    "OverviewOfOperationalProceduresForShares": "提出会社の株式事務の概要",
    "InformationAboutParentCompanyEtcOfReportingCompany": "提出会社の親会社等の情報",
}
_YEARS = {
    "FilingDateInstant": "提出日時点",
    "CurrentYearInstant": "当期末",
    "CurrentYearDuration": "当期",
    "Prior1YearInstant": "前期末",
    "Prior1YearDuration": "前期",
    "Prior2YearInstant": "前々期末",
    "Prior2YearDuration": "前々期",
}


def csv_package(filing: Filing) -> bytes:
    """UTF-16LE with BOM, tabs, every cell quoted, CRLF; text blocks lose their lines and tables."""
    rows = [_HEADER]
    seen = set()
    for fact in facts(filing):
        if (fact.name, fact.context) in seen:
            continue
        seen.add((fact.name, fact.context))
        rows.append(_row(filing, fact))
    text = "".join("\t".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n" for row in rows)
    body = b"\xff\xfe" + text.encode("utf-16-le")
    return archive({f"XBRL_TO_CSV/{filing.stem}.csv": body}, filing.submitted)


def label(name: str) -> str:
    """項目名 of an element; a text block says so in brackets."""
    local = name.partition(":")[2]
    if local.endswith("TextBlock"):
        return f"{_LABELS[local.removesuffix('TextBlock')]} [テキストブロック]"
    return _LABELS[local]


def _row(filing: Filing, fact: Figure | Named | Section) -> list[str]:
    when = fact.context.partition("_")[0]
    whose = "その他"
    if fact.name.startswith("jppfs_cor:"):
        whose = "個別" if "NonConsolidatedMember" in fact.context else "連結"
    unit, unit_name = "－", "－"
    if isinstance(fact, Figure):
        unit, unit_name = fact.unit, "円" if fact.unit == "JPY" else ""
    span = "時点" if when.endswith("Instant") else "期間"
    return [
        fact.name,
        label(fact.name),
        fact.context,
        _YEARS[when],
        whose,
        span,
        unit,
        unit_name,
        _value(filing, fact),
    ]


def _value(filing: Filing, fact: Figure | Named | Section) -> str:
    if isinstance(fact, Section):
        parts = (shown(part, filing.loss_mark) for part in parts_of(fact.blocks))
        return "".join(parts).replace("\n", "").replace(" 【", "【")[:CUT]
    return "－" if fact.value is None else str(fact.value)
