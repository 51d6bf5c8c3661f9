// What two members have in common: the strongest chains of shared signals between them, worked out
// in the page from the evidence that it holds. A chain costs the sum of ln(accounts that share the
// signal) over its links, as `linkage explain` has it, so a card on two accounts beats an address on
// a thousand.

// Which signals a member holds: the gaps of the data become positions.
function usesOf(members) {
  const starts = new Uint32Array(members.held.length + 1);
  members.held.forEach((gaps, n) => { starts[n + 1] = starts[n] + gaps.length; });
  const signals = new Uint32Array(starts[members.held.length]);
  let place = 0;
  for (const gaps of members.held) {
    let signal = 0;
    for (const gap of gaps) {
      signal += gap;
      signals[place] = signal;
      place += 1;
    }
  }
  return (member) => signals.subarray(starts[member], starts[member + 1]);
}

// Which members hold a signal, the same the other way round.
function holdersOf(uses, members, signals) {
  const starts = new Uint32Array(signals + 1);
  for (let member = 0; member < members; member += 1) for (const signal of uses(member)) starts[signal + 1] += 1;
  for (let signal = 0; signal < signals; signal += 1) starts[signal + 1] += starts[signal];
  const filled = starts.slice();
  const holders = new Uint32Array(starts[signals]);
  for (let member = 0; member < members; member += 1) {
    for (const signal of uses(member)) {
      holders[filled[signal]] = member;
      filled[signal] += 1;
    }
  }
  return (signal) => holders.subarray(starts[signal], starts[signal + 1]);
}

// The `top` strongest chains: [{accounts, signals, cost, alike}]. Direct ones come alone if there are any.
function chainsBetween(a, b, top, { uses, holders, signals }) {
  // how widely a card is shared is a habit, nothing that two accounts have in common
  const links = (member) => Array.from(uses(member)).filter((s) => !signals[s][0].endsWith(SHARING));
  const cost = (s) => Math.log(Math.max(2, signals[s][2] + signals[s][3]));
  const others = new Set(links(b));
  const shared = links(a).filter((s) => others.has(s));
  // a shared address says all that its shared range says
  const implied = new Set(shared.map((s) => signals[s][5]));
  const direct = shared.filter((s) => !implied.has(s)).map((s) => ({ accounts: [a, b], signals: [s], cost: cost(s), alike: 0 }));
  const strongest = (found) => found.sort((x, y) => x.cost - y.cost || x.signals.length - y.signals.length || x.signals[0] - y.signals[0]).slice(0, top);
  if (direct.length) return strongest(direct);

  const [fromA, fromB] = [a, b].map((end) => reach(end, links, cost, holders));
  const through = new Map();
  for (const [x, [near, s]] of fromA) {
    const far = fromB.get(x);
    if (!far || x === a || x === b) continue;
    const key = `${s} ${far[1]}`;
    if (through.has(key)) through.get(key).alike += 1;
    else through.set(key, { accounts: [a, x, b], signals: [s, far[1]], cost: near + far[0], alike: 0 });
  }
  const found = strongest([...through.values()]);
  if (found.length === top) return found;
  const [spreadA, spreadB] = [fromA, fromB].map((reached) => spread(reached, links));
  for (const [s, [near, x, via]] of spreadA) {
    const far = spreadB.get(s);
    if (!far || far[1] === x || s === via || s === far[2] || x === b || far[1] === a) continue;
    found.push({ accounts: [a, x, far[1], b], signals: [via, s, far[2]], cost: near + cost(s) + far[0], alike: 0 });
  }
  return strongest(found);
}

// Who shares a signal with an account: [the least cost, through which signal].
function reach(end, links, cost, holders) {
  const found = new Map();
  for (const s of links(end)) {
    for (const member of holders(s)) {
      if (member === end) continue;
      const known = found.get(member);
      if (!known || cost(s) < known[0]) found.set(member, [cost(s), s]);
    }
  }
  return found;
}

// Which signals those hold: [the least cost, by which member, through which signal].
function spread(reached, links) {
  const found = new Map();
  for (const [member, [cost, via]] of reached) {
    for (const s of links(member)) {
      const known = found.get(s);
      if (!known || cost < known[0]) found.set(s, [cost, member, via]);
    }
  }
  return found;
}
