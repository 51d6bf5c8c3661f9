// Elements. Whatever comes from the data becomes a text node
// here, with characters that hide or reorder text shown as symbols; nothing is ever parsed as markup.

const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

function visible(text) {
  return String(text).replace(UNSEEN, (character) => {
    const code = character.codePointAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return "\u2421";
    return `[U+${code.toString(16).toUpperCase().padStart(4, "0")}]`;
  });
}

function fill(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(visible(child)));
  }
  return node;
}

function attach(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? "" : visible(value));
  }
  return node;
}

function el(tag, attributes, ...children) {
  return fill(attach(document.createElement(tag), attributes || {}), children);
}

function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  return fill(attach(node, attributes || {}), children);
}

// A value as somebody typed it: kept apart, so that its script's direction can't reorder ours.
function value(text, className) {
  return el("bdi", { class: `value ${className || ""}`.trim() }, text === "" ? "(empty)" : text);
}

const SLOT = /(⟨…⟩)/;

// A template, with its slots marked and its line breaks kept.
function template(text) {
  const parts = text.split(SLOT).map((part, n) =>
    n % 2 ? el("mark", { class: "slot" }, part) : part.split("\n").flatMap((line, k) => (k ? ["\u23ce", el("br"), line] : [line])));
  return el("bdi", { class: "value template" }, parts);
}

function short(text, width) {
  // characters, not code units: a pair is never split
  const characters = Array.from(text.slice(0, 2 * width + 2));
  return characters.length > width ? `${characters.slice(0, width - 1).join("")}…` : text;
}

const data = new Map();

// The data of a block, parsed when first asked for; null where the page has no such block.
function block(name) {
  if (!data.has(name)) {
    const node = document.getElementById(name);
    data.set(name, node ? JSON.parse(node.textContent) : null);
  }
  return data.get(name);
}

// What a panel says before anything is chosen; left out on paper.
function hint(words) {
  return el("p", { class: "hint" }, words);
}

// A bar of `share` (0 to 1) of its place; the number stands beside it in words.
function bar(share, className) {
  const inner = el("span", { class: "fill" });
  inner.style.width = `${Math.max(0, Math.min(1, share || 0)) * 100}%`;
  return el("span", { class: `bar ${className || ""}`, "aria-hidden": "true" }, inner);
}

// On a phone drawings are made narrower instead of smaller, so that their words can be read.
const NARROW = matchMedia("(max-width: 44rem)").matches;

// Says so where a frame holds more than is seen of it.
function sideways(frame) {
  const note = el("p", { class: "more sideways", hidden: true }, "\u2194 Wider than the page: scroll it sideways to see the rest.");
  const watch = new ResizeObserver(() => { note.hidden = frame.scrollWidth <= frame.clientWidth + 2; });
  watch.observe(frame);
  watch.observe(frame.firstElementChild);
  return note;
}

// What stands above and below every page.
function frame({ run, redacted }) {
  document.getElementById("main").replaceChildren();
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("main").focus();
  });
  fill(document.getElementById("top"), [el("span", { class: "brand" }, "linkage report"),
    el("span", {}, run.run ? `Run ${number(run.run)}${run.finished ? `, finished ${run.finished} UTC` : ""}` : ""),
    redacted ? el("span", { class: "redacted" }, el("strong", {}, "Redacted: equal masks are equal values. "), redacted) : null]);
  fill(document.getElementById("foot"), [el("p", {},
    "A member is an account that the data attribute to an operator, with a probability; it is not a finding of guilt. ",
    "An operator is one hand behind several accounts, and may be a company or a family. ",
    "Values that users typed are shown as text, hidden characters as symbols. This page uses no network.")]);
  // the colours of paper, for a graph that is printed while the page is dark
  document.body.append(el("div", { class: "paper", hidden: true }));
}
