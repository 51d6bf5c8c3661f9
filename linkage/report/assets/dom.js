// Elements, and words for numbers and times. Whatever comes from the data becomes a text node
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

function link(hash, attributes, ...children) {
  return el("a", { href: `#${encodeURIComponent(hash)}`, ...attributes }, ...children);
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

const formats = new Map();

function number(amount, digits = 0) {
  if (amount === null || amount === undefined) return "–";
  if (!formats.has(digits)) {
    formats.set(digits, new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  }
  const text = formats.get(digits).format(amount);
  return text.startsWith("-") ? `\u2212${text.slice(1)}` : text;
}

// Small probabilities without a lie: "0.000" would claim what no test can.
function chance(q) {
  if (q === null || q === undefined) return "not tested";
  if (q === 0) return "0";
  return q < 0.0001 ? "< 0.0001" : number(q, q < 0.01 ? 4 : 3);
}

function confidence(p) {
  if (p === null || p === undefined) return "–";
  return p > 0.999 ? "> 0.999" : number(p, 3);
}

function percent(part, whole) {
  if (!whole) return "–";
  const share = (100 * part) / whole;
  if (part && share < 0.1) return "< 0.1%";
  if (part < whole && share > 99.9) return "> 99.9%";
  return `${number(share, share < 10 ? 1 : 0)}%`;
}

function count(amount, one, many) {
  return `${number(amount)} ${amount === 1 ? one : many || `${one}s`}`;
}

function list(words) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
}

// "2025-03-05", from days since 1970; years outside four digits as they are.
function day(days) {
  if (days === null || days === undefined) return "–";
  const date = new Date(days * 86400000);
  return Number.isNaN(date.getTime()) ? `day ${days}` : date.toISOString().slice(0, -14);
}

const KINDS = {
  payment: "payment card", bin: "card's first digits", ip: "IP address", ip_range: "address range",
  prompt: "prompt template", email: "e-mail", email_domain: "e-mail domain", phone: "phone",
  device: "device", user_agent: "user agent", address: "postal address", name: "name",
  website: "website", sign_up: "hour of sign-up (UTC)", sign_up_day: "day of sign-up (UTC)",
  referral: "invited by", transfer: "transfer to",
};

const SHORT_KINDS = { payment: "card", bin: "card\u2019s first digits", ip: "IP", prompt: "template", address: "address",
  sign_up: "sign-up hour", sign_up_day: "sign-up day" };
const SHARING = "_sharing";

function shortKind(kind) {
  if (kind.endsWith(SHARING)) return `${shortKind(kind.slice(0, -SHARING.length))} sharing`;
  return Object.hasOwn(SHORT_KINDS, kind) ? SHORT_KINDS[kind] : kindName(kind);
}

function kindName(kind) {
  if (kind.endsWith(SHARING)) return `how widely the ${kindName(kind.slice(0, -SHARING.length))} is shared`;
  return Object.hasOwn(KINDS, kind) ? KINDS[kind] : short(kind, 40).replaceAll("_", " ");
}

const VERDICTS = {
  sockpuppets: ["Sockpuppets", "\u25b2", "one hand behind accounts made to look separate"],
  organisation: ["Organisation", "\u25a0", "one hand that shares openly, as companies and schools do"],
  household: ["Household", "\u25cf", "a few people who live together"],
  unclear: ["Unclear", "\u25c7", "one hand, but what kind of hand the data don't say"],
};

function verdictWords(verdict) {
  return Object.hasOwn(VERDICTS, verdict) ? VERDICTS[verdict] : [short(verdict, 24), "\u25c7", ""];
}

function badge(verdict) {
  const [word, symbol] = verdictWords(verdict);
  const known = Object.hasOwn(VERDICTS, verdict) ? verdict : "unclear";
  return el("span", { class: `badge ${known}` }, el("span", { "aria-hidden": "true" }, symbol), " ", word);
}

// A bar of `share` (0 to 1) of its place; the number stands beside it in words.
function bar(share, className) {
  const inner = el("span", { class: "fill" });
  inner.style.width = `${Math.max(0, Math.min(1, share || 0)) * 100}%`;
  return el("span", { class: `bar ${className || ""}`, "aria-hidden": "true" }, inner);
}
