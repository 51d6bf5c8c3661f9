// The map of operators: who shares evidence with whom.

function mapSection(operators, overview) {
  const map = overview.map;
  if (!map.ties.length) {
    return el("section", { "aria-labelledby": "map" }, el("h2", { id: "map" }, "Operators that are near each other"),
      el("p", {}, "No two operators share evidence worth the name."));
  }
  const panel = el("div", { class: "panel", role: "status" }, hint(MAP_HINT));
  const most = Math.max(...map.operators.map(([place]) => operators[place].accounts));
  const heaviest = Math.max(...map.ties.map((tie) => tie[7]));
  const nodes = map.operators.map(([place, x, y], n) => ({ id: `o${n}`, x, y, kind: knownVerdict(operators[place].verdict),
    size: 6 + 16 * Math.sqrt(operators[place].accounts / most), label: short(operators[place].id, 14), side: "below" }));
  const edges = map.ties.map(([a, b, , , , , , total], n) => ({ id: `t${n}`, from: `o${a}`, to: `o${b}`, colour: "soft", width: 1 + 5 * Math.sqrt(total / heaviest) }));
  const operatorOf = (n) => operators[map.operators[n][0]];

  const words = `${count(map.operators.length, "operator")} and ${count(map.ties.length, "tie")} between them: evidence of the one that members of the other use too. `
    + "The wider the line, the more members and kinds of evidence it ties.";
  const view = network(words, false, (id) => {
    panel.replaceChildren();
    if (id === null) { fill(panel, [hint(MAP_HINT)]); return; }
    const n = Number(id.slice(1));
    const ties = map.ties.filter(([a, b]) => a === n || b === n);
    fill(panel, [el("p", {}, operatorLink(operatorOf(n)), " ", badge(operatorOf(n).verdict, operatorOf(n).score), ` ${count(operatorOf(n).accounts, "account")}. `, value(operatorOf(n).why)),
      el("ul", {}, ties.map((tie) => el("li", {}, operatorLink(operatorOf(tie[0] === n ? tie[1] : tie[0])), ": ", tieWords(tie))))]);
  });
  const [xs, ys] = [1, 2].map((k) => map.operators.map((o) => o[k]));
  const wide = Math.max(Math.max(...xs) + 80, 900);
  view.show(nodes, edges, [-40, 0, wide, Math.max(...ys) + 60]);

  const alone = operators.length - map.operators.length - map.operators_left;
  const left = [alone ? `${count(alone, "operator")} with no such tie` : null,
    map.operators_left ? count(map.operators_left, "further operator") : null, map.ties_left ? count(map.ties_left, "further tie") : null].filter(Boolean);
  return el("section", { "aria-labelledby": "map" },
    el("h2", { id: "map" }, "Operators that are near each other"),
    el("p", {}, words, " Those of sockpuppets and unclear operators come first. Shared evidence is a reason to compare the two, not proof of one hand: they may buy from one proxy provider. ",
      left.length ? `Not drawn: ${list(left)}.` : "Nothing is left out."),
    el("p", { class: "legend" }, Object.keys(VERDICTS).map((verdict) => el("span", {}, mark(verdict), " ", verdictWords(verdict)[0])),
      el("span", {}, "The larger the mark, the more accounts.")),
    view.node, panel,
    el("details", {}, el("summary", {}, "The map as a table"),
      plainTable("Ties between operators, as they are drawn first", [["One operator"], ["Another"], ["What ties them"]],
        map.ties.map((tie) => [operatorLink(operatorOf(tie[0])), operatorLink(operatorOf(tie[1])), tieWords(tie)]))));
}

const MAP_HINT = "Choose an operator on the map to read what ties it to others.";

function tieWords([, , nats, signals, kind, users, kinds]) {
  return `${count(signals, "signal")} of ${count(kinds, "kind")} in common, mostly ${shortKind(kind)}, on ${count(users, "account")}; ${number(nats, 1)} nats for an average member`;
}

function knownVerdict(verdict) {
  return Object.hasOwn(VERDICTS, verdict) ? verdict : "unclear";
}
