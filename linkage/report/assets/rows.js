// One long list of equal rows of which only those in view are in the page, so that 20,000 cost what
// 20 cost. Sorted by its headers, filtered by its owner; scrolled by wheel, finger or keys.
//
// columns as in `pagedTable`, with `width` in rem. Returns {node, show(rows)}.

const ROW = 40;
const AROUND = 8;
const ON_PAPER = 200;

function longTable({ caption, columns, noun }) {
  let rows = [];
  let first = 0;
  const [above, below] = [0, 1].map(() => el("tr", { class: "space", "aria-hidden": "true" }, el("td", { colspan: columns.length })));
  const body = el("tbody", { role: "rowgroup" }, above, below);
  const drawn = new Map();
  const status = el("span", { class: "status", role: "status" });
  const sorting = sortable(columns, () => arrange());
  const table = el("table", { role: "table", class: "long", "aria-label": caption },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, sorting.headers)), body);
  const frame = el("div", { class: "scroll view", role: "region", "aria-label": caption, tabindex: "0", scroll: () => draw() }, table);
  const widths = columns.map((column) => (NARROW && column.header ? Math.min(column.width, 10) : column.width));
  widths.forEach((width, n) => { sorting.headers[n].style.width = `${width}rem`; });
  table.style.minWidth = `${widths.reduce((sum, width) => sum + width, 0)}rem`;

  function row(item, place) {
    return el("tr", { role: "row", "aria-rowindex": place + 2 }, columns.map((column) => el(column.header ? "th" : "td", {
      scope: column.header ? "row" : null, role: column.header ? "rowheader" : "cell", class: column.numeric ? "number" : null,
    }, column.cell(item))));
  }

  function draw(again) {
    const inView = Math.ceil((frame.clientHeight || 600) / ROW);
    const from = Math.max(0, Math.min(Math.floor(frame.scrollTop / ROW), rows.length - inView) - AROUND);
    // a few rows of scrolling are covered by what stands around the view
    if (!again && Math.abs(from - first) < AROUND / 2) return;
    first = from;
    const to = Math.min(rows.length, from + inView + 2 * AROUND);
    for (const [place, node] of drawn) {
      if (again || place < from || place >= to) {
        node.remove();
        drawn.delete(place);
      }
    }
    // rows that stay are not touched, so that the browser has little to lay out anew
    let next = below;
    for (let place = to - 1; place >= from; place -= 1) {
      if (!drawn.has(place)) {
        drawn.set(place, row(rows[place], place));
        body.insertBefore(drawn.get(place), next);
      }
      next = drawn.get(place);
    }
    above.style.height = `${from * ROW}px`;
    below.style.height = `${(rows.length - to) * ROW}px`;
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
  window.addEventListener("afterprint", () => {
    body.replaceChildren(above, below);
    show(rows);
  });
  return { node: el("div", { class: "listing" }, sideways(frame), frame, el("div", { class: "under" }, status)), show };
}
