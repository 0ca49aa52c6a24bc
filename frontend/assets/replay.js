// An exported page has no server: this stands in for it. It answers what stream.js asks (runs, events, the stream) from
// the log in the page, all at once or, replayed, at the pace of a short film. Without such a log it does nothing.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});
  const script = document.getElementById("gradscape-log");
  if (!script) return;

  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const FILM = 8000; // milliseconds
  const FRAME = 40;
  const runs = new Map(read("gradscape-runs").map((run) => [run.id, run]));
  const view = read("gradscape-view");
  const time = ({ at }) => Date.parse(at);
  const log = JSON.parse(script.textContent).map((envelope, i) => ({ envelope, i }));
  log.sort((one, other) => time(one.envelope) - time(other.envelope) || one.i - other.i);
  log.forEach((item, i) => (item.row = i + 1));
  let film = false; // whether the next stream is shown at a pace
  let newest = null; // the stream that plays

  const answer = (status, body) => Promise.resolve(new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } }));

  function eventsOf(run, asked) {
    const number = (name, usual) => (asked.has(name) ? Number(asked.get(name)) : usual);
    const kinds = (asked.get("kinds") || "").split(",").filter(Boolean);
    const lane = asked.get("lane");
    const found = log.map(({ envelope }) => envelope).filter(({ run: of, seq, event }) =>
      of === run && seq > number("after", 0) && (!kinds.length || kinds.includes(event.kind)) && (!lane || event.lane === lane) &&
      !(event.step > number("step_to", Infinity)));
    const last = number("last", 0);
    const limit = number("limit", 1000);
    const items = last ? found.slice(-last) : found.slice(0, limit);
    return { items, next: !last && found.length > limit ? items[items.length - 1].seq : null };
  }

  window.fetch = (path) => {
    const { pathname, searchParams } = new URL(path, "http://log");
    const [, id, what] = /^\/api\/runs\/([^/]+)\/?(.*)$/.exec(pathname) || [];
    const run = runs.get(id);
    if (!run) return answer(404, { error: { code: "not_found", message: "This page holds no such run." } });
    return answer(200, what === "events" ? eventsOf(id, searchParams) : what === "snapshots" ? { items: [] } : run);
  };

  window.EventSource = class {
    constructor(path) {
      const { searchParams } = new URL(path, "http://log");
      const wanted = (searchParams.get("runs") || "").split(",");
      const after = Number(searchParams.get("after") || 0);
      this.items = log.filter(({ envelope, row }) => row > after && wanted.includes(envelope.run));
      this.listeners = new Map();
      this.pace = film ? Math.max(1, Math.ceil(this.items.length / (FILM / FRAME))) : Infinity;
      film = false;
      this.readyState = 1;
      newest = this;
      setTimeout(() => {
        if (this.onopen) this.onopen();
        this.play(0);
      });
    }

    addEventListener(kind, listener) {
      this.listeners.set(kind, listener);
    }

    tell(kind, data, lastEventId = "") {
      const listener = this.listeners.get(kind);
      if (listener) listener({ data: JSON.stringify(data), lastEventId: String(lastEventId) });
    }

    play(from) {
      if (newest !== this || this.readyState === 2) return;
      const to = Math.min(from + this.pace, this.items.length);
      for (const { envelope, row } of this.items.slice(from, to)) this.tell(envelope.event.kind, envelope, row);
      if (to < this.items.length) setTimeout(() => this.play(to), FRAME);
      else this.tell("close", { reason: "finished" });
    }

    close() {
      this.readyState = 2;
    }
  };
  window.EventSource.CLOSED = 2;

  // --- the page's own controls ------------------------------------------------------------------------------------

  const root = document.documentElement;
  const chosen = new Map(Object.entries(view.choices));

  function showChoices() {
    for (const group of document.querySelectorAll(".exported-choice")) {
      const buttons = [...group.querySelectorAll("[data-choice]")];
      const value = chosen.get(buttons[0].dataset.choice) || buttons[0].dataset.value;
      for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.value === value));
    }
  }

  function replay() {
    gradscape.timeline.choose(null, false); // the film follows its newest step
    film = true; // until the stream is opened, which is a little later
    gradscape.restart();
  }

  document.addEventListener("click", ({ target }) => {
    const choice = target instanceof Element && target.closest("[data-choice]");
    if (choice) {
      chosen.set(choice.dataset.choice, choice.dataset.value);
      gradscape.choose(choice.dataset.choice, choice.dataset.value);
      showChoices();
    } else if (target.id === "exported-theme") {
      root.setAttribute("data-mantine-color-scheme", root.getAttribute("data-mantine-color-scheme") === "dark" ? "light" : "dark");
    } else if (target.id === "exported-replay") replay();
  });

  if (matchMedia("(prefers-color-scheme: dark)").matches) root.setAttribute("data-mantine-color-scheme", "dark");
  showChoices();
  addEventListener("DOMContentLoaded", () => gradscape.setView(view));
})();
