// What is shown, all of it in the address: a link shows the same view.
const DATA = await unpacked(document.getElementById("data").textContent);
const CASES = DATA.cases;
const COUNT = CASES.outcome.length;
const PLACES = [...Array(COUNT).keys()];
// The axes that one picture has one value of, in the order of the records' own: all but variant and backend.
const FIXED = DATA.axes.filter((axis) => axis !== "variant" && axis !== "backend");
const VALUES = Object.fromEntries(DATA.axes.map((axis) => [axis, DATA.order[axis] ?? [...new Set(CASES[axis])].sort(compare)]));
const PAID = new Map(DATA.paid.map(([a, b, start, ...rest]) => [`${a},${b},${start}`, rest]));
const RATIOS = new Map(DATA.ratios.map(([a, b, ...ends]) => [`${a},${b}`, ends]));

/** JSON from gzip in base64. */
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

function compare(a, b) {
  return typeof a === "number" ? a - b : String(a).localeCompare(String(b));
}

const DEFAULTS = {
  ...Object.fromEntries(FIXED.map((axis) => [axis, String(preferred(axis))])),
  variant: String(VALUES.variant[0]),
  baseline: DATA.baseline,
  figures: "net",
  hide: "",
  theme: "",
  n: "",
  t: "",
  caches: "empty",
  filters: "",
  sort: "",
  case: "",
};
const state = { ...DEFAULTS };

/** Of an axis the value of most measured cases, the first of those. */
function preferred(axis) {
  const counts = new Map(VALUES[axis].map((value) => [value, 0]));
  for (const i of PLACES) if (CASES.outcome[i] === "measured") counts.set(CASES[axis][i], counts.get(CASES[axis][i]) + 1);
  return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best))[0];
}

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const key of Object.keys(DEFAULTS)) state[key] = given.get(key) ?? DEFAULTS[key];
  for (const axis of [...FIXED, "variant"]) {
    if (!VALUES[axis].some((value) => String(value) === state[axis])) state[axis] = DEFAULTS[axis];
  }
  if (!VALUES.backend.includes(state.baseline)) state.baseline = DEFAULTS.baseline;
}

function writeAddress() {
  const given = Object.entries(state).filter(([key, value]) => value !== DEFAULTS[key]);
  const hash = new URLSearchParams(given).toString();
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
}

const hidden = () => new Set(state.hide.split(",").filter(Boolean));
const shownBackends = () => VALUES.backend.filter((name) => !hidden().has(name));

/** The places of the cases of the chosen picture, whatever their variant, in the order of the backends. */
function chosen(conditions = {}, away = hidden()) {
  const wanted = { ...Object.fromEntries(FIXED.map((axis) => [axis, state[axis]])), ...conditions };
  return PLACES.filter(
    (i) =>
      !away.has(CASES.backend[i]) &&
      Object.entries(wanted).every(([axis, value]) => value === null || String(CASES[axis][i]) === value),
  );
}

const measured = (i) => CASES.outcome[i] === "measured";
const prefix = () => (state.figures === "raw" ? "raw_" : "");
/** Seconds per iteration with the ends of the 95 % interval, net of the machine or as read. */
const figure = (i) => ["seconds", "low_seconds", "high_seconds"].map((name) => CASES[prefix() + name]?.[i] ?? null);
const nameOf = (i) => DATA.axes.map((axis) => (axis === "run" && VALUES.run.length === 1 ? null : CASES[axis][i])).filter((x) => x !== null).join(", ");

/** Seconds of b over those of a, with the ends of the interval; of figures as read without one. */
function ratio(a, b) {
  if (a === b) return [1, 1, 1];
  const [one, other] = [figure(a)[0], figure(b)[0]];
  if (state.figures === "raw") return [other / one, null, null];
  if (RATIOS.has(`${a},${b}`)) return RATIOS.get(`${a},${b}`);
  const back = RATIOS.get(`${b},${a}`);
  return back ? [1 / back[0], back[2] && 1 / back[2], back[1] && 1 / back[1]] : [other / one, null, null];
}
