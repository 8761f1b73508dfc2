// What was chosen becomes what is shown.
function theme() {
  const root = document.documentElement;
  if (state.theme) root.dataset.theme = state.theme;
  else delete root.dataset.theme;
  root.dataset.dark = state.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

function show() {
  theme();
  showChoices();
  showFastest();
  showAgreement();
  showFirst();
  showGrowth();
  showMachine();
}

function change(what) {
  const focused = document.activeElement?.id;
  Object.assign(state, what);
  writeAddress();
  show();
  if (focused) document.getElementById(focused)?.focus();
}

/** What a figure was made of: its rounds by process, in time, with the state of the machine beneath. */
function openCase(i) {
  const dialog = document.getElementById("detail");
  remember({ case: String(i) });
  fill("detail-title", nameOf(i));
  const rounds = DATA.rounds[i];
  fill("detail-figure", measured(i) ? [`${spread(CASES.seconds[i], CASES.low_seconds[i], CASES.high_seconds[i])} an iteration${runOf(CASES.run[i]).net ? " net of the machine" : ", nothing taken away"}; ${spread(CASES.raw_seconds[i], CASES.raw_low_seconds[i], CASES.raw_high_seconds[i])} as read. `, el("span", { className: "dim" }, `Rounds as read, ${rounds.seconds.length} of ${rounds.of} shown; dashed: each process, net of the machine.`)] : `${CASES.outcome[i]}: ${CASES.reason[i] ?? "no reason is recorded"}`);
  const facts = [
    ["unstable", CASES.unstable?.[i]], ["steps of a fit", CASES.steps[i]], ["processes", CASES.processes?.[i]],
    ["held to", CASES.kind?.[i]], ["digits", CASES.digits?.[i]?.toFixed(1)], ["worst error", known(CASES.worst_error?.[i]) ? `${CASES.worst_error[i].toExponential(1)} (${CASES.worst_name[i]}, step ${CASES.worst_step[i]})` : null],
    ["of its bound", known(CASES.bound_fraction?.[i]) ? `${significant(100 * CASES.bound_fraction[i])} %` : null],
    ...Object.entries(STARTS).map(([key, title]) => [`before the second iteration, ${title}`, CASES[key][i] ? `${spread(...CASES[key][i].seconds)}, of ${CASES[key][i].processes} process${CASES[key][i].processes > 1 ? "es" : ""}` : null]),
    ["peak memory", known(CASES.peak_memory_bytes?.[i]) ? memory(CASES.peak_memory_bytes[i]) : null], ["threads", CASES.threads?.[i]], ["device", CASES.device_name?.[i]],
    ["the graph of a step", graphsOf(CASES.variant[i]) ?? `python -m bench.graph --variant ${CASES.variant[i]} --backend ${CASES.backend[i]} --output graph.svg`],
  ];
  fill("detail-facts", listOf(facts.filter(([, value]) => value !== null && value !== undefined)));
  if (!dialog.open) dialog.showModal();
  const times = rounds?.time.filter((t) => t !== null) ?? [];
  chart("detail-rounds", roundsChart(i), `Rounds of ${nameOf(i)} in time`);
  chart("detail-state", times.length ? stateChart(CASES.run[i], Math.min(...times), Math.max(...times)) : null, "The state of the machine meanwhile");
}

/** Links to those of a variant, by how the names of their files begin; null where none was drawn. */
function graphsOf(variant) {
  return linksTo(DATA.graphs.filter((name) => name.split("/").at(-1).split(/[.,-]/)[0] === variant));
}

function begin() {
  readAddress();
  theme();
  showHeader();
  showHoles();
  showMade();
  show();
  makeTable();
  document.getElementById("copy").addEventListener("click", copyCsv);
  document.getElementById("detail").addEventListener("close", () => remember({ case: "" }));
  document.getElementById("mine").addEventListener("input", () => {
    const caches = document.getElementById("my-caches").value;
    const again = caches !== state.caches;
    remember({ n: document.getElementById("my-points").value, t: document.getElementById("my-steps").value, caches });
    if (again) showFirst();
    showGrowth();
  });
  document.getElementById("mine").addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("choices").addEventListener("submit", (event) => event.preventDefault());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  addEventListener("hashchange", () => { readAddress(); show(); });
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; show(); } });
  const opened = Number(state.case);
  if (state.case !== "" && Number.isInteger(opened) && opened >= 0 && opened < COUNT) openCase(opened);
  document.documentElement.dataset.ready = "yes";
}

begin();
