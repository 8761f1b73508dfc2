// Numbers as readers read them: as bench/reporting/units.py writes them.
const NONE = "-";
const SECONDS = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]];
const BYTES = [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B"]];

const known = (value) => value !== null && value !== undefined && Number.isFinite(value);

/** So many significant digits, trailing zeros kept, no exponent: "0.000123", "15.0", "1230". */
function significant(value, digits = 3) {
  if (value === 0) return "0";
  const rounded = Number(value.toExponential(digits - 1));
  const decimals = digits - 1 - Math.floor(Math.log10(Math.abs(rounded)));
  return rounded.toFixed(Math.min(Math.max(decimals, 0), 20));
}

/** The largest unit of which there is at least one once the value is rounded. */
function unitOf(value, units = SECONDS) {
  return units.find(([scale]) => Math.abs(Number((value / scale).toExponential(2))) >= 1) ?? units.at(-1);
}

function seconds(value, units = SECONDS) {
  if (!known(value)) return NONE;
  const [scale, name] = unitOf(value, units);
  return `${significant(value / scale)} ${name}`;
}

/** "14.9 µs (14.8 to 15.3)", all in the unit of the middle one. */
function spread(middle, low, high) {
  if (!known(middle)) return NONE;
  if (!known(low) || !known(high)) return seconds(middle);
  const [scale] = unitOf(middle);
  return `${seconds(middle)} (${significant(low / scale)} to ${significant(high / scale)})`;
}

const memory = (value) => seconds(value, BYTES);

/** To three digits, thousands apart. */
function count(value) {
  if (value === Infinity) return "never";
  const whole = value < 1000 ? Math.ceil(value) : Number(value.toPrecision(3));
  return whole.toLocaleString("en").replaceAll(",", "\u00a0");
}

/** How much faster than another, by its seconds over one's own: "2.00x faster", with the interval of the same factor. */
function speed([ratio, low, high]) {
  const factor = significant(Math.max(ratio, 1 / ratio));
  if (Number(factor) === 1 && !known(low)) return "as fast";
  const word = Number(factor) === 1 ? "as fast" : `${factor}x ${ratio > 1 ? "faster" : "slower"}`;
  if (!known(low) || !known(high)) return word;
  const ends = ratio >= 1 ? [low, high] : [1 / high, 1 / low];
  return `${word} (${significant(ends[0])} to ${significant(ends[1])})`;
}

/** An element. Texts become text, never markup. */
function el(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key in made && key !== "list") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}

function fill(id, ...children) {
  const place = document.getElementById(id);
  place.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return place;
}
