// The answers, from the top of the page to its end.
const COMPILED_LOOP = /-loop$|^native$/;
const quoted = (name) => el("code", {}, name);
const about = () => FIXED.filter((axis) => axis !== "run" || VALUES.run.length > 1).map((axis) => (axis === "points" ? `${count(Number(state.points))} points` : state[axis])).join(", ");

function showHeader() {
  const of = (outcome) => CASES.outcome.filter((each) => each === outcome).length;
  const outcomes = [...new Set(CASES.outcome)].map((outcome) => `${of(outcome)} ${outcome}`).join(", ");
  const runs = DATA.runs.map((run) => `${run.label}, ${run.date.slice(0, 10)}`).join("; ");
  fill("about", `${COUNT} planned cases: ${outcomes}. ${DATA.runs.length > 1 ? "Runs" : "Run"} ${runs}. ${[...new Set(DATA.runs.map((run) => run.setup.CPU).filter(Boolean))].join("; ")}.`);
  fill("caveats", DATA.runs.flatMap((run) => run.caveats.map((each) => el("p", { className: "caveat" }, each))));
}

const runOf = (label) => DATA.runs.find((run) => run.label === label);

function select(key, title, values, names = (value) => String(value)) {
  const options = values.map((value) => el("option", { value: String(value), selected: String(value) === state[key] }, names(value)));
  return el("label", {}, title, el("select", { id: `choose-${key}`, onchange: (event) => change({ [key]: event.target.value }) }, options));
}

function showChoices() {
  const axes = FIXED.filter((axis) => VALUES[axis].length > 1);
  const backends = el("fieldset", {}, el("legend", {}, "Backends"), VALUES.backend.map((name) =>
    el("label", {}, el("input", { type: "checkbox", checked: !hidden().has(name), value: name, onchange: toggle }), el("span", { className: "swatch", style: `background:${colour(name)}` }), name)));
  fill(
    "choices",
    select("variant", "Variant ", VALUES.variant),
    axes.map((axis) => select(axis, `${axis[0].toUpperCase()}${axis.slice(1)} `, VALUES[axis], (value) => (axis === "points" ? count(value) : String(value)))),
    select("baseline", "Baseline ", VALUES.backend),
    select("figures", "Figures ", ["net", "raw"], (value) => (value === "raw" ? "as read" : runOf(state.run).net ? "net of the machine" : "of the model, nothing taken away")),
    select("theme", "Theme ", ["", "light", "dark"], (value) => value || "system"),
    backends,
  );
}

function toggle(event) {
  const away = hidden();
  if (event.target.checked) away.delete(event.target.value);
  else away.add(event.target.value);
  change({ hide: [...away].join(",") });
}

/** The fastest of some cases, the next, and how sure that is, in words. */
function fastest(places, what) {
  const order = places.filter(measured).sort((a, b) => figure(a)[0] - figure(b)[0]);
  if (!order.length) return null;
  const [first, second] = order;
  const told = [quoted(CASES.backend[first]), ` takes ${spread(...figure(first))} ${what}`];
  if (second === undefined) return [...told, "; nothing to compare it with. "];
  const [factor, low, high] = ratio(first, second);
  const sure = !known(low) ? "" : low > 1 ? ` (${significant(low)} to ${significant(high)})` : `, which is no telling them apart (${significant(low)} to ${significant(high)})`;
  return [...told, `; the next, `, quoted(CASES.backend[second]), `, ${significant(factor)} times as long${sure}. `];
}

function showFastest() {
  const places = chosen({ variant: state.variant });
  const [loops, steps] = [true, false].map((loop) => places.filter((i) => COMPILED_LOOP.test(CASES.backend[i]) === loop));
  const parts = [
    loops.some(measured) ? ["With the loop inside the compiler, ", fastest(loops, "an iteration")] : null,
    steps.some(measured) ? ["Called step by step from Python, ", fastest(steps, "an iteration")] : null,
  ];
  const shown = parts.filter(Boolean).flat(2);
  const none = shownBackends().length ? "Nothing was timed here." : "All backends are hidden.";
  fill("fastest", el("strong", {}, `${state.variant}, ${about()}. `), shown.length ? shown : none);
  chart("ranking", rankingChart(places), `Seconds per iteration of ${state.variant}, by backend`);
  showGrid();
  showWhole(places);
}

function cellOf(i, text, best, ...below) {
  if (i === undefined) return el("td", { className: "hole" }, NONE);
  if (!measured(i) && text === null) return el("td", { className: "hole", title: CASES.reason[i] ?? "" }, CASES.outcome[i]);
  const opens = el("button", { type: "button", className: CASES.unstable?.[i] ? "unstable" : "", onclick: () => openCase(i) }, text);
  return el("td", { className: best ? "best" : "" }, opens, below.filter(Boolean).map((each) => el("small", {}, each)));
}

/** "16.6 to 17.0", in the unit of the middle. */
function endsOf(middle, low, high) {
  const [scale] = unitOf(middle);
  return known(low) && known(high) ? `${significant(low / scale)} to ${significant(high / scale)}` : null;
}

/** A table with a row a variant and a column a backend. */
function grid(id, caption, cell) {
  const places = chosen();
  const backends = shownBackends().filter((name) => places.some((i) => CASES.backend[i] === name));
  const head = el("tr", {}, el("th", { scope: "col" }, "variant"), backends.map((name) =>
    el("th", { scope: "col", "aria-current": name === state.baseline ? "true" : "false" }, el("button", { type: "button", title: `Compare with ${name}`, onclick: () => change({ baseline: name }) }, name))));
  for (const th of head.querySelectorAll('[aria-current="false"]')) th.removeAttribute("aria-current");
  const rows = VALUES.variant.map((variant) => {
    const those = places.filter((i) => CASES.variant[i] === variant);
    if (!those.length) return null;
    const by = new Map(those.map((i) => [CASES.backend[i], i]));
    return el("tr", {}, el("th", { scope: "row" }, el("button", { type: "button", onclick: () => change({ variant }) }, variant)), backends.map((name) => cell(by.get(name), those, by)));
  });
  fill(id, el("table", {}, el("caption", {}, caption), el("thead", {}, head), el("tbody", {}, rows.filter(Boolean))));
}

function showGrid() {
  grid("grid", `Seconds per iteration with 95 % intervals, and against ${state.baseline}; the fastest of a row is bold. A click on a figure opens what it was made of, on a backend compares with it.`, (i, those, by) => {
    if (i === undefined || !measured(i)) return cellOf(i, null);
    const timed = those.filter(measured);
    const best = timed.every((j) => figure(i)[0] <= figure(j)[0]);
    const base = chosen({ variant: CASES.variant[i] }, new Set()).find((j) => CASES.backend[j] === state.baseline);
    const against = i === base ? "baseline" : base !== undefined && measured(base) ? speed(ratio(i, base)) : null;
    const [middle, low, high] = figure(i);
    return cellOf(i, seconds(middle), best, endsOf(middle, low, high), ...(against ?? "").split(/ (?=\()/));
  });
}

/** Seconds of a whole fit: what comes before the second iteration, and the others. */
function whole(i, start) {
  const told = CASES[start][i];
  if (!told || !measured(i)) return null;
  const rest = CASES.steps[i] - 1;
  const [middle, low, high] = figure(i);
  const [before, least, most] = told.seconds;
  return [before + rest * middle, known(least) ? least + rest * (low ?? middle) : null, known(most) ? most + rest * (high ?? middle) : null];
}

function showWhole(places) {
  const timed = places.filter(measured);
  const best = Object.fromEntries(Object.keys(STARTS).map((key) => [key, Math.min(...timed.map((i) => whole(i, key)?.[0] ?? Infinity))]));
  const steps = timed.length ? CASES.steps[timed[0]] : 0;
  const winner = (key) => timed.find((i) => whole(i, key)?.[0] === best[key]);
  const told = Object.entries(STARTS).map(([key, title]) => (winner(key) === undefined ? null : [`in ${title}, `, quoted(CASES.backend[winner(key)]), `: ${seconds(best[key])}`])).filter(Boolean);
  fill("whole", told.length ? [`One fit of ${count(steps)} iterations, which is what a user pays, costs the least: `, told.flatMap((each, k) => [k ? "; " : "", ...each]), "."] : null);
  const head = el("tr", {}, el("th", { scope: "col" }, "backend"), Object.values(STARTS).map((title) => el("th", { scope: "col" }, title)));
  const rows = timed.map((i) => el("tr", {}, el("th", { scope: "row" }, CASES.backend[i]), Object.keys(STARTS).map((key) => {
    const found = whole(i, key);
    return found ? cellOf(i, spread(...found), found[0] === best[key]) : el("td", { className: "hole" }, NONE);
  })));
  fill("fits", rows.length ? el("table", {}, el("caption", {}, `Seconds of one fit of ${count(steps)} iterations, from the first import to the coefficients; in brackets the range of the starts with the interval of the iterations`), el("thead", {}, head), el("tbody", {}, rows)) : null);
}

function showAgreement() {
  const right = chosen().filter((i) => known(CASES.digits[i]));
  const failed = chosen().filter((i) => CASES.outcome[i] === "failed");
  const worst = right.reduce((least, i) => (least === null || CASES.digits[i] < CASES.digits[least] ? i : least), null);
  fill(
    "agree",
    worst === null ? (shownBackends().length ? "No case came to agree with the exact fit." : "All backends are hidden.") : [`${right.length} of ${right.length + failed.length} cases that ran follow the exact trajectory, computed in 40 digits, at every checkpoint and within a bound that is derived for each. The least agree to `, el("strong", {}, `${CASES.digits[worst].toFixed(1)} digits`), ` (${CASES.variant[worst]}, `, quoted(CASES.backend[worst]), `, ${CASES.dtype[worst]}).`],
    failed.length ? el("strong", {}, ` ${failed.length} failed: they have no timing.`) : null,
  );
  grid("digits", "Digits of agreement: -log10 of the worst relative error over the checkpoints; below, the largest error as a part of its bound", (i) =>
    i !== undefined && known(CASES.digits[i]) ? cellOf(i, CASES.digits[i].toFixed(1), false, `${significant(100 * CASES.bound_fraction[i], 2)} % of bound`) : cellOf(i, null));
}

/** After how many iterations a has cost less in all than b, in words, with the 95 % interval where that is known. */
function paidBack(a, b, start) {
  const told = PAID.get(`${a},${b},${start}`);
  const [until, middle, low, high] = told ?? crossing(a, b, start);
  const number = (value) => (value === -1 ? (until ? "for ever" : "never") : count(value));
  if (!until && middle === 0 && !(high > 0)) return "at once";
  if (!until && middle === -1 && (low === null || low === -1)) return "never";
  const ends = low === null || high === null ? "" : ` (${number(low)} to ${number(high)})`;
  return `${until ? "until" : middle === 0 ? "at once" : "after"}${middle === 0 && !until ? "" : ` ${number(middle)}`}${ends}`;
}

/** The same without an interval, of medians over processes: of many cases the page has no more. */
function crossing(a, b, start) {
  const middle = (values) => values.toSorted((one, other) => one - other).slice((values.length - 1) >> 1, (values.length >> 1) + 1).reduce((sum, each, _, all) => sum + each / all.length, 0);
  const dearer = CASES[start][a].seconds[0] - CASES[start][b].seconds[0];
  const faster = middle(CASES.paces[b]) - middle(CASES.paces[a]);
  if (dearer <= 0) return faster < 0 && dearer < 0 ? [true, dearer / faster, null, null] : [false, 0, null, null];
  return [false, faster > 0 ? dearer / faster : -1, null, null];
}

function showFirst() {
  const places = chosen({ variant: state.variant }).filter((i) => known(CASES.digits[i]));
  const timed = places.filter(measured);
  const start = state.caches;
  const base = timed.find((i) => CASES.backend[i] === state.baseline && CASES[start][i]);
  const paid = base === undefined ? [] : timed.filter((i) => i !== base && CASES[start][i]).map((i) => [quoted(CASES.backend[i]), ` ${paidBack(i, base, start)}`]);
  fill("first", paid.length ? [`Against `, quoted(state.baseline), `, from a fresh process with ${start} caches, this many iterations pay back what it costs to start: `, paid.flatMap((each, k) => [k ? "; " : "", ...each]), ". Bars: what comes before the second iteration. Lines: what it costs in all; they cross where two cost the same."] : "What comes before the second iteration, and what a case costs in all.");
  chart("starts", startChart(places), "Seconds before the second iteration, by backend and state of the caches");
  chart("totals", totalChart(places), "Seconds in all over iterations");
}

function showGrowth() {
  const costs = costsShown();
  document.getElementById("sizes").hidden = !costs.length;
  if (!costs.length) {
    const sizes = new Set(chosen({ points: null, variant: state.variant }).filter(measured).map((i) => CASES.points[i]));
    fill("grow", `Three sizes or more tell that; of ${state.variant} ${sizes.size === 1 ? "one was" : `${sizes.size} were`} timed. Several are run by `, quoted("pytest bench --points 100,2000,20000,200000,2000000"), ".");
    chart("growth", null);
    chart("map", null);
    return;
  }
  const roof = chosen({ points: null, variant: state.variant }).some((i) => known(CASES.roofline_seconds?.[i]));
  fill("grow", `Points are what was measured, lines what is predicted between${roof ? "; the dashed line is the time in which the data of a fit are read once" : ""}. A fit of yours, in a fresh process, as the model of this run predicts it from all sizes, up to twice beyond them (`, el("em", {}, "A whole fit"), " above is of the medians at one size, and may differ a little):");
  const points = document.getElementById("my-points"), steps = document.getElementById("my-steps");
  if (document.activeElement !== points) points.value = state.n || state.points;
  if (document.activeElement !== steps) steps.value = state.t || "2000";
  document.getElementById("my-caches").value = state.caches;
  chart("growth", growthChart(), `Seconds per iteration over points, ${state.variant}`);
  showTake(costs, Number(points.value), Number(steps.value));
}

function showTake(costs, points, steps) {
  if (!(points > 0) || !(steps >= 1)) {
    fill("take", "Points and iterations are numbers of at least 1.");
    return;
  }
  const found = cheapest(costs, points, steps, state.caches);
  const untold = costs.filter((cost) => !cost.states[state.caches]).map((cost) => cost.backend);
  const missing = untold.length ? ` Not told of ${untold.join(", ")}: no process of the run began with ${state.caches} caches.` : "";
  const unsure = found.length && !known(found[0].low) ? " Of one process no interval is known." : "";
  if (!found.length) {
    const [low, high] = [Math.min(...costs.map((cost) => cost.points[0])), Math.max(...costs.map((cost) => cost.points.at(-1)))];
    fill("take", `Nothing is predicted of ${count(points)} points: allowed are ${count(low)} to ${count(high)}.`);
    fill("costs");
  } else {
    const [first, second] = found;
    const each = ({ cost, value, low, high }) => [el("strong", {}, cost.backend), `: ${spread(value, low, high)}`];
    const next = second ? [`; the next, `, quoted(second.cost.backend), `, ${significant(second.value / first.value)} times as much (${spread(second.value, second.low, second.high)}).`] : ".";
    fill("take", toldApart(first, second) ? ["Take ", each(first), next] : ["There is no telling apart the cheapest, ", each(first), "; ", each(second), "."], unsure, missing);
    const rows = found.map((each) => el("tr", {}, el("th", { scope: "row" }, each.cost.backend), el("td", {}, spread(each.value, each.low, each.high)), el("td", {}, significant(each.value / first.value))));
    fill("costs", el("table", {}, el("caption", {}, "Seconds from the first import to the coefficients, with the 95 % interval of one process"), el("thead", {}, el("tr", {}, ["backend", "a fit", "times the cheapest"].map((title) => el("th", { scope: "col" }, title)))), el("tbody", {}, rows)));
  }
  chart("map", mapChart(costs, points, steps), "The cheapest backend over points and iterations");
}

function showMachine() {
  const run = runOf(state.run);
  fill("restless", run.machine ? `The machine: ${run.machine}.` : "Nothing was timed, so nothing is known of it.");
  chart("state", stateChart(state.run), "How much slower than in its quiet state the machine was, over time");
}

function showHoles() {
  const reasons = new Map();
  for (const i of PLACES) {
    if (measured(i)) continue;
    const key = `${CASES.outcome[i]}: ${CASES.reason[i]}`;
    reasons.set(key, [...(reasons.get(key) ?? []), i]);
  }
  const most = 200;
  const rows = [...reasons].slice(0, most).map(([reason, places]) => el("tr", {}, el("td", {}, String(places.length)), el("td", {}, reason), el("td", {}, places.slice(0, 3).map(nameOf).join("; ") + (places.length > 3 ? "; ..." : ""))));
  fill("holes", rows.length ? el("div", { className: "wide told", role: "region", "aria-label": "Holes", tabIndex: 0 }, el("table", {}, el("thead", {}, el("tr", {}, ["cases", "why", "which"].map((title) => el("th", { scope: "col" }, title)))), el("tbody", {}, rows))) : el("p", {}, "Every planned case was measured."), reasons.size > most ? el("p", {}, `and ${reasons.size - most} reasons more; the table below has all.`) : null);
}

function listOf(entries) {
  return el("dl", {}, entries.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, Array.isArray(value) ? value : String(value))]));
}

/** Links to files beside the page, or null where there are none. */
function linksTo(names, ...before) {
  return names.length ? [...before, names.map((name) => [el("a", { href: name }, name.split("/").at(-1)), " "])] : null;
}

function showMade() {
  fill("made", DATA.runs.map((run) => [
    DATA.runs.length > 1 ? el("h3", {}, run.label) : null,
    run.command ? [el("p", {}, "The same again, at the commit below:"), el("pre", {}, el("code", {}, run.command))] : null,
    listOf(Object.entries(run.setup).filter(([name]) => !(name in run.packages))),
    el("details", {}, el("summary", {}, "Packages"), listOf(Object.entries(run.packages))),
  ]).flat(2), linksTo(DATA.graphs, "Graphs of a step, as each framework builds it: "));
}
