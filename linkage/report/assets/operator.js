// The section of an operator: what it is, why we say so, and what speaks against it.

const SIGNALS_AT_FIRST = 10;

function operatorView(operators, operator) {
  const detail = block(`operator-${operator.place}`);
  const neighbour = (step, words) => {
    const other = operators[operator.place + step];
    return other ? link(hashOf(other), { rel: step > 0 ? "next" : "prev" }, words) : null;
  };
  const head = [
    el("nav", { class: "trail", "aria-label": "Operators" },
      link("", {}, "\u2190 All operators"), neighbour(-1, "Previous in rank"), neighbour(1, "Next in rank")),
    el("h1", { tabindex: "-1" }, "Operator ", value(short(operator.id, 80))),
    el("p", { class: "lead" }, badge(operator.verdict), " ", value(operator.why)),
    el("dl", { class: "facts" }, [
      ["Rank", `${number(operator.place + 1)} of ${number(operators.length)}`],
      ["Score (0 to 1)", number(operator.score, 3)],
      ["Accounts", number(operator.accounts)],
      ["q-value", chance(operator.q)],
      ["First seen (UTC)", operator.first || "–"],
      ["Last seen (UTC)", operator.last || "–"],
    ].map(([name, text]) => el("div", {}, el("dt", {}, name), el("dd", {}, text)))),
  ];
  if (!detail) {
    return [head, el("p", {}, "This report details the operators of highest rank only. On the command line: ",
      el("code", {}, "linkage show CASE OPERATOR"))];
  }
  return [head, judgementsSection(detail), scorecardSection(operator, detail), againstSection(operator, detail),
    evidenceSection(operator, detail), graphSection(operator, detail), timelineSection(detail),
    membersSection(operator, detail)];
}

function judgementsSection(detail) {
  if (!detail.judgements.length) return null;
  return el("section", { "aria-labelledby": "judgements" }, el("h2", { id: "judgements" }, "What investigators decided"),
    el("ul", {}, detail.judgements.map(([at, by, decision, note]) =>
      el("li", {}, `${at || "–"} UTC: `, el("strong", {}, decision || "–"), by ? [" by ", value(by)] : null, note ? [". ", value(note)] : null))));
}

function scorecardSection(operator, detail) {
  const most = Math.max(...detail.scorecard.map(([, , weight]) => Math.abs(weight || 0)), 0);
  const [word, , meaning] = verdictWords(operator.verdict);
  const total = detail.scorecard.reduce((sum, [, , weight]) => sum + (weight || 0), 0);
  return el("section", { "aria-labelledby": "verdict" },
    el("h2", { id: "verdict" }, "Verdict: ", word.toLowerCase()),
    meaning ? el("p", {}, `${word} means ${meaning}. `, "Each finding below moves the verdict one way or the other.") : null,
    detail.scorecard.length ? plainTable("Scorecard, heaviest finding first",
      [["Looked at", "bare"], ["Found", "bare"], ["Towards honest \u25c0 \u25b6 towards sockpuppets", "bare"], ["Nats", "number"]],
      detail.scorecard.map(([item, finding, weight]) => [
        el("strong", {}, words(item)), value(finding), twoWay(weight, most), signed(weight)])
        .concat([[el("strong", {}, "Together"), "", "", signed(total)]]))
      : el("p", {}, "No scorecard was made for this operator."));
}

function words(item) {
  return item ? item.replaceAll("_", " ") : "";
}

function signed(weight) {
  if (weight === null || weight === undefined) return "–";
  return weight > 0 ? `+${number(weight, 1)}` : number(weight, 1);
}

function twoWay(weight, most) {
  const share = most ? Math.abs(weight || 0) / most : 0;
  return el("span", { class: "two" }, bar(weight < 0 ? share : 0, "honest"), bar(weight > 0 ? share : 0, "against"));
}

// What a careful opponent would say, from the same data.
function againstSection(operator, detail) {
  const points = [];
  for (const [item, finding, weight] of detail.scorecard) {
    if (weight < 0) points.push([el("strong", {}, words(item)), ": ", value(finding), ` (${signed(weight)} nats).`]);
  }
  if (detail.held_by_one) {
    const ways = aloneBy(detail);
    points.push([`${count(detail.held_by_one, "member")} of ${number(operator.accounts)} (${percent(detail.held_by_one, operator.accounts)}) `,
      detail.held_by_one === 1 ? "is held by one signal only; if that has an honest explanation, it falls away." : "are held by one signal only; where that has an honest explanation, they fall away.",
      ways.length ? [" Held alone most often by ", ways.map(([signal, n], k) => [k ? "; " : "", kindName(signal[0]), " \u201c", value(short(signal[1], 60)), `\u201d (${number(n)})`]), "."] : null]);
  }
  const doubtful = detail.members.confidence.filter((p) => p !== null && p < 0.9).length;
  if (doubtful) points.push(`${count(doubtful, "listed member")} ${doubtful === 1 ? "has" : "have"} a confidence below 0.9.`);
  const open = detail.signals.filter((s) => s[5] && s[3] > s[2]);
  if (open.length) {
    points.push([`${count(open.length, "listed signal")} ${open.length === 1 ? "is" : "are"} used by more accounts outside this operator than inside; most outside: `,
      kindName(open.reduce(outermost)[0]), " \u201c", value(short(open.reduce(outermost)[1], 60)), `\u201d (${count(open.reduce(outermost)[3], "other")}).`]);
  }
  if (operator.q === null) points.push("It was not tested against shuffled data, so how often chance makes such a group is not known.");
  else if (operator.q > 0.05) points.push(`Its q-value is ${chance(operator.q)}: among operators at least as strong, that share is expected to be chance.`);
  return el("section", { "aria-labelledby": "against" },
    el("h2", { id: "against" }, "What speaks against"),
    points.length ? el("ul", {}, points.map((point) => el("li", {}, point)))
      : el("p", {}, "Nothing in the data: no finding points to an honest explanation, every member is held by two signals or more, and chance hardly makes such a group. The data may not hold everything."));
}

function outermost(a, b) {
  return b[3] > a[3] ? b : a;
}

// The signals that hold most members alone: [signal, members], at most three.
function aloneBy(detail) {
  const members = detail.members;
  const per = members.id.length ? members.signals.length / members.id.length : 0;
  const counts = new Map();
  members.held_by.forEach((held, n) => {
    const signal = members.signals[n * per];
    if (held <= 1 && signal >= 0) counts.set(signal, (counts.get(signal) || 0) + 1);
  });
  return [...counts].sort(([a, n], [b, m]) => m - n || a - b).slice(0, 3).map(([signal, n]) => [detail.signals[signal], n]);
}

function evidenceSection(operator, detail) {
  const most = Math.max(...detail.signals.map((s) => Math.abs(s[4] || 0)), 0);
  return el("section", { "aria-labelledby": "evidence" },
    el("h2", { id: "evidence" }, "Evidence by kind"),
    el("p", {}, "How much each shared value adds to an account\u2019s case, in nats: 3 nats make it 20 times as likely that the account belongs, ",
      "7 nats 1,100 times. All bars share one scale. Within a kind, the values that explain most members stand first (weight times members)."),
    detail.kinds.length ? detail.kinds.map(([kind, total]) => kindPart(operator, detail, kind, total, most))
      : el("p", {}, "No signals are recorded for this operator."));
}

function kindPart(operator, detail, kind, total, most) {
  const listed = detail.signals.filter((s) => s[5] && s[0] === kind);
  const body = el("tbody", { role: "rowgroup" });
  const rows = (signals) => body.append(...signals.map(([, text, members, others, weight]) => el("tr", { role: "row" },
    el("th", { scope: "row", role: "rowheader" }, kind === "prompt" ? template(text) : value(text)),
    el("td", { role: "cell", class: "number", "data-name": "Members" }, number(members), el("span", { class: "share" }, percent(members, operator.accounts))),
    el("td", { role: "cell", class: "number", "data-name": "Others" }, number(others)),
    el("td", { role: "cell", class: "weight", "data-name": "Weight" }, bar(Math.abs(weight || 0) / (most || 1), weight < 0 ? "honest" : "against"), number(weight, 1)))));
  const shown = el("span", {});
  const show = (signals) => {
    rows(signals);
    shown.textContent = body.children.length < total ? `Shown: ${number(body.children.length)} of ${number(total)}. ` : "";
  };
  show(listed.slice(0, SIGNALS_AT_FIRST));
  const rest = listed.slice(SIGNALS_AT_FIRST);
  const more = rest.length ? el("button", { type: "button", click: () => { show(rest); more.remove(); } },
    `Show ${number(rest.length)} more`) : null;
  const beyond = total - listed.length;
  const title = `${kindName(kind)}: ${count(total, "signal")}`;
  return el("div", { class: "kind" },
    el("h3", {}, mark(kind), " ", title),
    el("div", { class: "scroll", role: "region", "aria-label": title, tabindex: "0" },
      el("table", { role: "table", class: "plain evidence", "aria-label": title },
        el("thead", { role: "rowgroup" }, el("tr", { role: "row" },
          [[kind === "prompt" ? "Template, slots marked" : "Value"], ["Members that use it", "number"],
            ["Others that do", "number"], ["Weight (nats)", "weight"]].map(([name, className]) =>
            el("th", { scope: "col", role: "columnheader", class: className }, name)))), body)),
    el("p", { class: "more" }, shown, more, beyond > 0
      ? ` The ${number(beyond)} weakest stand in the table evidence of case.duckdb only.` : null));
}
