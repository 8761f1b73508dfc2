// What whole fits cost at any size and number of iterations: bench/statistics/cost.py, from its values at some sizes.

/** The costs of the chosen variant, of the backends that are shown. */
function costsShown() {
  const away = hidden();
  return DATA.costs.filter((cost) => !away.has(cost.backend) && ["variant", ...FIXED.filter((axis) => axis !== "points")].every((axis) => String(cost[axis]) === state[axis]));
}

/** Between the sizes that are told, straight in logs; null beyond them. */
function between(sizes, values, points) {
  if (points < sizes[0] * (1 - 1e-9) || points > sizes.at(-1) * (1 + 1e-9)) return null;
  let k = sizes.findIndex((size) => size >= points);
  if (k <= 0) return values[k === 0 ? 0 : values.length - 1];
  const share = Math.log(points / sizes[k - 1]) / Math.log(sizes[k] / sizes[k - 1]);
  const [one, other] = [values[k - 1], values[k]];
  return one > 0 && other > 0 ? one * (other / one) ** share : one + (other - one) * share;
}

/** Seconds of a fit with the ends of the 95 % interval, in a process whose start is in a state; null where unknown. */
function predicted(cost, points, steps, start) {
  const told = cost.states[start];
  const pace = between(cost.points, cost.pace, points);
  if (!told || pace === null) return null;
  const before = between(cost.points, told.before, points);
  const iterations = (steps - 1) * cost.usual * pace;
  const value = told.start + before + iterations;
  const alike = Math.hypot(cost.process_off, between(cost.points, cost.pace_off, points));
  const reach = (off) => (known(cost.reach) ? (cost.reach * Math.hypot(told.before_off * (told.start + before), told.start_off, iterations * off)) / value : null);
  const far = reach(Math.hypot(alike, cost.usual_off));
  const factor = far === null ? null : Math.exp(Math.min(far, 700));
  return { cost, value, low: factor && value / factor, high: factor && value * factor, far: reach(alike) };
}

/** Whether one is cheaper than the next beyond the 95 % interval of their ratio, where both meet the machine alike. */
function toldApart(first, second) {
  return !second || (first.far !== null && second.far !== null && Math.log(second.value / first.value) > Math.hypot(first.far, second.far));
}

/** The costs of a fit, the cheapest first. */
function cheapest(costs, points, steps, start) {
  return costs.map((cost) => predicted(cost, points, steps, start)).filter(Boolean).sort((a, b) => a.value - b.value);
}
