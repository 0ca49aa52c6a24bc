// The bar above the panels: how the view's runs are, and pause, step and cancel. It asks the API twice a second while a
// run is live and writes into the page itself: through Dash each tick would cost the page more than a drawn frame.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});
  const TICK = 500; // milliseconds
  const PACE = 6; // seconds over which time left is judged
  const ENDED = ["succeeded", "failed", "cancelled"];
  const WORDS = { queued: "Queued", running: "Running", succeeded: "Finished", failed: "Failed", cancelled: "Cancelled" };
  const UNREACHABLE = {
    code: "unavailable",
    message: "The server does not answer.",
    hint: "Check that it is running; this page goes on by itself when it is back.",
  };

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

  // --- the runs ---------------------------------------------------------------------------------------------------

  let states = []; // of the view's runs, in its order: {id, run, error}
  let refused = { start: null, control: null }; // what the API did not do, until it does
  let timer = null;
  let turn = 0;

  const live = (state) => state.run && !ENDED.includes(state.run.status);
  const liveRuns = () => states.filter(live).map((state) => state.run);
  const known = () => states.filter((state) => state.run).map((state) => state.run);

  // Asks how these runs are, now and then as long as one is live; the last answer stays while the server is away.
  async function watch(ids) {
    const mine = ++turn;
    clearTimeout(timer);
    const before = new Map(states.map((state) => [state.id, state]));
    const now = await Promise.all(
      ids.map(async (id) => {
        const last = before.get(id);
        if (last && last.run && !live(last) && !last.heard) return last;
        const { json, error } = await ask("GET", `/api/runs/${id}`);
        return { id, run: json || (last && last.run) || null, error };
      }),
    );
    if (mine !== turn) return;
    states = now;
    show();
    const away = states.some((state) => state.error && state.error.code === "unavailable");
    if (away || states.some(live)) timer = setTimeout(() => watch(ids), TICK);
  }

  const again = () => watch(states.map((state) => state.id));

  // Sends a message to every live run that can obey it.
  async function tell(runs, messageOf) {
    const answers = await Promise.all(runs.map((run) => ask("POST", `/api/runs/${run.id}/control`, messageOf(run))));
    const failure = answers.find((answer) => answer.error && answer.error.code !== "conflict");
    refused.control = failure ? failure.error : null;
    again();
  }

  const running = () => liveRuns().filter((run) => run.status === "running");
  const ACTIONS = {
    pause() {
      const action = running().some((run) => run.paused) ? "resume" : "pause";
      return tell(running(), () => ({ action }));
    },
    step: () => tell(running(), () => ({ action: "step", n: 1 })),
    cancel: () => tell(liveRuns(), () => ({ action: "cancel" })),
  };

  // --- what it says -----------------------------------------------------------------------------------------------

  const paces = new Map(); // run → {phase, points: [[seconds, done]]}
  function secondsLeft(run) {
    const { done, total, phase } = run.progress;
    const now = performance.now() / 1000;
    let past = paces.get(run.id);
    if (!past || past.phase !== phase || run.paused) paces.set(run.id, (past = { phase, points: [] }));
    past.points.push([now, done]);
    while (past.points.length > 2 && now - past.points[0][0] > PACE) past.points.shift();
    const [then, doneThen] = past.points[0];
    return done > doneThen && now - then > 0.8 ? ((now - then) * (total - done)) / (done - doneThen) : null;
  }

  function duration(seconds) {
    if (seconds < 90) return `${Math.ceil(seconds)} s`;
    return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
  }

  // The run that the bar speaks of: the one that runs, or waits, or ended last.
  function spokesman(runs) {
    const first = (status) => runs.find((run) => run.status === status);
    return first("running") || first("queued") || runs[runs.length - 1];
  }

  function statusOf(runs) {
    if (!runs.length) return "Ready";
    const one = spokesman(runs);
    let text = WORDS[one.status];
    if (one.status === "running" && one.paused) text = "Paused";
    if (one.status === "queued") text = one.queue_position > 0 ? `Queued, ${one.queue_position} before it` : "Starting";
    return runs.length > 1 ? `${text} · run ${runs.indexOf(one) + 1} of ${runs.length}` : text;
  }

  function shareOf(runs) {
    const share = ({ status, progress }) =>
      status === "succeeded" ? 1 : progress && progress.total ? progress.done / progress.total : 0;
    return runs.length ? runs.reduce((sum, run) => sum + share(run), 0) / runs.length : 0;
  }

  function progressOf(runs) {
    const one = runs.length ? spokesman(runs) : null;
    if (!one || !one.progress) return "";
    const { total, phase } = one.progress;
    const done = one.status === "succeeded" ? total : one.progress.done;
    const left = one.status === "running" && !one.paused ? secondsLeft(one) : null;
    const { parts } = (gradscape.current && gradscape.current.known.get(one.id)) || {}; // its events tell them
    const shared = parts > 1 ? ` on ${parts} workers` : "";
    return `${phase === "training" ? "step" : phase} ${done}/${total}${shared}${left === null ? "" : ` · ${duration(left)} left`}`;
  }

  function element(tag, className, ...children) {
    const made = document.createElement(tag);
    made.className = className;
    made.append(...children.filter((child) => child !== null));
    return made;
  }

  // A race that was cut off goes on from its last checkpoints, as a run of its own that joins the view.
  const CUT_OFF = ["worker_died", "worker_lost"];
  const resumed = new Set();
  function resumer({ id }) {
    const button = Object.assign(element("button", "notice-action", "Resume from the last checkpoint"), { type: "button" });
    button.addEventListener("click", async () => {
      button.disabled = true;
      const { json, error } = await ask("POST", `/api/runs/${id}/resume`);
      refused.control = error;
      if (json) {
        resumed.add(id);
        gradscape.members.join(json.id);
      } else button.disabled = false;
      show();
    });
    return button;
  }

  // An error as a notice: what happened, field by field where there are fields, and what to do.
  function note(error, title, action = null) {
    const fields = (error.errors || []).map(({ path, message }) =>
      element("li", "", element("span", "strong", path || "The request"), ` – ${message}`),
    );
    const many = `${fields.length} field${fields.length > 1 ? "s are" : " is"} not as expected:`;
    return element(
      "div",
      "notice",
      element("div", "strong", title),
      element("div", "", fields.length ? many : gradscape.wire.sentence(error.message)),
      fields.length ? element("ul", "", ...fields) : null,
      error.hint && !fields.length ? element("div", "dim", error.hint) : null,
      action,
    );
  }

  function noticesOf() {
    const notices = [];
    if (refused.start) notices.push([refused.start, "Not started"]);
    if (refused.control) notices.push([refused.control, "Not obeyed"]);
    if (states.some((state) => state.error === UNREACHABLE)) notices.push([UNREACHABLE, "Connection lost"]);
    for (const { run, error, id } of states) {
      if (error && error.code === "not_found") {
        const gone = { message: `The run ${id} is not here.`, hint: "It may have been deleted; choose another on the Runs page." };
        notices.push([gone, states.length > 1 ? "Not shown" : "Nothing to show"]);
      } else if (run && run.error) {
        const goesOn = run.kind === "train" && CUT_OFF.includes(run.error.code) && !resumed.has(id);
        notices.push([run.error, `${run.name || run.id} ${run.status === "running" ? "waits" : "failed"}`, goesOn ? { id } : null]);
      }
    }
    return notices;
  }

  let told = "";
  function showNotices(place) {
    const notices = noticesOf();
    const text = JSON.stringify(notices);
    if (text === told && place.childElementCount === notices.length) return;
    told = text;
    place.replaceChildren(...notices.map(([error, title, run]) => note(error, title, run && resumer(run))));
  }

  function show() {
    const part = (id) => document.getElementById(id);
    if (part("notice")) showNotices(part("notice"));
    if (!part("status")) return; // a page without these controls
    const runs = known();
    const paused = running().some((run) => run.paused);
    const share = shareOf(runs);
    part("pause").disabled = part("step").disabled = !running().length;
    part("cancel").disabled = !liveRuns().length;
    part("pause").setAttribute("aria-label", paused ? "Resume" : "Pause");
    part("pause").firstElementChild.className = `icon icon-${paused ? "play" : "pause"}`;
    part("status").textContent = statusOf(runs);
    part("progress-text").textContent = progressOf(runs);
    part("progress").setAttribute("aria-valuenow", String(Math.round(100 * share)));
    part("progress").firstElementChild.style.width = `${100 * share}%`;
    if (running().length && document.activeElement === part("start")) part("pause").focus(); // space pauses, not starts
  }

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("#pause, #step, #cancel");
    if (button && !button.disabled) ACTIONS[button.id]();
  });

  Object.assign(gradscape, { ask, duration, note });
  gradscape.bar = {
    watch,
    // A run began or ended, as the stream tells sooner than it is asked: that is shown at once, and the rest asked for.
    hear(id, status) {
      const state = states.find((one) => one.id === id);
      if (!state) return;
      if (state.run) Object.assign(state, { run: { ...state.run, status }, heard: true });
      show();
      again();
    },
    show,
    refuse(error) {
      refused.start = error || null;
      show();
    },
    // Sets a hyper-parameter of the lane of this place, in every run that is live, if the first one is this run.
    set(from, place, field, value) {
      const runs = running().filter((run) => (run.request.lanes || [])[place]);
      if (states.length && states[0].id === from && runs.length) {
        tell(runs, (run) => ({ action: "set", lane: run.request.lanes[place].name, field, value }));
      }
    },
  };
})();
