// The table of all cases, by Tabulator.
let table = null;
const FIELDS = [
  ...DATA.axes.map((axis) => ({ field: axis, title: axis, number: typeof CASES[axis][0] === "number" })),
  { field: "outcome", title: "outcome" },
  { field: "seconds", title: "an iteration", number: true, show: (i) => spread(CASES.seconds[i], CASES.low_seconds[i], CASES.high_seconds[i]) },
  { field: "raw_seconds", title: "as read", number: true, show: (i) => spread(CASES.raw_seconds[i], CASES.raw_low_seconds[i], CASES.raw_high_seconds[i]) },
  { field: "digits", title: "digits", number: true, show: (i) => (known(CASES.digits[i]) ? CASES.digits[i].toFixed(1) : NONE) },
  { field: "empty", title: "start, empty caches", number: true, show: (i) => (CASES.empty[i] ? spread(...CASES.empty[i].seconds) : NONE) },
  { field: "warm", title: "start, warm caches", number: true, show: (i) => (CASES.warm[i] ? spread(...CASES.warm[i].seconds) : NONE) },
  { field: "peak_memory_bytes", title: "peak memory", number: true, show: (i) => memory(CASES.peak_memory_bytes[i]) },
  { field: "unstable", title: "unstable" },
  { field: "reason", title: "reason" },
];
const COPIED = [...DATA.axes, "outcome", "reason", "steps", "seconds", "low_seconds", "high_seconds", "raw_seconds", "raw_low_seconds", "raw_high_seconds", "digits", "worst_error", "bound_fraction", "peak_memory_bytes", "unstable"];

function makeTable() {
  const single = DATA.axes.filter((axis) => VALUES[axis].length === 1 && axis === "run");
  const rows = PLACES.map((i) => ({ place: i, ...Object.fromEntries(FIELDS.map(({ field }) => [field, typeof CASES[field]?.[i] === "object" && CASES[field][i] !== null ? CASES[field][i].seconds[0] : CASES[field]?.[i] ?? null])) }));
  const columns = FIELDS.filter(({ field }) => !single.includes(field)).map(({ field, title, number, show }) => ({
    field,
    title,
    sorter: number ? byNumber : "string",
    hozAlign: number ? "right" : "left",
    headerFilter: VALUES[field] && VALUES[field].length <= 60 ? "list" : field === "outcome" ? "list" : number ? undefined : "input",
    headerFilterParams: { valuesLookup: true, clearable: true, sort: "asc", autocomplete: true, listOnEmpty: true },
    headerFilterFunc: VALUES[field] || field === "outcome" ? oneOf(field) : "like",
    formatter: (cell) => document.createTextNode(show ? show(cell.getData().place) : String(cell.getValue() ?? NONE)),
    headerTooltip: true,
    maxWidth: field === "reason" || field === "unstable" ? 360 : undefined,
  }));
  table = new Tabulator("#table", {
    data: rows,
    columns,
    index: "place",
    height: Math.min(520, 92 + 32 * COUNT),
    layout: "fitData",
    initialSort: state.sort ? [{ column: state.sort.split(":")[0], dir: state.sort.split(":")[1] === "desc" ? "desc" : "asc" }] : [],
    initialHeaderFilter: readFilters(),
    placeholder: "No case is like that.",
  });
  table.on("tableBuilt", nameParts);
  table.on("rowClick", (_, row) => openCase(row.getData().place));
  table.on("dataSorted", (sorters) => remember({ sort: sorters.length ? `${sorters[0].field}:${sorters[0].dir}` : "" }));
  table.on("dataFiltered", () => {
    fill("copied"); // what it says is of the cases that were shown before
    remember({ filters: table.getHeaderFilters().map(({ field, value }) => `${field}~${value}`).join("|") });
  });
}

/** What Tabulator leaves without a name, or in the way of the roles of a grid. */
function nameParts() {
  for (const column of document.querySelectorAll("#table .tabulator-col")) {
    const title = column.querySelector(".tabulator-col-title")?.textContent;
    column.querySelector(".tabulator-header-filter input")?.setAttribute("aria-label", `filter by ${title}`);
  }
  document.querySelector("#table .tabulator-tableholder").setAttribute("role", "rowgroup");
  document.querySelector("#table .tabulator-table").setAttribute("role", "presentation");
}

/** A filter by a value that is chosen, or by a part of one that is still being typed. */
function oneOf(field) {
  const values = new Set(CASES[field].map(String));
  return (wanted, value) => {
    const text = String(wanted ?? "");
    return values.has(text) ? String(value) === text : String(value).includes(text);
  };
}

/** What is not known comes last, whichever way. */
function byNumber(a, b, one, other, column, direction) {
  const last = direction === "asc" ? 1 : -1;
  if (!known(a) || !known(b)) return known(a) ? -last : known(b) ? last : 0;
  return a - b;
}

function readFilters() {
  return state.filters.split("|").filter((each) => each.includes("~")).map((each) => ({ field: each.slice(0, each.indexOf("~")), value: each.slice(each.indexOf("~") + 1) })).filter(({ field }) => FIELDS.some((one) => one.field === field));
}

function remember(change) {
  Object.assign(state, change);
  writeAddress();
}

/** A text that a spreadsheet would take for a formula has an apostrophe before it. */
function csvCell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = /^\s*[=+\-@\t]/.test(value) ? `'${value}` : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csv() {
  const places = table.getData("active").map((row) => row.place);
  const names = COPIED.filter((name) => name in CASES);
  const row = (i) => [...names.map((name) => CASES[name][i]), ...Object.keys(STARTS).map((state) => CASES[state][i]?.seconds[0])];
  return [[...names, ...Object.keys(STARTS).map((state) => `start_${state}_seconds`)].join(","), ...places.map((i) => row(i).map(csvCell).join(","))].join("\n") + "\n";
}

async function copyCsv() {
  const text = csv();
  const told = document.getElementById("copied");
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el("textarea", { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  told.textContent = `${text.split("\n").length - 2} cases copied, seconds in full.`;
}
