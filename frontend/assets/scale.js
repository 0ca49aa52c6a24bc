// A scale that shows structure near the bottom of a surface: the logarithm of the height above the lowest value.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const STEPS = 5; // ticks − 1, where there is room
  const ROOM = 26; // pixels between ticks: they are moved by up to a fifth of it, and their texts are 15 high
  const AROUND = 72; // pixels of a graph that its colours' bar does not have: margins and title
  const DIGITS = [1, 2, 3, 4, 5, 6];
  const NOTHING = 1e-3; // of the floor: too little to tell from 0

  function finiteOf(values) {
    return values.filter((value) => Number.isFinite(value));
  }

  // log10(value − lowest + floor); the floor is the second percentile of the first column's heights, so that one
  // deep point cannot take half of the colours. Returns null where there is nothing to scale.
  function logAbove([first, ...others], steps = STEPS) {
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
    return { forward, limits, ...ticksOf(limits, forward, back, floor, steps) };
  }

  // How many ticks a bar beside a graph of this height has room for, less one; all where the height is not known.
  const stepsOf = (height) => (height ? Math.min(Math.max(Math.floor((height - AROUND) / ROOM), 1), STEPS) : STEPS);

  // A number with so many digits, not below (up) or not above (down) it; else the nearest.
  function shortened(exact, digits, round) {
    if (exact === 0) return 0;
    const power = digits - 1 - Math.floor(Math.log10(Math.abs(exact)));
    return Number(`${round(Number((exact * 10 ** power).toPrecision(12)))}e${-power}`);
  }

  // Ticks at even distances, each moved to the shortest number that is near enough; those at the ends inwards.
  function ticksOf([low, high], forward, back, floor, steps) {
    const step = (high - low) / steps;
    const round = (i) => [Math.ceil, Math.round, Math.floor][(i > 0) + (i === steps)];
    const values = [];
    for (let i = 0; i <= steps; i += 1) {
      const exact = back(low + i * step);
      const near = (value) => back(low) <= value && value <= back(high) && Math.abs(forward(value) - (low + i * step)) < 0.2 * Math.min(step, (high - low) / 3);
      const value = DIGITS.map((count) => shortened(exact, count, round(i))).find(near) ?? exact;
      if (!values.includes(value)) values.push(value);
    }
    const text = (value) => gradscape.wire.number(Math.abs(value) < NOTHING * floor ? 0 : value);
    return { tickvals: values.map(forward), ticktext: values.map(text) };
  }

  gradscape.scale = { logAbove, stepsOf };
})();
