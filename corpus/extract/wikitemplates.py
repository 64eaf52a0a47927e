"""Templates of the Japanese Wikipedia -> the words that a reader sees: kept by a table, all others dropped.

The rule: a template that shows words inside a sentence keeps them (``_SHOWN``, ``_WRITTEN``); 基礎情報 boxes, whose
parameters are named in words for readers, become a list of ``name: value``; everything else (notes, warnings,
navigation, boxes with machine names, computed values) is dropped.
"""

import re
from collections.abc import Callable

#: Templates that show one of their arguments: name in lower case -> which argument.
_SHOWN = {
    **dict.fromkeys(("lang", "lang2", "transl", "unicode2", "color", "font color", "色", "fontcolor", "文字色", "background color", "langwithname", "rtl-langwithname", "rtl-lang", "legend", "legend0"), -1),
    **dict.fromkeys(
        (
            "nowrap", "nobr", "small", "smaller", "big", "larger", "要出典範囲", "要検証範囲", "いつ範囲", "誰範囲2", "要出典箇所",
            "ruby", "ruby-ja", "ルビ", "ふりがな", "underline", "下線", "strong", "em", "sub", "sup", "abbr", "tooltip", "補助漢字フォント",
            "jis2004フォント", "jis90フォント", "cjkv", "unicode", "math", "mvar", "color2", "vanchor", "anchors2", "visible anchor", "quote", "quotation",
            "cquote", "blockquote", "引用", "ill", "ill2", "仮リンク", "日本語版にない記事リンク", "link-interwiki", "flag", "flagu", "旗", "nihongo",
            "要説明範囲", "refnest範囲", "highlight", "plainlist", "unbulleted list", "hlist", "indent", "resize", "ipa", "ipa2", "ipa-fr", "lang-ja-short", "columns-list", "下げ核", "高線", "記号文字",
        ),
        1,
    ),
}  # fmt: skip
_READINGS = ("読み仮名", "読み仮名 ruby不使用", "読みがな")
_LINKS = ("仮リンク", "日本語版にない記事リンク", "link-interwiki")
_COUNTRIES = {
    "jpn": "日本", "usa": "アメリカ合衆国", "gbr": "イギリス", "fra": "フランス", "deu": "ドイツ", "ger": "ドイツ", "chn": "中華人民共和国", "prc": "中華人民共和国",
    "kor": "大韓民国", "twn": "中華民国", "ita": "イタリア", "can": "カナダ", "ind": "インド", "rus": "ロシア", "che": "スイス", "sui": "スイス", "hkg": "香港",
    "sgp": "シンガポール", "sin": "シンガポール", "aus": "オーストラリア", "bra": "ブラジル", "eur": "欧州連合", "eu": "欧州連合",
}  # fmt: skip
#: Characters that are written as templates where they would mean something to the wiki.
_SIGNS = {
    "=": "=",
    "!": "|",
    "!!": "||",
    "(": "{",
    ")": "}",
    "'": "'",
    "・": "・",
    "·": "・",
    "spaces": " ",
    "nbsp": " ",
    "円": "円",
}
_NO_FACTS = re.compile(
    r"画像|写真|ロゴ|地図|色|サイズ|幅|位置|注釈|脚注|備考の|特記事項|外部リンク|ウェブサイト|サイト|url|image|logo|size|color|caption|map|width|style|website|homepage|alt|ref",
    re.IGNORECASE,
)
_NAMED = re.compile(r"^\s*([^\s=<>\[\]{}|'\"/][^=<>\[\]{}|\"]{0,30}?)\s*=(.*)$", re.DOTALL)


def shown(inside: str) -> str:
    """Return what a reader sees of ``{{inside}}``, nested templates already resolved; "" for most."""
    name, *arguments = (part.strip() for part in inside.split("|"))
    name = name.replace("_", " ").strip()
    if name.startswith("基礎情報"):
        return _facts(arguments)
    lower = name.lower()
    if lower in _SIGNS and not arguments:
        return _SIGNS[lower]
    if lower.startswith("formatnum:"):
        return name.partition(":")[2].strip()
    return _of_words(lower, *_parted(arguments))


def _of_words(lower: str, plain: list[str], named: dict[str, str]) -> str:
    """Return the words of a template by its name in lower case."""
    if lower in _LINKS and named.get("label"):
        return named["label"]
    if lower in _READINGS and len(plain) > 1:
        return f"{plain[0]}（{plain[1]}）"
    if lower in _WRITTEN and plain:
        return _WRITTEN[lower](plain, named)
    if lower in _SHOWN and plain:
        return plain[_SHOWN[lower]] if _SHOWN[lower] < 0 else plain[0]
    return _COUNTRIES.get(lower, "")


def _parted(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the arguments by place and by name; ``1=word`` is one by place."""
    plain: list[str] = []
    named: dict[str, str] = {}
    for argument in arguments:
        found = _NAMED.match(argument) if "=" in argument[:40] else None
        if found and not found[1].isdigit():
            named[found[1].lower()] = found[2].strip()
        else:
            plain.append(found[2].strip() if found else argument)
    return plain, named


def _facts(arguments: list[str]) -> str:
    """Return the filled parameters of a box as lines of a list."""
    lines = []
    for argument in arguments:
        found = _NAMED.match(argument)
        if not found or _NO_FACTS.search(found[1]):
            continue
        value = "、".join(
            part.strip(" *#:;、\u3000")
            for part in re.split(r"\n|<br\s*/?>", found[2])
            if part.strip(" *#:;、\u3000")
        )
        if value:
            lines.append(f"* {found[1].strip()}: {value}")
    return "\n" + "\n".join(lines) + "\n" if lines else ""


def _fraction(plain: list[str], _named: dict[str, str]) -> str:
    if len(plain) == 1:
        return f"1/{plain[0]}"
    whole = f"{plain[0]} " if len(plain) > 2 else ""
    return f"{whole}{plain[-2]}/{plain[-1]}"


def _measured(plain: list[str], named: dict[str, str]) -> str:
    """Return a value as given with its unit: what a template converts it into is not computed."""
    unit = named.get("u") or named.get("ul") or named.get("unit") or ""
    return plain[0] + (f" {unit}" if unit else "")


def _converted(plain: list[str], _named: dict[str, str]) -> str:
    return " ".join(plain[:2])


def _money(plain: list[str], _named: dict[str, str]) -> str:
    return f"{plain[0]}円"


def _joined(plain: list[str], _named: dict[str, str]) -> str:
    return " ".join(part for part in plain[:2] if part)


_WRITTEN: dict[str, Callable[[list[str], dict[str, str]], str]] = {
    **dict.fromkeys(("sfrac", "frac", "分数", "fraction"), _fraction),
    **dict.fromkeys(("val", "num"), _measured),
    **dict.fromkeys(("convert", "cvt", "換算"), _converted),
    **dict.fromkeys(("jpy", "円", "yen"), _money),
    "上場情報": _joined,
}
