// The graph of an operator: its strongest signals on the left, its accounts on the right, bundled by
// equal signals. A bundle opens on a click, and its accounts stand beside it.

const OPENED = 24;
const STEP = 23;
const COLUMNS = NARROW ? { signals: 0, bundles: 215, accounts: 380 } : { signals: 0, bundles: 330, accounts: 560 };

function graphSection(page, members, listBundle) {
  const drawing = page.graph;
  if (!drawing || !drawing.bundles.length) return null;
  // on a phone labels stand above their signals, and need a row themselves
  const rows = Math.max(drawing.signals.length * (NARROW ? 2 : 1), drawing.bundles.length);
  const y = (n, of) => (rows * STEP * (n + 0.5)) / of;
  const most = Math.max(...drawing.bundles.map(([n]) => n));
  const kindOf = (signal) => page.signals[drawing.signals[signal]][0];
  const textOf = (signal) => page.signals[drawing.signals[signal]][1];
  const nodes = drawing.signals.map((_, n) => ({ id: `s${n}`, x: COLUMNS.signals, y: y(n, drawing.signals.length),
    kind: kindOf(n), size: 8, label: short(textOf(n).replaceAll("\n", " "), NARROW ? 28 : 38), side: NARROW ? "above" : "left" }));
  const edges = [];
  drawing.bundles.forEach(([n, held], bundle) => {
    nodes.push({ id: `b${bundle}`, x: COLUMNS.bundles, y: y(bundle, drawing.bundles.length), kind: "bundle",
      size: 5 + 5 * Math.sqrt(n / most), label: count(n, "account"), side: "right" });
    for (const signal of held) {
      edges.push({ id: `${signal}-${bundle}`, from: `s${signal}`, to: `b${bundle}`, colour: look(kindOf(signal))[1], width: 1 + 4 * Math.sqrt(n / most) });
    }
  });
  const panel = el("div", { class: "panel", role: "status" }, hint(HINT));
  let open = null;

  const words = `On the left ${count(drawing.signals.length, "signal")}, the strongest of each kind in turn; on the right `
    + `${count(drawing.bundles.reduce((sum, [n]) => sum + n, 0), "account")} in ${count(drawing.bundles.length, "bundle")}: accounts that have exactly the same of these signals are one bundle.`;
  const view = network(words, true, (id) => {
    if (id === null) describe(hint(HINT));
    else if (id.startsWith("s")) describeSignal(Number(id.slice(1)));
    else if (id.startsWith("b")) toggle(Number(id.slice(1)));
    else describe(el("p", {}, "Account ", value(members.id[Number(id.slice(1))]), ", confidence ", confidence(members.confidence[Number(id.slice(1))]), "."));
  });

  function describe(...content) {
    panel.replaceChildren();
    fill(panel, content);
  }

  function describeSignal(signal) {
    const [kind, text, inside, others, weight] = page.signals[drawing.signals[signal]];
    describe(el("p", {}, el("strong", {}, kindName(kind)), ": ", kind === "prompt" ? template(text) : value(text)),
      el("p", {}, `${count(inside, "member")} and ${count(others, "other account")} use it; ${number(weight, 1)} nats.`));
  }

  function toggle(bundle) {
    open = open === bundle ? null : bundle;
    const [n, held] = drawing.bundles[bundle];
    const own = open === null ? [] : members.bundle.flatMap((b, member) => (b === bundle ? [member] : []));
    const shown = own.slice(0, OPENED);
    const middle = y(bundle, drawing.bundles.length);
    const top = Math.max(STEP / 2, Math.min(middle - (STEP * (shown.length - 1)) / 2, rows * STEP - STEP * (shown.length - 0.5)));
    const added = shown.map((member, k) => ({ id: `a${member}`, x: COLUMNS.accounts, y: top + STEP * k, kind: "account", size: 5, label: short(members.id[member], 24), side: "right" }));
    const lines = shown.map((member) => ({ id: `a${member}`, from: `b${bundle}`, to: `a${member}`, colour: "soft", width: 1 }));
    // the lines to its accounts go where the label of an open bundle stood
    const closed = nodes.map((node) => (open !== null && node.id === `b${bundle}` ? { ...node, label: "" } : node));
    view.show([...closed, ...added], [...edges, ...lines], box(added.length > 0));
    describe(el("p", {}, `${count(n, "account")} with exactly these: `, held.map((s, k) => [k ? "; " : "", shortKind(kindOf(s)), " ", value(short(textOf(s), 60))]), "."),
      open === null ? el("p", {}, "Choose the bundle again to open it.") : el("p", {},
        shown.length < n ? `${number(shown.length)} of its accounts are drawn beside it. ` : "",
        el("button", { type: "button", click: () => listBundle(bundle) }, "List its accounts below")));
  }

  function box(opened) {
    return [NARROW ? -14 : -310, -STEP / 2, opened ? COLUMNS.accounts + 190 : COLUMNS.bundles + (NARROW ? 105 : 170), Math.max(rows, opened ? OPENED : 0) * STEP + STEP / 2];
  }

  view.show(nodes, edges, box(false));
  return el("section", { "aria-labelledby": "graph" },
    el("h2", { id: "graph" }, "What ties the accounts together"),
    el("p", {}, words, " A line means that all accounts of the bundle use the signal. ", leftOut(page, drawing)),
    el("p", { class: "legend" }, [...new Set(drawing.signals.map((_, n) => kindOf(n)))].map((kind) => el("span", {}, mark(kind), " ", kindName(kind))),
      el("span", {}, mark("bundle"), " bundle of accounts"), el("span", {}, mark("account"), " account")),
    view.node, panel, bundlesTable(drawing, kindOf, textOf, (bundle) => view.select(`b${bundle}`)));
}

const HINT = "Choose a signal or a bundle of accounts in the graph to read what it is; a bundle opens.";

function leftOut(page, drawing) {
  const signals = page.kinds.reduce((sum, [, n]) => sum + n, 0) - drawing.signals.length;
  const parts = [];
  if (signals > 0) parts.push(count(signals, "weaker signal"));
  if (drawing.bundles_left) parts.push(`${count(drawing.accounts_left, "account")} in ${count(drawing.bundles_left, "smaller bundle")}`);
  if (drawing.accounts_without) parts.push(`${count(drawing.accounts_without, "account")} with none of these signals`);
  return parts.length ? `Not drawn: ${list(parts)}.` : "Nothing is left out.";
}

// The graph in words, for whoever can't see or point at it.
function bundlesTable(drawing, kindOf, textOf, choose) {
  return el("details", {}, el("summary", {}, "The graph as a table"),
    plainTable("Bundles of accounts and the signals they have in common", [["Accounts", "number"], ["Signals that all of them use"], ["In the graph"]],
      drawing.bundles.map(([n, held], bundle) => [number(n),
        held.map((s, k) => [k ? "; " : "", shortKind(kindOf(s)), " ", value(short(textOf(s), 60))]),
        el("button", { type: "button", "aria-label": `Open bundle ${bundle + 1} in the graph`, click: () => choose(bundle) }, "Open")])));
}
