// The members of an operator: searched, sorted, looked into one by one or two by two, and saved.

const CHAINS = 3;
const SUGGESTED = 12;
const HOLDERS_NAMED = 2;

// Returns {node, only(filter)}: filter is {words, member => true or false}.
function membersSection(page, members) {
  const [id, verdict, , accounts] = page.operator;
  const total = members.id.length;
  const all = Array.from({ length: total }, (_, n) => n);
  const lower = members.id.map((name) => name.toLowerCase());
  const byId = new Map(all.map((n) => [members.id[n], n]));
  const uses = usesOf(members);
  let holders = null;
  const strongest = (n) => Array.from(uses(n)).sort((a, b) => page.signals[b][4] - page.signals[a][4] || a - b);
  const falls = (n) => members.without[n] !== null && members.without[n] < 0.5;
  let shown = null;

  const table = longTable({
    caption: "List of members", noun: "member",
    columns: [
      { name: "Account", width: 12, header: true, key: (n) => lower[n], cell: (n) => el("button", { type: "button", class: "plain", click: () => choose(n) }, value(short(members.id[n], 60))) },
      { name: "Confidence", width: 7, numeric: true, key: (n) => members.confidence[n], cell: (n) => confidence(members.confidence[n]) },
      { name: "Nats", width: 4.5, numeric: true, key: (n) => members.evidence[n], cell: (n) => number(members.evidence[n], 1) },
      { name: "Signals", width: 5.5, numeric: true, key: (n) => members.held_by[n], cell: (n) => number(members.held_by[n]) },
      { name: "Confidence without its strongest signal", width: 10.5, numeric: true, key: (n) => members.without[n], cell: (n) =>
        falls(n) ? el("span", { class: "warn" }, confidence(members.without[n]), " falls away") : confidence(members.without[n]) },
      { name: "What holds it most", width: 21, cell: (n) => strongest(n).slice(0, HOLDERS_NAMED).map((s, k) =>
        [k ? " · " : "", el("span", { class: "soft" }, shortKind(page.signals[s][0])), " ", value(short(page.signals[s][1].replaceAll("\n", " "), 40))]) },
      { name: "Signed up", width: 7, numeric: true, key: (n) => members.created[n], cell: (n) => day(members.created[n]) },
      { name: "Last seen", width: 7, numeric: true, key: (n) => members.last[n], cell: (n) => day(members.last[n]) },
    ],
  });

  const search = el("input", { type: "search", autocomplete: "off", spellcheck: "false", input: () => filter() });
  const fragile = el("input", { type: "checkbox", change: () => filter() });
  const only = el("p", { class: "more", role: "status" });
  const looked = el("div", { class: "panel", role: "status" });
  const suggestions = el("datalist", { id: "accounts" });
  // the members looked into; what the inputs show of an id may lack what can't be shown
  const picked = [undefined, undefined];
  const ends = ["First account", "Second account"].map((words, end) => {
    const input = el("input", { type: "text", list: "accounts", autocomplete: "off", spellcheck: "false", class: "account",
      input: () => { picked[end] = find(input.value); suggest(input.value); look(); } });
    return [words, input];
  });

  function filter() {
    const wanted = search.value.trim().toLowerCase();
    table.show(all.filter((n) => (!wanted || lower[n].includes(wanted)) && (!fragile.checked || falls(n)) && (!shown || shown.test(n))));
  }

  function limit(chosen) {
    shown = chosen;
    only.replaceChildren();
    if (chosen) fill(only, ["Only ", chosen.words, ". ", el("button", { type: "button", click: () => limit(null) }, "List all members")]);
    filter();
    if (chosen) document.getElementById("members").scrollIntoView();
  }

  function suggest(typed) {
    const wanted = typed.toLowerCase();
    const found = [];
    for (let n = 0; n < total && found.length < SUGGESTED; n += 1) if (lower[n].includes(wanted)) found.push(n);
    suggestions.replaceChildren(...found.map((n) => el("option", { value: members.id[n] })));
  }

  function find(typed) {
    const exact = byId.get(typed) ?? byId.get(typed.trim());
    return exact === undefined && typed ? all.find((n) => shownId(n) === typed) : exact;
  }

  function shownId(n) {
    return visible(members.id[n]);
  }

  function choose(n) {
    if (picked[0] === undefined || picked[1] !== undefined) picked.splice(0, 2, n, undefined);
    else if (picked[0] !== n) picked[1] = n;
    ends.forEach(([, input], end) => { input.value = picked[end] === undefined ? "" : shownId(picked[end]); });
    look();
  }

  function look() {
    const [a, b] = picked;
    looked.replaceChildren();
    const typed = ends.map(([, input]) => input.value.trim());
    // what can't be found comes first: below all that holds the other it would be missed
    fill(looked, typed.map((words, end) => (words && picked[end] === undefined
      ? el("p", { class: "warn" }, "No account ", value(short(words, 80)), " among the listed members: it may belong to another operator, or to none.") : null)));
    if (a === undefined && b === undefined) fill(looked, typed.some(Boolean) ? [] : [hint(LOOK_HINT)]);
    else if (a === undefined || b === undefined || a === b) fill(looked, [belonging(a ?? b), el("p", {}, a === b ? "A chain needs another account." : "Choose a second account to see the chain between the two.")]);
    else fill(looked, [chains(a, b)]);
  }

  function belonging(n) {
    const relied = members.relies_on[n];
    return [el("h3", {}, "What holds ", value(members.id[n])),
      el("p", {}, `Confidence ${confidence(members.confidence[n])}, ${number(members.evidence[n], 1)} nats together. Signals of one kind are not added up as if they were independent. `,
        relied >= 0 ? ["Without ", kindName(page.signals[relied][0]), " \u201c", value(short(page.signals[relied][1], 80)), `\u201d, ${confidence(members.without[n])} would be left${falls(n) ? ": it would fall away." : "."}`] : null),
      plainTable(`Signals of the operator that it uses${uses(n).length === members.cut_at ? ` (the strongest ${number(members.cut_at)})` : ""}`,
        [["Kind"], ["Value"], ["Members", "number"], ["Others", "number"], ["Nats", "number"]],
        strongest(n).map((s) => [kindName(page.signals[s][0]), value(short(page.signals[s][1], 200)), number(page.signals[s][2]), number(page.signals[s][3]), signed(page.signals[s][4])]))];
  }

  function chains(a, b) {
    holders = holders || holdersOf(uses, total, page.signals.length);
    const found = chainsBetween(a, b, CHAINS, { uses, holders, signals: page.signals });
    return [el("h3", {}, "From ", value(members.id[a]), " to ", value(members.id[b])),
      found.length ? el("ol", {}, found.map((chain) => el("li", {}, chain.accounts.map((account, k) => [
        k ? [" \u2014 ", link(chain.signals[k - 1]), " \u2014 "] : null, el("strong", {}, value(members.id[account]))]),
      chain.alike ? `; and ${number(chain.alike)} more through other accounts over the same signals` : null)))
        : el("p", {}, "No chain of shared evidence links them, directly or through two other listed members."),
      el("p", {}, "Chains over signals that fewer accounts share, of members and others together, stand first. Weights in nats ask something else: how much commoner a signal is among members than among others.")];
  }

  function link(s) {
    const [kind, text, inside, others] = page.signals[s];
    return el("span", { class: "link" }, `both use ${kindName(kind)} `, value(short(text, 80)), ` (${count(inside, "member")}, ${count(others, "other")})`);
  }

  filter();
  suggest("");
  look();
  const left = accounts - total;
  const fragiles = all.filter(falls).length;
  const node = el("section", { "aria-labelledby": "members" },
    el("h2", { id: "members" }, "Members"),
    el("p", {}, `${count(accounts, "account")}, the most certain first. Confidence is the probability that the account belongs. Days are in UTC. Among the signals a value and its coarser one, as an address and its range, count once. `,
      "The fifth column takes the one signal away that the member relies on most (and whatever lies in it, as addresses lie in a range), and says what confidence would be left.",
      left > 0 ? ` The ${number(total)} most certain are listed here; the other ${number(left)} stand in members.csv.` : ""),
    el("div", { class: "controls" },
      el("label", {}, "Search accounts ", search),
      el("label", { class: "check" }, fragile, ` Would fall away without one signal (${number(fragiles)})`),
      el("button", { type: "button", click: () => saveMembers(id, verdict, page, members, strongest) }, "Save as CSV")),
    only, table.node,
    el("h3", { class: "sub" }, "One account, or the chain between two"),
    el("div", { class: "controls" }, ends.map(([words, input]) => el("label", {}, `${words} `, input)), suggestions), looked);
  return { node, limit, uses };
}

const LOOK_HINT = "Choose an account in the list, or type its id, to see what holds it; choose two to see the chain between them.";

// A cell that no spreadsheet takes for a formula.
function cell(content) {
  if (content === null || content === undefined) return "";
  if (typeof content === "number") return String(content);
  const safe = /^\s*[=+\-@\t\r\n]/.test(content) ? `'${content}` : content;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function saveMembers(id, verdict, page, members, strongest) {
  const header = "account_id,operator_id,verdict,confidence,evidence_nats,held_by,confidence_without,relies_on,strongest_signals,signed_up,last_seen";
  const named = (s) => `${page.signals[s][0]}: ${page.signals[s][1]}`;
  const lines = members.id.map((account, n) => [
    account, id, verdict, members.confidence[n], members.evidence[n], members.held_by[n], members.without[n],
    members.relies_on[n] < 0 ? "" : named(members.relies_on[n]),
    strongest(n).slice(0, HOLDERS_NAMED).map(named).join(" | "),
    members.created[n] === null ? "" : day(members.created[n]),
    members.last[n] === null ? "" : day(members.last[n]),
  ].map(cell).join(","));
  const file = new Blob(["\ufeff", header, "\r\n", lines.join("\r\n"), "\r\n"], { type: "text/csv" });
  const address = URL.createObjectURL(file);
  // file names never come from the data, and an id is ours if it looks like one
  el("a", { href: address, download: `${OUR_ID.test(id) ? id : `operator-${page.place + 1}`}-members.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}
