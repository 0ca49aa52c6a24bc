// What the page's controls do in the browser alone: ask the API how the runs are, steer them, tell errors, take keys.
(() => {
  "use strict";
  const noUpdate = () => window.dash_clientside.no_update;
  const triggered = () => (window.dash_clientside.callback_context.triggered[0] || { prop_id: "" }).prop_id.replace(/\.[^.]*$/, "");
  const ENDED = ["succeeded", "failed", "cancelled"];
  const WORDS = { queued: "Queued", running: "Running", succeeded: "Finished", failed: "Failed", cancelled: "Cancelled" };
  const UNREACHABLE = {
    code: "unavailable",
    message: "The server does not answer.",
    hint: "Check that it is running; this page goes on by itself when it is back.",
  };

  const html = (type, className, children, more) =>
    ({ namespace: "dash_html_components", type, props: { className, children, ...more } });
  const live = (state) => state.run && !ENDED.includes(state.run.status);

  // One request to the API: {json, error}, one of them null.
  async function ask(method, path, body) {
    const options = { method };
    if (body) Object.assign(options, { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    try {
      const answer = await fetch(path, options);
      const json = await answer.json().catch(() => null);
      if (answer.ok) return { json, error: null };
      return { json: null, error: (json && json.error) || { code: "internal", message: `The server answered ${answer.status}.` } };
    } catch {
      return { json: null, error: UNREACHABLE };
    }
  }

  // Asks once at a time: whoever asks meanwhile gets the same answer (Dash drops the answer to a question asked again).
  function together(work) {
    const asked = new Map();
    return (...about) => {
      const key = JSON.stringify(about);
      if (!asked.has(key)) asked.set(key, work(...about).finally(() => asked.delete(key)));
      return asked.get(key);
    };
  }

  // How the runs are, asked for twice a second while one is live; the last answer stays when the server is away.
  let known = new Map();
  const statesOf = together(async (runs) => {
    const before = known;
    const states = await Promise.all(
      runs.map(async (id) => {
        const last = before.get(id);
        if (last && last.run && ENDED.includes(last.run.status)) return last;
        const { json, error } = await ask("GET", `/api/runs/${id}`);
        return { id, run: json || (last && last.run) || null, error };
      }),
    );
    known = new Map(states.map((state) => [state.id, state]));
    return states;
  });

  async function poll(_ticks, view) {
    const states = await statesOf((view && view.runs) || []);
    const away = states.some((state) => state.error && state.error.code === "unavailable");
    return [states, !(away || states.some(live))];
  }

  // Pause, step and cancel act on every live run of the view.
  async function control(_pause, _step, _cancel, states) {
    const button = triggered();
    const runs = (states || []).filter(live).map((state) => state.run);
    const paused = runs.some((run) => run.paused);
    const message = { pause: { action: paused ? "resume" : "pause" }, step: { action: "step", n: 1 }, cancel: { action: "cancel" } }[button];
    if (!message || !runs.length) return noUpdate();
    const asked = runs.filter((run) => button === "cancel" || run.status === "running");
    const answers = await Promise.all(asked.map((run) => ask("POST", `/api/runs/${run.id}/control`, message)));
    const refused = answers.find((answer) => answer.error && answer.error.code !== "conflict");
    return { at: Date.now(), error: refused ? refused.error : null };
  }

  // A learning rate moved in the set-up also steers the race that was started from it, where it still runs.
  let steering = 0;
  async function steer(texts, names, states, from) {
    const at = names.findIndex(({ path }) => triggered().includes(`"${path}"`));
    const lane = at < 0 ? null : /^lanes\.(\d+)\.optimizer\.lr$/.exec(names[at].path);
    const value = at < 0 ? NaN : Number(texts[at]);
    const mine = (states || []).length > 0 && states[0].id === from;
    const runs = (states || []).filter(live).map((state) => state.run).filter((run) => run.status === "running");
    if (!lane || !mine || !runs.length || !(value > 0)) return noUpdate();
    const turn = ++steering;
    await new Promise((resolve) => setTimeout(resolve, 200));
    if (turn !== steering) return noUpdate(); // it moved on
    const sent = runs.filter((run) => run.request.lanes && run.request.lanes[lane[1]]);
    const answers = await Promise.all(
      sent.map((run) => {
        const message = { action: "set", lane: run.request.lanes[lane[1]].name, field: "lr", value };
        return ask("POST", `/api/runs/${run.id}/control`, message);
      }),
    );
    const refused = answers.find((answer) => answer.error && answer.error.code !== "conflict");
    return { at: Date.now(), error: refused ? refused.error : null };
  }

  // Time left, from the pace of the last few seconds.
  const paces = new Map();
  function secondsLeft(run) {
    const { done, total, phase } = run.progress;
    const now = performance.now() / 1000;
    let past = paces.get(run.id);
    if (!past || past.phase !== phase || run.paused) paces.set(run.id, (past = { phase, points: [] }));
    past.points.push([now, done]);
    while (past.points.length > 2 && now - past.points[0][0] > 6) past.points.shift();
    const [then, doneThen] = past.points[0];
    return done > doneThen && now - then > 0.8 ? ((now - then) * (total - done)) / (done - doneThen) : null;
  }

  function duration(seconds) {
    if (seconds < 90) return `${Math.ceil(seconds)} s`;
    return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
  }

  function statusOf(states) {
    const runs = states.filter((state) => state.run).map((state) => state.run);
    if (!runs.length) return "Ready";
    const running = runs.find((run) => run.status === "running");
    const queued = runs.find((run) => run.status === "queued");
    const one = running || queued || runs[runs.length - 1];
    let text = WORDS[one.status];
    if (one.status === "running" && one.paused) text = "Paused";
    if (one.status === "queued" && one.queue_position > 0) text = `Queued, ${one.queue_position} before it`;
    if (one.status === "queued" && !one.queue_position) text = "Starting";
    return runs.length > 1 ? `${text} · run ${runs.indexOf(one) + 1} of ${runs.length}` : text;
  }

  function progressOf(states) {
    const runs = states.filter((state) => state.run).map((state) => state.run);
    if (!runs.length) return [0, ""];
    const share = (run) => {
      if (run.status === "succeeded") return 1;
      return run.progress && run.progress.total ? run.progress.done / run.progress.total : 0;
    };
    const percent = (100 * runs.reduce((sum, run) => sum + share(run), 0)) / runs.length;
    const running = runs.find((run) => run.status === "running") || (runs.length === 1 ? runs[0] : null);
    if (!running || !running.progress) return [percent, ""];
    const { total, phase } = running.progress;
    const done = running.status === "succeeded" ? total : running.progress.done;
    const what = phase === "training" ? "step" : phase;
    const left = running.status === "running" && !running.paused ? secondsLeft(running) : null;
    return [percent, `${what} ${done}/${total}${left === null ? "" : ` · ${duration(left)} left`}`];
  }

  function note(error, title) {
    const fields = (error.errors || []).map((one) => html("Li", "", [html("Code", "", one.path || "request"), ` ${one.message}`]));
    return html("Div", "notice", [
      html("Div", "strong", title),
      html("Div", "", fields.length ? `${fields.length} field${fields.length > 1 ? "s are" : " is"} not as expected:` : error.message),
      fields.length ? html("Ul", "", fields) : null,
      error.hint && !fields.length ? html("Div", "dim", error.hint) : null,
    ]);
  }

  function noticesOf(states, refused, controlled) {
    const notices = [];
    if (refused) notices.push(note(refused, "Not started"));
    if (controlled && controlled.error) notices.push(note(controlled.error, "Not obeyed"));
    if (states.some((state) => state.error === UNREACHABLE)) notices.push(note(UNREACHABLE, "Connection lost"));
    for (const { run, error, id } of states) {
      if (error && error.code === "not_found") {
        const gone = { message: `The run ${id} is not here.`, hint: "It may have been deleted; choose another on the Runs page." };
        notices.push(note(gone, "Nothing to show"));
      } else if (run && run.error) notices.push(note(run.error, `${run.name || run.id} failed`));
    }
    return notices;
  }

  function showStates(states, refused, controlled) {
    states = states || [];
    const runs = states.filter(live).map((state) => state.run);
    const running = runs.filter((run) => run.status === "running");
    const paused = running.some((run) => run.paused);
    const icon = html("Span", `icon icon-${paused ? "play" : "pause"}`, null, { "aria-hidden": "true" });
    const [percent, text] = progressOf(states);
    if (running.length && document.activeElement && document.activeElement.id === "start") {
      requestAnimationFrame(() => document.getElementById("pause").focus()); // so that space pauses, not starts again
    }
    return [
      !running.length, icon, paused ? "Resume" : "Pause", !running.length, !runs.length,
      statusOf(states), percent, text, noticesOf(states, refused, controlled),
    ];
  }

  // Each error at the field it is about; what is folded away is opened, and the first one gets the focus.
  function showErrors(error, fieldIds, kindIds) {
    const said = new Map(((error && error.errors) || []).map((one) => [one.path, one.message]));
    const of = (id) => said.get(id.path) || said.get(`${id.path}.kind`) || null;
    if (said.size) {
      setTimeout(() => {
        const wrong = [...document.querySelectorAll("#setup [aria-invalid='true']")];
        for (const element of wrong) {
          for (let d = element.closest("details"); d; d = d.parentElement.closest("details")) d.open = true;
        }
        if (wrong.length) wrong[0].focus();
      }, 50);
    }
    return [fieldIds.map(of), kindIds.map(of)];
  }

  function toggleSetup(clicks) {
    const shown = (clicks || 0) % 2 === 0;
    requestAnimationFrame(() => window.dispatchEvent(new Event("resize")));
    return [shown ? "lab" : "lab lab-wide", String(shown)];
  }

  // A field and its slider, which moves by powers of ten, say the same.
  function moveTogether(text, power) {
    const byField = triggered().includes('"field"');
    const value = Number(text);
    if (byField) return [noUpdate(), String(text).trim() && value > 0 ? Math.log10(value) : noUpdate()];
    if (value > 0 && Math.abs(Math.log10(value) - power) < 0.026) return [noUpdate(), noUpdate()];
    return [window.gradscape.shortNumber(10 ** power), noUpdate()];
  }

  function applyView(view) {
    if (window.gradscape.setView) window.gradscape.setView(view || { runs: [], choices: {} });
    return noUpdate();
  }

  async function copyLink(clicks) {
    if (!clicks) return noUpdate();
    try {
      await navigator.clipboard.writeText(window.location.href);
      return "Link copied";
    } catch {
      return "Copy the address from the browser's bar";
    }
  }

  const markPage = (path, links) => links.map((link) => (link.path === path ? "page" : null));
  const openKeys = (clicks, opened) => (clicks ? !opened : noUpdate());
  const labHref = (search) => `/${search || ""}`;
  const remember = (search) => (window.location.pathname === "/" ? search : noUpdate());

  const DECIMALS = 2;
  window.gradscape = window.gradscape || {};
  Object.assign(window.gradscape, { ask, note, duration, together });
  window.gradscape.shortNumber = (value) => {
    const short = Number(value.toPrecision(DECIMALS));
    return short >= 1e-4 && short < 1e5 ? String(short) : short.toExponential().replace("e+", "e");
  };
  window.dashMantineFunctions = window.dashMantineFunctions || {};
  window.dashMantineFunctions.powerOfTen = (power) => window.gradscape.shortNumber(10 ** power);
  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    gradscape: {
      poll, control, steer, showStates, showErrors, toggleSetup, moveTogether, applyView, copyLink, markPage, openKeys, labHref, remember,
    },
  });

  // Keys: nothing is taken from a field, a button or a slider that has the focus and uses the key itself.
  const TYPING = "input, textarea, select, [contenteditable='true'], [role='textbox'], [role='slider'], [role='dialog'] *";
  const PRESSING = "button, a, summary, [role='button'], [role='switch'], [role='menuitem'], [role='option']";
  const KEYS = { " ": "pause", ArrowRight: "step", "?": "keys-button" };
  document.addEventListener("keydown", (event) => {
    const name = KEYS[event.key];
    if (!name || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = event.target instanceof Element ? event.target : document.body;
    if (at.matches(TYPING) || (event.key === " " && at.matches(PRESSING)) || at.closest(".ag-root")) return;
    const button = document.getElementById(name);
    if (!button || button.disabled) return;
    event.preventDefault();
    button.click();
  });
})();
