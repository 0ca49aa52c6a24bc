// One connection a page: events of all runs of the view, stored ones and live ones alike, into tables and onto panels.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const RETRY = [500, 1000, 2000, 4000]; // milliseconds between attempts when the browser itself has given up
  const LIMIT = 1000; // events a page of history

  let settings = null; // {api, titles, kinds, themes}
  let view = null;
  let source = null;
  let attempts = 0;
  const panels = new Map(); // element → PanelView
  const cursors = new Map(); // run → {seq, held, filling, late}: where we are in it
  let wanted = { runs: [], choices: {} };

  const scheme = () => document.documentElement.getAttribute("data-mantine-color-scheme") || "light";

  async function json(path) {
    const response = await fetch(`${settings.api}${path}`);
    const body = await response.json().catch(() => ({}));
    if (response.ok) return body;
    const error = body.error || { code: "unavailable", message: `The server answered ${response.status}.` };
    throw Object.assign(new Error(error.message), { error });
  }

  const touch = () => {
    panels.forEach((panel) => panel.touch());
    gradscape.timeline.touch();
  };

  // --- events -----------------------------------------------------------------------------------------------------

  // Takes an envelope once and in order: an event seen before is dropped, one that comes too early waits.
  function take(envelope, row = view.row) {
    const cursor = cursors.get(envelope.run);
    if (!cursor) return;
    if (envelope.seq <= cursor.seq) return touch(); // read from the history before: only the row is news
    if (envelope.seq > cursor.seq + 1) {
      cursor.held.push({ envelope, row });
      if (!cursor.late && !cursor.filling) fill(envelope.run, cursor);
      return;
    }
    accept(cursor, envelope);
  }

  // The newest row that is in the tables with all before it.
  function rowShown() {
    return [...cursors.values()].flatMap(({ held }) => held).reduce((least, { row }) => Math.min(least, row - 1), view.row);
  }

  function accept(cursor, envelope) {
    cursor.seq = envelope.seq;
    view.take(envelope.run, gradscape.wire.decode(envelope.event));
    for (const panel of panels.values()) if (panel.minds(envelope.event.kind)) panel.touch();
    gradscape.timeline.touch();
  }

  // Reads from the events route what the stream did not bring, then what had to wait.
  async function fill(run, cursor) {
    if (cursor.filling) return;
    cursor.filling = true;
    try {
      for (let after = cursor.seq; after !== null; ) {
        const page = await json(`/runs/${run}/events?after=${after}&limit=${LIMIT}`);
        if (cursors.get(run) !== cursor) return;
        for (const envelope of page.items) if (envelope.seq === cursor.seq + 1) accept(cursor, envelope);
        after = page.items.length ? page.next : null;
      }
    } catch (failure) {
      view.learn(run, { error: failure.error || { message: String(failure.message) } });
    }
    cursor.filling = false;
    const held = cursor.held.map(({ envelope }) => envelope).sort((one, other) => one.seq - other.seq);
    cursor.held = [];
    for (const envelope of held) if (envelope.seq === cursor.seq + 1) accept(cursor, envelope);
    touch();
  }

  // --- connection -------------------------------------------------------------------------------------------------

  function connect() {
    if (source) source.close();
    source = null;
    const runs = view.order.filter((run) => !view.known.get(run).missing);
    if (runs.length === 0) return;
    tellConnection("connecting");
    const opened = (source = new EventSource(`${settings.api}/stream?runs=${runs.join()}&after=${view.row}`));
    opened.onopen = () => {
      attempts = 0;
      tellConnection("open");
      for (const [run, cursor] of cursors) {
        if (!cursor.late) continue;
        cursor.late = false;
        fill(run, cursor);
      }
    };
    opened.onerror = () => {
      tellConnection("connecting");
      if (opened.readyState !== EventSource.CLOSED) return; // else the browser tries again, with Last-Event-ID
      setTimeout(() => source === opened && learnRuns(runs).then(connect), RETRY[Math.min(attempts++, RETRY.length - 1)]);
    };
    opened.addEventListener("close", (message) => {
      if (JSON.parse(message.data).reason !== "finished") return; // the server stops: the browser comes back by itself
      opened.close();
      tellConnection("closed");
    });
    for (const kind of settings.kinds) {
      opened.addEventListener(kind, (message) => {
        view.row = Math.max(view.row, Number(message.lastEventId));
        const envelope = JSON.parse(message.data);
        take(envelope);
        if (kind === "finished" || kind === "started") {
          learnRuns([envelope.run]);
          if (gradscape.bar) gradscape.bar.hear(envelope.run, kind === "finished" ? envelope.event.status : "running");
        }
      });
    }
  }

  function tellConnection(state) {
    document.documentElement.dataset.stream = state;
  }

  // Asks the API what these runs are; one that it does not know says so in every panel.
  async function learnRuns(runs) {
    await Promise.all(runs.map(async (run) => {
      try {
        view.learn(run, { ...(await json(`/runs/${run}`)), missing: false });
      } catch (failure) {
        if (failure.error && failure.error.code === "not_found") view.learn(run, { error: failure.error, missing: true });
      }
    }));
    touch();
  }

  // --- page -------------------------------------------------------------------------------------------------------

  // Shows these runs, in this order, with these choices ("panel.control" → value).
  function setView({ runs = [], choices = {}, facts = {} }) {
    const ids = [...runs];
    const same = ids.join() === wanted.runs.join();
    wanted = { runs: ids, choices };
    if (!view) return; // kept until the page is there
    applyChoices();
    if (same && ids.join() === view.order.join()) return;
    const added = ids.filter((id) => !view.known.has(id));
    for (const id of cursors.keys()) if (!ids.includes(id)) cursors.delete(id);
    const late = view.row > 0; // the stream goes on where it is: what the new runs told before is read from their history
    for (const id of added) cursors.set(id, { seq: 0, held: [], filling: false, late: late && !facts[id] });
    view.show(ids);
    for (const id of added) if (facts[id]) view.learn(id, { ...facts[id], missing: false });
    const unknown = added.filter((id) => !facts[id]);
    if (unknown.length) learnRuns(unknown).then(connect);
    else connect();
    touch();
  }

  // Shows a run that was just made, beside the others, before the address says so: `keep` is to follow. All that it
  // tells comes after the row that was the newest before it was asked for: the stream is taken up there.
  function present(run, runs = wanted.runs, since = 0) {
    view.row = Math.min(view.row, since);
    setView({ ...wanted, runs: [...runs.filter((id) => id !== run.id), run.id], facts: { [run.id]: run } });
  }

  function applyChoices() {
    gradscape.timeline.apply(wanted.choices);
    for (const panel of panels.values()) panel.apply(wanted.choices);
  }

  function setTheme() {
    view.setTheme(settings.themes[scheme()] || settings.themes.light);
    touch();
  }

  // Reads everything again: a panel came that wants what was not kept.
  function restart() {
    const { runs } = wanted;
    wanted = { ...wanted, runs: [] };
    view.show([]);
    cursors.clear();
    view.row = 0;
    setView({ ...wanted, runs });
  }

  // Finds panels that came to the page or left it.
  function mount() {
    const script = document.getElementById("gradscape-stream");
    if (!settings && script) {
      settings = JSON.parse(script.textContent);
      gradscape.titles = settings.titles;
      view = gradscape.current = new gradscape.view.View(rowShown);
      setTheme();
    }
    if (!settings) return;
    for (const [element, panel] of panels) {
      if (element.isConnected) continue;
      panel.leave();
      panels.delete(element);
    }
    let more = false;
    for (const element of document.querySelectorAll("[data-panel]")) {
      if (panels.has(element)) continue;
      const panel = new gradscape.panel.PanelView(element, view);
      panels.set(element, panel);
      more = panel.sources().map((wish) => view.buffers.want(wish)).some(Boolean) || more;
      panel.touch();
    }
    applyChoices();
    if (more && view.row > 0) restart();
    else if (view.order.join() !== wanted.runs.join()) setView({ ...wanted });
    gradscape.timeline.touch(); // it is of this page, and offers what the panels here can look for
  }

  function start() {
    gradscape.draw.loadPlotly();
    let pending = false;
    const later = () => {
      if (pending) return;
      pending = true;
      requestAnimationFrame(() => {
        pending = false;
        mount();
      });
    };
    new MutationObserver(later).observe(document.body, { childList: true, subtree: true });
    new MutationObserver(() => view && setTheme()).observe(document.documentElement, { attributeFilter: ["data-mantine-color-scheme"] });
    later();
  }

  // Changes choices (null: as usual) and runs as the page keeps them, so that its address says them too; outside the
  // app they are only shown.
  function keep(changes, runs = wanted.runs) {
    const all = Object.entries({ ...wanted.choices, ...changes });
    const next = { runs: [...runs], choices: Object.fromEntries(all.filter(([, value]) => value !== null)) };
    if (document.getElementById("page")) window.dash_clientside.set_props("view", { data: next });
    else setView(next);
  }

  gradscape.setView = setView;
  gradscape.keep = keep;
  gradscape.present = present;
  gradscape.touch = touch;
  gradscape.panels = () => [...panels.values()].map(({ panel }) => panel);
  gradscape.take = take;
  gradscape.restart = restart;
  gradscape.choose = (key, value) => setView({ ...wanted, choices: { ...wanted.choices, [key]: value } });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else setTimeout(start); // after the other assets
})();
