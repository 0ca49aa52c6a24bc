// A scale that shows structure near the bottom of a surface: the logarithm of the height above the lowest value.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const STEPS = 5; // ticks − 1

  function finiteOf(values) {
    return values.filter((value) => Number.isFinite(value));
  }

  // log10(value − lowest + floor); the floor is the second percentile of the first column's heights, so that one
  // deep point cannot take half of the colours. Returns null where there is nothing to scale.
  function logAbove([first, ...others]) {
    const main = finiteOf(first).sort();
    if (main.length === 0) return null;
    const lowest = others.reduce((low, column) => finiteOf(column).reduce((a, b) => Math.min(a, b), low), main[0]);
    const highest = main[main.length - 1];
    const span = highest - lowest;
    if (!(span > 0)) return null;
    const floor = Math.max(main[Math.floor(0.02 * main.length)] - main[0], 1e-6 * span);
    const forward = (value) => (Number.isFinite(value) ? Math.log10(Math.max(value - lowest, 0) + floor) : NaN);
    const back = (height) => lowest + 10 ** height - floor;
    const limits = [forward(Math.min(lowest, main[0])), forward(highest)];
    return { forward, limits, ...ticksOf(limits, forward, back) };
  }

  // Ticks at even distances, each moved to the shortest number that is near enough.
  function ticksOf([low, high], forward, back) {
    const step = (high - low) / STEPS;
    const values = [];
    for (let i = 0; i <= STEPS; i += 1) {
      const exact = back(low + i * step);
      const short = (digits) => Number(exact.toPrecision(digits));
      const near = (value) => back(low) <= value && value <= back(high) && Math.abs(forward(value) - (low + i * step)) < 0.2 * step;
      const digits = [1, 2, 3, 4, 5, 6].find((count) => near(short(count)));
      const value = digits === undefined ? exact : short(digits);
      if (!values.includes(value)) values.push(value);
    }
    return { tickvals: values.map(forward), ticktext: values.map((value) => gradscape.wire.number(value)) };
  }

  gradscape.scale = { logAbove };
})();
