// A step that is pointed at in one picture is pointed at in the others, too: on the path, and in the curves.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const FLAT = ["scatter"]; // traces that another picture can point at
  const WHOLE = ["all", "past"]; // rows that make a line

  // What one of a graph's traces draws: {binding, table}, found by the name that traces.js gives it.
  function drawnBy(target, { uid }) {
    const { panelView } = target.closest("[data-panel]");
    const named = /^t(\d+)-(\d+)$/.exec(uid || "");
    const mine = panelView.graphs.find((graph) => graph.target === target);
    const binding = named && mine && mine.bindings[Number(named[1])];
    const table = binding && panelView.view.buffers.of(binding.source).find(({ order }) => order === Number(named[2]));
    return table && table.values("step") ? { binding, table, view: panelView.view } : null;
  }

  // The table's row of a trace's point: a first or last point stands for its row, and long lines are thinned.
  function rowOf({ binding, table, view }, trace, point) {
    const { length } = table.values("step");
    const last = (binding.rows === "all" ? length : gradscape.moment.rowsUntil(table, view.moment, length)) - 1;
    if (binding.rows === "first") return 0;
    if (!WHOLE.includes(binding.rows)) return Math.max(last, 0);
    return trace.x.length === last + 1 ? point : Math.round((point * last) / Math.max(trace.x.length - 1, 1));
  }

  // The point of a trace whose step is nearest, or −1.
  function pointOf(drawn, trace, step) {
    const steps = drawn.table.values("step");
    let best = -1;
    for (let point = 0; point < trace.x.length; point += 1) {
      const gap = (at) => Math.abs(steps[rowOf(drawn, trace, at)] - step);
      if (Number.isFinite(trace.y[point]) && (best < 0 || gap(point) < gap(best))) best = point;
    }
    return best;
  }

  const others = (target) => [...document.querySelectorAll("[data-graph]")].filter((other) => other !== target && other.data && other.offsetParent && other._fullLayout.xaxis);

  function pointAt(target, lane, step) {
    for (const [curveNumber, trace] of target.data.entries()) {
      if (!FLAT.includes(trace.type) || trace.hoverinfo === "skip" || !String(trace.mode).includes("lines")) continue;
      const drawn = drawnBy(target, trace);
      if (!drawn || !WHOLE.includes(drawn.binding.rows) || drawn.view.laneOf(drawn.table).index !== lane) continue;
      const pointNumber = pointOf(drawn, trace, step);
      if (pointNumber < 0) continue;
      window.Plotly.Fx.hover(target, [{ curveNumber, pointNumber }], "xy", true); // which tells nobody: no echo
      return;
    }
  }

  function hovered(target, { points }) {
    const [point] = points || [];
    const trace = point && target.data[point.curveNumber];
    const drawn = trace && drawnBy(target, trace);
    if (!drawn || typeof point.pointNumber !== "number") return;
    const row = rowOf(drawn, trace, point.pointNumber);
    const lane = drawn.view.laneOf(drawn.table).index;
    for (const other of others(target)) pointAt(other, lane, drawn.table.values("step")[row]);
  }

  function left(target) {
    for (const other of others(target)) window.Plotly.Fx.unhover(other);
  }

  document.addEventListener("gradscape:painted", ({ target }) => {
    if (target.dataset.linked || !target.on) return;
    target.dataset.linked = "yes";
    target.on("plotly_hover", (event) => hovered(target, event));
    target.on("plotly_unhover", () => left(target));
  });
})();
