// One panel of the page: its graphs or its table, its line of text, its state, its controls.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const LIFE = ["started", "progress", "controlled", "failed", "finished"];

  function defaultsOf(panel) {
    const usual = panel.choices.map((choice) => [choice.name, choice.options[0].value]);
    return Object.fromEntries(panel.sort ? [...usual, [panel.sort.key, ""]] : usual);
  }

  // Whether an analysis has one of these values in each of these fields.
  const asks = (spec, fields) => Object.entries(fields).every(([name, values]) => [spec[name]].flat().some((value) => values.includes(value)));

  // What a request asks for: its probes, or its analysis.
  const specsOf = ({ probes = [], analysis }) => [...(probes || []).map((probe) => probe.analysis), analysis].filter(Boolean);

  class PanelView {
    constructor(element, view) {
      this.element = element;
      element.panelView = this;
      this.view = view;
      this.panel = JSON.parse(element.querySelector("script[type='application/json']").textContent);
      this.choices = defaultsOf(this.panel);
      this.series = null; // the reader's choice among the series of pages
      this.pages = new Map();
      this.graphs = this.panel.graphs.map((graph) => {
        const target = element.querySelector(`[data-graph='${graph.name}']`);
        if (graph.page) this.pages.set(graph.name, new gradscape.pages.Pages(graph.page, view.buffers));
        gradscape.draw.follow(target, () => this.touch());
        const bindings = this.panel.bindings.filter((binding) => binding.graph === graph.name);
        return { graph, target, bindings, kinds: gradscape.stamp.kindsOf(graph, bindings) };
      });
      this.kinds = new Set([...LIFE, ...this.sources().map(({ kind }) => kind)]);
      this.painter = new gradscape.draw.Painter(() => this.draw());
      this.selector = element.querySelector("[data-series]");
      if (this.selector) this.selector.addEventListener("change", () => this.showSeries(this.selector.value));
      this.sorter = element.querySelector("[data-sort]");
      if (this.sorter) this.sorter.addEventListener("change", () => this.keepSort(this.sorter.value));
      element.querySelector("[data-fullscreen]").addEventListener("click", () => this.fillScreen());
    }

    // What the buffers must keep for this panel.
    sources() {
      const { graphs, bindings, phrases, cells, standings } = this.panel;
      const pages = graphs.map((graph) => graph.page).filter(Boolean);
      const said = [...phrases, ...cells.flatMap((cell) => cell.phrases)];
      const ranked = standings ? gradscape.standings.sourcesOf(standings) : [];
      const pictures = bindings.filter((binding) => binding.pictures).map(({ pictures: kind }) => ({ kind, how: "replace", keys: [], where: {} }));
      return [...[...bindings, ...pages, ...said].map(({ source }) => source).filter(Boolean), ...ranked, ...pictures];
    }

    // Whether an event of this kind changes anything here: its data, or what is said of the run's state.
    minds(kind) {
      return this.kinds.has(kind);
    }

    // Takes the view's choices ("panel.control" → value); what it does not choose is as usual.
    apply(wanted) {
      const chosen = Object.entries(defaultsOf(this.panel)).map(([name, usual]) => [name, wanted[`${this.panel.name}.${name}`] ?? usual]);
      if (chosen.every(([name, value]) => this.choices[name] === value)) return;
      this.choices = Object.fromEntries(chosen);
      this.touch();
    }

    showSeries(key) {
      this.series = key;
      this.touch();
    }

    touch() {
      this.painter.touch();
    }

    leave() {
      for (const { target } of this.graphs) {
        gradscape.draw.leave(target);
        if (target.data) window.Plotly.purge(target);
      }
    }

    fillScreen() {
      if (document.fullscreenElement) document.exitFullscreen();
      else this.element.requestFullscreen();
    }

    // Whether a run of the view asks for what this panel shows, as a probe or by itself; an equation asks for its own.
    asked() {
      const { asked, asked_with: fields, standings } = this.panel;
      if (standings) return this.view.lanes().length >= standings.least;
      const specs = (request) => [...specsOf(request), ...(request.problem && request.problem.pde ? [{ kind: "pde" }] : [])];
      return asked === null || this.view.runs().some(({ request }) => specs(request).some((spec) => [asked].flat().includes(spec.kind) && asks(spec, fields)));
    }

    // Whether a run may still tell what is drawn here.
    feeds({ request }) {
      const { fed_by: kinds } = this.panel;
      return kinds.length === 0 || !request || specsOf(request).some(({ kind }) => kinds.includes(kind));
    }

    // The panel's choices, with what its selector shows where the reader has not chosen.
    chosen() {
      const { sort } = this.panel;
      return sort ? { ...this.choices, [sort.key]: gradscape.sort.chosenOf(sort, this.choices[sort.key], this.sorted()) } : this.choices;
    }

    sorted() {
      return this.panel.bindings.flatMap(({ source }) => this.view.tablesOf(source));
    }

    async draw() {
      const row = this.view.rowShown();
      this.element.hidden = !this.asked();
      this.tell(this.state());
      if (this.panel.cells.length) this.drawTable();
      if (this.panel.standings && !this.element.hidden) gradscape.standings.draw(this);
      if (this.sorter) this.offerSorts();
      if (this.selector) this.selector.toggleAttribute("data-idle", !this.graphs.some(({ graph }) => graph.page && gradscape.traces.holds(graph.when, this.choices)));
      for (const { graph, target, bindings, kinds } of this.element.hidden ? [] : this.graphs) {
        target.hidden = !gradscape.traces.holds(graph.when, this.choices);
        if (target.hidden) continue;
        const page = this.pageOf(graph);
        const stamp = gradscape.stamp.stampOf(this.view, kinds, this.chosen(), page) + gradscape.figure.roomOf(target.clientHeight);
        if (target.stamp === stamp) {
          gradscape.draw.tellPainted(target, row);
          continue;
        }
        target.stamp = stamp;
        const scene = this.view.sceneOf(graph, bindings, this.chosen(), page, this.panel.sort);
        const own = (graph.tiles && gradscape.tiles) || (graph.matrix && gradscape.matrix); // not Plotly's
        if (own) {
          target.blank = !own.draw(target, graph, bindings, scene);
          gradscape.draw.tellPainted(target, row);
          continue;
        }
        const figure = gradscape.figure.figureOf(graph, bindings, scene, target.clientHeight, target.clientWidth);
        target.blank = figure.data.length === 0;
        await gradscape.draw.paint(target, figure, row);
      }
      this.tell(this.state());
    }

    // Whether there is data, but the pictures that are shown draw none of it.
    blank() {
      const shown = this.graphs.filter(({ target }) => !target.hidden);
      return shown.length > 0 && shown.every(({ target }) => target.blank);
    }

    drawTable() {
      const { cells } = this.panel;
      const lanes = this.view.lanes();
      const rows = lanes.map((lane) => cells.map((cell) => this.view.sayFirst(cell.phrases, { lane })));
      gradscape.table.draw(this.element.querySelector("[data-table]"), cells, rows, lanes.map((lane) => this.view.styleOf(lane)));
    }

    // The page that a graph shows now; null where it has pages and none of them is there yet.
    pageOf(graph) {
      if (!graph.page) return null;
      const pages = this.pages.get(graph.name);
      const series = pages.series(this.view);
      const picked = series.find(({ key }) => key === this.series);
      // Without the reader's choice it is the newest run's first that has something to show.
      const byRun = this.view.order.toReversed().flatMap((run) => series.filter(({ tables }) => tables[0].run === run));
      for (const one of picked ? [picked] : byRun) {
        const page = pages.show(one, this.view);
        if (!page) continue;
        this.offer(series, one);
        return page;
      }
      return null;
    }

    offer(series, chosen) {
      const offered = JSON.stringify([chosen.key, ...series.map(({ key, label }) => [key, label])]);
      if (!this.selector || this.selector.dataset.offered === offered) return;
      this.selector.dataset.offered = offered;
      this.selector.replaceChildren(...series.map(({ key, label }) => new Option(label, key, false, key === chosen.key)));
      this.selector.hidden = series.length < 2;
    }

    keepSort(value) {
      gradscape.keep({ [`${this.panel.name}.${this.panel.sort.key}`]: value || null });
    }

    offerSorts() {
      const { sort } = this.panel;
      gradscape.sort.offer(this.sorter, sort, this.chosen()[sort.key], this.sorted());
    }

    hasData() {
      if (this.panel.cells.length) return this.view.lanes().length > 0;
      if (this.panel.standings) return this.view.tablesOf(this.panel.standings.rows).length > 0;
      return this.panel.bindings.some(({ source }) => this.view.tablesOf(source).length > 0);
    }

    // The five designed states, and "ready". → {name, text}
    state() {
      const { words } = this.panel;
      const runs = this.view.runs();
      if (runs.length === 0) return { name: "empty", text: words.empty };
      const here = runs.filter(({ missing }) => !missing); // one that is not there is told above; the others speak
      const failed = (here.length ? here : runs).filter((run) => run.error);
      const mine = here.some((run) => !run.error) ? failed.filter((run) => this.feeds(run)) : failed; // another's is told above
      const { error } = mine[0] || {};
      const live = runs.filter((run) => !this.view.ended(run.id));
      const running = live.length > 0;
      const awaited = live.filter((run) => this.feeds(run));
      const first = this.view.moment === null && this.panel.graphs.some(({ tiles, matrix }) => tiles || matrix);
      const waiting = this.blank() && running && (!words.blank || first); // there is something, but no picture of it yet
      if (this.hasData() && !waiting) return { name: running ? "partial" : "ready", text: this.blank() ? words.blank : "" };
      // What to do about a run that is not there is told above; the answer's hint is for programs.
      if (error) return { name: error.code === "unsupported" ? "unsupported" : "error", text: sentence(mine[0].missing ? { message: error.message } : error) };
      if (!awaited.length) return { name: "unsupported", text: words.absent };
      return { name: "loading", text: [words.loading, awaited.map(progressOf).filter(Boolean).join(", ")].filter(Boolean).join(" ") };
    }

    tell({ name, text }) {
      this.element.dataset.state = name;
      const graph = this.graphs.length ? this.graphs[0].graph : null;
      const page = graph && this.pageOf(graph);
      const choices = this.chosen();
      const shows = (table) => gradscape.sort.shows(this.panel.sort, choices, table);
      const said = this.panel.phrases.filter(({ when }) => gradscape.traces.holds(when, choices)).map((phrase) => this.view.say(phrase, { graph, page, shows }));
      write(this.element.querySelector("[data-words]"), text);
      if (!this.panel.standings) write(this.element.querySelector("[data-line]"), said.filter(Boolean).join(" · "));
    }
  }

  function write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  const sentence = (error) => [error.message, error.hint].filter(Boolean).map(gradscape.wire.sentence).join(" ");

  function progressOf({ status, progress }) {
    if (status === "queued") return "Queued.";
    const { phase, done, total } = progress || {};
    return total ? `${phase[0].toUpperCase()}${phase.slice(1)}: ${done} of ${total}.` : "";
  }

  gradscape.panel = { PanelView, asks };
})();
