// Words for numbers, times, kinds and verdicts.

const formats = new Map();

function number(amount, digits = 0) {
  if (amount === null || amount === undefined) return "–";
  if (!formats.has(digits)) {
    formats.set(digits, new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  }
  const text = formats.get(digits).format(amount);
  return text.startsWith("-") ? `\u2212${text.slice(1)}` : text;
}

// Small probabilities without a lie: "0" would claim what no test can.
function chance(q) {
  if (q === null || q === undefined) return "not tested";
  return q < 0.001 ? "< 0.001" : number(q, 3);
}

const Q_MEANS = "Of an operator and all at least as strong, q is the share that chance is expected to make.";

function confidence(p) {
  if (p === null || p === undefined) return "–";
  if (p < 0.001) return "< 0.001";
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
  website: "website", house: "house", sign_up: "hour of sign-up (UTC)", sign_up_day: "day of sign-up (UTC)",
  referral: "invited by", transfer: "transfer to",
};

const SHORT_KINDS = { payment: "card", bin: "card\u2019s first digits", ip: "IP", prompt: "template", address: "address",
  sign_up: "sign-up hour", sign_up_day: "sign-up day" };
const SHARING = "_sharing";
const OUR_ID = /^OP-[A-Z0-9]{1,32}$/;

function shortKind(kind) {
  if (kind.endsWith(SHARING)) return `${shortKind(kind.slice(0, -SHARING.length))} sharing`;
  return Object.hasOwn(SHORT_KINDS, kind) ? SHORT_KINDS[kind] : kindName(kind);
}

function kindName(kind) {
  if (kind.endsWith(SHARING)) return `how widely the ${kindName(kind.slice(0, -SHARING.length))} is shared`;
  return Object.hasOwn(KINDS, kind) ? KINDS[kind] : short(kind, 40).replaceAll("_", " ");
}

const RULES = (block("overview") || block("operator")).rules;

// a verdict's word and sign, what it means, and when it is given
const VERDICTS = {
  sockpuppets: ["Sockpuppets", "\u25b2", "one hand behind accounts made to look separate", `score of ${RULES.bar} or more`],
  organisation: ["Organisation", "\u25a0", "one hand that shares openly, as companies and schools do",
    `score below ${RULES.bar}, and a firm\u2019s domain, the domains of several clients, one payer or one place`],
  household: ["Household", "\u25cf", "a few people who live together",
    `score below ${RULES.bar}, at most ${RULES.family} members, at one place, without a firm\u2019s domain`],
  unclear: ["Unclear", "\u25c7", "one hand, but what kind of hand the data don't say", `score below ${RULES.bar}, and none of the others fits`],
};

function verdictWords(verdict) {
  return Object.hasOwn(VERDICTS, verdict) ? VERDICTS[verdict] : [short(verdict, 24), "\u25c7", "", ""];
}

// Sockpuppets of which the score is not far above the bar.
function barely(verdict, score) {
  return verdict === "sockpuppets" && typeof score === "number" && score < RULES.sure;
}

function badge(verdict, score) {
  const [word, symbol] = verdictWords(verdict);
  const known = Object.hasOwn(VERDICTS, verdict) ? verdict : "unclear";
  return el("span", { class: `badge ${known}${barely(verdict, score) ? " barely" : ""}` },
    el("span", { "aria-hidden": "true" }, barely(verdict, score) ? "\u25b3" : symbol), "\u00a0", word, barely(verdict, score) ? ", barely" : "");
}
