// A graph as data → Plotly's figure: its traces, and its layout under the present choices, page and theme.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const TOLD = "%{text}<extra></extra>"; // every point has its own text
  const WIDE = 1.2; // width by height, from which on a scene in space is seen whole
  const TALL = 400; // pixels, from which on five ticks never come too close
  const ABOVE = 0.015; // of a surface's height

  function merge(target, patch) {
    for (const [name, value] of Object.entries(patch)) {
      if (value !== null && typeof value === "object" && !Array.isArray(value)) target[name] = merge({ ...target[name] }, value);
      else target[name] = value;
    }
    return target;
  }

  function spanOf(kindAndChannel, bindings, scene) {
    const [kind, channel] = kindAndChannel.split(".");
    const binding = bindings.find((candidate) => candidate.source.kind === kind);
    const [table] = binding ? scene.tablesOf(binding) : [];
    const values = table && gradscape.traces.numbersOf(gradscape.traces.columnOf(binding[channel], scene.choices), table, scene);
    return values && values.length > 1 ? [values[0], values[values.length - 1]] : null;
  }

  // The layout under these choices. Each axis keeps the reader's zoom until another view is opened, or a choice or page
  // that the axis depends on changes.
  function layoutOf(graph, bindings, scene) {
    const { put } = gradscape.wire;
    const layout = merge({ template: scene.template, autosize: true, uirevision: scene.view }, graph.layout);
    const depends = {};
    for (const patch of graph.patches) {
      for (const axis of Object.keys(patch.layout)) depends[axis] = [...(depends[axis] || []), ...Object.keys(patch.when)];
      if (gradscape.traces.holds(patch.when, scene.choices)) merge(layout, patch.layout);
    }
    for (const [axis, names] of Object.entries(depends)) {
      put(layout, `${axis}.uirevision`, JSON.stringify([scene.view, ...[...new Set(names)].map((name) => scene.choices[name])]));
    }
    layout.shapes = gradscape.moment.shapes(graph, scene);
    for (const [place, field] of Object.entries(graph.titles)) {
      const named = scene.page && scene.page.event[field];
      if (named) put(layout, `${place}.title.text`, named.label ?? named);
    }
    for (const [place, span] of Object.entries(graph.fit)) {
      const range = spanOf(span, bindings, scene);
      if (range) put(layout, `${place}.range`, range);
      if (scene.page) put(layout, `${place}.uirevision`, scene.page.value);
    }
    if (scene.scale) {
      const { tickvals, ticktext, limits } = scene.scale;
      for (const place of graph.scale.ticks) put(layout, place, merge(gradscape.wire.at(layout, place) || {}, { tickmode: "array", tickvals, ticktext }));
      for (const place of graph.scale.limits) put(layout, place, limits);
    }
    return layout;
  }

  function scaleOf(graph, bindings, scene) {
    if (!graph.scale || !gradscape.traces.holds(graph.scale.when, scene.choices)) return null;
    const columns = graph.scale.columns.map((name) => {
      const [kind, field] = name.split(".");
      const binding = bindings.find((candidate) => candidate.source.kind === kind);
      const arrays = binding ? scene.tablesOf(binding).map((table) => table.values(field) || gradscape.traces.fieldOf(table, { field }) || []) : [];
      return Float64Array.from(arrays.flatMap((array) => Array.from(array)));
    });
    return gradscape.scale.logAbove(columns, gradscape.scale.stepsOf(scene.height));
  }

  // Texts beside points stand on the side that has more room.
  function placeTexts(traces) {
    const ends = traces.flatMap(({ x }) => (x && x.length ? [x[0], x[x.length - 1]] : [])).filter(Number.isFinite);
    const middle = (Math.min(...ends) + Math.max(...ends)) / 2;
    for (const trace of traces.filter(({ mode, textposition }) => mode && mode.includes("text") && !textposition)) {
      trace.textposition = Array.from(trace.x, (x) => (x > middle ? "middle left" : "middle right"));
    }
  }

  // A logarithm has no place for negative values: such curves are drawn on a linear axis, which says so.
  function mindSigns(traces, { yaxis }) {
    if (!yaxis || yaxis.type !== "log") return;
    if (!traces.some(({ y }) => y && y.some((value) => Number.isFinite(value) && value < 0))) return;
    yaxis.type = "linear";
    delete yaxis.nticks;
    yaxis.title = { ...yaxis.title, text: `${yaxis.title.text} (linear, as some is negative)` };
  }

  // Nor has it one for 0: where the hover text tells the true value, such a point stands below all others.
  function mindZeros(traces, { yaxis }) {
    if (!yaxis || yaxis.type !== "log") return;
    const least = traces.reduce((low, { y }) => (y || []).reduce((so, value) => (value > 0 && value < so ? value : so), low), Infinity);
    if (!Number.isFinite(least)) return;
    for (const trace of traces.filter(({ y, hovertemplate }) => y && y.includes(0) && hovertemplate === TOLD)) {
      trace.y = Array.from(trace.y, (value) => (value === 0 ? least / 10 : value));
    }
  }

  // A tall graph has room for more of a logarithmic axis' ticks than the few that are asked for.
  function mindRoom({ yaxis }, height) {
    if (yaxis && yaxis.type === "log" && yaxis.nticks && height > TALL) yaxis.nticks = 5;
  }

  // Paths and points that lie on a surface stand a hair above it, lest they sink into it; what they say is not changed.
  function raise(traces) {
    const surface = traces.find(({ type }) => type === "surface");
    if (!surface) return;
    const heights = surface.z.flat().filter(Number.isFinite);
    const [low, high] = heights.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
    const lying = traces.filter(({ type, uid }) => type === "scatter3d" && !gradscape.islands.is(uid));
    for (const trace of lying) trace.z = trace.z.map((value) => value + ABOVE * Math.max(high - low, 0));
  }

  // What a graph of this height has room for, as a text: a graph is drawn anew where it changes.
  const roomOf = (height) => `${gradscape.scale.stepsOf(height)}${height > TALL ? " tall" : ""}`;

  // In a slim graph a scene in space is seen from farther away; by steps, as a new camera undoes what the reader turned.
  function mindSlimness({ scene }, height, width) {
    if (!scene || !scene.camera || !height || !width) return;
    const farther = Math.max(4, Math.ceil((4 * WIDE * height) / width)) / 4;
    scene.camera = { ...scene.camera, eye: Object.fromEntries(Object.entries(scene.camera.eye).map(([axis, at]) => [axis, farther * at])) };
  }

  // The whole graph, drawn so high: {data, layout}. `scene` gives buffers, choices, page, lanes and theme.
  function figureOf(graph, bindings, scene, height = 0, width = 0) {
    const full = { ...scene, scale: scaleOf(graph, bindings, { ...scene, height }) };
    const data = gradscape.traces.tracesOf(bindings, full);
    const layout = layoutOf(graph, bindings, full);
    if (graph.shade) gradscape.shade.apply(data, layout, scene.tokens);
    if (!data.length && layout.yaxis) delete layout.yaxis.scaleanchor; // without a range there is nothing to be in proportion to
    placeTexts(data);
    mindSigns(data, layout);
    mindZeros(data, layout);
    mindRoom(layout, height);
    gradscape.categories.fit(data, layout, height);
    mindSlimness(layout, height, width);
    raise(data);
    return { data, layout };
  }

  gradscape.figure = { figureOf, roomOf };
})();
