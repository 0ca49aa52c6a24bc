// A row of values in a small canvas: a few as bars from zero, many as a line, in the colours of their signs.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const BARS = 32; // values; more of them are a line

  const isLine = (count) => count > BARS;

  // The colours of what lies above zero and below it: [above, below].
  function signs(limits, paper, ink) {
    if (limits.plain) return [ink, ink];
    const colour = gradscape.palette.colours({ signed: true, low: -1, high: 1, paper });
    return [0.75, -0.75].map((value) => `rgb(${colour(value).slice(0, 3).join()})`);
  }

  function line(context, points, zero, colours, thickness, filled) {
    const { width, height } = context.canvas;
    context.lineWidth = thickness;
    context.lineJoin = "round";
    const halves = [[0, zero], [zero, height - zero]];
    halves.forEach(([top, tall], i) => {
      context.save();
      context.beginPath();
      context.rect(0, top, width, tall);
      context.clip();
      context.strokeStyle = context.fillStyle = colours[i];
      for (const run of points) {
        context.beginPath();
        run.forEach(([x, y], j) => (j ? context.lineTo(x, y) : context.moveTo(x, y)));
        context.stroke();
        if (!filled) continue;
        context.lineTo(run[run.length - 1][0], zero);
        context.lineTo(run[0][0], zero);
        context.globalAlpha = 0.35;
        context.fill();
        context.globalAlpha = 1;
      }
      context.restore();
    });
  }

  function bars(context, data, at, colours, gap) {
    const step = context.canvas.width / data.length;
    data.forEach((value, i) => {
      if (!Number.isFinite(value)) return;
      context.fillStyle = colours[value < 0 ? 1 : 0];
      context.fillRect(i * step, Math.min(at(value), at(0)), Math.max(step - gap, 0.5), Math.max(Math.abs(at(value) - at(0)), 0.5));
    });
  }

  // The pieces of a line between the values that are not known.
  function pieces(data, at, width) {
    const found = [[]];
    data.forEach((value, i) => {
      if (Number.isFinite(value)) found[found.length - 1].push([((i + 0.5) * width) / data.length, at(value)]);
      else if (found[found.length - 1].length) found.push([]);
    });
    return found.filter((run) => run.length);
  }

  // Draws the values in the screen's own pixels, cut off at the limits, over a thin line at zero.
  function paint(canvas, { data }, limits, paper, ink) {
    const scale = window.devicePixelRatio || 1;
    Object.assign(canvas, { width: Math.round(canvas.clientWidth * scale) || 1, height: Math.round(canvas.clientHeight * scale) || 1 });
    const { width, height } = canvas;
    const [low, high] = [Math.min(limits.low, 0), Math.max(limits.high, 0)];
    const room = height - 2 * scale;
    const at = (value) => height - scale - (room * (Math.min(Math.max(value, low), high) - low)) / (high > low ? high - low : 1);
    const context = canvas.getContext("2d");
    context.fillStyle = ink;
    context.globalAlpha = 0.25;
    context.fillRect(0, Math.min(Math.round(at(0)), height - 1), width, 1);
    context.globalAlpha = 1;
    const colours = signs(limits, paper, ink);
    if (isLine(data.length)) line(context, pieces(Array.from(data), at, width), at(0), colours, 1.25 * scale, !limits.plain);
    else bars(context, data, at, colours, scale * 0.5);
  }

  gradscape.signal = { paint, isLine };
})();
