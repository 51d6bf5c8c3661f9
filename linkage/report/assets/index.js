// The list of operators: what was read, found and left out, and where to go on.

const overview = block("overview");
const operators = overview.operators.map(([id, verdict, score, accounts, q, kinds, first, last, why, file, decision], place) =>
  ({ place, id: id || "", verdict: verdict || "unclear", score, accounts: accounts || 0, q, kinds, first, last, why, file, decision }));

function operatorLink(operator) {
  const name = operator.id ? short(operator.id, 60) : `operator ${operator.place + 1}`;
  return operator.file ? el("a", { href: operator.file }, value(name)) : value(name);
}

function headline() {
  const found = overview.found.find(([verdict]) => verdict === "sockpuppets");
  if (!operators.length) return "No operator was found.";
  if (!found) return `${count(operators.length, "operator")} ${operators.length === 1 ? "was" : "were"} found; none looks like sockpuppets.`;
  const weak = operators.filter((o) => barely(o.verdict, o.score)).length;
  const some = !weak ? "" : found[1] === 1 ? ", barely" : weak === found[1] ? ", all of them barely" : `, ${number(weak)} of them barely`;
  return `${count(found[1], "operator looks", "operators look")} like sockpuppets${some}: ${count(found[2], "account")} of ${number(overview.accounts)} (${percent(found[2], overview.accounts)}).`;
}

function indexView() {
  return [
    el("h1", { tabindex: "-1" }, "Operators behind accounts"),
    el("p", { class: "lead" }, headline()),
    el("div", { class: "cards" }, readCard(), foundCard(), chanceCard(), leftCard()),
    verdictsMeant(),
    operatorsSection(),
    mapSection(operators, overview),
    timelineSection(overview.timeline, "Sign-ups over time", "Accounts made",
      [["All accounts", "sign-up", "activity"], ["Members of sockpuppets", "sign-up", "signups"]]),
    detailsSection(),
  ];
}

function card(title, ...children) {
  return el("section", { class: "card" }, el("h2", {}, title), children);
}

function readCard() {
  return card("What was read", el("ul", {},
    overview.inputs.slice(0, 6).map(([name, , rows]) => el("li", {}, value(name), `: ${count(rows, "row")}`)),
    overview.inputs.length > 6 ? el("li", {}, `${number(overview.inputs.length - 6)} more inputs, listed below`) : null,
    el("li", {}, `${count(overview.accounts, "account")}, ${count(overview.signals, "signal")} (values that accounts can share)`)));
}

function foundCard() {
  return card("What was found", operators.length ? el("ul", {}, overview.found.map(([verdict, n, accounts]) =>
    el("li", { class: "pair" }, el("span", {}, badge(verdict || "unclear")),
      el("span", {}, `${count(n, "operator")}, ${count(accounts, "account")}`))))
    : el("p", {}, "No group of accounts shares more than chance allows."));
}

// What the verdicts say, where they are first seen.
function verdictsMeant() {
  if (!operators.length) return null;
  return el("ul", { class: "meanings" }, Object.entries(VERDICTS).map(([verdict, [, , means, rule]]) =>
    el("li", {}, badge(verdict), ` ${means}: ${rule}.`)));
}

function chanceCard() {
  const { limit, tested, strong, expected } = overview.chance;
  if (!operators.length) return card("How many may be chance", el("p", {}, "There is no operator."));
  if (!tested) return card("How many may be chance", el("p", {}, "Not tested: no operator has a q-value, so how many chance would make is not known."));
  const weak = tested - strong;
  const about = expected < 0.05 ? "hardly any" : expected < 0.95 ? "fewer than one" : `about ${number(expected)}`;
  return card("How many may be chance", el("ul", {},
    strong ? el("li", {}, `Of ${count(strong, "operator")} with q up to ${number(limit, 2)}, ${about} may be chance.`) : null,
    weak ? el("li", {}, `${count(weak, "operator")} with a higher q: leads, not findings.`) : null,
    tested < operators.length ? el("li", {}, `${count(operators.length - tested, "operator")} without a q-value.`) : null,
    el("li", {}, "Chance means: shuffled data give groups as strong. Whether one hand is honest is the verdict\u2019s question."),
    el("li", { class: "soft" }, Q_MEANS)));
}

function leftCard() {
  const rows = overview.rejected.reduce((sum, r) => sum + (r[4] || 0), 0);
  const ignored = overview.ignored.reduce((sum, r) => sum + r[2], 0);
  const byReason = new Map();
  for (const [, reason, n] of overview.ignored) byReason.set(reason, (byReason.get(reason) || 0) + n);
  const reasons = [...byReason].sort(([, n], [, m]) => m - n);
  return card("What was left out", rows || ignored ? el("ul", {},
    rows ? el("li", {}, `${count(rows, "row")} with a value that was rejected`) : null,
    overview.rejected.slice(0, 3).map(([, kind, reason, , n]) => el("li", { class: "minor" }, kindName(kind || ""), ": ", value(reason || ""), ` (${number(n)})`)),
    ignored ? el("li", {}, `${count(ignored, "signal")} not used as evidence`) : null,
    reasons.slice(0, 2).map(([reason, n]) => el("li", { class: "minor" }, value(reason), ` (${number(n)})`)),
    el("li", {}, el("a", { href: "#left-out" }, "All reasons, with counts")))
    : el("p", {}, "Nothing: every value was used."));
}

function operatorsSection() {
  const detailed = operators.filter((operator) => operator.file).length;
  const verdicts = overview.found.map(([verdict, n]) => [verdict || "unclear", n]);
  const kinds = [...new Set(operators.flatMap((operator) => operator.kinds))].sort();
  const boxes = verdicts.map(([verdict, n]) => [verdict, el("input", { type: "checkbox", checked: true, change: () => filter() }), n]);
  const kind = el("select", { change: () => filter() }, el("option", { value: "" }, "any"), kinds.map((k, n) => el("option", { value: n }, shortKind(k))));
  const least = el("input", { type: "number", min: "0", step: "1", inputmode: "numeric", class: "small", input: () => filter() });
  const search = el("input", { type: "search", autocomplete: "off", spellcheck: "false", input: () => filter() });
  const table = pagedTable({
    caption: "List of operators", noun: "operator", size: 50,
    sorted: { column: 0, direction: 1 },
    onRow: (operator, event) => {
      if (operator.file && !event.target.closest("a") && !String(getSelection())) location.href = operator.file;
    },
    columns: [
      { name: "Rank", numeric: true, key: (o) => o.place, cell: (o) => number(o.place + 1) },
      { name: "Operator", header: true, key: (o) => o.id, cell: operatorLink },
      { name: "Verdict", key: (o) => o.verdict, cell: (o) => [badge(o.verdict, o.score), o.decision ? el("div", { class: "soft" }, short(o.decision, 30)) : null] },
      { name: "Score", numeric: true, key: (o) => o.score, cell: (o) => confidence(o.score) },
      { name: "Accounts", numeric: true, key: (o) => o.accounts, cell: (o) => number(o.accounts) },
      { name: "q", numeric: true, key: (o) => o.q, cell: (o) => chance(o.q) },
      { name: "Kinds of evidence", cell: (o) => kindsOf(o) },
      { name: "First to last seen", key: (o) => o.first, cell: (o) => seen(o) },
      { name: "Why", wide: true, cell: (o) => value(o.why) },
    ],
  });

  function filter() {
    const wanted = search.value.trim().toLowerCase();
    const allowed = new Set(boxes.filter(([, box]) => box.checked).map(([verdict]) => verdict));
    const size = Number(least.value) || 0;
    table.show(operators.filter((o) => allowed.has(o.verdict) && o.accounts >= size
      && (kind.value === "" || o.kinds.includes(kinds[kind.value]))
      && (!wanted || `${o.id} ${o.why}`.toLowerCase().includes(wanted))));
  }

  filter();
  return el("section", { "aria-labelledby": "operators" },
    el("h2", { id: "operators" }, "Operators by rank"),
    el("p", {}, `Open an operator for its evidence. The score (0 to 1) says how much looks like sockpuppets, and is the rank: from ${RULES.bar} on an operator is called so, below ${RULES.sure} barely. Times are in UTC.`,
      detailed < operators.length ? ` The first ${number(detailed)} have a page; for the others: linkage show ${overview.case || "CASE"} OPERATOR.` : null),
    operators.length ? [el("div", { class: "controls" },
      el("fieldset", {}, el("legend", {}, "Verdict"), boxes.map(([verdict, box, n]) =>
        el("label", { class: "check" }, box, ` ${verdictWords(verdict)[0]} (${number(n)})`))),
      el("label", {}, "Kind of evidence ", kind),
      el("label", {}, "At least ", least, " accounts"),
      el("label", {}, "Search ", search)), table.node] : null);
}

const KINDS_NAMED = 4;

function kindsOf(operator) {
  const names = operator.kinds.map(shortKind);
  const more = names.length - KINDS_NAMED;
  return (more > 1 ? [...names.slice(0, KINDS_NAMED), `${more} more`] : names).map((name) => el("span", { class: "chip" }, name));
}

function seen(operator) {
  const days = [operator.first, operator.last].map((time) => (time ? time.slice(0, 10) : null));
  return days[0] || days[1] ? el("span", { class: "dates" }, `${days[0] || "?"} to `, el("br"), days[1] || "?") : "–";
}

function detailsSection() {
  return el("section", { "aria-labelledby": "left-out" },
    el("h2", { id: "left-out", tabindex: "-1" }, "What was read and what was left out, in full"),
    plainTable("Inputs", [["Input", "input"], ["Rows", "number"], ["Columns used"], ["Columns not used"], ["SHA-256"]],
      overview.inputs.map(([name, hash, rows, columns]) => [value(name), number(rows),
        mapping(columns.filter(([, kind]) => !UNUSED.has(kind))),
        mapping(columns.filter(([, kind]) => UNUSED.has(kind))), el("code", { class: "hash" }, hash || "–")])),
    overview.rejected.length ? plainTable("Values that were rejected",
      [["Kind"], ["Reason"], ["Distinct values", "number"], ["Rows", "number"], ["For example"], ["Input"]],
      overview.rejected.map(([source, kind, reason, values, rows, example]) =>
        [kindName(kind || ""), value(reason || ""), number(values), number(rows), value(example), source ? value(source) : "all"]))
      : el("p", {}, "No value was rejected."),
    overview.ignored.length ? plainTable("Signals that were not used as evidence",
      [["Kind"], ["Why"], ["Signals", "number"], ["Accounts of the most common", "number"]],
      overview.ignored.map(([kind, why, n, most]) => [kindName(kind || ""), value(why), number(n), number(most)]))
      : el("p", {}, "No signal was set aside."));
}

const UNUSED = new Set(["ignore", "ignored", "None", ""]);

function mapping(columns) {
  if (!columns.length) return "–";
  return columns.map(([name, kind], n) => [n ? ", " : "", value(name), UNUSED.has(kind) || name === kind ? "" : ` (${kindName(kind)})`]);
}

frame(overview);
fill(document.getElementById("main"), indexView());
