// Charts in Vega-Lite, in the colours of the page.
const views = new Map();

function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** The colours of backends; black is seen on no dark page. */
function colour(backend) {
  const given = DATA.colours[backend] ?? "#777777";
  return given === "#000000" ? css("--ink") : given;
}

/** For a legend of the backends that a chart has, in the order of the page. */
function colourScale(there) {
  const backends = VALUES.backend.filter((name) => there.includes(name));
  return { domain: backends, range: backends.map(colour) };
}

function look() {
  const text = { labelColor: css("--ink"), titleColor: css("--ink"), labelFontSize: 12, titleFontSize: 12, titleFontWeight: 500 };
  return {
    background: "transparent",
    font: "system-ui, sans-serif",
    view: { stroke: null },
    axis: { ...text, gridColor: css("--line"), domainColor: css("--line"), tickColor: css("--line"), labelLimit: 220 },
    legend: { ...text, orient: "bottom", columns: innerWidth < 640 ? 2 : 4, symbolLimit: 60 },
    header: text,
    title: { color: css("--ink"), fontSize: 13, anchor: "start" },
    text: { color: css("--ink") },
    rule: { color: css("--ink") },
  };
}

const SI_SECONDS = `datum.value == 0 ? '0' : datum.value >= 1 ? format(datum.value, '.4~g') + ' s' : datum.value >= 1e-3 ? format(datum.value * 1e3, '.4~g') + ' ms' : datum.value >= 1e-6 ? format(datum.value * 1e6, '.4~g') + ' µs' : format(datum.value * 1e9, '.4~g') + ' ns'`;

/** An axis of seconds, in logs, between two values: ticks at 1, 2 and 5, or at decades where there are many. */
function logAxis(title, low, high, few = false) {
  const exponents = Array.from({ length: Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 1 }, (_, k) => Math.floor(Math.log10(low)) + k);
  const digits = high / low > 300 || (few && high / low > 15) ? [1] : [1, 2, 5];
  const decimal = exponents.flatMap((k) => digits.map((digit) => Number(`${digit}e${k}`)));
  const values = (high / low < 5 ? linear(low, high) : decimal).filter((value) => value >= low && value <= high);
  return { title, labelExpr: SI_SECONDS, values, labelOverlap: few };
}

/** Some round values, evenly spaced. */
function linear(low, high) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((each) => each * power >= rough);
  return Array.from({ length: 7 }, (_, k) => Number(((Math.ceil(low / step) + k) * step).toPrecision(6)));
}

/** An axis of counts, in logs, with a tick a decade. */
function decades(title, low, high) {
  const exponents = Array.from({ length: 16 }, (_, k) => k);
  return { title, format: "~s", labelOverlap: true, values: exponents.map((k) => 10 ** k).filter((value) => value >= low * 0.999 && value <= high * 1.001) };
}

/** The ends of what a chart shows, with a margin, in logs. */
function ends(values, below = 1.3, above = 1.3) {
  return [Math.min(...values) / below, Math.max(...values) * above];
}

function widthOf(id) {
  return Math.max(document.getElementById(id).clientWidth - 24, 260);
}

/** Draw a chart in place of what is there, or say why there is none; a click on a mark of a case opens it. */
async function chart(id, spec, label) {
  const place = document.getElementById(id);
  views.get(id)?.finalize();
  views.delete(id);
  if (spec === null) {
    place.replaceChildren();
    return;
  }
  const sized = "facet" in spec ? {} : { width: widthOf(id), autosize: { type: "fit-x", contains: "padding" } };
  const full = { $schema: "https://vega.github.io/schema/vega-lite/v6.json", config: look(), description: label, ...sized, ...spec };
  const { view, finalize } = await vegaEmbed(place, full, { actions: false, renderer: "svg", ast: false, tooltip: { theme: document.documentElement.dataset.dark } });
  views.set(id, { finalize });
  view.addEventListener("click", (_, item) => {
    if (Number.isInteger(item?.datum?.place)) openCase(item.datum.place);
  });
}

function rankingChart(places) {
  const rows = places.filter(measured).map((i) => {
    const [middle, low, high] = figure(i);
    return { place: i, backend: CASES.backend[i], seconds: middle, low: low ?? middle, high: high ?? middle, figure: spread(middle, low, high), short: seconds(middle) };
  });
  if (!rows.length) return null;
  const narrow = widthOf("ranking") < 500;
  const order = [...rows].sort((a, b) => a.seconds - b.seconds).map((row) => row.backend);
  const [least, most] = ends(rows.flatMap((row) => [row.low, row.high]), 1.5, narrow ? 8 : 3);
  const y = { field: "backend", type: "nominal", sort: order, title: null };
  const x = { type: "quantitative", scale: { type: "log", domain: [least, most], nice: false }, axis: logAxis("seconds per iteration, log axis", least, most, narrow) };
  return {
    height: 28 * rows.length,
    data: { values: rows },
    layer: [
      { mark: { type: "rule", strokeDash: [1, 4], color: css("--line"), strokeWidth: 1.5 }, encoding: { x: { ...x, field: "seconds" }, x2: { datum: least }, y } },
      { mark: { type: "rule", strokeWidth: 5, opacity: 0.6 }, encoding: { x: { ...x, field: "low" }, x2: { field: "high" }, y, color: { field: "backend", scale: colourScale(order), legend: null } } },
      { mark: { type: "point", filled: true, size: 130, opacity: 1, cursor: "pointer" }, encoding: { x: { ...x, field: "seconds" }, y, color: { field: "backend", scale: colourScale(order), legend: null }, tooltip: [{ field: "backend" }, { field: "figure", title: "an iteration" }] } },
      { mark: { type: "text", align: "left", dx: 10, fontSize: 12 }, encoding: { x: { ...x, field: "high" }, y, text: { field: narrow ? "short" : "figure" } } },
    ],
  };
}

const STARTS = { empty: "a fresh process, empty caches", warm: "a fresh process, warm caches", again: "a further fit" };

function startChart(places) {
  const rows = places.flatMap((i) =>
    Object.entries(STARTS).flatMap(([key, title]) => {
      const start = CASES[key][i];
      if (!start) return [];
      return Object.entries(start.parts).map(([part, value]) => ({ place: i, backend: CASES.backend[i], state: title, part, value, told: seconds(value), total: spread(...start.seconds) }));
    }),
  );
  if (!rows.length) return null;
  const parts = ["import", "startup", "build", "first call"];
  for (const row of rows) row.nth = parts.indexOf(row.part);
  const shades = ["#4c78a8", "#9ecae9", "#f2a65a", "#b5442e"];
  const titles = Object.values(STARTS).filter((title) => rows.some((row) => row.state === title));
  const narrow = widthOf("starts") < 700;
  const width = narrow ? widthOf("starts") - 150 : (widthOf("starts") - 190) / titles.length;
  return {
    data: { values: rows },
    facet: { [narrow ? "row" : "column"]: { field: "state", sort: titles, title: null, header: { labelOrient: "top", labelAnchor: "start", labelFontWeight: 600 } } },
    resolve: { scale: { x: "independent" } },
    spec: {
      width,
      height: { step: 22 },
      mark: { type: "bar", cursor: "pointer" },
      encoding: {
        y: { field: "backend", type: "nominal", sort: shownBackends(), title: null },
        x: { field: "value", type: "quantitative", title: "seconds", stack: true, axis: { tickCount: 4, labelExpr: SI_SECONDS } },
        color: { field: "part", scale: { domain: parts, range: shades }, legend: { title: null } },
        order: { field: "nth", type: "quantitative" },
        tooltip: [{ field: "backend" }, { field: "state" }, { field: "part" }, { field: "told", title: "seconds" }, { field: "total" }],
      },
    },
  };
}

/** What a case costs in all up to an iteration, with the caches that are chosen. */
function totalChart(places) {
  const steps = Array.from({ length: 57 }, (_, k) => 10 ** (k / 8));
  const rows = places.filter((i) => measured(i) && CASES[state.caches][i]).flatMap((i) => {
    const before = CASES[state.caches][i].seconds[0];
    return steps.map((step) => ({ place: i, backend: CASES.backend[i], step, value: before + (step - 1) * figure(i)[0], told: seconds(before + (step - 1) * figure(i)[0]) }));
  });
  if (!rows.length) return null;
  const [low, high] = ends(rows.map((row) => row.value));
  return {
    height: 300,
    data: { values: rows },
    mark: { type: "line", strokeWidth: 2, interpolate: "linear" },
    encoding: {
      x: { field: "step", type: "quantitative", scale: { type: "log" }, axis: decades(`iterations (${state.caches} caches)`, 1, 1e7) },
      y: { field: "value", type: "quantitative", scale: { type: "log", domain: [low, high], nice: false }, axis: logAxis("seconds in all, log axis", low, high) },
      color: { field: "backend", type: "nominal", scale: colourScale(rows.map((row) => row.backend)), legend: { title: null } },
      tooltip: [{ field: "backend" }, { field: "step", title: "iterations", format: ".3~s" }, { field: "told", title: "in all" }],
    },
  };
}

/** Sizes from the least that was measured to the most. */
function pointsBetween(cost) {
  const [low, high] = [cost.measured[0], cost.measured.at(-1)];
  return [low, ...cost.points.filter((points) => points > low && points < high), high];
}

function growthChart() {
  const places = chosen({ points: null, variant: state.variant }).filter(measured);
  const rows = places.map((i) => {
    const [middle, low, high] = figure(i);
    return { place: i, backend: CASES.backend[i], points: CASES.points[i], seconds: middle, low: low ?? middle, high: high ?? middle, told: spread(middle, low, high) };
  });
  const roof = [...new Map(places.filter((i) => known(CASES.roofline_seconds?.[i])).map((i) => [CASES.points[i], CASES.roofline_seconds[i]]))].map(([points, value]) => ({ points, value }));
  const fitted = costsShown().flatMap((cost) => pointsBetween(cost).map((points) => ({ backend: cost.backend, points, value: between(cost.points, cost.pace, points) })));
  const sizes = fitted.map((row) => row.points);
  const x = { field: "points", type: "quantitative", scale: { type: "log", nice: false }, axis: decades("points, log axis", Math.min(...sizes), Math.max(...sizes)) };
  const [low, high] = ends([...rows.flatMap((row) => [row.low, row.high]), ...[...roof, ...fitted].map((row) => row.value)]);
  const y = { type: "quantitative", scale: { type: "log", domain: [low, high], nice: false }, axis: logAxis("seconds per iteration, log axis", low, high) };
  const color = { field: "backend", type: "nominal", scale: colourScale(rows.map((row) => row.backend)), legend: { title: null } };
  return {
    height: 340,
    layer: [
      { data: { values: fitted }, mark: { type: "line", strokeWidth: 1.5 }, encoding: { x, y: { ...y, field: "value" }, color } },
      ...(roof.length ? [{ data: { values: roof }, mark: { type: "line", strokeDash: [6, 4], color: css("--dim") }, encoding: { x, y: { ...y, field: "value" } } }] : []),
      { data: { values: rows }, mark: { type: "rule" }, encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color } },
      { data: { values: rows }, mark: { type: "point", filled: true, size: 55, opacity: 1, cursor: "pointer" }, encoding: { x, y: { ...y, field: "seconds" }, color, tooltip: [{ field: "backend" }, { field: "points" }, { field: "told", title: "an iteration" }] } },
    ],
  };
}

/** Where which backend is the cheapest, over points and iterations; a cross at one's own. */
function mapChart(costs, points, steps) {
  const low = Math.min(...costs.map((cost) => cost.points[0]));
  const high = Math.max(...costs.map((cost) => cost.points.at(-1)));
  const across = 60, up = 42, most = 1e7;
  const rows = [];
  for (let i = 0; i < across; i++) {
    for (let j = 0; j < up; j++) {
      const [n, n2] = [i, i + 1].map((k) => low * (high / low) ** (k / across));
      const [t, t2] = [j, j + 1].map((k) => most ** (k / up));
      const [best, next] = cheapest(costs, Math.sqrt(n * n2), Math.sqrt(t * t2), state.caches);
      if (best) rows.push({ n, n2, t, t2, backend: best.cost.backend, told: seconds(best.value), sure: Number(toldApart(best, next)) });
    }
  }
  const x = { type: "quantitative", scale: { type: "log", domain: [low, high], nice: false }, axis: decades("points, log axis", low, high) };
  const y = { type: "quantitative", scale: { type: "log", domain: [1, most], nice: false }, axis: decades("iterations, log axis", 1, most) };
  const sizes = [...new Set(costs.flatMap((cost) => cost.measured))].map((n) => ({ n }));
  return {
    height: 330,
    layer: [
      { data: { values: rows }, mark: { type: "rect", strokeWidth: 0 }, encoding: { opacity: { field: "sure", type: "quantitative", scale: { domain: [0, 1], range: [0.35, 0.85] }, legend: null }, x: { ...x, field: "n" }, x2: { field: "n2" }, y: { ...y, field: "t" }, y2: { field: "t2" }, color: { field: "backend", type: "nominal", scale: colourScale(rows.map((row) => row.backend)), legend: { title: null } }, tooltip: [{ field: "backend", title: "cheapest" }, { field: "told", title: "a fit" }, { field: "n", title: "points from", format: ".3~s" }, { field: "t", title: "iterations from", format: ".3~s" }] } },
      { data: { values: sizes }, mark: { type: "tick", orient: "vertical", thickness: 2, size: 12, yOffset: -6, color: css("--ink") }, encoding: { x: { ...x, field: "n" }, y: { ...y, datum: 1 } } },
      { data: { values: [{ n: points, t: steps }] }, mark: { type: "point", shape: "cross", filled: true, size: 190, color: css("--ink"), stroke: css("--paper"), strokeWidth: 1.5 }, encoding: { x: { ...x, field: "n" }, y: { ...y, field: "t" } } },
    ],
  };
}

/** How much slower than in its quiet state the machine was, over time: of a run, of some of its time. */
function stateChart(run, from = -Infinity, to = Infinity) {
  const { time, core, memory: store, run: runs, process } = DATA.turns;
  const taken = time.map((_, k) => k).filter((k) => runs[k] === run && time[k] !== null && time[k] >= from && time[k] <= to);
  const most = 4000;
  const some = taken.length > most ? taken.filter((_, k) => k % Math.ceil(taken.length / most) === 0) : taken;
  if (!some.length) return null;
  const begun = Number.isFinite(from) ? from : Math.min(...some.map((k) => time[k]));
  const rows = some.flatMap((k) => [["core", core[k]], ["memory", store[k]]].filter(([, value]) => known(value)).map(([part, value]) => ({ part, minutes: (time[k] - begun) / 60, value, process: process[k] + 1 })));
  const told = rows.map((row) => row.value).sort((a, b) => a - b);
  return {
    height: 150,
    data: { values: rows },
    mark: { type: "point", filled: true, size: 8, opacity: 0.6 },
    encoding: {
      x: { field: "minutes", type: "quantitative", axis: { title: "minutes", tickCount: Math.ceil(widthOf("answers") / 150) } },
      y: { field: "value", type: "quantitative", axis: { format: "+%", tickCount: 5, minExtent: 55 }, scale: { domain: [Math.min(...told), Math.max(0.1, told[Math.floor(0.995 * (told.length - 1))])], clamp: true }, title: "slower than quiet" },
      color: { field: "part", scale: { domain: ["core", "memory"], range: [css("--mark"), "#d55e00"] }, legend: { title: null } },
      tooltip: [{ field: "part" }, { field: "value", format: "+.1%" }, { field: "process" }],
    },
  };
}

function roundsChart(i) {
  const rounds = DATA.rounds[i];
  if (!rounds) return null;
  const timed = rounds.time.every((t) => t !== null);
  const begun = timed ? Math.min(...rounds.time) : 0;
  const rows = rounds.seconds.map((value, k) => ({ x: timed ? (rounds.time[k] - begun) / 60 : k, value, process: `process ${rounds.process[k] + 1}`, kind: rounds.warm_up[k] ? "warm-up" : "counts", told: seconds(value) }));
  const net = CASES.paces[i].map((value) => ({ value, told: seconds(value) }));
  const [low, high] = ends([...rows, ...net].map((row) => row.value), 1.05, 1.05);
  const legend = { title: null, columns: innerWidth < 640 ? 1 : 4 }; // two of them stand side by side
  return {
    height: 220,
    layer: [
      { data: { values: net }, mark: { type: "rule", strokeDash: [4, 3], color: css("--dim") }, encoding: { y: { field: "value", type: "quantitative", scale: { type: "log" } }, tooltip: [{ field: "told", title: "a process, net" }] } },
      { data: { values: rows }, mark: { type: "point", size: 26 }, encoding: { x: { field: "x", type: "quantitative", axis: { title: timed ? "minutes" : "round", tickCount: 8 } }, y: { field: "value", type: "quantitative", scale: { type: "log", domain: [low, high], nice: false }, axis: { ...logAxis("seconds per iteration, as read", low, high), minExtent: 55 } }, color: { field: "process", type: "nominal", legend, scale: { scheme: "tableau10" } }, shape: { field: "kind", scale: { domain: ["counts", "warm-up"], range: ["circle", "cross"] }, legend }, tooltip: [{ field: "process" }, { field: "told", title: "an iteration" }, { field: "kind" }] } },
    ],
  };
}
