// The truth behind every picture: tables of what has come, by kind of event, run and key.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  // A column of numbers that grows by doubling.
  class Column {
    constructor() {
      this.room = new Float64Array(64);
      this.length = 0;
    }

    push(values) {
      const needed = this.length + values.length;
      if (needed > this.room.length) {
        const larger = new Float64Array(Math.max(needed, 2 * this.room.length));
        larger.set(this.room.subarray(0, this.length));
        this.room = larger;
      }
      this.room.set(values, this.length);
      this.length = needed;
    }

    // Fills with NaN up to this length: rows that had no such number.
    pad(length) {
      if (length > this.length) this.push(new Array(length - this.length).fill(NaN));
    }

    get values() {
      return this.room.subarray(0, this.length);
    }
  }

  // Rows of one kind, run and key. `last` is the newest event; columns hold the numbers of all, `log` appended events.
  class Table {
    constructor(run, keys, event, order) {
      this.run = run;
      this.keys = keys;
      this.order = order;
      this.columns = {};
      this.rows = 0;
      this.last = event;
      this.log = [];
    }

    take(event, how) {
      if (how === "mosaic") {
        const { Mosaic } = gradscape.mosaic;
        if (!this.mosaic || !this.mosaic.holds(event)) this.mosaic = new Mosaic(event);
        this.mosaic.lay(event);
        this.last = this.mosaic.event(event);
        return;
      }
      this.last = event;
      if (how === "replace") return;
      const arrays = Object.entries(event).filter(([, value]) => gradscape.wire.isArray(value));
      if (how === "extend") {
        for (const [name, array] of arrays) this.column(name).push(array.data);
        this.rows = Math.max(...Object.values(this.columns).map((column) => column.length), 0);
        return;
      }
      this.log.push(event);
      const entries = arrays.flatMap(([name, { data }]) => Array.from(data, (value, i) => [`${name}.${i}`, value]));
      for (const [name, value] of [...Object.entries(event), ...entries]) {
        if (typeof value !== "number") continue;
        this.column(name).pad(this.rows);
        this.column(name).push([value]);
      }
      this.rows += 1;
      for (const column of Object.values(this.columns)) column.pad(this.rows);
    }

    column(name) {
      return (this.columns[name] = this.columns[name] || new Column());
    }

    values(name) {
      return name in this.columns ? this.columns[name].values : null;
    }

    // The index of the last row whose step is at most this one, or −1. Steps grow.
    rowAt(step) {
      const steps = this.values("step");
      if (!steps) return -1;
      let low = 0;
      let high = steps.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (steps[middle] <= step) low = middle + 1;
        else high = middle;
      }
      return low - 1;
    }
  }

  const matches = (where, row) => Object.entries(where || {}).every(([place, value]) => gradscape.wire.at(row, place) === value);

  // All tables that the page's panels ask for. Those that ask for the same share one.
  class Buffers {
    constructor() {
      this.shapes = new Map(); // kind → {signature: {how, keys, where}}
      this.tables = new Map(); // signature → Map(key → Table)
      this.told = new Map(); // run → {kind: the number of its newest event}
      this.taken = 0; // events; their numbers never come again
      this.reach = new Map(); // run → the furthest step of its events
      this.count = 0;
    }

    static signature({ kind, how, keys, where }) {
      return JSON.stringify([kind, how, keys, where]);
    }

    // Starts to keep what this source says; false where that is kept already.
    want(source) {
      const signature = Buffers.signature(source);
      if (this.tables.has(signature)) return false;
      this.tables.set(signature, new Map());
      const { kind, how, keys, where } = source;
      if (!this.shapes.has(kind)) this.shapes.set(kind, []);
      this.shapes.get(kind).push({ signature, how, keys, where });
      return true;
    }

    take(run, event) {
      this.taken += 1;
      if (!this.told.has(run)) this.told.set(run, {});
      this.told.get(run)[event.kind] = this.taken;
      const step = gradscape.wire.isArray(event.step) ? event.step.data[event.step.data.length - 1] : event.step;
      if (step > (this.reach.get(run) || 0)) this.reach.set(run, step);
      for (const { signature, how, keys, where } of this.shapes.get(event.kind) || []) {
        if (!matches(where, event)) continue;
        const key = JSON.stringify([run, ...keys.map((name) => event[name])]);
        const tables = this.tables.get(signature);
        if (!tables.has(key)) {
          tables.set(key, new Table(run, Object.fromEntries(keys.map((name) => [name, event[name]])), event, this.count++));
        }
        tables.get(key).take(event, how);
      }
    }

    // The number of a run's newest event of a kind, 0 where there is none.
    newest(run, kind) {
      return (this.told.get(run) || {})[kind] || 0;
    }

    of(source) {
      return [...(this.tables.get(Buffers.signature(source)) || new Map()).values()];
    }

    // A run's tables of a kind that hold these keys, whoever asked for them.
    ofKind(kind, run, keys = {}) {
      const found = [];
      for (const { signature } of this.shapes.get(kind) || []) {
        for (const table of this.tables.get(signature).values()) {
          if (table.run === run && Object.entries(keys).every(([name, value]) => table.keys[name] === value)) found.push(table);
        }
      }
      return found;
    }

    forget(run) {
      this.reach.delete(run);
      this.told.delete(run);
      for (const tables of this.tables.values()) {
        for (const [key, table] of tables) if (table.run === run) tables.delete(key);
      }
    }
  }

  gradscape.buffers = { Buffers, matches };
})();
