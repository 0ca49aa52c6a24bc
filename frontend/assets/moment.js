// Which moment the page shows: the step that the reader chose on the time line, or null, the newest there is.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});
  const stepOf = (table) => (typeof table.last.step === "number" ? table.last.step : null);

  // How many of a table's rows lie at or before a moment; all of them where rows have no steps.
  function rowsUntil(table, moment, count) {
    return moment === null || !table.values("step") ? count : table.rowAt(moment) + 1;
  }

  // A table's newest event at a moment, null where there was none yet.
  function eventAt(table, moment) {
    if (moment === null) return table.last;
    if (table.values("step")) {
      const row = table.rowAt(moment);
      return row < 0 ? null : table.log[row] || table.last;
    }
    const step = stepOf(table);
    return step === null || step <= moment ? table.last : null;
  }

  // The number that a column holds at a moment; undefined where the table has no such column, NaN before its first row.
  function valueAt(table, field, moment) {
    const values = table.values(field);
    if (!values) return undefined;
    const rows = Math.min(rowsUntil(table, moment, values.length), values.length);
    return rows > 0 ? values[rows - 1] : NaN;
  }

  // Of tables that differ in their step alone, the newest at or before a moment, wherever it came from.
  function newestOf(tables, moment, seriesOf) {
    const chosen = new Map();
    for (const table of tables) {
      const { step } = table.keys;
      if (moment !== null && step > moment) continue;
      const key = seriesOf(table);
      const other = chosen.get(key);
      const newer = !other || step > other.keys.step || (step === other.keys.step && table.order > other.order);
      if (newer) chosen.set(key, table);
    }
    const kept = new Set(chosen.values());
    return tables.filter((table) => kept.has(table));
  }

  // The newest of a series of pages at a moment; the first where all came later.
  function pageAt(tables, moment) {
    const past = tables.filter((table) => (stepOf(table) ?? 0) <= moment);
    return past.length ? past[past.length - 1] : tables[0];
  }

  // The line that stands at the moment in a graph over steps.
  function shapes(graph, { moment, choices, tokens }) {
    if (moment === null || !graph.cursor || !gradscape.traces.holds(graph.cursor, choices)) return [];
    const line = { color: tokens.muted, width: 1 };
    const layer = graph.shade ? "above" : "below"; // a picture hides what lies below it
    return [{ type: "line", layer, xref: "x", yref: "paper", x0: moment, x1: moment, y0: 0, y1: 1, line }];
  }

  gradscape.moment = { rowsUntil, eventAt, valueAt, newestOf, pageAt, shapes };
})();
