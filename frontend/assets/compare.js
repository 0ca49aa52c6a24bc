// The Compare page: which races there are to add, one plane for all that are shown, and what is said where there is none.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const LATEST = 100; // races that are offered
  const MOST_POINTS = 64; // of a request
  const part = (name) => document.getElementById(`compare${name ? `-${name}` : ""}`);
  const keyOf = (value) => JSON.stringify(value);

  let stored = []; // races, the newest first
  let shown = [];
  let timer = null;

  const races = () => shown.map((id) => gradscape.current && gradscape.current.known.get(id)).filter((run) => run && run.kind === "train");

  async function read() {
    const { json } = await gradscape.ask("GET", `/api/runs?kind=train&limit=${LATEST}`);
    if (json) stored = json.items;
    offer();
  }

  const titleOf = ({ name, id, status, created }) => `${name || id} · ${status === "succeeded" ? new Date(created).toLocaleString() : status}`;

  function offer() {
    const select = part("add");
    if (!select) return;
    const free = stored.filter(({ id }) => !shown.includes(id));
    const first = free.length ? "Add a run …" : stored.length ? "All runs are shown" : "No run is stored yet";
    const options = [["", first], ...free.map((run) => [run.id, titleOf(run)])];
    const offered = keyOf(options);
    if (select.dataset.offered === offered) return;
    select.dataset.offered = offered;
    select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
    select.value = "";
    select.disabled = free.length === 0;
  }

  // The lanes of a race that have kept a moment: none of one that waits, or that ended before its first step.
  async function kept({ id, request }) {
    const { json } = await gradscape.ask("GET", `/api/runs/${id}/snapshots`);
    const there = new Set((json ? json.items : []).map(({ lane }) => lane));
    return request.lanes.filter(({ name }) => there.has(name)).map(({ name }) => ({ run: id, lane: name }));
  }

  const hasDiverged = ({ run, lane }) => gradscape.current.buffers.ofKind("lane_ended", run, { lane }).some(({ last }) => last.reason === "diverged");

  // One leap of a lane that diverged is longer than the ways of all others: it would be the plane.
  const sound = (points) => (points.every(hasDiverged) ? points : points.filter((point) => !hasDiverged(point)));

  // A plane through the paths of every lane, as a run of its own that joins the view.
  async function layPlane() {
    const at = sound((await Promise.all(races().map(kept))).flat()).slice(0, MOST_POINTS);
    if (!at.length) return gradscape.bar.refuse({ code: "invalid_request", message: "None of these runs has kept a moment yet.", hint: "Wait for the first steps." });
    const laid = races().filter(({ id }) => at.some(({ run }) => run === id));
    const [{ request }] = laid;
    const names = laid.map(({ name, id }) => name || id);
    const analysis = { kind: "surface", plane: { kind: "pca" }, paths: true };
    const body = { kind: "analyse", name: `Plane of ${names.join(", ")}`.slice(0, 200), seed: request.seed || 0, dtype: request.dtype || "float32", at, analysis };
    const { json, error } = await gradscape.ask("POST", "/api/runs", body);
    gradscape.bar.refuse(error && explained(error));
    if (json) gradscape.members.join(json.id);
  }

  // The API refuses points whose parameters do not mean the same; here that is said of the runs.
  function explained(error) {
    const [first] = error.errors || [];
    if (!first || !first.message.includes("architecture")) return error;
    return { ...error, errors: [], message: `These runs have no plane in common: ${first.message}`, hint: "Take runs out of the view (✕) until all are of one architecture." };
  }

  function write() {
    clearTimeout(timer);
    if (!part()) return;
    const mine = races();
    const lanes = mine.reduce((sum, { request }) => sum + request.lanes.length, 0);
    part("count").textContent = mine.length ? `${mine.length} ${mine.length > 1 ? "runs" : "run"}, ${lanes} ${lanes > 1 ? "lanes" : "lane"}` : "";
    part("plane").disabled = mine.length === 0 || gradscape.members.room() < 1;
    offer();
    timer = setTimeout(write, 1000);
  }

  function show(runs) {
    shown = runs;
    if (!part()) return;
    part("empty").hidden = runs.length > 0;
    document.getElementById("panels").hidden = runs.length === 0;
    write();
    read();
  }

  document.addEventListener("change", ({ target }) => {
    if (target === part("add") && target.value) gradscape.members.join(target.value);
  });
  document.addEventListener("click", ({ target }) => {
    if (!(target instanceof Element) || target !== part("plane") || target.disabled) return;
    target.disabled = true; // until it is there, or refused
    layPlane().finally(() => write());
  });

  gradscape.compare = { show };
})();
