// One long list of equal rows of which only those in view are in the page, so that 20,000 cost what
// 20 cost. Sorted by its headers, filtered by its owner; scrolled by wheel, finger or keys.
//
// columns as in `pagedTable`, with `width` in rem. Returns {node, show(rows)}.

const ROW = 40;
const AROUND = 12;
const ON_PAPER = 200;

function longTable({ caption, columns, noun }) {
  let rows = [];
  let first = -1;
  const body = el("tbody", { role: "rowgroup" });
  const status = el("span", { class: "status", role: "status" });
  const sorting = sortable(columns, () => arrange());
  const table = el("table", { role: "table", class: "long", "aria-label": caption },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, sorting.headers)), body);
  const frame = el("div", { class: "scroll view", role: "region", "aria-label": caption, tabindex: "0", scroll: () => draw() }, table);
  columns.forEach((column, n) => { sorting.headers[n].style.width = `${column.width}rem`; });
  table.style.minWidth = `${columns.reduce((sum, column) => sum + column.width, 0)}rem`;

  function row(item, place) {
    return el("tr", { role: "row", "aria-rowindex": place + 2 }, columns.map((column) => el(column.header ? "th" : "td", {
      scope: column.header ? "row" : null, role: column.header ? "rowheader" : "cell", class: column.numeric ? "number" : null,
    }, column.cell(item))));
  }

  function space(count) {
    const node = el("tr", { class: "space", "aria-hidden": "true" }, el("td", { colspan: columns.length }));
    node.style.height = `${count * ROW}px`;
    return node;
  }

  function draw(again) {
    const inView = Math.ceil((frame.clientHeight || 600) / ROW);
    const from = Math.max(0, Math.min(Math.floor(frame.scrollTop / ROW), rows.length - inView) - AROUND);
    // a few rows of scrolling are covered by what stands around the view
    if (!again && first >= 0 && Math.abs(from - first) < AROUND / 2) return;
    first = from;
    const to = Math.min(rows.length, from + inView + 2 * AROUND);
    body.replaceChildren(space(from), ...rows.slice(from, to).map((item, n) => row(item, from + n)), space(rows.length - to));
  }

  function arrange() {
    rows = sorting.sort(rows);
    frame.scrollTop = 0;
    draw(true);
  }

  function show(given) {
    rows = given.slice();
    table.setAttribute("aria-rowcount", rows.length + 1);
    status.textContent = rows.length ? `${count(rows.length, noun)}` : `No ${noun} matches.`;
    arrange();
  }

  window.addEventListener("beforeprint", () => {
    body.replaceChildren(...rows.slice(0, ON_PAPER).map(row));
    if (rows.length > ON_PAPER) status.textContent = `The first ${number(ON_PAPER)} of ${count(rows.length, noun)} are printed; save as CSV for all.`;
  });
  window.addEventListener("afterprint", () => show(rows));
  return { node: el("div", { class: "listing" }, frame, el("div", { class: "under" }, status)), show };
}
