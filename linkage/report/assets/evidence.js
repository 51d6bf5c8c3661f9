// Why we say so: the scorecard of the verdict, and the evidence by kind.

const SIGNALS_AT_FIRST = 10;
const SIGNALS_MORE = 100;

function scorecardSection(page) {
  const most = Math.max(...page.scorecard.map(([, , weight]) => Math.abs(weight || 0)), 0);
  const [, verdict, score] = page.operator;
  const [word, , meaning, rule] = verdictWords(verdict);
  const total = page.scorecard.reduce((sum, [, , weight]) => sum + (weight || 0), 0);
  return el("section", { "aria-labelledby": "verdict" },
    el("h2", { id: "verdict" }, "Verdict: ", word.toLowerCase(), barely(verdict, score) ? ", barely" : ""),
    meaning ? el("p", {}, `${word} means ${meaning} (${rule}). ${sure(verdict, score)} `, "Each finding below moves the verdict one way or the other; every operator starts at the prior, since most groups that share something are honest.") : null,
    page.scorecard.length ? plainTable("Scorecard, heaviest finding first",
      [["Looked at", "bare"], ["Found", "bare"], ["Towards honest \u25c0 \u25b6 towards sockpuppets", "ways"], ["Nats", "number"]],
      page.scorecard.map(([item, finding, weight]) => [
        el("strong", {}, words(item)), value(finding), twoWay(weight, most), signed(weight)])
        .concat([[el("strong", {}, "Together"), "", "", signed(total)]]))
      : el("p", {}, "No scorecard was made for this operator."));
}

// How far from the bar a score is, in words.
function sure(verdict, score) {
  if (score === null) return "";
  const above = score >= RULES.bar;
  if (above !== (verdict === "sockpuppets")) return `The score is ${confidence(score)}, but the verdict is one that an investigator confirmed.`;
  if (!above) return `The score is ${confidence(score)}; an operator is called sockpuppets from ${RULES.bar} on.`;
  if (barely(verdict, score)) return `The score is ${confidence(score)}, not far above the bar of ${RULES.bar}: look closely before you act.`;
  return `The score is ${confidence(score)}, ${score < 0.99 ? "well" : "far"} above the bar of ${RULES.bar}.`;
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

// All evidence, strongest kinds first. listMembers(signal) shows who uses it.
function evidenceSection(page, listMembers) {
  const most = Math.max(...page.signals.map((s) => Math.abs(s[4] || 0)), 0);
  const byKind = new Map(page.kinds.map(([kind]) => [kind, []]));
  page.signals.forEach(([kind], n) => byKind.get(kind).push(n));
  return el("section", { "aria-labelledby": "evidence" },
    el("h2", { id: "evidence" }, "Evidence by kind"),
    el("p", {}, "How much each shared value adds to an account\u2019s case, in nats: 3 nats make it 20 times as likely that the account belongs, ",
      "7 nats 1,100 times. All bars share one scale. Within a kind, the values that explain most members stand first (weight times members). Choose a number of members to list them."),
    page.kinds.length ? page.kinds.map(([kind, total]) => kindPart(page, kind, byKind.get(kind), total, most, listMembers))
      : el("p", {}, "No signals are recorded for this operator."));
}

function kindPart(page, kind, own, total, most, listMembers) {
  const body = el("tbody", { role: "rowgroup" });
  const shown = el("span", {});
  const more = el("button", { type: "button", click: () => show(SIGNALS_MORE) });
  const title = `${kindName(kind)}: ${count(total, "signal")}`;
  let listed = 0;

  function row(signal) {
    const [, text, members, others, weight] = page.signals[signal];
    return el("tr", { role: "row" },
      el("th", { scope: "row", role: "rowheader" }, kind === "prompt" ? template(text) : value(text)),
      el("td", { role: "cell", class: "number", "data-name": "Members" },
        el("button", { type: "button", class: "plain", "aria-label": `List the ${count(members, "member")} that use it`, click: () => listMembers(signal) }, number(members)),
        el("span", { class: "share" }, percent(members, page.operator[3]))),
      el("td", { role: "cell", class: "number", "data-name": "Others" }, number(others)),
      el("td", { role: "cell", class: "weight", "data-name": "Weight" }, bar(Math.abs(weight || 0) / (most || 1), weight < 0 ? "honest" : "against"), number(weight, 1)));
  }

  function show(n) {
    body.append(...own.slice(listed, listed + n).map(row));
    listed = Math.min(listed + n, own.length);
    const left = own.length - listed;
    shown.textContent = listed < total ? `Shown: ${number(listed)} of ${number(total)}. ` : "";
    more.textContent = `Show ${number(Math.min(left, SIGNALS_MORE))} more`;
    more.hidden = left === 0;
  }

  show(SIGNALS_AT_FIRST);
  return el("div", { class: "kind" },
    el("h3", {}, mark(kind), " ", title),
    el("div", { class: "scroll", role: "region", "aria-label": title, tabindex: "0" },
      el("table", { role: "table", class: "plain evidence", "aria-label": title },
        el("thead", { role: "rowgroup" }, el("tr", { role: "row" },
          [[kind === "prompt" ? "Template, slots marked" : "Value"], ["Members that use it", "number"],
            ["Others that do", "number"], ["Weight (nats)", "weight"]].map(([name, className]) =>
            el("th", { scope: "col", role: "columnheader", class: className }, name)))), body)),
    el("p", { class: "more" }, shown, more, total > own.length
      ? ` The ${number(total - own.length)} weakest stand in the table evidence of case.duckdb only.` : null));
}
