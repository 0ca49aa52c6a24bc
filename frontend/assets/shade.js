// Colours that fit what there is: signed values about a zero that looks like the page, decades by their powers.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const DECADES = 1.5; // from which on powers tell more
  const WIDE = 30; // the largest size by the middle one's, from which on signed values are drawn by powers, too
  const ALIKE = 0.02; // of their size: values that differ by less would show their rounding
  const number = (value) => gradscape.wire.number(Number(value.toPrecision(3)));

  // Signed values: evenly, or beyond the middle size by powers. Zero is in the middle.
  function signedScale(values, paper) {
    const sizes = Float64Array.from(values, Math.abs).sort();
    const [middle, most] = [sizes[Math.floor(sizes.length / 2)], sizes[sizes.length - 1] || 1];
    const wide = middle > 0 && most / middle > WIDE;
    const forward = wide ? (value) => Math.asinh(value / middle) : (value) => value;
    const sides = wide ? [most, Math.sqrt(most * middle), middle] : [most, most / 2];
    const ticks = [...sides.map((value) => -value), 0, ...sides.toReversed()];
    const end = forward(most);
    return { zmin: -end, zmax: end, colorscale: gradscape.palette.signed(paper), forward, tickvals: ticks.map(forward), ticktext: ticks.map((value) => number(Number(value.toPrecision(2)))) };
  }

  // Powers of ten between two ends, or the ends themselves where there are fewer than two.
  function powers(low, high) {
    const whole = [];
    for (let power = Math.ceil(low); power <= Math.floor(high); power += 1) whole.push(power);
    const every = Math.ceil(whole.length / 5);
    const kept = whole.filter((_, i) => i % every === 0);
    return kept.length > 1 ? kept : [low, (low + high) / 2, high];
  }

  // {zmin, zmax, colorscale, forward, tickvals, ticktext}
  function scaleOf(values, tokens) {
    const [low, high] = values.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
    if (low < 0) return signedScale(values, tokens.paper);
    if (low > 0 && Math.log10(high / low) > DECADES) {
      const [from, to] = [Math.log10(low), Math.log10(high)];
      const ticks = powers(from, to);
      return { zmin: from, zmax: to, colorscale: "Viridis", forward: Math.log10, tickvals: ticks, ticktext: ticks.map((power) => number(10 ** power)) };
    }
    const missing = Math.max(0, ALIKE * (high || 1) - (high - low)) / 2; // of the span, at either end
    return { zmin: low - missing, zmax: high + missing, colorscale: "Viridis", forward: (value) => value };
  }

  // Recolours the pictures among the traces; each cell says its true value.
  function apply(traces, layout, tokens) {
    const pictures = traces.filter(({ type, zmin }) => type === "heatmap" && zmin === undefined);
    const values = pictures.flatMap(({ z }) => z.flat()).filter(Number.isFinite);
    if (!values.length) return;
    const { forward, tickvals, ticktext, zmin, zmax, colorscale } = scaleOf(values, tokens);
    const ticks = tickvals ? { tickmode: "array", tickvals, ticktext } : {};
    for (const trace of pictures) {
      trace.text = trace.z.map((row) => row.map((value) => gradscape.wire.number(value)));
      trace.z = trace.z.map((row) => row.map((value) => (value > 0 || forward !== Math.log10 ? forward(value) : NaN)));
      Object.assign(trace, { zmin, zmax, colorscale });
      trace.colorbar = { thickness: 10, outlinewidth: 0, len: 0.98, ...trace.colorbar, ...ticks };
    }
  }

  gradscape.shade = { apply };
})();
