// A graph whose places were worked out before, drawn by vis-network on a canvas: no motion, no physics.
// What the canvas shows is also said in text beside it, and nothing of the data reaches the library
// but the labels, which our own renderer writes.

const SHAPES = {
  square: "M-6-6H6V6H-6Z", circle: "M-6.5 0a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0-13 0Z", diamond: "M0-8L8 0L0 8L-8 0Z",
  triangle: "M0-8L7.5 6H-7.5Z", down: "M0 8L7.5-6H-7.5Z", hexagon: "M-7.5 0L-3.7-6.5H3.7L7.5 0L3.7 6.5H-3.7Z",
  star: "M0-8L2.2-2.7L7.8-2.3L3.5 1.3L4.9 6.8L0 3.8L-4.9 6.8L-3.5 1.3L-7.8-2.3L-2.2-2.7Z",
  person: "M-3-5a3 3 0 1 0 6 0a3 3 0 1 0-6 0ZM-6.5 7.5V5a5 4 0 0 1 5-4H1.5a5 4 0 0 1 5 4V7.5Z",
  people: "M-6.3-5a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0-5.2 0ZM1.1-5a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0-5.2 0ZM-8 7V3.5a4 3.5 0 0 1 4-3.5H4a4 3.5 0 0 1 4 3.5V7Z",
  cross: "M-2.5-7H2.5V-2.5H7V2.5H2.5V7H-2.5V2.5H-7V-2.5H-2.5Z", ring: "M-7 0a7 7 0 1 0 14 0a7 7 0 1 0-14 0ZM-3 0a3 3 0 1 1 6 0a3 3 0 1 1-6 0Z",
};
// each kind has a shape and a colour of the Okabe-Ito palette; the shape alone tells them apart
const LOOKS = {
  payment: ["square", "c1"], bin: ["square", "c7"], ip: ["circle", "c2"], ip_range: ["ring", "c3"], prompt: ["diamond", "c4"],
  email: ["triangle", "c5"], email_domain: ["triangle", "c1"], device: ["hexagon", "c6"], user_agent: ["hexagon", "c3"],
  sign_up: ["star", "c5"], sign_up_day: ["star", "c7"], phone: ["down", "c5"], address: ["down", "c2"], name: ["down", "c7"],
  sockpuppets: ["triangle", "against"], organisation: ["square", "honest"], household: ["circle", "c4"], unclear: ["diamond", "soft"],
  bundle: ["people", "soft"], account: ["person", "soft"],
};

function look(kind) {
  return Object.hasOwn(LOOKS, kind) ? LOOKS[kind] : ["cross", "c7"];
}

// The same mark in text, for legends and headings.
function mark(kind) {
  const [form, colour] = look(kind);
  return svg("svg", { class: "mark", viewBox: "-9 -9 18 18", width: "14", height: "14", "aria-hidden": "true" },
    svg("path", { d: SHAPES[form], class: `shape ${colour}`, "fill-rule": "evenodd" }));
}

// Pixels at most of a drawing on a phone, where it is scrolled.
const WIDEST = 704;

let unpacking = null;

// The library, unpacked when first needed; the policy of the page admits it by its hash.
function graphLibrary() {
  unpacking = unpacking || unpack();
  return unpacking;
}

async function unpack() {
  const packed = document.getElementById("library").textContent;
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
  return globalThis.vis;
}

const COLOURS = ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "against", "honest", "soft", "accent", "ink", "ground"];

function colours(paper) {
  const style = getComputedStyle(document.querySelector(paper ? ".paper" : ":root"));
  return Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

// nodes: {id, x, y, kind, size, label, side}; edges: {id, from, to, colour, width}; box: what is seen at first.
// Returns {node, show(nodes, edges, box), select(id)}; onSelect gets a node's id, or null.
function network(label, curved, onSelect) {
  const canvas = el("div", { class: "canvas" });
  const button = (words, act) => el("button", { type: "button", disabled: true, click: act }, words);
  const buttons = [button("Zoom in", () => zoom(1.3)), button("Zoom out", () => zoom(1 / 1.3)), button("Show all", () => frameAll())];
  const note = el("p", { class: "more", role: "status" }, "The graph is being drawn.");
  const scroller = el("div", { class: "scroll", role: "region", "aria-label": label, tabindex: "0" }, canvas);
  const node = el("div", { class: "network" }, sideways(scroller), scroller,
    el("div", { class: "controls" }, buttons, note));
  let palette = colours(false);
  let [nodes, edges, box] = [[], [], [0, 0, 1, 1]];
  let [vis, drawn, parts, chosen] = [null, null, null, null];

  function show(givenNodes, givenEdges, givenBox) {
    [nodes, edges, box] = [givenNodes, givenEdges, givenBox];
    if (!drawn) return;
    parts.nodes.clear();
    parts.edges.clear();
    parts.nodes.add(nodes.map((n) => ({ id: n.id, x: n.x, y: n.y, shape: "custom", ctxRenderer: renderer(n) })));
    parts.edges.add(edges.map((e) => ({ id: e.id, from: e.from, to: e.to, ...looks(e) })));
    frameAll();
    // of what is too wide for a phone, the accounts that were just opened, or the middle of the map
    scroller.scrollLeft = (scroller.scrollWidth - scroller.clientWidth) * (curved ? 1 : 0.5);
  }

  function looks(edge) {
    const lit = chosen !== null && (edge.from === chosen || edge.to === chosen);
    return { color: { color: palette[edge.colour], opacity: lit ? 1 : chosen === null ? 0.5 : 0.12, inherit: false }, width: edge.width };
  }

  function renderer(item) {
    const [form, colour] = look(item.kind);
    const path = new Path2D(SHAPES[form]);
    return ({ ctx, x, y, state }) => ({
      drawNode() {
        ctx.save();
        ctx.translate(x, y);
        ctx.scale(item.size / 7, item.size / 7);
        ctx.fillStyle = palette[colour];
        ctx.strokeStyle = palette.ink;
        ctx.lineWidth = ((state.selected || item.id === chosen ? 2.5 : 0.8) * 7) / item.size;
        ctx.fill(path, "evenodd");
        ctx.stroke(path);
        ctx.restore();
        caption(ctx, item, x, y);
      },
      nodeDimensions: { width: Math.max(2 * item.size, 20), height: Math.max(2 * item.size, 20) },
    });
  }

  function caption(ctx, item, x, y) {
    const places = { left: ["right", x - item.size - 8, y], above: ["left", x - item.size, y - item.size - 9], right: ["left", x + item.size + 8, y], below: ["center", x, y + item.size + 11] };
    const [align, left, top] = places[item.side];
    ctx.font = '13px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif';
    ctx.textAlign = align;
    ctx.textBaseline = "middle";
    ctx.lineWidth = 3;
    ctx.lineJoin = "round";
    ctx.strokeStyle = palette.ground;
    ctx.fillStyle = palette.ink;
    ctx.strokeText(visible(item.label), left, top);
    ctx.fillText(visible(item.label), left, top);
  }

  function repaint() {
    if (!drawn) return;
    parts.edges.update(edges.map((e) => ({ id: e.id, ...looks(e) })));
    drawn.redraw();
  }

  function select(id) {
    chosen = id;
    repaint();
    onSelect(id);
  }

  function zoom(factor) {
    drawn.moveTo({ scale: drawn.getScale() * factor });
  }

  function frameAll() {
    const [left, top, right, bottom] = box;
    if (NARROW) canvas.style.minWidth = `${Math.min(right - left, WIDEST)}px`;
    const scale = Math.min(canvas.clientWidth / (right - left), 1.15);
    canvas.style.height = `${Math.max(160, Math.ceil((bottom - top) * scale))}px`;
    drawn.setSize("100%", canvas.style.height);
    drawn.moveTo({ position: { x: (left + right) / 2, y: (top + bottom) / 2 }, scale });
    drawn.redraw();
  }

  async function start() {
    try {
      vis = await graphLibrary();
    } catch {
      note.textContent = "This browser can't draw the graph (it is too old); the table below says the same.";
      canvas.remove();
      return;
    }
    parts = { nodes: new vis.DataSet(), edges: new vis.DataSet() };
    drawn = new vis.Network(canvas, parts, {
      physics: false,
      layout: { improvedLayout: false, randomSeed: 1 },
      interaction: { hover: false, zoomView: false, selectConnectedEdges: false, dragNodes: true, multiselect: false },
      edges: { smooth: curved && { enabled: true, type: "cubicBezier", forceDirection: "horizontal", roundness: 0.5 } },
    });
    // a picture to assistive technology: the same is said by the text and the table beside it
    for (const part of canvas.querySelectorAll("canvas")) attach(part, { role: "img", "aria-label": label });
    drawn.on("click", ({ nodes: hit }) => select(hit.length ? hit[0] : null));
    note.textContent = "";
    for (const each of buttons) each.disabled = false;
    show(nodes, edges, box);
    let width = canvas.clientWidth;
    new ResizeObserver(() => {
      if (canvas.clientWidth && canvas.clientWidth !== width) {
        width = canvas.clientWidth;
        frameAll();
      }
    }).observe(canvas);
    const again = (paper) => { palette = colours(paper); repaint(); };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => again(false));
    window.addEventListener("beforeprint", () => again(true));
    window.addEventListener("afterprint", () => again(false));
  }

  later(start);
  return { node, show, select };
}

// When the browser has drawn the page and has nothing else to do.
function later(act) {
  if (globalThis.requestIdleCallback) requestIdleCallback(act, { timeout: 500 });
  else setTimeout(act, 50);
}
