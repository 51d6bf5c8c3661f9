// Drawings from data whose places were worked out before: the timeline, and the graph of an operator's
// strongest signals and its accounts. No motion, no physics: they open as fast for 20,000 accounts.

const SHAPES = {
  square: "M-6-6H6V6H-6Z", circle: "M-6.5 0a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0-13 0Z", diamond: "M0-8L8 0L0 8L-8 0Z",
  triangle: "M0-8L7.5 6H-7.5Z", down: "M0 8L7.5-6H-7.5Z", hexagon: "M-7.5 0L-3.7-6.5H3.7L7.5 0L3.7 6.5H-3.7Z",
  cross: "M-2.5-7H2.5V-2.5H7V2.5H2.5V7H-2.5V2.5H-7V-2.5H-2.5Z", ring: "M-7 0a7 7 0 1 0 14 0a7 7 0 1 0-14 0ZM-3 0a3 3 0 1 1 6 0a3 3 0 1 1-6 0Z",
};
// each kind has a shape and a colour of the Okabe-Ito palette; the shape alone tells them apart
const LOOKS = {
  payment: ["square", 1], bin: ["square", 7], ip: ["circle", 2], ip_range: ["ring", 3], prompt: ["diamond", 4],
  email: ["triangle", 5], email_domain: ["triangle", 1], device: ["hexagon", 6], user_agent: ["hexagon", 3],
  phone: ["down", 5], address: ["down", 2], name: ["down", 7],
};

function look(kind) {
  return Object.hasOwn(LOOKS, kind) ? LOOKS[kind] : ["cross", 7];
}

function shape(kind, attributes) {
  const [form, colour] = look(kind);
  return svg("path", { d: SHAPES[form], class: `shape c${colour}`, "fill-rule": "evenodd", ...attributes });
}

function mark(kind) {
  return svg("svg", { class: "mark", viewBox: "-9 -9 18 18", width: "14", height: "14", "aria-hidden": "true" }, shape(kind));
}

function graphSection(operator, detail) {
  const drawing = detail.graph;
  if (!drawing || !drawing.bundles.length) return null;
  const rows = Math.max(drawing.signals.length, drawing.bundles.length);
  const step = 24;
  const height = rows * step + 16;
  const [left, right, width] = [340, 640, 800];
  const place = (n, of) => 8 + (rows * step * (n + 0.5)) / of;
  const most = Math.max(...drawing.bundles.map(([n]) => n));
  const lines = svg("g", { class: "lines" });
  const nodes = svg("g", {});
  const ends = [];

  const light = (chosen) => {
    for (const [line, signal, bundle] of ends) {
      line.classList.toggle("lit", Boolean(chosen && chosen(signal, bundle)));
    }
    lines.classList.toggle("chosen", Boolean(chosen));
  };
  drawing.bundles.forEach(([n, held], bundle) => {
    const y = place(bundle, drawing.bundles.length);
    const radius = 3 + 8 * Math.sqrt(n / most);
    for (const signal of held) {
      const from = place(signal, drawing.signals.length);
      const middle = (left + right) / 2;
      const line = svg("path", { d: `M${left + 10} ${from}C${middle} ${from} ${middle} ${y} ${right - radius} ${y}`,
        class: `s${look(detail.signals[drawing.signals[signal]][0])[1]}`, "stroke-width": (1 + 4 * Math.sqrt(n / most)).toFixed(2) });
      ends.push([line, signal, bundle]);
      lines.append(line);
    }
    nodes.append(svg("g", { mouseenter: () => light((s, b) => b === bundle), mouseleave: () => light(null) },
      svg("circle", { cx: right, cy: y, r: radius, class: "bundle" }),
      svg("text", { x: right + 18, y: y + 4 }, count(n, "account"))));
  });
  drawing.signals.forEach((signal, n) => {
    const [kind, text] = detail.signals[signal];
    const y = place(n, drawing.signals.length);
    nodes.append(svg("g", { mouseenter: () => light((s) => s === n), mouseleave: () => light(null) },
      svg("title", {}, `${kindName(kind)}: ${short(text, 200)}`),
      svg("rect", { x: 0, y: y - step / 2, width: left, height: step, class: "hit" }),
      svg("text", { x: left - 12, y: y + 4, "text-anchor": "end" }, short(text, 44)),
      shape(kind, { transform: `translate(${left} ${y})` })));
  });

  const kinds = [...new Set(drawing.signals.map((s) => detail.signals[s][0]))];
  const drawn = drawing.bundles.reduce((sum, [n]) => sum + n, 0);
  const signals = detail.kinds.reduce((sum, [, n]) => sum + n, 0);
  const left_out = [];
  if (signals > drawing.signals.length) left_out.push(`${count(signals - drawing.signals.length, "other signal")}`);
  if (drawing.bundles_left) left_out.push(`${count(drawing.accounts_left, "account")} in ${count(drawing.bundles_left, "smaller bundle")}`);
  if (drawing.without) left_out.push(`${count(drawing.without, "account")} with none of these signals`);
  const words = `On the left ${count(drawing.signals.length, "signal")}, the strongest of each kind in turn; on the right ${count(drawn, "account")}: `
    + "those that have exactly the same of these signals are one bundle. A line means that all of the bundle use the signal.";
  return el("section", { "aria-labelledby": "graph" },
    el("h2", { id: "graph" }, "What ties the accounts together"),
    el("p", {}, words, left_out.length ? ` Not drawn: ${list(left_out)}.` : " Nothing is left out."),
    el("p", { class: "legend" }, kinds.map((kind) => el("span", {}, mark(kind), " ", kindName(kind))),
      el("span", {}, svg("svg", { class: "mark", viewBox: "-9 -9 18 18", width: "14", height: "14", "aria-hidden": "true" },
        svg("circle", { r: 7, class: "bundle" })), " bundle of accounts")),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Graph of signals and accounts" },
      svg("svg", { class: "graph", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words }, lines, nodes)));
}

function timelineSection(detail) {
  const time = detail.timeline;
  if (!time) {
    return el("section", { "aria-labelledby": "timeline" }, el("h2", { id: "timeline" }, "Over time"),
      el("p", {}, "The inputs hold no times for these accounts."));
  }
  const unit = time.step === 1 ? "day" : `${time.step} days`;
  const names = [["Sign-ups", "sign-up", "signups"], ["Activity", "event", "activity"]];
  const panels = time.bars.map((bars, n) => {
    const [title, noun, className] = names[n];
    if (!time.totals[n]) return el("p", {}, `${title}: the inputs hold no such times for these accounts.`);
    const top = Math.max(...bars);
    const when = time.start + bars.indexOf(top) * time.step;
    const stray = time.early[n] + time.late[n];
    const words = `${title}: ${count(time.totals[n], noun)}, at most ${number(top)} in ${unit === "day" ? "a day" : unit}`
      + ` (${time.step === 1 ? "" : "from "}${day(when)}).`
      + (stray ? ` Not drawn: ${number(time.early[n])} earlier and ${number(time.late[n])} later.` : "");
    return el("figure", {}, el("figcaption", {}, words), barChart(time, bars, top, className, words));
  });
  return el("section", { "aria-labelledby": "timeline" },
    el("h2", { id: "timeline" }, "Over time"),
    el("p", {}, `Sign-ups and activity of the members, by ${unit}; days are in UTC.`), panels);
}

function barChart(time, bars, top, className, words) {
  const [width, height, left, below] = [800, 110, 48, 20];
  const wide = (width - left) / bars.length;
  const y = (n) => (height * (top - n)) / (top || 1) + 6;
  const path = bars.map((n, k) => (n ? `M${(left + k * wide).toFixed(2)} ${height + 6}V${Math.min(y(n), height + 4.5).toFixed(2)}h${Math.max(wide * 0.86, 0.6).toFixed(2)}V${height + 6}Z` : "")).join("");
  const ticks = [];
  const every = Math.max(1, Math.ceil(bars.length / 6));
  for (let k = 0; k < bars.length; k += every) {
    if (k && left + k * wide > width - 66) break;
    ticks.push(svg("path", { d: `M${left + k * wide} ${height + 6}v4`, class: "axis" }),
      svg("text", { x: left + k * wide, y: height + below + 2 }, day(time.start + k * time.step)));
  }
  return svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height + below + 8}`, role: "img", "aria-label": words },
    svg("path", { d: `M${left} 6H${width}M${left} ${height + 6}H${width}`, class: "axis" }),
    svg("text", { x: left - 6, y: 12, "text-anchor": "end" }, number(top)),
    svg("text", { x: left - 6, y: height + 9, "text-anchor": "end" }, "0"),
    svg("path", { d: path, class: className }), ticks);
}
