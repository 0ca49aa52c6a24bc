// Which page of a graph is shown: a plane is refitted as training goes, and the old picture stays until the new is whole.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const tablesOn = (buffers, runs, kind, field, value) =>
    runs.flatMap((run) => buffers.ofKind(kind, run, { [field]: value }));

  class Pages {
    constructor(page, buffers) {
      this.page = page;
      this.buffers = buffers;
      this.shown = new Map(); // series → the value of its shown page
    }

    // The series that the view has, in the order they came: [{key, label, tables}].
    series(view) {
      const found = new Map();
      const tables = this.buffers.of(this.page.source).filter((table) => view.order.includes(table.run));
      tables.sort((one, other) => view.order.indexOf(one.run) - view.order.indexOf(other.run) || one.order - other.order);
      for (const table of tables) {
        const key = JSON.stringify([table.run, ...this.page.series.map((name) => table.keys[name])]);
        if (!found.has(key)) found.set(key, { key, label: view.label(this.page.label, table), tables: [] });
        found.get(key).tables.push(table);
      }
      // A plane that another run has taken up is in that run's picture already, as long as it shows it.
      const newest = ({ tables }) => tables[tables.length - 1].keys[this.page.field];
      return [...found.values()].filter((one, i, all) => !all.slice(0, i).some((before) => newest(before) === newest(one)));
    }

    // The page to show of a series: {run, value, event}, or null before the first is there.
    show({ key, tables }, view) {
      const { field, needs } = this.page;
      const count = (kind, value) => tablesOn(this.buffers, view.order, kind, field, value).length;
      const value = (table) => table.keys[field];
      if (view.moment !== null) {
        const drawn = tables.filter((table) => count(needs[0], value(table)) > 0);
        const past = drawn.length ? gradscape.moment.pageAt(drawn, view.moment) : null;
        return past && { run: past.run, value: value(past), event: past.last };
      }
      const current = this.shown.get(key);
      const newest = tables[tables.length - 1];
      const ready = [...tables].reverse().find((table) => {
        if (value(table) === current) return true;
        if (current === undefined) return count(needs[0], value(table)) > 0;
        const whole = table === newest && !view.ended(table.run);
        return needs.every((kind) => {
          const before = count(kind, current);
          return count(kind, value(table)) >= (whole ? before : Math.min(before, 1));
        });
      });
      if (!ready) return null;
      this.shown.set(key, value(ready));
      return { run: ready.run, value: value(ready), event: ready.last };
    }
  }

  gradscape.pages = { Pages };
})();
