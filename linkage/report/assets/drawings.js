// Drawings of time: bars by day, and the hours of the week.

// names: [title, noun, class of the bars] for each series of the timeline
function timelineSection(time, title, lead, names) {
  const section = (...content) => el("section", { "aria-labelledby": "timeline" }, el("h2", { id: "timeline" }, title), content);
  if (!time) return section(el("p", {}, "The inputs hold no times for these accounts."));
  const unit = time.step === 1 ? "day" : `${time.step} days`;
  const panels = time.bars.map((bars, n) => {
    const [heading, noun, className] = names[n];
    if (!time.totals[n]) return el("p", {}, `${heading}: the inputs hold no such times for these accounts.`);
    const top = Math.max(...bars);
    const when = time.start + bars.indexOf(top) * time.step;
    const words = `${heading}: ${count(time.totals[n], noun)}, at most ${number(top)} in ${unit === "day" ? "a day" : unit}`
      + ` (${time.step === 1 ? "" : "from "}${day(when)}).`
      + (time.early[n] + time.late[n] ? ` Not drawn: ${number(time.early[n])} earlier and ${number(time.late[n])} later.` : "");
    return el("figure", {}, el("figcaption", {}, words), barChart(time, bars, top, className, words));
  });
  return section(el("p", {}, `${lead}, by ${unit}; days are in UTC.`), panels);
}

function barChart(time, bars, top, className, words) {
  const [width, height, left, below] = [NARROW ? 360 : 800, 110, NARROW ? 40 : 48, 20];
  const wide = (width - left) / bars.length;
  const y = (n) => (height * (top - n)) / (top || 1) + 6;
  const path = bars.map((n, k) => (n ? `M${(left + k * wide).toFixed(2)} ${height + 6}V${Math.min(y(n), height + 4.5).toFixed(2)}h${Math.max(wide * 0.86, 0.6).toFixed(2)}V${height + 6}Z` : "")).join("");
  const ticks = [];
  const every = Math.max(1, Math.ceil(bars.length / (NARROW ? 3 : 6)));
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

const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const ENOUGH = 500;

function slotName(slot) {
  const hour = String(slot % 24).padStart(2, "0");
  return `${DAYS[Math.floor(slot / 24)]} ${hour}:00`;
}

// The hours of the week in which members are active, beside those of all accounts.
function hoursSection(page) {
  const hours = page.hours;
  if (!hours) return null;
  const total = (week) => week.reduce((sum, n) => sum + n, 0);
  const [own, all] = [total(hours.week), total(hours.everybody)];
  const moved = hours.week.reduce((sum, n, slot) => sum + Math.abs(n / own - hours.everybody[slot] / all), 0) / 2;
  const [when, most] = hours.peak;
  const busiest = (week) => slotName(week.indexOf(Math.max(...week)));
  return el("section", { "aria-labelledby": "hours" },
    el("h2", { id: "hours" }, "Hours of the week"),
    el("p", {}, "How often an account was active in an hour, by weekday and hour in UTC; the stronger the colour, the more. "
      + `The most members active in one and the same hour were ${number(most)} of ${number(page.operator[3])} (${when} UTC). `
      + (own >= ENOUGH ? `${percent(moved, 1)} of their activity would have to move to match the hours of all accounts; the nearer to 0%, the more they keep the hours that everybody keeps.`
        : "They were active too seldom to compare their hours with those of all accounts.")),
    el("div", { class: "pairs" },
      heatMap(hours.week, `Members: ${count(own, "active hour")}, most on ${busiest(hours.week)} UTC.`),
      heatMap(hours.everybody, `All accounts: ${count(all, "active hour")}, most on ${busiest(hours.everybody)} UTC.`)));
}

function heatMap(week, words) {
  const [cell, tall, left, top] = [NARROW ? 13 : 19, 17, 36, 4];
  const most = Math.max(...week);
  const cells = week.map((n, slot) => svg("rect", { x: left + (slot % 24) * cell, y: top + Math.floor(slot / 24) * tall, width: cell - 1, height: tall - 1,
    class: "heat", "fill-opacity": n ? (0.06 + (0.94 * n) / most).toFixed(3) : 0 }, svg("title", {}, `${slotName(slot)}: ${number(n)}`)));
  const days = DAYS.map((name, n) => svg("text", { x: left - 6, y: top + n * tall + 12, "text-anchor": "end" }, name.slice(0, 3)));
  const hours = [0, 6, 12, 18, 23].map((hour) => svg("text", { x: left + hour * cell + cell / 2, y: top + 7 * tall + 13, "text-anchor": "middle" }, String(hour).padStart(2, "0")));
  return el("figure", {}, el("figcaption", {}, words),
    svg("svg", { class: "chart", viewBox: `0 0 ${left + 24 * cell} ${top + 7 * tall + 18}`, role: "img", "aria-label": words }, cells, days, hours));
}
