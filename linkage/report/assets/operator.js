// The page of an operator: what it is, why we say so, and what speaks against it.

function operatorView(page, members) {
  const [id, verdict, score, accounts, q, , first, last, why] = page.operator;
  const list = membersSection(page, members);
  const listMembers = (signal) => list.limit({
    words: ["members that use ", kindName(page.signals[signal][0]), " \u201c", value(short(page.signals[signal][1], 60)), "\u201d"],
    test: (n) => list.uses(n).includes(signal) });
  const listBundle = (bundle) => list.limit({ words: `the accounts of bundle ${bundle + 1} of the graph`, test: (n) => members.bundle[n] === bundle });
  return [
    page.alone ? null : el("nav", { class: "trail", "aria-label": "Report" }, el("a", { href: "index.html" }, "\u2190 All operators")),
    el("h1", { tabindex: "-1" }, "Operator ", value(short(id, 80))),
    el("p", { class: "lead" }, badge(verdict || "unclear", score), " ", value(why)),
    el("dl", { class: "facts" }, [
      ["Rank", `${number(page.place + 1)} of ${number(page.of)}`],
      ["Score (0 to 1)", confidence(score)],
      ["Accounts", number(accounts)],
      ["q-value", chance(q)],
      ["First seen (UTC)", first || "–"],
      ["Last seen (UTC)", last || "–"],
    ].map(([name, text]) => el("div", {}, el("dt", {}, name), el("dd", {}, text)))),
    q === null ? null : el("p", { class: "soft" }, Q_MEANS),
    judgementsSection(page), scorecardSection(page), againstSection(page, members), nextSection(page),
    evidenceSection(page, listMembers), graphSection(page, members, listBundle),
    timelineSection(page.timeline, "Over time", "Sign-ups and activity of the members",
      [["Sign-ups", "sign-up", "signups"], ["Activity", "event", "activity"]]),
    hoursSection(page), list.node, nearSection(page), changesSection(page),
  ];
}

function judgementsSection(page) {
  if (!page.judgements.length) return null;
  return el("section", { "aria-labelledby": "judgements" }, el("h2", { id: "judgements" }, "What investigators decided"),
    el("ul", {}, page.judgements.map(([at, by, decision, note]) =>
      el("li", {}, `${at || "–"} UTC: `, el("strong", {}, decision || "–"), by ? [" by ", value(by)] : null, note ? [". ", value(note)] : null))));
}

const RELIED_NAMED = 3;

// What a careful opponent would say, from the same data.
function againstSection(page, members) {
  const points = [];
  const [, verdict, score] = page.operator;
  if (barely(verdict, score)) points.push([el("strong", {}, "Barely sockpuppets"), `: ${sure(verdict, score)}`]);
  const signalWords = ([kind, text]) => [kindName(kind), " \u201c", value(short(text, 60)), "\u201d"];
  for (const [item, finding, weight] of page.scorecard) {
    if (weight < 0 && item !== "prior") points.push([el("strong", {}, words(item)), ": ", value(finding), ` (${signed(weight)} nats).`]);
  }
  const listed = members.id.length;
  const falling = page.relied_on.reduce((sum, [, n]) => sum + n, 0);
  if (falling) {
    points.push([`${count(falling, "member")} of ${number(listed)} (${percent(falling, listed)}) would fall away if the one signal that ${falling === 1 ? "it relies" : "each relies"} on most had an honest explanation: `,
      page.relied_on.slice(0, RELIED_NAMED).map(([signal, n], k) => [k ? "; " : "", `${number(n)} without `, signalWords(page.signals[signal])]),
      page.relied_on.length > RELIED_NAMED ? `; and others without ${count(page.relied_on.length - RELIED_NAMED, "more signal")}.` : "."]);
  } else if (listed) points.push("No listed member would fall away if any one signal had an honest explanation.");
  const doubtful = members.confidence.filter((p) => p !== null && p < 0.9).length;
  if (doubtful) points.push(`${count(doubtful, "listed member")} ${doubtful === 1 ? "has" : "have"} a confidence below 0.9.`);
  const open = page.signals.filter((s) => s[3] > s[2]);
  if (open.length) {
    const most = open.reduce((a, b) => (b[3] > a[3] ? b : a));
    points.push([`${count(open.length, "signal")} ${open.length === 1 ? "is" : "are"} used by more accounts outside this operator than inside; most outside: `,
      signalWords(most), ` (${count(most[3], "other")}).`]);
  }
  const [, , , , q] = page.operator;
  if (q === null) points.push("It was not tested against shuffled data, so how often chance makes such a group is not known.");
  else if (q > 0.05) points.push(`Its q-value is ${chance(q)}. ${Q_MEANS}`);
  return el("section", { "aria-labelledby": "against" },
    el("h2", { id: "against" }, "What speaks against"),
    el("p", {}, "Read this before you act. The data may not hold everything: an agency, a class or a reseller can look like a fleet."),
    points.length ? el("ul", {}, points.map((point) => el("li", {}, point)))
      : el("p", {}, "Nothing in the data: no finding points to an honest explanation, and chance hardly makes such a group."));
}

// What whoever has the case may do now; a page that was sent goes to people who don't have it.
function nextSection(page) {
  const id = page.operator[0];
  if (page.alone || !OUR_ID.test(id)) return null;
  const folder = page.case || "CASE";
  const command = (words) => el("code", {}, `linkage ${words}`);
  return el("section", { "aria-labelledby": "next" },
    el("h2", { id: "next" }, "What to do next"),
    el("ul", {},
      el("li", {}, "Look into some members: first those that would fall away without one signal, then any two and the chain between them (under Members)."),
      el("li", {}, "If a shared value has an honest explanation (a campus, a public template), take it out for the next run: ", command(`allow ${folder} KIND VALUE`)),
      el("li", {}, "Record what you decide, and why; the next run keeps to it: ", command(`judge ${folder} ${id} confirmed --note "…"`), ", or dismissed, or unsure."),
      el("li", {}, "Send this page as one file, what names a person masked: ", command(`report ${folder} --operator ${id} --redact`))));
}

function nearSection(page) {
  const lead = "Operators whose members use evidence of this one. The last column is what an average member of theirs gets from it, in nats; "
    + "near zero, the two have little to do with each other. Two operators that buy from one proxy provider are near without being one.";
  return el("section", { "aria-labelledby": "near" },
    el("h2", { id: "near" }, "Operators that are near"),
    page.near.length ? [el("p", {}, lead),
      plainTable("Operators by how much they share with this one",
        [["Operator"], ["Verdict"], ["Accounts", "number"], ["Accounts that use it", "number"], ["Signals in common", "number"], ["For example"], ["Nats", "number"]],
        page.near.map(([id, verdict, accounts, file, score, signals, users, example, nats]) => [
          page.alone || !file ? value(short(id, 60)) : el("a", { href: file }, value(short(id, 60))), badge(verdict || "unclear", score), number(accounts), number(users), number(signals),
          example !== null && page.signals[example] ? [kindName(page.signals[example][0]), " ", value(short(page.signals[example][1], 60))] : "–", number(nats, 2)])),
      page.near_left ? el("p", {}, `${count(page.near_left, "operator")} that share less ${page.near_left === 1 ? "is" : "are"} not listed.`) : null]
      : el("p", {}, "No other operator\u2019s members use evidence of this one."));
}

// What the run before said of the same operator.
function changesSection(page) {
  const changes = page.changes;
  if (!changes) return null;
  const { run: last, runs, stayed, came, left } = changes;
  const isNew = !runs.some(([run]) => run === last - 1);
  const moved = (moves, verb, where) => {
    if (!moves.all) return null;
    const parts = moves.operators.map(([id, n]) => [`${number(n)} `, value(short(id, 60))]);
    if (moves.more) parts.push(count(moves.more, "more operator"));
    if (moves.none) parts.push(`${number(moves.none)} no operator`);
    return el("li", {}, `${count(moves.all, "account")} ${verb}, ${where}: `, parts.map((part, k) => [k ? ", " : "", part]), ".");
  };
  return el("section", { "aria-labelledby": "changes" },
    el("h2", { id: "changes" }, "Since the run before"),
    el("p", {}, isNew ? `It was not found in run ${number(last - 1)} under this id.`
      : `${count(stayed, "account")} that belonged to it in run ${number(last - 1)} still ${stayed === 1 ? "does" : "do"}${came.all || left.all ? "." : "; none came or left."}`),
    el("ul", {}, moved(came, "came", "from"), moved(left, "left", "to")),
    plainTable("Run by run", [["Run", "number"], ["Verdict"], ["Accounts", "number"]],
      runs.map(([run, verdict, accounts, score]) => [number(run), badge(verdict || "unclear", score), number(accounts)])));
}

const page = block("operator");
frame(page);
fill(document.getElementById("main"), operatorView(page, block("members")));
document.title = `Operator ${visible(page.operator[0]).slice(0, 40)} · linkage report`;
