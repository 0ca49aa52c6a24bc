// Tables and bindings → the traces of one graph, as Plotly takes them.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});
  const { Float64Array: Floats } = window;

  const MOST_POINTS = 2000; // of a line; more are thinned to the lowest and highest of each stretch
  const FAINT = 0.35;
  const BETWEEN = "<br>drawn between points, not evaluated yet"; // of a surface that is still refined
  const PICTURES = ["contour", "heatmap", "surface"]; // z is a matrix
  const SPATIAL = ["scatter3d"]; // z is a column

  const holds = (when, choices) => Object.entries(when || {}).every(([name, values]) => values.includes(choices[name]));
  const columnOf = (channel, choices) => (channel && channel.choice ? channel.columns[choices[channel.choice]] : channel);

  function lookUp(column, table, buffers) {
    const { lane, repeat } = table.keys;
    const source = buffers.ofKind(column.kind, table.run, { lane, repeat })[0];
    const found = source && source.values(column.field);
    return Floats.from(table.values("step") || [], (step) => {
      let row = found ? source.rowAt(step) : -1;
      if (column.finite && row < 0 && found && found.length) row = 0; // what happened before the first row is marked there
      while (column.finite && row >= 0 && !Number.isFinite(found[row])) row -= 1;
      return row < 0 ? NaN : found[row];
    });
  }

  function convert(column, table, scene) {
    const steps = [];
    const axis = column.along && scene.page && scene.page.event[column.along];
    if (axis) steps.push((value) => axis.offset + axis.scale * value);
    if (column.scaled && scene.scale) steps.push(scene.scale.forward);
    return steps.length === 0 ? null : (value) => steps.reduce((result, step) => step(result), value);
  }

  function numbersOf(column, table, scene) {
    const found = column.kind ? lookUp(column, table, scene.buffers) : table.values(placeOf(column, table)) || fieldOf(table, column);
    const change = convert(column, table, scene);
    const numbers = found && change ? found.map(change) : found;
    if (numbers && column.spread) return numbers.map(() => heightOf(column.spread, table, scene));
    return numbers && column.one_of ? withoutRest(numbers, table.last[column.one_of]) : numbers;
  }

  // A column's name; of an array, that of one entry.
  function placeOf({ field, entry }, { last }) {
    return entry === null || !last.layer ? field : `${field}.${Math.max(last.layer.indexOf(entry), 0)}`;
  }

  // Names along an axis, or numbers.
  const alongOf = (column, table, scene) => (Array.isArray(table.last[column.field]) ? table.last[column.field] : numbersOf(column, table, scene));

  // A lane's own height between those of the first and the last.
  function heightOf([first, last], table, { laneOf, lanes }) {
    return first + ((last - first) * laneOf(table).index) / Math.max(lanes - 1, 1);
  }

  // Without what is far below one nth of the largest: the tails of a density, which a logarithm would show for ever.
  // Islands end on the level at which they are cut.
  function withoutRest(numbers, n) {
    const least = numbers.reduce((a, b) => Math.max(a, b), 0) / (10 * n);
    const ends = (i) => numbers[i - 1] >= least || numbers[i + 1] >= least;
    return numbers.map((value, i) => (value >= least ? value : ends(i) ? least : NaN));
  }

  const fieldOf = (table, column) => (gradscape.wire.isArray(table.last[column.field]) ? table.last[column.field].data : null);

  // [n, m] values as rows for a picture: m rows of n where transposed.
  function rowsOf(column, table, scene) {
    const { shape, data } = table.last[column.field];
    const [n, m] = shape;
    const change = convert(column, table, scene) || ((value) => value);
    const pick = column.transpose ? (row, i) => data[i * m + row] : (row, i) => data[row * m + i];
    const [height, width] = column.transpose ? [m, n] : [n, m];
    const rows = Array.from({ length: height }, (_, row) => Array.from({ length: width }, (__, i) => change(pick(row, i))));
    return column.part ? rows.map((row) => row.map((value) => value / (row.reduce((sum, one) => sum + one, 0) || NaN))) : rows;
  }

  // Row numbers that draw the same line with fewer points.
  function thinned(y, count) {
    if (count <= MOST_POINTS) return null;
    const kept = [0];
    const stretch = (4 * count) / MOST_POINTS;
    for (let start = 0; start < count; start += stretch) {
      const first = Math.floor(start);
      const end = Math.min(Math.floor(start + stretch), count);
      let [low, high, hole] = [first, first, -1];
      for (let i = first; i < end; i += 1) {
        if (!Number.isFinite(y[i])) hole = i;
        else if (!(y[i] >= y[low])) low = i;
        else if (!(y[i] <= y[high])) high = i;
      }
      kept.push(...[...new Set([first, low, high, hole, end - 1])].filter((i) => i > kept[kept.length - 1]).sort((a, b) => a - b));
    }
    return kept;
  }

  // Which rows are drawn; null for all. A height that was not measured is no point of a path in space.
  function rowNumbers(binding, table, y, z, moment) {
    const until = binding.rows === "all" ? y.length : gradscape.moment.rowsUntil(table, moment, y.length);
    const measured = z ? Array.from(y.keys()).filter((row) => row < until && Number.isFinite(z[row])) : null;
    const count = measured ? measured.length : until;
    const row = (i) => (measured ? measured[i] : i);
    if (binding.rows === "first") return count ? [row(0)] : [];
    if (binding.rows === "last" || binding.rows === "now") return count ? [row(count - 1)] : [];
    const kept = thinned(measured ? Floats.from(measured, (i) => z[i]) : y, count);
    if (kept) return kept.map(row);
    return measured || (count === y.length ? null : Array.from({ length: count }, (_, i) => i));
  }

  const take = (values, rows) => (rows ? Floats.from(rows, (row) => values[row]) : values);

  // What {field} means in a binding's template, at each row; x, y and z are the channels, unscaled.
  function look(binding, table, scene) {
    const event = { ...table.last, lane: scene.laneOf(table), run: scene.runOf(table) };
    const known = new Map();
    const valuesOf = (field) => {
      if (!known.has(field)) {
        const column = ["x", "y", "z"].includes(field) ? columnOf(binding[field], scene.choices) : null;
        known.set(field, column ? numbersOf({ ...column, scaled: false }, table, scene) : table.values(field) || fieldOf(table, { field }));
      }
      return known.get(field);
    };
    return (row) => (field) => {
      const values = valuesOf(field);
      return values ? values[row] : gradscape.wire.at(event, field);
    };
  }

  function paint(trace, binding, table, scene) {
    const style = { ...scene.tokens, ...scene.styleOf(table) };
    for (const [place, name] of Object.entries(binding.paint)) gradscape.wire.put(trace, place, style[name]);
    if (binding.faint_beside && scene.drawnBeside(binding.faint_beside, table)) trace.opacity = FAINT;
  }

  function picture(trace, binding, table, scene, columns) {
    if (!gradscape.wire.isArray(table.last[columns.z.field])) return null;
    trace.x = alongOf(columns.x, table, scene);
    trace.y = alongOf(columns.y, table, scene);
    trace.z = rowsOf(columns.z, table, scene);
    if (!binding.hover) return trace;
    const values = rowsOf({ ...columns.z, scaled: false }, table, scene);
    const common = look(binding, table, scene)(0);
    const { known } = table.last;
    const between = (i, j) => (known && !known[i * trace.y.length + j] ? BETWEEN : "");
    trace.text = values.map((row, j) =>
      row.map((value, i) => {
        const look = (name) => ({ x: trace.x[i], y: trace.y[j], z: value })[name] ?? common(name);
        return gradscape.wire.fill(binding.hover, look) + between(i, j);
      }),
    );
    trace.hovertemplate = "%{text}<extra></extra>";
    return trace.type === "surface" ? [trace, ...gradscape.islands.islandsOf(trace)] : trace;
  }

  // The ground between two edges, once around; `meta` keeps the edges, for a file.
  function area(trace, x, low, high, rows) {
    const kept = (rows || Array.from(x.keys())).filter((row) => Number.isFinite(low[row]) && Number.isFinite(high[row]));
    const [at, lows, highs] = [x, low, high].map((values) => kept.map((row) => values[row]));
    trace.x = [...at, ...at.toReversed()];
    trace.y = [...highs, ...lows.toReversed()];
    return Object.assign(trace, { fill: "toself", hoverinfo: "skip", meta: { x: at, low: lows, high: highs } });
  }

  // k lines over the same n places as one trace, with a gap after each.
  function strands(trace, table, scene, columns) {
    const found = table.last[columns.y.field];
    const x = numbersOf(columns.x, table, scene);
    if (!gradscape.wire.isArray(found) || !x) return null;
    const [count, size] = found.shape;
    const base = columns.y.above ? table.last[columns.y.above] : 0;
    trace.x = new Floats(count * (size + 1)).fill(NaN);
    trace.y = new Floats(count * (size + 1)).fill(NaN);
    for (let line = 0; line < count; line += 1) {
      const values = Floats.from(found.data.slice(line * size, (line + 1) * size));
      const known = values.filter(Number.isFinite);
      const [low, high] = columns.y.stretched ? [Math.min(...known), Math.max(...known)] : [base, base + 1];
      trace.x.set(x, line * (size + 1));
      trace.y.set(values.map((value) => (value - low) / (high > low ? high - low : 1)), line * (size + 1));
    }
    return trace;
  }

  function line(trace, binding, table, scene, columns) {
    if (binding.strands) return strands(trace, table, scene, columns);
    const x = alongOf(columns.x, table, scene);
    const { otherwise } = columns.y;
    const y = alongOf(columns.y, table, scene) || (otherwise && x ? Array.from(x, () => otherwise) : null);
    if (!x || !y) return null;
    const z = SPATIAL.includes(trace.type) ? numbersOf(columns.z, table, scene) : null;
    const rows = rowNumbers(binding, table, y, z, scene.moment);
    trace.x = take(x, rows);
    trace.y = take(y, rows);
    const error = columns.error && numbersOf(columns.error, table, scene);
    if (error) trace.error_y = { ...trace.error_y, type: "data", array: take(error, rows) };
    const [low, high] = ["low", "high"].map((end) => columns[end] && numbersOf(columns[end], table, scene));
    if (binding.area) return low && high ? area(trace, x, low, high, rows) : null;
    if (low && high) {
      const [up, down] = [high.map((end, row) => end - y[row]), low.map((end, row) => y[row] - end)];
      trace.error_y = { ...trace.error_y, type: "data", symmetric: false, array: take(up, rows), arrayminus: take(down, rows) };
    }
    const across = columns.error_x && numbersOf(columns.error_x, table, scene);
    if (across) trace.error_x = { ...trace.error_x, type: "data", array: take(across, rows) };
    if (z) trace.z = take(z, rows);
    const template = binding.hover || binding.label;
    if (template) {
      const lookAt = look(binding, table, scene);
      trace.text = (rows || Array.from(y.keys())).map((row) => gradscape.wire.fill(template, lookAt(row)) || "");
      if (binding.hover) trace.hovertemplate = "%{text}<extra></extra>";
    }
    return trace;
  }

  function markOf(binding, trace) {
    if (binding.gallery) return gradscape.entries.gallery;
    const isPicture = PICTURES.includes(trace.type);
    if (binding.entries) return isPicture ? gradscape.entries.map : gradscape.entries.fan;
    return isPicture ? picture : line;
  }

  // One trace for each table of each binding, in the bindings' order and then in the lanes'.
  function tracesOf(bindings, scene) {
    const traces = [];
    bindings.forEach((binding, index) => {
      if (!holds(binding.when, scene.choices) || (binding.rows === "now" && scene.moment === null)) return;
      const columns = Object.fromEntries(["x", "y", "z", "error", "error_x", "low", "high"].map((name) => [name, columnOf(binding[name], scene.choices)]));
      if (!columns.x || !columns.y) return;
      for (const table of scene.tablesOf(binding)) {
        if (binding.hidden_beside && scene.drawnBeside(binding.hidden_beside, table)) continue;
        const trace = { uid: `t${index}-${table.order}`, ...structuredClone(binding.trace) };
        trace.name = gradscape.wire.fill(binding.name, look(binding, table, scene)(0)) || "";
        paint(trace, binding, table, scene);
        const full = markOf(binding, trace)(trace, binding, table, scene, columns);
        if (full) traces.push(...[full].flat());
      }
    });
    return traces;
  }

  gradscape.traces = { tracesOf, numbersOf, fieldOf, columnOf, holds };
})();
