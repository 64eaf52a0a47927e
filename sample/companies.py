"""The listed companies of the sample world: invented names, consistent figures, three fiscal years each.

No company here exists. EDINET codes begin with E9, corporate numbers with 9999 and the securities codes are
unassigned ones, so that none can be taken for a real filer's.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

#: Japan has no summer time, so a fixed offset names every instant.
JST = timezone(timedelta(hours=9), "JST")

MILLION = 1_000_000
THOUSAND = 1_000

_BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Year:
    """One consolidated fiscal year; amounts in yen, whole multiples of the company's display unit."""

    start: date
    end: date
    net_sales: int
    operating_income: int
    ordinary_income: int
    profit: int
    total_assets: int
    net_assets: int
    employees: int

    @property
    def fiscal_year(self) -> int:
        """The year in which the fiscal year began (年度), or the calendar year for December companies."""
        return self.start.year


@dataclass(frozen=True, slots=True)
class Company:
    """A fictional listed company; unit is what its tables are shown in (yen per displayed 1)."""

    edinet_code: str
    sec_code: str
    jcn: str
    name: str
    name_en: str
    name_kana: str
    industry: str
    address: str
    business: str
    founded: int
    sales_name: str
    unit: int
    capital: int
    years: tuple[Year, ...]

    @property
    def short_name(self) -> str:
        """The name without 株式会社."""
        return self.name.replace("株式会社", "").strip()

    @property
    def unit_name(self) -> str:
        """百万円 or 千円."""
        return "百万円" if self.unit == MILLION else "千円"


def _jitter(*key: object, below: int) -> int:
    digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    return int.from_bytes(digest[:8], "big") % below


def _jcn(index: int) -> str:
    """A corporate number: check digit, then 12 digits (of an office that does not exist)."""
    base = f"9999{index:08d}"
    weighted = sum(int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(base)))
    return f"{9 - weighted % 9}{base}"


def _period(year: int, last_month: int) -> tuple[date, date]:
    if last_month == 12:
        return date(year, 1, 1), date(year, 12, 31)
    return date(year, last_month + 1, 1), date(year + 1, last_month, 31)


def _years(
    code: str,
    *,
    sales: int,
    growth: tuple[int, int],
    margin: tuple[int, int, int],
    equity: int,
    staff: int,
    last_month: int,
    unit: int,
) -> tuple[Year, ...]:
    """Three years from hand-picked scales: sales in units, growth, margin and equity ratio in 1/1000.

    Net assets roll forward (plus profit, less a dividend, plus other items), so the balance sheet and the
    income statement agree; a little jitter keeps every figure a unique one.
    """
    years = []
    previous = sales * equity // 1100
    for number, fiscal_year in enumerate((2023, 2024, 2025)):
        if number:
            sales = sales * (1000 + growth[number - 1]) // 1000
        sales += _jitter(code, fiscal_year, "sales", below=max(sales // 90, 97))
        operating = sales * margin[number] // 1000
        operating += _jitter(code, fiscal_year, "operating", below=max(abs(operating) // 12, 31))
        outside = _jitter(code, fiscal_year, "outside", below=max(sales // 120, 41)) - sales // 350
        ordinary = operating + outside
        share = 640 + _jitter(code, fiscal_year, "tax", below=70) if ordinary > 0 else 1090
        profit = ordinary * share // 1000
        dividend = max(profit, 0) * 3 // 10 + previous // 150
        previous += profit - dividend + _jitter(code, fiscal_year, "other", below=max(previous // 60, 53))
        assets = previous * 1000 // (equity + 7 * number) + _jitter(code, fiscal_year, "assets", below=991)
        staff += _jitter(code, fiscal_year, "staff", below=max(staff // 20, 9)) - staff // 70
        start, end = _period(fiscal_year, last_month)
        years.append(
            Year(
                start=start,
                end=end,
                net_sales=sales * unit,
                operating_income=operating * unit,
                ordinary_income=ordinary * unit,
                profit=profit * unit,
                total_assets=assets * unit,
                net_assets=previous * unit,
                employees=staff,
            )
        )
    return tuple(years)


def _company(  # noqa: PLR0917  (the identity reads as one row of a list)
    index: int,
    sec_code: str,
    name: str,
    name_en: str,
    name_kana: str,
    industry: str,
    address: str,
    business: str,
    *,
    founded: int,
    sales: int,
    growth: tuple[int, int],
    margin: tuple[int, int, int],
    equity: int,
    staff: int,
    capital: int,
    last_month: int = 3,
    unit: int = MILLION,
    sales_name: str = "売上高",
) -> Company:
    code = f"E9{index:04d}"
    return Company(
        edinet_code=code,
        sec_code=sec_code,
        jcn=_jcn(index),
        name=name,
        name_en=name_en,
        name_kana=name_kana,
        industry=industry,
        address=address,
        business=business,
        founded=founded,
        sales_name=sales_name,
        unit=unit,
        capital=capital * unit,
        years=_years(
            code,
            sales=sales,
            growth=growth,
            margin=margin,
            equity=equity,
            staff=staff,
            last_month=last_month,
            unit=unit,
        ),
    )


def submission(company: Company, year: Year) -> datetime:
    """When the annual report of a fiscal year reached EDINET (JST): within three months of the year's end.

    March companies file on one of two days late in June, December companies on one day late in March.
    """
    index = int(company.edinet_code[2:])
    if year.end.month == 12:
        day = date(year.end.year + 1, 3, 27)
    else:
        day = date(year.end.year, 6, 25)
        if index % 3 == 0:
            day = date(year.end.year, 6, 19 if year.end.year == 2026 else 20)  # both Fridays
    minute = 2 + (index * 17) % 410
    return datetime(day.year, day.month, day.day, 9, 0, tzinfo=JST) + timedelta(minutes=minute)


def doc_id(company: Company, year: Year) -> str:
    """The EDINET document ID of an annual report: S100 and four characters, ascending with the year."""
    number = int("Z000", 36) + (year.fiscal_year - 2023) * 11_003 + int(company.edinet_code[2:]) * 397
    return f"S100{base36(number)}"


def base36(number: int) -> str:
    """Four characters of a document ID from a number below 36**4."""
    digits = []
    for _ in range(4):
        number, rest = divmod(number, 36)
        digits.append(_BASE36[rest])
    return "".join(reversed(digits))


COMPANIES: tuple[Company, ...] = (
    _company(
        1, "13930", "汐凪水産株式会社", "Shionagi Suisan Co., Ltd.", "シオナギスイサンカブシキガイシャ", "水産・農林業",
        "北海道釧路市汐凪町一丁目２番３号",
        "サケ・マス類の陸上養殖と水産加工品の製造販売を行っている。",
        founded=1951, sales=48213, growth=(37, 52), margin=(31, 36, 41), equity=412, staff=1180, capital=3120,
    ),
    _company(
        2, "17280", "天狼建設株式会社", "Tenro Construction Co., Ltd.", "テンロウケンセツカブシキガイシャ", "建設業",
        "宮城県仙台市青葉区天狼通三丁目８番１号",
        "橋梁・トンネルを中心とする土木工事と、物流施設の建築工事を請け負っている。",
        founded=1938, sales=167420, growth=(24, 61), margin=(42, 38, 47), equity=455, staff=2410, capital=9800,
    ),
    _company(
        3, "22270", "麦秋フーズ株式会社", "Bakushu Foods Inc.", "バクシュウフーズカブシキガイシャ", "食料品",
        "群馬県前橋市麦秋台五丁目１１番地",
        "国産小麦を用いた冷凍パン生地と乾麺を製造し、量販店と外食企業に販売している。",
        founded=1962, sales=83954, growth=(58, 43), margin=(49, 44, 53), equity=520, staff=1735, capital=4250,
        last_month=12,
    ),
    _company(
        4, "30370", "株式会社紬ノ郷テキスタイル", "Tsumuginosato Textile Corporation",
        "カブシキガイシャツムギノサトテキスタイル", "繊維製品", "石川県小松市紬野町二丁目４番地５",
        "炭素繊維用の織物と衣料用の高機能合成繊維を製造販売している。",
        founded=1929, sales=21_846_310, growth=(-12, 33), margin=(28, 22, 35), equity=488, staff=742,
        capital=1_450_000, unit=THOUSAND,
    ),
    _company(
        5, "43830", "玻璃光化学工業株式会社", "Harikou Chemical Industries, Ltd.",
        "ハリコウカガクコウギョウカブシキガイシャ", "化学", "山口県周南市玻璃浜四番１号",
        "半導体製造工程で用いる高純度薬液と光学フィルム用樹脂を製造販売している。",
        founded=1946, sales=152340, growth=(71, 88), margin=(97, 105, 118), equity=601, staff=2263, capital=11200,
    ),
    _company(
        6, "46000", "白露ファーマ株式会社", "Hakuro Pharma Co., Ltd.", "ハクロファーマカブシキガイシャ", "医薬品",
        "富山県富山市白露新町七丁目１番９号",
        "皮膚科領域の医療用医薬品を開発し、後発医薬品の受託製造も行っている。",
        founded=1955, sales=61735, growth=(29, 35), margin=(112, 121, 109), equity=683, staff=1326, capital=6400,
        last_month=12,
    ),
    _company(
        7, "54890", "鋼城製鉄株式会社", "Kojo Steel Corporation", "コウジョウセイテツカブシキガイシャ", "鉄鋼",
        "広島県呉市鋼城町一番１号",
        "電気炉による特殊鋼棒鋼と鍛鋼品を製造し、自動車・建設機械メーカーに販売している。",
        founded=1934, sales=214660, growth=(-26, 41), margin=(54, 47, 58), equity=471, staff=3318, capital=15700,
    ),
    _company(
        8, "61790", "霧ヶ原精機株式会社", "Kirigahara Precision Machinery Co., Ltd.",
        "キリガハラセイキカブシキガイシャ", "機械", "長野県諏訪市霧ヶ原六丁目１５番２号",
        "小型旋盤と自動搬送装置を開発・製造し、国内外の部品加工業者に販売している。",
        founded=1948, sales=76540, growth=(49, 64), margin=(83, 79, 92), equity=574, staff=1894, capital=5330,
    ),
    _company(
        9, "66490", "星屑電子株式会社", "Hoshikuzu Electronics Co., Ltd.", "ホシクズデンシカブシキガイシャ", "電気機器",
        "京都府京都市南区星屑町３０番地",
        "産業機器向けの電源モジュールと車載用の磁気センサーを製造販売している。",
        founded=1971, sales=98120, growth=(-34, -81), margin=(37, 11, -43), equity=437, staff=2852, capital=8210,
    ),
    _company(
        10, "72890", "翔鶴モビリティ株式会社", "Shokaku Mobility Corporation",
        "ショウカクモビリティカブシキガイシャ", "輸送用機器", "愛知県豊田市翔鶴町八丁目８番８号",
        "自動車用の電動ブレーキ部品と座席骨格部品を完成車メーカーに供給している。",
        founded=1953, sales=402310, growth=(66, 27), margin=(44, 51, 46), equity=509, staff=9120, capital=21400,
    ),
    _company(
        11, "77970", "月影オプティクス株式会社", "Tsukikage Optics Inc.", "ツキカゲオプティクスカブシキガイシャ",
        "精密機器", "東京都八王子市月影台二丁目６番１０号",
        "検査装置用の対物レンズと内視鏡用の光学ユニットを製造販売している。",
        founded=1967, sales=33_418_620, growth=(93, 74), margin=(127, 133, 141), equity=662, staff=968,
        capital=2_318_000, unit=THOUSAND, last_month=12,
    ),
    _company(
        12, "95490", "灯台島ガス株式会社", "Todaijima Gas Co., Ltd.", "トウダイジマガスカブシキガイシャ", "電気・ガス業",
        "長崎県佐世保市灯台島町一番２０号",
        "県北地域に都市ガスを供給し、再生可能エネルギーによる発電と電力小売も営んでいる。",
        founded=1924, sales=57830, growth=(-41, 18), margin=(52, 61, 57), equity=533, staff=807, capital=4790,
    ),
    _company(
        13, "90890", "雲居急行電鉄株式会社", "Kumoi Express Railway Co., Ltd.",
        "クモイキュウコウデンテツカブシキガイシャ", "陸運業", "兵庫県三田市雲居駅前町１番１号",
        "鉄道・路線バスの運行と、沿線の商業施設の賃貸を行っている。",
        founded=1921, sales=119_640, growth=(45, 31), margin=(98, 107, 111), equity=318, staff=4205,
        capital=18300, sales_name="営業収益",
    ),
    _company(
        14, "91390", "蒼波汽船株式会社", "Soha Steamship Co., Ltd.", "ソウハキセンカブシキガイシャ", "海運業",
        "神奈川県横浜市中区蒼波埠頭３番７号",
        "ばら積み船による穀物・石炭の外航輸送と、内航の自動車輸送を行っている。",
        founded=1919, sales=88_275, growth=(-58, 77), margin=(131, 84, 97), equity=492, staff=1042, capital=7650,
    ),
    _company(
        15, "39990", "木霊システムズ株式会社", "Kodama Systems Corporation", "コダマシステムズカブシキガイシャ",
        "情報・通信業", "東京都品川区木霊坂一丁目１４番３号",
        "地域金融機関向けの勘定系システムの開発・運用と、受発注のクラウドサービスを提供している。",
        founded=1978, sales=145_390, growth=(54, 69), margin=(89, 95, 102), equity=588, staff=6734, capital=9460,
    ),
    _company(
        16, "599A0", "株式会社文月ネットワークス", "Fumizuki Networks Inc.", "カブシキガイシャフミヅキネットワークス",
        "情報・通信業", "福岡県福岡市博多区文月町４番１２号",
        "中小企業向けの電子契約サービスと経費精算ソフトウェアを月額課金で提供している。",
        founded=2014, sales=4_126_870, growth=(284, 237), margin=(18, 47, 83), equity=624, staff=212,
        capital=735_000, unit=THOUSAND,
    ),
    _company(
        17, "80990", "万葉トレーディング株式会社", "Manyo Trading Co., Ltd.",
        "マンヨウトレーディングカブシキガイシャ", "卸売業", "大阪府大阪市中央区万葉橋筋二丁目９番４号",
        "工業用ゴム・樹脂原料の輸出入と、食品包装資材の国内卸売を行っている。",
        founded=1949, sales=311_250, growth=(32, 46), margin=(19, 21, 24), equity=394, staff=1467, capital=6980,
    ),
    _company(
        18, "27390", "株式会社七草マート", "Nanakusa Mart Co., Ltd.", "カブシキガイシャナナクサマート", "小売業",
        "埼玉県川越市七草町一丁目２２番地",
        "関東北部で食品スーパーマーケットを展開し、移動販売とネットスーパーも運営している。",
        founded=1966, sales=189_710, growth=(39, 28), margin=(23, 26, 25), equity=446, staff=3077, capital=5110,
    ),
    _company(
        19, "86390", "銀嶺証券株式会社", "Ginrei Securities Co., Ltd.", "ギンレイショウケンカブシキガイシャ",
        "証券、商品先物取引業", "東京都中央区銀嶺町五番６号",
        "北陸・信越地方の個人を主な顧客とし、株式・投資信託の販売と資産形成の助言を行っている。",
        founded=1944, sales=27_480, growth=(83, -37), margin=(164, 201, 172), equity=353, staff=881,
        capital=10500, sales_name="営業収益",
    ),
    _company(
        20, "84400", "常夜灯リース株式会社", "Joyato Leasing Co., Ltd.", "ジョウヤトウリースカブシキガイシャ",
        "その他金融業", "静岡県浜松市中央区常夜灯町７番３号",
        "工作機械・医療機器のリースと割賦販売、太陽光発電設備への融資を行っている。",
        founded=1973, sales=64_190, growth=(27, 38), margin=(67, 71, 74), equity=164, staff=563, capital=4020,
    ),
    _company(
        21, "89590", "陽炎地所株式会社", "Kagero Estate Co., Ltd.", "カゲロウジショカブシキガイシャ", "不動産業",
        "千葉県柏市陽炎の森二丁目１番５号",
        "首都圏の駅前再開発とオフィスビルの賃貸、分譲マンションの販売を行っている。",
        founded=1960, sales=73_865, growth=(61, 84), margin=(143, 151, 158), equity=287, staff=654, capital=8840,
    ),
    _company(
        22, "97300", "鈴懸スタッフィング株式会社", "Suzukake Staffing Inc.",
        "スズカケスタッフィングカブシキガイシャ", "サービス業", "愛知県名古屋市中村区鈴懸通１０番２号",
        "製造業と物流業への人材派遣、介護職の紹介と研修を行っている。",
        founded=1988, sales=52_370, growth=(76, 55), margin=(34, 33, 38), equity=407, staff=1519, capital=1280,
    ),
    _company(
        23, "93890", "汽笛倉庫株式会社", "Kiteki Warehouse Co., Ltd.", "キテキソウコカブシキガイシャ",
        "倉庫・運輸関連", "兵庫県神戸市灘区汽笛浜１番４号",
        "定温倉庫での食品の保管と、輸入青果の通関・配送を一貫して請け負っている。",
        founded=1926, sales=18_964_480, growth=(21, 47), margin=(63, 68, 72), equity=541, staff=436,
        capital=2_060_000, unit=THOUSAND,
    ),
    _company(
        24, "78890", "千代紙玩具株式会社", "Chiyogami Toys Co., Ltd.", "チヨガミガングカブシキガイシャ",
        "その他製品", "東京都台東区千代紙町３丁目５番８号",
        "知育玩具とカードゲームを企画・製造し、海外にも販売している。",
        founded=1957, sales=9_873_140, growth=(102, 67), margin=(71, 86, 94), equity=597, staff=318,
        capital=612_000, unit=THOUSAND, last_month=12,
    ),
)  # fmt: skip
