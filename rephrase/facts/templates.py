"""The wordings of every kind of question; which one a question gets follows from its key."""

from collections.abc import Mapping


def _every(stems: tuple[str, ...], endings: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(stem + ending for stem in stems for ending in endings)


_OF_COMPANY = (
    "{subject}の{period}の{label}", "{period}における{subject}の{label}",
    "{subject}が開示した{period}の{label}", "開示資料に記載された、{subject}の{period}の{label}",
)  # fmt: skip
_CHANGE = (
    "{subject}の{period}の{label}は、{before}と比べて", "{subject}の{label}は、{before}から{period}にかけて",
    "{before}と{period}を比較すると、{subject}の{label}は", "{period}の{subject}の{label}は、{before}に比べて",
)  # fmt: skip
_RATIO = (
    "{subject}の{period}の{label}は、{whole}に対して", "{period}における{subject}の{whole}に対する{label}の割合は",
    "{subject}の{period}の{label}を{whole}で割った割合は", "{period}の{subject}について、{label}の{whole}に対する比率は",
)  # fmt: skip
_TENTH = "四捨五入して小数点以下一桁まで"


def _quoted(name: str) -> tuple[str, ...]:
    """Return the ways to begin a question about a stretch of a document, which stands in the line above."""
    return tuple(f"「{{{name}}}」\n{front}" for front in _TEXT)


_TEXT = ("{about}によると、", "{about}の記載では、", "{about}を踏まえると、", "{about}の中で、")

TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "amount": _every(
        _OF_COMPANY,
        ("はいくらですか。", "はいくらでしたか。", "を答えてください。", "の金額を教えてください。"),
    ),
    "count": _every(
        _OF_COMPANY,
        ("は何{counter}ですか。", "は何{counter}でしたか。", "を答えてください。", "は何{counter}と記載されていますか。"),
    ),
    "difference": _every(
        _CHANGE,
        (
            "いくら増減しましたか。減少はマイナスで答えてください。", "どれだけ増減しましたか。減った場合はマイナスを付けて答えてください。",
            "どの程度変動しましたか。減少であればマイナスを付けて答えてください。", "差がどれだけありますか。減少の場合はマイナスとして答えてください。",
        ),
    ),
    "growth": _every(
        _CHANGE,
        (
            f"何％増減しましたか。減少はマイナスで、{_TENTH}答えてください。", f"何％変化しましたか。減少はマイナスとし、{_TENTH}求めてください。",
            f"どのような増減率になりますか。減少はマイナスで、{_TENTH}計算してください。",
            f"どれだけの割合で増減しましたか。減少はマイナスとして、％で{_TENTH}答えてください。",
        ),
    ),
    "ratio": _every(
        _RATIO,
        (
            f"何％ですか。{_TENTH}答えてください。", f"何パーセントですか。{_TENTH}求めてください。",
            f"何％に当たりますか。{_TENTH}計算してください。", f"何％になりますか。{_TENTH}計算してください。",
        ),
    ),
    "definition": (
        *_every(
            ("「{subject}」とは", "用語「{subject}」とは", "「{subject}」という用語は"),
            ("何ですか。", "どのようなものですか。", "どういう意味ですか。", "何を指しますか。"),
        ),
        "「{subject}」の意味を説明してください。", "「{subject}」について説明してください。",
        "「{subject}」の定義を答えてください。", "「{subject}」という言葉の意味を教えてください。",
    ),
    "headword": _every(
        ("次の説明に当てはまる", "次のように説明される", "以下の説明が表す", "次の意味をもつ"),
        ("用語はどれですか。\n{value}", "用語は何ですか。\n{value}", "用語を答えてください。\n{value}", "言葉は何ですか。\n{value}"),
    ),
    "english": _every(
        ("「{subject}」", "勘定科目「{subject}」", "財務諸表の項目「{subject}」", "開示項目「{subject}」"),
        ("は英語で何といいますか。", "の英語表記を答えてください。", "を英語で表すとどうなりますか。", "に当たる英語は何ですか。"),
    ),
    "from_english": _every(
        ("財務諸表の英語版で「{value}」と表される項目", "英語による開示資料に「{value}」と書かれる項目", "英文の財務書類で用いられる「{value}」という語", "英語の名称が「{value}」である財務諸表の項目"),
        ("は、日本語では何といいますか。", "の日本語での名称を答えてください。", "は、日本語ではどのように表しますか。", "の日本語における呼び名は何ですか。"),
    ),
    "reading": _every(
        ("「{subject}」", "用語「{subject}」", "「{subject}」という言葉", "金融で使われる「{subject}」"),
        ("の読み方を答えてください。", "はどう読みますか。", "の読みは何ですか。", "を仮名で書くとどうなりますか。"),
    ),
    "code": _every(
        ("{subject}", "上場会社である{subject}", "上場企業の{subject}", "株式を上場している{subject}"),
        ("の証券コードは何ですか。", "の証券コードを答えてください。", "の証券コードはいくつですか。", "に付けられた証券コードを教えてください。"),
    ),
    "from_code": _every(
        ("証券コード{value}の", "証券コードが{value}である", "証券コード「{value}」に対応する", "{value}という証券コードをもつ"),
        ("会社はどこですか。", "会社名を答えてください。", "上場会社は何という会社ですか。", "企業の名称を教えてください。"),
    ),
    "industry": _every(
        ("{subject}", "上場会社である{subject}", "上場企業の{subject}", "株式を上場している{subject}"),
        ("の業種は何ですか。", "はどの業種に属しますか。", "の業種を答えてください。", "はどの業種に分類されていますか。"),
    ),
    "from_industry": _every(
        ("業種が「{value}」の", "「{value}」に属する", "業種が{value}に分類されている", "{value}を業種とする"),
        ("会社はどれですか。", "上場会社はどれですか。", "企業を選んでください。", "会社名として正しいものはどれですか。"),
    ),
    "code_industry": _every(
        ("証券コード{value}の会社", "証券コードが{value}の上場会社", "証券コード「{value}」の企業", "{value}という証券コードの会社"),
        ("の業種は何ですか。", "はどの業種に属しますか。", "の業種を答えてください。", "はどの業種に分類されていますか。"),
    ),
    "market": _every(
        ("{subject}", "上場会社である{subject}", "上場企業の{subject}", "株式を上場している{subject}"),
        ("の上場市場はどこですか。", "はどの市場に上場していますか。", "の市場区分を答えてください。", "が属する市場区分は何ですか。"),
    ),
    "from_market": _every(
        ("市場区分が「{value}」の", "「{value}」に上場している", "{value}に属する", "市場区分{value}に分類される"),
        ("会社はどれですか。", "上場会社はどれですか。", "企業を選んでください。", "会社名として正しいものはどれですか。"),
    ),
    "cause": _every(
        _quoted("effect"),
        (
            "このことの要因は何ですか。", "このことの理由を答えてください。",
            "これは何によるものですか。", "この背景として挙げられていることは何ですか。",
        ),
    ),
    "effect": _every(
        _quoted("cause"),
        (
            "{link}どうなりましたか。", "{link}何が起きたと述べられていますか。",
            "{link}生じた結果を答えてください。", "{link}どのような結果になったとされていますか。",
        ),
    ),
    "entailment": _every(
        _quoted("premise"),
        (
            "このことから導かれていることは何ですか。", "このことを受けて、どうであると述べられていますか。",
            "この帰結として述べられていることを答えてください。", "ここからどのような結論が示されていますか。",
        ),
    ),
    "contrast": _every(
        _quoted("premise"),
        (
            "これと対比して述べられていることは何ですか。", "これに対して、続けて何が述べられていますか。",
            "これと対照的な内容を答えてください。", "これとの対比として、どのようなことが示されていますか。",
        ),
    ),
    "paraphrase": _every(
        _quoted("premise"),
        (
            "このことは何と言い換えられていますか。", "このことは、別の言葉でどう述べられていますか。",
            "これと同じことを別の言葉で述べた内容を答えてください。", "これはつまりどういうことだと説明されていますか。",
        ),
    ),
    "abbreviation": _every(
        _TEXT,
        (
            "「{subject}」とはどの会社のことですか。", "「{subject}」と略されている会社の名称を答えてください。",
            "「{subject}」という略称が指す会社はどこですか。", "「{subject}」は何という会社を指しますか。",
        ),
    ),
    "cloze": _every(
        _quoted("gapped"),
        (
            "空欄に入る数値を答えてください。", "（　）に当てはまる数値は何ですか。",
            "空欄を埋める数値を単位とともに答えてください。", "（　）に入るのはいくつですか。",
        ),
    ),
    "heading": _every(
        _quoted("sentence"),
        (
            "この記述はどの見出しの下にありますか。", "この記述が含まれる項目の見出しを答えてください。",
            "この内容はどの見出しの項目で述べられていますか。", "これが書かれている節の見出しは何ですか。",
        ),
    ),
}  # fmt: skip
