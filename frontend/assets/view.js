// What the page shows: an ordered list of runs, their lanes and styles, and the tables of what they told.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const ENDED = ["succeeded", "failed", "cancelled"];
  const DRAWN = ["name", "request", "told", "points", "missing"]; // of a run, what pictures hang on

  class View {
    constructor(rowShown) {
      this.rowShown = rowShown; // the newest global row that is in the tables with all before it
      this.buffers = new gradscape.buffers.Buffers();
      this.row = 0; // the newest global row that has come
      this.order = []; // ids of the runs shown
      this.known = new Map(); // id → the run as the API shows it, kept up to date by its events
      this.theme = null; // {template, tokens, styles}
      this.list = null; // lanes, counted over all runs
      this.moment = null; // the step that is shown; null is the newest there is
      this.themes = 0; // how many there were
      this.changes = new Map(); // id → how often what pictures hang on of it has changed
      this.turns = { told: "", count: 0 }; // of the lanes, and how often they have changed
    }

    show(ids) {
      for (const id of this.order) if (!ids.includes(id)) this.forget(id);
      for (const id of ids) if (!this.known.has(id)) this.known.set(id, { id, name: "", status: "queued", request: {}, error: null });
      this.order = [...ids];
      this.list = null;
    }

    setMoment(step) {
      this.moment = step;
    }

    // The furthest step that any run has told of.
    reach() {
      return Math.max(0, ...this.order.map((id) => this.buffers.reach.get(id) || 0));
    }

    setTheme(theme) {
      this.theme = theme;
      this.themes += 1;
    }

    forget(id) {
      this.known.delete(id);
      this.buffers.forget(id);
    }

    // Takes what the API says about a run, or what one of its events does.
    learn(id, facts) {
      const run = this.known.get(id);
      if (!run) return;
      const next = { ...run, ...facts };
      if (ENDED.includes(run.status)) next.status = run.status; // an answer that was on its way when the run ended
      if (!facts.error && !run.missing) next.error = run.error;
      if (run.progress) next.progress = run.progress; // its events tell it sooner
      this.known.set(id, next);
      if (!DRAWN.some((name) => JSON.stringify(next[name]) !== JSON.stringify(run[name]))) return;
      this.changes.set(id, (this.changes.get(id) || 0) + 1);
      this.list = null;
    }

    take(id, event) {
      if (event.kind === "started") this.learn(id, { status: "running", told: event.lanes, points: event.points, parts: event.parts });
      else if (event.kind === "progress") this.known.get(id).progress = event;
      else if (event.kind === "failed") this.learn(id, { error: event.error });
      else if (event.kind === "finished") this.learn(id, { status: event.status, toldAll: true });
      else if (event.kind === "controlled" && ["pause", "resume"].includes(event.action)) this.learn(id, { paused: event.action === "pause" });
      this.buffers.take(id, event);
    }

    runs() {
      return this.order.map((id) => this.known.get(id));
    }

    // Whether nothing more will come; a stored run has ended only when its last event was read.
    ended(id) {
      const { toldAll, missing } = this.known.get(id);
      return Boolean(toldAll || missing);
    }

    // All lanes of all runs, in order: a lane's place here is its colour and line style everywhere.
    lanes() {
      if (this.list) return this.list;
      const list = this.runs().reduce((before, run) => [...before, ...this.lanesOf(run, before)], []);
      const several = new Set(list.map(({ run }) => run)).size > 1;
      const title = ({ run, name }) => (several && this.known.get(run).name ? `${name} · ${this.known.get(run).name}` : name);
      this.list = list.map((lane, index) => ({ ...lane, title: title(lane), index }));
      const told = JSON.stringify(this.list);
      if (told !== this.turns.told) this.turns = { told, count: this.turns.count + 1 };
      return this.list;
    }

    // How often the lanes have changed: their names, order and runs, and with these their colours.
    lanesTurn() {
      this.lanes();
      return this.turns.count;
    }

    // A run's own lanes; what an analysis tells of a lane that is there already belongs to that one.
    lanesOf(run, before) {
      const asked = run.request.lanes || [];
      const told = (run.told || []).filter((name) => !before.some((lane) => lane.name === name));
      const names = asked.length ? asked.map((lane) => lane.name) : told;
      return names.map((name, i) => ({ ...asked[i], name, run: run.id }));
    }

    // The lane of a table; an analysis of another run's lane has that lane's name and takes its style.
    laneOf({ run: told, keys }) {
      const lanes = this.lanes();
      const point = ((this.known.get(told) || {}).points || [])[keys.point];
      const run = point && point.run ? point.run : told;
      const found = lanes.find((lane) => lane.run === run && lane.name === keys.lane) || lanes.find((lane) => lane.name === keys.lane);
      return found || { name: keys.lane, title: keys.lane || this.known.get(told).name, index: 0 };
    }

    styleOf(lane) {
      return this.theme.styles[lane.index % this.theme.styles.length];
    }

    // A source's tables of the runs shown, in the lanes' order; on one page, those of that page alone.
    tablesOf(source, graph = null, page = null) {
      let tables = this.buffers.of(source).filter((table) => this.order.includes(table.run));
      if (graph && graph.page && source.keys.includes(graph.page.field)) {
        tables = tables.filter((table) => page && table.keys[graph.page.field] === page.value);
        // A lane of this name is another one in another run; a look at a kept moment belongs to the lane it is of.
        if (page && graph.page.field === "lane") {
          const homes = [page.run, this.laneOf({ run: page.run, keys: page.event }).run].filter(Boolean);
          tables = tables.filter((table) => table.run === page.run || homes.includes(this.laneOf(table).run));
        }
        const own = tables.filter((table) => page && table.run === page.run);
        const once = source.how === "replace" && !source.keys.includes("step"); // steps are chosen from below
        if (source.how === "mosaic" && tables.length > 1) tables = [tables.reduce(finer)];
        if (once && tables.length > 1) tables = own.length ? own : tables.slice(0, 1); // one plane, one surface
      }
      if (source.keys.includes("step")) tables = gradscape.moment.newestOf(tables, this.moment, (table) => this.seriesOf(table));
      const place = (table) => [this.laneOf(table).index, table.keys.repeat || 0, table.order];
      const before = (one, other) => one.map((value, i) => value - other[i]).find((difference) => difference !== 0) || 0;
      return tables.map((table) => [place(table), table]).sort(([one], [other]) => before(one, other)).map(([, table]) => table);
    }

    // What tables have in common that differ in their step alone: a look at a kept moment is one of its lane's looks.
    seriesOf(table) {
      const { step, point, ...others } = table.keys;
      return JSON.stringify([this.laneOf(table).index, others]);
    }

    // All that one graph's figure is made of.
    sceneOf(graph, bindings, choices, page, sort = null) {
      const shown = (binding) => (table) => gradscape.buffers.matches(binding.where, table.last) && gradscape.sort.shows(sort, choices, table);
      const tablesOf = (binding) => this.tablesOf(binding.source, graph, page).filter(shown(binding));
      const { columnOf } = gradscape.traces;
      const drawnBeside = (kind, { run, keys }) =>
        bindings
          .filter((binding) => binding.source.kind === kind && columnOf(binding.x, choices) && columnOf(binding.y, choices))
          .some((binding) => tablesOf(binding).some((table) => table.run === run && table.keys.lane === keys.lane && sameRepeat(table.keys, keys)));
      return {
        buffers: this.buffers,
        choices,
        page,
        view: this.order[0],
        moment: this.moment,
        lanes: this.lanes().length,
        tablesOf,
        drawnBeside,
        template: this.theme.template,
        tokens: this.theme.tokens,
        laneOf: (table) => this.laneOf(table),
        runOf: (table) => this.known.get(table.run),
        styleOf: (table) => this.styleOf(this.laneOf(table)),
      };
    }

    // A phrase's text about a lane, about a graph's page, or about the first run; null where it has nothing to say.
    say({ text, source, where }, { lane = null, graph = null, page = null, shows = () => true } = {}) {
      const run = this.known.get(lane ? lane.run : page ? page.run : this.order[0]);
      let tables = source ? this.tablesOf(source, graph, page).filter(shows) : [];
      if (lane) tables = tables.filter((table) => table.run === lane.run && table.keys.lane === lane.name);
      const { eventAt, valueAt } = gradscape.moment;
      tables = tables.filter((table) => eventAt(table, this.moment));
      if (!run || (source && tables.length === 0)) return null;
      const [newest] = [...tables].sort((one, other) => other.order - one.order);
      const row = { ...(newest ? eventAt(newest, this.moment) : {}), run, ...(lane ? { lane } : {}), past: this.moment !== null };
      if (!gradscape.buffers.matches(where, row)) return null;
      return gradscape.wire.fill(text, (field, format) => {
        if (format === "max") return largest(tables, field, this.moment);
        const value = newest && valueAt(newest, field, this.moment);
        return value === undefined || value === null ? gradscape.wire.at(row, field) : value;
      });
    }

    sayFirst(phrases, about) {
      for (const phrase of phrases) {
        const text = this.say(phrase, about);
        if (text !== null) return text;
      }
      return "";
    }

    // A series' name: a template over the event and its run.
    label(template, table) {
      return gradscape.wire.fill(template, (field) => gradscape.wire.at({ ...table.last, run: this.known.get(table.run), ...(field.startsWith("lane.") ? { lane: this.laneOf(table) } : {}) }, field)) || "";
    }
  }

  // What belongs to all repeats of a lane, or to one of them, is beside each.
  const sameRepeat = (one, other) => !("repeat" in one) || !("repeat" in other) || one.repeat === other.repeat;

  // Of two pictures of the same plane the finer one; the first where they are alike.
  function finer(one, other) {
    const fineness = ({ last }) => [last.coarsest, last.finest, last.least_fraction];
    const gap = fineness(other).map((value, i) => value - fineness(one)[i]).find((difference) => difference !== 0);
    return gap > 0 ? other : one;
  }

  // The largest finite value of a column over these tables; null where there is none above 0.
  function largest(tables, field, moment) {
    let found = 0;
    for (const table of tables) {
      const values = table.values(field) || [table.last[field]];
      const past = values.slice(0, gradscape.moment.rowsUntil(table, moment, values.length));
      for (const value of past) if (Number.isFinite(value) && value > found) found = value;
    }
    return found || null;
  }

  gradscape.view = { View };
})();
