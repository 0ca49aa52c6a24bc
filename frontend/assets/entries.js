// Arrays with an entry a layer, a mode or a value: rows of a picture over the steps, fans of lines, and pictures in rows.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const BESIDE = 0.16; // between pictures, in their widths
  const BELOW = 0.5; // below a row of them: room for what is said
  const SAID = 0.1; // from a picture to that

  const FIRST = 16; // lines of a fan that are drawn whatever their number: the largest values
  const OTHERS = 48; // of the rest, evenly by rank; more would be one block of colour

  // Of values in order, the first and evenly some of the others, the last among them.
  function spaced(lines) {
    const rest = lines.length - FIRST;
    if (rest <= OTHERS) return lines;
    const others = Array.from({ length: OTHERS }, (_, i) => lines[FIRST + Math.round((i * (rest - 1)) / (OTHERS - 1))]);
    return [...lines.slice(0, FIRST), ...others];
  }

  // An appended table's columns field.0, field.1 …
  function columnsOf(table, field) {
    const found = [];
    for (let i = 0; table.values(`${field}.${i}`); i += 1) found.push(table.values(`${field}.${i}`));
    return found;
  }

  // Steps across, an entry a row: {x, y, z}.
  function map(trace, binding, table, scene, columns) {
    const steps = table.values(columns.x.field);
    const rows = columnsOf(table, columns.z.field);
    const names = table.last[columns.y.field];
    if (!steps || !rows.length || !Array.isArray(names)) return null;
    return { ...trace, x: Array.from(steps), y: names, z: rows.slice(0, names.length).map((row) => Array.from(row)) };
  }

  // The entries over the steps as one trace, with a gap after each line.
  function fan(trace, binding, table, scene, columns) {
    const steps = table.values(columns.x.field);
    const lines = spaced(columnsOf(table, columns.y.field));
    if (!steps || !lines.length) return null;
    const alone = steps.length === 1; // one look is no line
    const x = lines.flatMap(() => [...steps, NaN]);
    const y = lines.flatMap((line) => [...line, NaN]);
    return { ...trace, x, y, ...(alone ? { mode: "markers", marker: { ...trace.marker, symbol: "line-ew-open", size: 16, color: trace.line && trace.line.color } } : {}) };
  }

  const fieldAt = (event, i, count) => (field) => {
    const value = gradscape.wire.at(event, field);
    if (gradscape.wire.isArray(value)) return value.data[i % value.data.length];
    return Array.isArray(value) && value.length <= count ? value[i % value.length] : value;
  };

  // Pictures side by side, `gallery` in a row, each a unit wide and high; what is said of each stands below it.
  function gallery(trace, binding, table, scene, columns) {
    const pictures = table.last[columns.z.field];
    if (!gradscape.wire.isArray(pictures)) return null;
    const [count, height, width] = pictures.shape;
    const across = binding.gallery;
    const down = Math.ceil(count / across);
    const left = (k) => (k % across) * (1 + BESIDE);
    const top = (k) => -Math.floor(k / across) * (1 + BELOW);
    const x = Array.from({ length: across }, (_, k) => Array.from({ length: width + 1 }, (__, j) => left(k) + j / width)).flat();
    const y = Array.from({ length: down }, (_, r) => Array.from({ length: height + 1 }, (__, i) => top(r * across) - i / height)).flat();
    const z = Array.from({ length: y.length - 1 }, () => new Array(x.length - 1).fill(NaN));
    const text = z.map((row) => row.map(() => ""));
    for (let k = 0; k < count; k += 1) {
      const said = gradscape.wire.fill(binding.hover || "", fieldAt(table.last, k, count)) || "";
      for (let i = 0; i < height; i += 1) {
        for (let j = 0; j < width; j += 1) {
          const [row, column] = [Math.floor(k / across) * (height + 1) + i, (k % across) * (width + 1) + j];
          z[row][column] = pictures.data[(k * height + i) * width + j];
          text[row][column] = said;
        }
      }
    }
    const places = Array.from({ length: count }, (_, k) => k);
    const said = { type: "scatter", mode: "text", textposition: "bottom center", hoverinfo: "skip", cliponaxis: false, uid: `${trace.uid}-said`, name: trace.name, textfont: { color: scene.tokens.muted } };
    const captions = places.map((k) => gradscape.wire.fill(binding.label || "", fieldAt(table.last, k, count)) || "");
    return [
      { ...trace, x, y, z, text, hovertemplate: "%{text}<extra></extra>", hoverongaps: false },
      { ...said, x: places.map((k) => left(k) + 0.5), y: places.map((k) => top(k) - 1 - SAID), text: captions },
    ];
  }

  gradscape.entries = { map, fan, gallery };
})();
