// The document browser: filters a list, and shows a document beside what it was made from and what was made of it.
// Everything from a version is inserted as text, never as markup; nothing is asked of any other place.
"use strict";
(() => {
  const PAGE = 50, SOURCES = 4, DERIVED = 12, LEAD = 300;
  const held = new Map(), asked = new Map();
  window.kanagura = { put: (name, text) => held.set(name, JSON.parse(text)) };

  // Rows of the index, as written by datacards/site/data.py.
  const ID = 0, TITLE = 1, SECTION = 2, LANGUAGE = 3, FORMAT = 4, SOURCE = 5, LICENSE = 6, COMPANIES = 7, DAY = 8,
    OPEN = 9, CHUNK = 10, VERSION = 11, WHY = 12;
  const FILTERS = ["q", "format", "source", "company", "from", "to"];
  const at = (id) => document.getElementById(id);
  let index, words, matches = [], state = {}, drawn = 0, page = 1;

  const element = (name, attributes, ...inner) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value !== "" && value !== null && value !== undefined) made.setAttribute(key, value);
    }
    made.append(...inner.filter((one) => one !== null && one !== ""));
    return made;
  };
  const said = (text, language) => element("bdi", { lang: /^[A-Za-z]{2,3}(-[A-Za-z0-9]+)*$/.test(language) ? language : "" }, text);
  const number = (value) => value.toLocaleString("en-US");
  const plain = (text) => text.normalize("NFKC").toLowerCase();

  // A file:// page may load scripts, but not fetch: the data registers itself.
  const load = (name) => {
    if (!asked.has(name)) {
      asked.set(name, new Promise((done, failed) => {
        const script = element("script", { src: `data/${name}.js` });
        script.onload = () => (held.has(name) ? done(held.get(name)) : failed(new Error(name)));
        script.onerror = () => failed(new Error(name));
        document.head.append(script);
      }));
    }
    return asked.get(name);
  };
  const record = async (row) => (await load(`texts-${String(index.rows[row][CHUNK]).padStart(4, "0")}`))[row];

  // -- what is asked, kept in the address so that it can be linked and gone back to ----------------------------------
  const address = (changes) => {
    const said = new URLSearchParams();
    for (const [key, value] of Object.entries({ ...state, ...changes })) if (value) said.set(key, value);
    return `#${said}`;
  };
  const read = () => Object.fromEntries([...FILTERS, "page", "d"].map((key) => [key, new URLSearchParams(location.hash.slice(1)).get(key) || ""]));

  const companyName = (place) => {
    const [code, name] = index.companies[place];
    return name && name !== code ? `${name} (${code})` : code;
  };

  const match = () => {
    const terms = plain(state.q).split(/\s+/).filter(Boolean);
    const form = index.formats.indexOf(state.format), source = index.sources.indexOf(state.source);
    const company = index.companies.findIndex(([code]) => code === state.company);
    matches = index.rows.map((_, row) => row).filter((place) => {
      const row = index.rows[place];
      return !row[VERSION] && (!state.format || row[FORMAT] === form) && (!state.source || row[SOURCE] === source)
        && (!state.company || row[COMPANIES].includes(company)) && (!state.from || row[DAY] >= state.from)
        && (!state.to || (row[DAY] && row[DAY] <= state.to)) && terms.every((term) => words[place].includes(term));
    });
  };

  const summary = (row) => {
    const parts = [index.formats[row[FORMAT]], index.sources[row[SOURCE]], row[DAY], row[OPEN] ? "" : "pointer only"].filter(Boolean);
    return element("span", { class: row[OPEN] ? "about" : "about closed" }, ...parts.flatMap((part, place) => [place ? " · " : "", element("span", {}, part)]));
  };

  const list = () => {
    const pages = Math.max(1, Math.ceil(matches.length / PAGE));
    const of = state.d ? matches.findIndex((place) => index.rows[place][ID] === state.d) : 0;
    page = Math.min(Math.max(1, Number(state.page) || Math.floor(Math.max(of, 0) / PAGE) + 1), pages);
    at("count").textContent = `${number(matches.length)} of ${number(words.listed)} documents`;
    at("page").textContent = `Page ${number(page)} of ${number(pages)}`;
    at("pages").hidden = pages === 1;
    at("previous").disabled = page === 1;
    at("next").disabled = page === pages;
    at("list").start = (page - 1) * PAGE + 1;
    at("list").replaceChildren(...matches.slice((page - 1) * PAGE, page * PAGE).map((place) => {
      const row = index.rows[place], current = state.d === row[ID];
      const link = element("a", { href: address({ d: row[ID], page: "" }), "aria-current": current ? "true" : "" }, said(row[TITLE] || row[ID], row[LANGUAGE]));
      const parts = [link];
      if (row[SECTION] && row[SECTION] !== row[TITLE]) parts.push(element("span", { class: "section" }, said(row[SECTION], row[LANGUAGE])));
      parts.push(summary(row));
      return element("li", {}, ...parts);
    }));
    const current = at("list").querySelector("[aria-current]");
    if (current) at("results").scrollTop = current.offsetTop - 120; // both are measured in the box that scrolls
  };

  // -- one document --------------------------------------------------------------------------------------------------
  // Spans count characters as Unicode does; a JavaScript string counts some of them twice.
  const text = (found, language, marks, label) => {
    const box = element("div", { class: "text", tabindex: "0", role: "region", "aria-label": label, dir: "auto" });
    if (/^[A-Za-z-]{2,12}$/.test(language)) box.lang = language;
    let last = 0;
    for (const [start, piece] of found.pieces) {
      if (start > last) box.append(left(start - last));
      const signs = Array.from(piece), end = start + signs.length;
      const inside = marks.filter((mark) => mark[1] > start && mark[0] < end && mark[1] > mark[0]);
      const cuts = new Set([start, end]);
      for (const [low, high] of inside) cuts.add(Math.max(low, start)).add(Math.min(high, end));
      const ordered = [...cuts].sort((a, b) => a - b);
      for (let n = 0; n + 1 < ordered.length; n += 1) {
        const part = signs.slice(ordered[n] - start, ordered[n + 1] - start).join("");
        const owners = inside.filter((mark) => mark[0] <= ordered[n] && mark[1] >= ordered[n + 1]).map((mark) => mark[2]);
        const made = owners.length ? element("mark", {}, part) : document.createTextNode(part);
        if (owners.length) made.owners = owners;
        box.append(made);
      }
      last = end;
    }
    if (last < found.chars) box.append(left(found.chars - last));
    return box;
  };
  const left = (count) => element("span", { class: "cut" }, `… ${number(count)} characters are not shown …`);

  const heading = (level, words, id) => element(`h${level}`, { id: id || "" }, words);
  const pointer = (row, found) => element("div", { class: "pointer" },
    element("p", {}, element("strong", {}, "Its text is not shown. "), `${index.reasons[row[WHY]] || "The version holds no text of it"}.`),
    found.url ? element("p", {}, "Read it where it was published: ", outside(found.url)) : "");
  const outside = (url) => (/^https?:\/\//.test(url) ? element("a", { href: url, rel: "noreferrer" }, url) : document.createTextNode(url));

  const facts = (row, found) => {
    const [published, event, captured] = found.dates;
    const pairs = [
      ["format", index.formats[row[FORMAT]]], ["source", index.sources[row[SOURCE]]], ["language", row[LANGUAGE]],
      ["company", row[COMPANIES].slice(0, 6).map(companyName).join(", ") + (row[COMPANIES].length > 6 ? `, and ${row[COMPANIES].length - 6} more` : "")],
      ["published", published], ["of", event], ["available from", row[DAY]], ["captured", captured],
      ["characters", number(found.chars)], ["stands for", found.cluster > 1 ? `${number(found.cluster)} near-duplicates` : ""],
      ["version", index.versions[row[VERSION]]],
    ];
    return element("dl", { class: "facts" }, ...pairs.filter(([, value]) => value)
      .map(([key, value]) => element("div", {}, element("dt", {}, key), element("dd", {}, said(value, "")))));
  };

  const rights = (row, found) => element("section", { class: "rights", "aria-labelledby": "rights" }, heading(3, "Rights", "rights"),
    element("p", {}, element("strong", {}, index.licenses[row[LICENSE]] || "no license"), " · ",
      row[WHY] && index.reasons[row[WHY]] ? `its text may not be given to others: ${index.reasons[row[WHY]]}` : "its text may be given to others with this line:"),
    ...(found.attribution ? found.attribution.split("\n").slice(0, 12).map((line) => element("p", { class: "attribution" }, said(line, "ja"))) : []),
    element("p", { class: "soft" }, outside(found.url)));

  const more = (row, found) => element("details", {}, element("summary", {}, "Identity and metadata"),
    element("dl", { class: "facts" }, ...[["id", row[ID]], ["SHA-256 of the text", found.sha256], ...found.meta].filter(([, value]) => value)
      .map(([key, value]) => element("div", {}, element("dt", {}, key), element("dd", {}, said(value, ""))))));

  const grouped = (spans) => {
    const by = new Map();
    for (const [row, id, start, end] of spans) {
      if (!by.has(id)) by.set(id, { row, spans: [] });
      by.get(id).spans.push([start, end, 0]);
    }
    return by;
  };

  const source = async (id, { row, spans }, found) => {
    if (id.startsWith("sha256:")) {
      return element("article", { class: "source" }, heading(4, "What was captured"), element("p", {}, outside(found.url)),
        element("p", {}, element("code", {}, id)));
    }
    if (row < 0) return element("article", { class: "source" }, heading(4, "A document that is not among those shown"), element("p", {}, element("code", {}, id)));
    const parent = index.rows[row], its = await record(row);
    const title = element("h4", {}, element("a", { href: address({ d: id, page: "" }) }, said(parent[TITLE] || id, parent[LANGUAGE])));
    const body = parent[OPEN] ? text(its, parent[LANGUAGE], spans, "Text of the source, what was used of it marked") : pointer(parent, its);
    return element("article", { class: "source" }, title, element("p", {}, summary(parent)), body);
  };

  const sources = async (found) => {
    const by = [...grouped(found.parents)], shown = by.slice(0, SOURCES);
    const made = await Promise.all(shown.map(([id, one]) => source(id, one, found)));
    const rest = by.length > SOURCES ? [element("p", { class: "soft" }, `and ${number(by.length - SOURCES)} more sources`)] : [];
    return made.length ? [element("section", { "aria-labelledby": "sources" }, heading(3, "Made from", "sources"), ...made, ...rest)] : [];
  };

  const lead = (found) => {
    const signs = Array.from(found.pieces[0][1]);
    return signs.length > LEAD ? `${signs.slice(0, LEAD).join("")} …` : signs.join("");
  };

  const child = async (row, box) => {
    const its = index.rows[row], found = await record(row);
    const top = element("p", { class: "about" }, element("span", { class: "badge" }, index.formats[its[FORMAT]]), " ",
      element("a", { href: address({ d: its[ID], page: "" }) }, said(its[SECTION] || its[TITLE] || its[ID], its[LANGUAGE])));
    const made = element("article", { class: "derived" }, top,
      its[OPEN] ? element("div", { class: "said", lang: "ja", dir: "auto" }, lead(found)) : pointer(its, {}));
    if (box && box.querySelector("mark")) {
      const show = element("button", { type: "button" }, "Show in the text");
      show.addEventListener("click", () => light(box, row, true));
      made.append(show);
      for (const name of ["focusin", "mouseenter"]) made.addEventListener(name, () => light(box, row, false));
    }
    return made;
  };

  const light = (box, row, scroll) => {
    let first = null;
    for (const mark of box.querySelectorAll("mark")) {
      const mine = mark.owners.includes(row);
      mark.classList.toggle("lit", mine);
      if (mine && !first) first = mark;
    }
    if (scroll && first) first.scrollIntoView({ block: "center" });
  };

  const children = async (found, box) => {
    const rows = [...new Set(found.children.map(([row]) => row))];
    if (!rows.length) return [];
    const section = element("section", { "aria-labelledby": "derived" }, heading(3, `Made of it: ${number(rows.length)}`, "derived"));
    const button = element("button", { type: "button", class: "wider" });
    const add = async (focus) => {
      const next = await Promise.all(rows.splice(0, DERIVED).map((row) => child(row, box)));
      button.before(...next);
      button.hidden = !rows.length;
      button.textContent = `Show ${number(Math.min(DERIVED, rows.length))} more`;
      if (focus) next[0].querySelector("a").focus();
    };
    section.append(button);
    button.addEventListener("click", () => add(true));
    await add(false);
    return [section];
  };

  const neighbors = (row) => {
    const place = matches.indexOf(row), links = [];
    if (place > 0) links.push(element("a", { href: address({ d: index.rows[matches[place - 1]][ID], page: "" }) }, "← Previous document"));
    if (place >= 0 && place + 1 < matches.length) links.push(element("a", { href: address({ d: index.rows[matches[place + 1]][ID], page: "" }) }, "Next document →"));
    return element("nav", { "aria-label": "Neighbors", class: "neighbors" }, element("a", { href: address({ d: "", page: page > 1 ? String(page) : "" }), class: "back" }, "Back to the results"), ...links);
  };

  const open = async (row) => {
    const its = index.rows[row], mine = (drawn += 1), found = await record(row);
    const title = element("h2", { tabindex: "-1", id: "title" }, said(its[TITLE] || its[ID], its[LANGUAGE]));
    const marks = found.children.map(([place, start, end]) => [start, end, place]);
    const box = its[OPEN] ? text(found, its[LANGUAGE], marks, "Text of the document") : null;
    const beside = [...await sources(found), ...await children(found, box)];
    if (mine !== drawn) return; // another document was chosen meanwhile
    at("document").replaceChildren(neighbors(row), title,
      its[SECTION] && its[SECTION] !== its[TITLE] ? element("p", { class: "section" }, said(its[SECTION], its[LANGUAGE])) : "", facts(its, found), rights(its, found),
      element("div", { class: beside.length ? "sides" : "" },
        element("section", { class: "own", "aria-labelledby": "text" }, heading(3, "Text", "text"), box || pointer(its, found)),
        element("div", {}, ...beside)),
      more(its, found));
    for (const region of at("document").querySelectorAll(".source .text")) {
      const first = region.querySelector("mark");
      if (first) region.scrollTop = first.offsetTop - 80;
    }
    document.title = `${its[TITLE] || its[ID]} · Documents of ${index.version}`;
    title.focus();
  };

  const show = (before) => {
    const row = state.d ? index.rows.findIndex((one) => one[ID] === state.d) : -1;
    at("browser").classList.toggle("open", row >= 0);
    if (row >= 0) return open(row).catch(trouble);
    drawn += 1;
    at("document").replaceChildren();
    document.title = `Documents of ${index.version} · Kanagura`;
    if (before) {
      const was = [...at("list").querySelectorAll("a")].find((link) => link.hash.includes(`d=${encodeURIComponent(before)}`));
      (was || at("results-head")).focus();
    }
    return null;
  };

  const follow = () => {
    const before = state;
    state = read();
    for (const name of FILTERS) if (at(name).value !== state[name]) at(name).value = state[name];
    match();
    list();
    if (before.d !== state.d) show(before.d);
  };
  const change = () => {
    state = { ...state, ...Object.fromEntries(FILTERS.map((name) => [name, at(name).value])), page: "" };
    history.replaceState(null, "", address({}));
    match();
    list();
  };
  const turn = (by) => {
    location.hash = address({ page: String(page + by) });
    at("results-head").focus();
  };

  const options = (id, values, column) => {
    const counts = new Map();
    for (const row of index.rows) if (!row[VERSION]) for (const one of [row[column]].flat()) counts.set(one, (counts.get(one) || 0) + 1);
    const made = values.map(([value, label], place) => [value, label, counts.get(place) || 0]).filter(([, , count]) => count);
    if (id === "company") made.sort((a, b) => a[1].localeCompare(b[1], "ja"));
    at(id).append(...made.map(([value, label, count]) => element("option", { value }, `${label} (${number(count)})`)));
  };

  const trouble = () => { at("trouble").textContent = "The data of this page cannot be loaded: the folder data beside it is missing or damaged."; };

  const start = (found) => {
    index = found;
    words = index.rows.map((row) => plain(`${row[TITLE]} ${row[SECTION]}`));
    words.listed = index.rows.filter((row) => !row[VERSION]).length;
    options("format", index.formats.map((name) => [name, name]), FORMAT);
    options("source", index.sources.map((name) => [name, name]), SOURCE);
    options("company", index.companies.map(([code], place) => [code, companyName(place)]), COMPANIES);
    at("browser").hidden = false;
    at("filters").addEventListener("input", change);
    at("filters").addEventListener("reset", () => setTimeout(change));
    at("filters").addEventListener("submit", (event) => event.preventDefault());
    at("previous").addEventListener("click", () => turn(-1));
    at("next").addEventListener("click", () => turn(1));
    window.addEventListener("hashchange", follow);
    follow();
  };

  if (at("browser")) load("index").then(start).catch(trouble);
})();
