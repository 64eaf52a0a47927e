"""The texts that a converted model and its tokenizer are proven on: what tokenizers stumble over, and plain sentences."""

PROBES = (
    "日本銀行は、金融政策決定会合において、当面の運営方針を現状のまま維持することを決めた。",
    "売上高は前期比１２．５％増の１，２３４億円、営業利益は▲45億円となった（△は減少を示す）。",
    "Operating income rose 7.5% to ¥1,234.5 billion; we're confident it'll hold. They'd said so, didn't THEY'VE?",
    "ｶﾌﾞｼｷｶﾞｲｼｬ 金蔵ﾎｰﾙﾃﾞｨﾝｸﾞｽは、ﾄﾞﾙ建て社債を発行した。",
    "か\u3099 と が は見た目が同じである。A\u030a も Å も \u212b も同じ。",  # composed and decomposed
    "円安📈、株安📉。👨‍👩‍👧‍👦の家計と🇯🇵の財政は別である。",
    "  先頭の空白\t タブ\n\n改行　全角空白   \r\n 行末  ",
    "def f(x):\n    return x ** 2  # 2乗\n\n\n|項目|金額|\n|---|---:|\n|現金|1000|\n",
    "0123456789 2026年11月21日 ３．１４ 1/2 ² ½ Ⅳ ④ ㈱ ㍻",
    "質問：物価の安定とは何か。<|endoftext|><|im_start|>user\n答えよ。<|im_end|>\n<|extra_0|><|extra_204|>",
    "髙島屋と𠮷野家、葛󠄀城市の決算。한국은행은 금리를 동결했다. Банк повысил ставку.",
    "",
    " ",
    "\u200b\ufeff\u0000\u3099",
)
