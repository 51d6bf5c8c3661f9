// The members of an operator: searched, sorted, a page at a time, and written to a CSV file.

const ONE = "one signal only";

function membersSection(operator, detail) {
  const members = detail.members;
  const total = members.id.length;
  const per = total ? members.signals.length / total : 0;
  const all = Array.from({ length: total }, (_, n) => n);
  const lower = members.id.map((id) => id.toLowerCase());
  const holders = (n) => members.signals.slice(n * per, n * per + per).filter((s) => s >= 0).map((s) => detail.signals[s]);

  const table = pagedTable({
    caption: "List of members", noun: "member", size: 50,
    columns: [
      { name: "Account", header: true, key: (n) => lower[n], cell: (n) => value(short(members.id[n], 60)) },
      { name: "Confidence", numeric: true, key: (n) => members.confidence[n], cell: (n) => confidence(members.confidence[n]) },
      { name: "Evidence (nats)", numeric: true, key: (n) => members.evidence[n], cell: (n) => number(members.evidence[n], 1) },
      { name: "Signals that hold it", numeric: true, key: (n) => members.held_by[n], cell: (n) =>
        members.held_by[n] <= 1 ? el("span", { class: "warn" }, ONE) : number(members.held_by[n]) },
      { name: "Strongest of them", wide: true, cell: (n) => holders(n).map((s) =>
        el("span", { class: "holder" }, shortKind(s[0]), " ", value(short(s[1], 80)))) },
      { name: "Signed up", numeric: true, key: (n) => members.created[n], cell: (n) => day(members.created[n]) },
      { name: "Last seen", numeric: true, key: (n) => members.last[n], cell: (n) => day(members.last[n]) },
    ],
  });

  const search = el("input", { type: "search", autocomplete: "off", spellcheck: "false", input: () => filter() });
  const alone = el("input", { type: "checkbox", change: () => filter() });

  function filter() {
    const wanted = search.value.trim().toLowerCase();
    table.show(all.filter((n) =>
      (!wanted || lower[n].includes(wanted)) && (!alone.checked || members.held_by[n] <= 1)));
  }

  filter();
  const left = operator.accounts - total;
  return el("section", { "aria-labelledby": "members" },
    el("h2", { id: "members" }, "Members"),
    el("p", {}, `${count(operator.accounts, "account")}, the most certain first. Confidence is the probability that the account belongs. `,
      "Days are in UTC.",
      left > 0 ? ` The ${number(total)} most certain are listed here; the other ${number(left)} stand in members.csv.` : ""),
    el("div", { class: "controls" },
      el("label", {}, "Search accounts ", search),
      el("label", { class: "check" }, alone, ` Held by one signal only (${number(detail.held_by_one)})`),
      el("button", { type: "button", click: () => saveMembers(operator, detail, holders) }, "Save as CSV")),
    table.node);
}

// A cell that no spreadsheet takes for a formula.
function cell(content) {
  if (content === null || content === undefined) return "";
  if (typeof content === "number") return String(content);
  const safe = /^\s*[=+\-@\t\r\n]/.test(content) ? `'${content}` : content;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function saveMembers(operator, detail, holders) {
  const members = detail.members;
  const header = "account_id,operator_id,verdict,confidence,evidence_nats,held_by,strongest_signals,signed_up,last_seen";
  const lines = members.id.map((id, n) => [
    id, operator.id, operator.verdict, members.confidence[n], members.evidence[n], members.held_by[n],
    holders(n).map((s) => `${s[0]}: ${s[1]}`).join(" | "),
    members.created[n] === null ? "" : day(members.created[n]),
    members.last[n] === null ? "" : day(members.last[n]),
  ].map(cell).join(","));
  const file = new Blob(["\ufeff", header, "\r\n", lines.join("\r\n"), "\r\n"], { type: "text/csv" });
  const address = URL.createObjectURL(file);
  // the name is the operator's place in the list: file names never come from the data
  el("a", { href: address, download: `operator-${operator.place + 1}-members.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}
