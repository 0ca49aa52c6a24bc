// Small pictures in a grid: rows by one field of the events, columns by another, one canvas each, a pixel for a value.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const MOST_VALUES = 100_000; // that a percentile is taken of; of more, every so many
  const TITLE = 156; // pixels: the titles' column
  const GAP = 4;
  const PLACE = "place"; // in a row of values
  const SIZE = [26, 150]; // of a picture's side
  const STRIP = 56; // height of a row of bars

  const part = (tag, className, properties = {}) => Object.assign(document.createElement(tag), { className }, properties);
  const write = (element, text) => element.textContent !== text && (element.textContent = text);
  const valueOf = (channel, table) => gradscape.wire.at(table.last, channel.field);

  // The cells of the newest look: {row, column, table, binding}, a later binding over an earlier one.
  function cellsOf(bindings, scene) {
    const found = bindings.flatMap((binding) => scene.tablesOf(binding).map((table) => ({ binding, table })));
    const newer = (one, other) => (one.keys.step ?? 0) - (other.keys.step ?? 0) || one.order - other.order;
    const maps = found.filter(({ table }) => table.last.kind === bindings[bindings.length - 1].source.kind);
    if (!maps.length) return [];
    const newest = maps.map(({ table }) => table).reduce((one, other) => (newer(one, other) > 0 ? one : other));
    const cells = new Map();
    for (const { binding, table } of found) {
      if (table.run !== newest.run || table.keys.repeat !== newest.keys.repeat) continue;
      const row = String(valueOf(binding.y, table));
      const column = String(valueOf(binding.x, table));
      cells.set(JSON.stringify([row, column]), { row, column, table, binding });
    }
    return [...cells.values()];
  }

  const picture = ({ binding, table }) => table.last[binding.z.field];

  // The value below which this share of all the values' sizes lies.
  function percentile(arrays, percent) {
    const count = arrays.reduce((sum, { data }) => sum + data.length, 0);
    const every = Math.max(1, Math.ceil(count / MOST_VALUES));
    const sizes = new Float64Array(count);
    let known = 0;
    for (const { data } of arrays) {
      for (let i = 0; i < data.length; i += every) if (Number.isFinite(data[i])) sizes[known++] = Math.abs(data[i]);
    }
    if (!known) return 0;
    const sorted = sizes.subarray(0, known).sort();
    const place = (percent / 100) * (sorted.length - 1);
    const first = Math.floor(place);
    return sorted[first] + (place - first) * ((sorted[first + 1] ?? sorted[first]) - sorted[first]);
  }

  // A row's pictures at every step that is known.
  function throughTime({ row, binding, table }, scene) {
    const mine = (other) => other.keys.lane === table.keys.lane && String(valueOf(binding.y, other)) === row;
    return scene.buffers.of(binding.source).filter(mine).map((other) => other.last[binding.z.field]);
  }

  function ownLimits(cell) {
    let [low, high] = [Infinity, -Infinity];
    for (const value of picture(cell).data) {
      if (value < low && value !== -Infinity) low = value;
      if (value > high && value !== Infinity) high = value;
    }
    return { plain: true, low, high };
  }

  // Where the colours of a row's cells end, one after the other. What cells share is worked out once.
  function limitsOf(cells, tiles, scene) {
    if (tiles.plain.includes(cells[0].row)) return cells.map(ownLimits);
    const common = scene.choices[tiles.common];
    const whole = common === "row" ? percentile(cells.map(picture), tiles.percentile) : null;
    const lanes = new Map(); // → the end over all steps
    const endOf = (cell) => {
      if (common === "map") return percentile([picture(cell)], tiles.percentile);
      if (common === "row") return whole;
      const { lane } = cell.table.keys;
      if (!lanes.has(lane)) lanes.set(lane, percentile(throughTime(cell, scene), tiles.percentile));
      return lanes.get(lane);
    };
    return cells.map((cell) => {
      const high = endOf(cell);
      const signed = Boolean(cell.table.last[tiles.signed]);
      return { signed, low: signed ? -high : 0, high };
    });
  }

  // --- pictures -----------------------------------------------------------------------------------------------------

  function paintPixels(canvas, { shape, data }, limits, paper) {
    const [height, width, channels = 1] = shape;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const image = new ImageData(width, height);
    const span = limits.high > limits.low ? limits.high - limits.low : 1;
    if (channels === 3) {
      for (let i = 0; i < width * height; i += 1) {
        for (let channel = 0; channel < 3; channel += 1) image.data[4 * i + channel] = (255 * (data[3 * i + channel] - limits.low)) / span;
        image.data[4 * i + 3] = 255;
      }
    } else gradscape.palette.pixels({ ...limits, paper }, data, new Uint32Array(image.data.buffer));
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  // A picture keeps its shape within its square place.
  function shape(canvas, [height, width]) {
    canvas.style.width = width && width < height ? `calc(var(--across) * ${width / height})` : "";
    canvas.style.height = width && height < width ? `calc(var(--down) * ${height / width})` : "";
  }

  function paintCell(canvas, cell, limits, scene) {
    const { paper, ink } = scene.tokens;
    const flat = picture(cell).shape.length === 1;
    const stamp = JSON.stringify([limits, paper, flat && canvas.clientWidth]); // else the browser scales the pixels
    if (canvas.event === cell.table.last && canvas.stamp === stamp) return;
    Object.assign(canvas, { event: cell.table.last, stamp });
    shape(canvas, picture(cell).shape);
    if (flat) gradscape.signal.paint(canvas, picture(cell), limits, paper, ink);
    else paintPixels(canvas, picture(cell), limits, paper);
  }

  function paintLegend(canvas, limits, paper) {
    const data = Float64Array.from({ length: 65 }, (_, i) => limits.low + ((limits.high - limits.low) * i) / 64);
    paintPixels(canvas, { shape: [1, 65], data }, limits, paper);
  }

  // --- the grid -----------------------------------------------------------------------------------------------------

  const hoverOf = ({ binding, table }) => gradscape.wire.fill(binding.hover || "", (field) => gradscape.wire.at(table.last, field)) || "";

  // What a row says of its newest event.
  function noteOf(tiles, event) {
    for (const { text, where } of tiles.notes) {
      const said = gradscape.buffers.matches(where, event) ? gradscape.wire.fill(text, (field) => gradscape.wire.at(event, field)) : null;
      if (said !== null) return said;
    }
    return "";
  }

  function build(target, rows, columns) {
    const key = JSON.stringify([rows, columns]);
    if (target.tiles && target.tiles.key === key) return;
    const grid = part("div", "gs-tiles");
    const cells = new Map();
    const titles = new Map();
    for (const row of rows) {
      const title = part("div", "gs-tile-title");
      const scale = part("div", "gs-tile-ends");
      scale.append(part("canvas", "gs-tile-legend"), part("span", ""));
      scale.firstChild.setAttribute("aria-hidden", "true");
      title.append(part("strong", ""), scale, part("span", "gs-tile-note"));
      titles.set(row, title);
      grid.append(title);
      for (const column of columns) {
        const cell = part("figure", "gs-tile");
        const canvas = part("canvas", "");
        canvas.setAttribute("role", "img");
        cell.append(canvas, part("figcaption", ""));
        cells.set(JSON.stringify([row, column]), cell);
        grid.append(cell);
      }
    }
    const tip = part("div", "gs-tip", { hidden: true });
    target.replaceChildren(grid, tip);
    target.tiles = { key, grid, cells, titles, tip, shown: new Map() };
    if (!target.tilesWatched) watch(target);
  }

  // As large as the panel has room for.
  function fit(target, rows, columns, flat) {
    const { grid } = target.tiles;
    const across = Math.floor((target.clientWidth - TITLE - 12) / columns) - GAP;
    const down = Math.floor((target.clientHeight - 20) / rows) - GAP;
    const side = Math.min(Math.max(Math.min(across, down), SIZE[0]), SIZE[1]);
    grid.style.setProperty("--columns", columns);
    target.closest("[data-panel]").style.setProperty("--rows", rows); // the panel grows with them
    grid.style.setProperty("--across", `${flat ? Math.max(across, 60) : side}px`);
    grid.style.setProperty("--down", `${flat ? Math.min(Math.max(down, 34), STRIP) : side}px`);
    grid.classList.toggle("gs-tiles-small", (flat ? Math.min(down, STRIP) : side) < 52);
  }

  // Draws the grid; false where there is nothing to draw.
  function draw(target, graph, bindings, scene) {
    const { tiles } = graph;
    const cells = cellsOf(bindings, scene);
    if (!cells.length) {
      if (target.tiles) target.tiles.shown.clear();
      return false;
    }
    const places = Object.keys(tiles.titles);
    const rows = [...new Set(cells.map(({ row }) => row))].sort((one, other) => places.indexOf(one) - places.indexOf(other));
    const inOrder = cells.filter(({ row }) => row === rows[0]).sort((one, other) => one.table.order - other.table.order);
    const columns = [...new Set([...inOrder, ...cells].map(({ column }) => column))];
    build(target, rows, columns);
    fit(target, rows.length, columns.length, cells.every((cell) => picture(cell).shape.length === 1));
    for (const row of rows) {
      const mine = cells.filter((cell) => cell.row === row);
      const limits = limitsOf(mine, tiles, scene);
      tellRow(target.tiles.titles.get(row), tiles, mine, limits, scene);
      mine.forEach((cell, i) => tellCell(target, tiles, cell, limits[i], scene));
    }
    return true;
  }

  function tellRow(title, tiles, cells, limits, scene) {
    const [name, ends, note] = title.children;
    const [legend, scale] = ends.children;
    const [{ row, table }] = cells;
    const [first] = limits;
    const shared = limits.every(({ high }) => high === first.high);
    write(name, tiles.titles[row] || row);
    ends.hidden = Boolean(first.plain);
    if (!first.plain) paintLegend(legend, first, scene.tokens.paper);
    write(scale, first.plain ? "" : !shared ? "each its own" : `${first.signed ? "±" : "0–"}${gradscape.wire.number(Number(first.high.toPrecision(2)))}`);
    const [count, ...others] = picture(cells[0]).shape;
    const along = !others.length && gradscape.signal.isLine(count) ? `${tiles.places[row] || PLACE} 0–${count - 1}` : "";
    note.classList.toggle("gs-tile-along", along !== "");
    write(note, [first.plain ? "" : noteOf(tiles, table.last), along].filter(Boolean).join(" · "));
  }

  function tellCell(target, tiles, cell, limits, scene) {
    const key = JSON.stringify([cell.row, cell.column]);
    const figure = target.tiles.cells.get(key);
    const [canvas, caption] = figure.children;
    paintCell(canvas, cell, limits, scene);
    const note = tiles.plain.includes(cell.row) ? "" : noteOf(tiles, cell.table.last);
    target.tiles.shown.set(figure, { cell, limits, note, title: tiles.titles[cell.row] || cell.row, place: tiles.places[cell.row] || PLACE });
    const label = cell.binding.label && gradscape.wire.fill(cell.binding.label, (field) => gradscape.wire.at(cell.table.last, field));
    write(caption, label || "");
    caption.hidden = !label;
    const said = `${tiles.titles[cell.row] || cell.row}, ${label || cell.column}: ${hoverOf(cell)}`;
    if (canvas.getAttribute("aria-label") !== said) canvas.setAttribute("aria-label", said);
  }

  // --- pointing -----------------------------------------------------------------------------------------------------

  // The value under the pointer, in words.
  function valueAt({ cell, place }, canvas, event) {
    const { shape, data } = picture(cell);
    const box = canvas.getBoundingClientRect();
    const share = (x, from, size) => Math.min(Math.max((x - from) / size, 0), 0.999);
    const column = (count) => Math.floor(share(event.clientX, box.left, box.width) * count);
    if (shape.length === 1) return `${place} ${column(shape[0])}: ${gradscape.wire.number(data[column(shape[0])])}`;
    const [height, width, channels = 1] = shape;
    const [i, j] = [Math.floor(share(event.clientY, box.top, box.height) * height), column(width)];
    const values = Array.from({ length: channels }, (_, k) => gradscape.wire.number(data[channels * (i * width + j) + k]));
    return `row ${i}, column ${j}: ${values.join(", ")}`;
  }

  function point(target, event) {
    const { tip, shown } = target.tiles;
    const figure = event.target.closest && event.target.closest(".gs-tile");
    const known = figure && shown.get(figure);
    tip.hidden = !known;
    if (!known) return;
    const canvas = figure.firstChild;
    const { limits, title, note } = known;
    const ends = limits.plain ? "" : ` · colours end at ${limits.signed ? "±" : ""}${gradscape.wire.number(Number(limits.high.toPrecision(3)))}`;
    tip.replaceChildren(part("strong", "", { textContent: title }), ` ${valueAt(known, canvas, event)}`, part("br", ""), `${[hoverOf(known.cell), note].filter(Boolean).join(" · ")}${ends}`);
    const [box, own] = [target.getBoundingClientRect(), canvas.getBoundingClientRect()];
    const left = Math.min(Math.max(own.left - box.left, 4), Math.max(box.width - tip.offsetWidth - 4, 4));
    const below = own.bottom - box.top + 6;
    tip.style.left = `${left}px`;
    tip.style.top = `${below + tip.offsetHeight > box.height ? Math.max(own.top - box.top - tip.offsetHeight - 6, 0) : below}px`;
  }

  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      target.stamp = null;
      const panel = target.closest("[data-panel]");
      if (panel && panel.panelView) panel.panelView.touch();
    }
  });

  function watch(target) {
    target.tilesWatched = true;
    target.addEventListener("pointermove", (event) => point(target, event));
    target.addEventListener("pointerleave", () => (target.tiles.tip.hidden = true));
    sizes.observe(target);
  }

  gradscape.tiles = { draw, picture, cellsOf };
})();
