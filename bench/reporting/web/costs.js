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
  const off = Math.hypot(cost.process_off, cost.usual_off, between(cost.points, cost.pace_off, points));
  const error = Math.hypot(told.before_off * (told.start + before), told.start_off, iterations * off);
  const factor = known(cost.reach) ? Math.exp(Math.min((cost.reach * error) / value, 700)) : null;
  return { cost, value, low: factor && value / factor, high: factor && value * factor };
}

/** The costs of a fit, the cheapest first. */
function cheapest(costs, points, steps, start) {
  return costs.map((cost) => predicted(cost, points, steps, start)).filter(Boolean).sort((a, b) => a.value - b.value);
}
