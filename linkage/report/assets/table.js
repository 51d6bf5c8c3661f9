// Tables: headers that sort, lists a page at a time, and short ones as they are.
//
// columns: {name, cell(row), key(row) to sort by, numeric, header: names the row, wide}
// Rows are whatever the columns understand.

// Headers that sort when they are pressed, and the sorting of rows by what was pressed last.
function sortable(columns, changed, sorted) {
  let order = sorted || null;
  const arrows = columns.map(() => el("span", { class: "arrow", "aria-hidden": "true" }));
  const headers = columns.map((column, n) => el("th", { scope: "col", role: "columnheader", class: column.numeric ? "number" : null },
    column.key ? el("button", { type: "button", class: "sort", click: () => press(n) }, column.name, arrows[n]) : column.name));

  function press(n) {
    const first = columns[n].numeric ? -1 : 1;
    order = order && order.column === n ? { column: n, direction: -order.direction } : { column: n, direction: first };
    say();
    changed();
  }

  function say() {
    headers.forEach((header, n) => {
      const on = order && order.column === n;
      if (on) header.setAttribute("aria-sort", order.direction > 0 ? "ascending" : "descending");
      else header.removeAttribute("aria-sort");
      arrows[n].textContent = on ? (order.direction > 0 ? " \u25b2" : " \u25bc") : "";
    });
  }

  function sort(rows) {
    if (!order) return rows;
    const key = columns[order.column].key;
    const keyed = rows.map((row, place) => [key(row), place, row]);
    // what is missing stands last, whichever way the rest is sorted
    keyed.sort(([a, i], [b, j]) => {
      if (a === b) return i - j;
      if (a === null || a === undefined) return 1;
      if (b === null || b === undefined) return -1;
      return (a < b ? -1 : 1) * order.direction;
    });
    return keyed.map(([, , row]) => row);
  }

  say();
  return { headers, sort };
}

// A list of which one page is shown. Returns {node, show(rows)}.

function pagedTable({ caption, columns, size, noun, sorted, onRow }) {
  let rows = [];
  let page = 0;
  let perPage = size;
  const body = el("tbody", { role: "rowgroup" });
  const status = el("span", { class: "status", role: "status" });
  const sorting = sortable(columns, () => { arrange(); turn(0); }, sorted);
  const previous = el("button", { type: "button", click: () => turn(page - 1) }, "Previous");
  const next = el("button", { type: "button", click: () => turn(page + 1) }, "Next");
  const sizes = el("select", { change: () => { perPage = Number(sizes.value); turn(0); } },
    [size, size * 5, size * 20].map((n) => el("option", { value: n }, number(n))));
  const pager = el("div", { class: "pager" }, previous, next, el("label", {}, "Rows a page ", sizes));
  const frame = el("div", { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" },
    el("table", { role: "table", "aria-label": caption },
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, sorting.headers)), body));
  const node = el("div", { class: "listing" }, sideways(frame), frame,
    el("div", { class: "under" }, status, pager));

  function arrange() {
    rows = sorting.sort(rows);
  }

  function turn(to) {
    const last = Math.max(0, Math.ceil(rows.length / perPage) - 1);
    page = Math.max(0, Math.min(to, last));
    const from = page * perPage;
    const shown = rows.slice(from, from + perPage);
    body.replaceChildren(...shown.map((row) => {
      const cells = columns.map((column) => el(column.header ? "th" : "td", {
        scope: column.header ? "row" : null,
        role: column.header ? "rowheader" : "cell",
        class: [column.numeric && "number", column.wide && "wide"].filter(Boolean).join(" ") || null,
        "data-name": column.name,
      }, column.cell(row)));
      return el("tr", { role: "row", click: onRow ? (event) => onRow(row, event) : null }, cells);
    }));
    status.textContent = rows.length
      ? `${number(from + 1)}–${number(from + shown.length)} of ${count(rows.length, noun)}`
      : `No ${noun} matches.`;
    previous.disabled = page === 0;
    next.disabled = page === last;
    pager.hidden = rows.length <= size;
  }

  function show(given) {
    rows = given.slice();
    arrange();
    turn(0);
  }

  return { node, show };
}

// A short table with a caption that is seen. columns: [name, class]; rows: a list of cells each.
// Roles are said since narrow screens show rows as cards, which would take them away.
function plainTable(caption, columns, rows) {
  return el("div", { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" },
    el("table", { role: "table", class: "plain" }, el("caption", {}, caption),
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, columns.map(([name, className]) =>
        el("th", { scope: "col", role: "columnheader", class: className }, name)))),
      el("tbody", { role: "rowgroup" }, rows.map((row) => el("tr", { role: "row" }, row.map((cell, n) =>
        el("td", { role: "cell", class: columns[n][1], "data-name": columns[n][0] }, cell)))))));
}
