// The Runs page: what is stored, read from the API once a second; rename, open, resume, delete.
(() => {
  "use strict";
  const noUpdate = () => window.dash_clientside.no_update;
  const triggered = () => (window.dash_clientside.callback_context.triggered[0] || { prop_id: "" }).prop_id.replace(/\.[^.]*$/, "");
  const ENDED = ["succeeded", "failed", "cancelled"];
  const WORDS = { queued: "Queued", running: "Running", succeeded: "Finished", failed: "Failed", cancelled: "Cancelled" };
  const PAGE = 200;
  const MOST = 2000;

  let reading = null; // one request at a time: whoever asks meanwhile gets the same answer
  function everything() {
    reading = reading || read().finally(() => (reading = null));
    return reading;
  }

  async function read() {
    const items = [];
    let cursor = null;
    do {
      const more = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
      const { json, error } = await window.gradscape.ask("GET", `/api/runs?limit=${PAGE}${more}`);
      if (error) return { items, error };
      items.push(...json.items);
      cursor = json.next;
    } while (cursor && items.length < MOST);
    return { items, error: null };
  }

  function rowOf(run) {
    const from = run.started && Date.parse(run.started);
    const to = run.ended ? Date.parse(run.ended) : Date.now();
    const { done, total } = run.progress || { done: 0, total: 0 };
    const status = run.status === "running" && run.paused ? "Paused" : WORDS[run.status];
    return {
      id: run.id,
      name: run.name,
      status,
      state: run.status,
      progress: run.status === "succeeded" ? 1 : total ? done / total : 0,
      kind: run.kind,
      tags: run.tags.join(", "),
      created: run.created,
      seconds: from ? Math.round((to - from) / 100) / 10 : null,
      why: run.error ? run.error.message : "",
    };
  }

  let complaint = null;
  async function list(_ticks, _changed, shown) {
    const { items, error } = await everything();
    const notice = error || complaint;
    const notices = notice ? [window.gradscape.note(notice, error ? "Connection lost" : "Not changed")] : [];
    document.getElementById("runs-notice").replaceChildren(...notices);
    if (error) return [noUpdate(), noUpdate(), noUpdate()];
    const rows = items.map(rowOf);
    const editing = document.querySelector("#runs-grid .ag-cell-inline-editing");
    const keep = editing || (!complaint && JSON.stringify(rows) === JSON.stringify(shown));
    const live = items.filter((run) => !ENDED.includes(run.status)).length;
    const count = `${rows.length}${rows.length >= MOST ? " (the latest)" : ""}${live ? `, ${live} not ended` : ""}`;
    return [keep ? noUpdate() : rows, count, rows.length > 0];
  }

  // A race that failed or was cancelled can go on from its checkpoints.
  const cutOff = (rows) => (rows || []).filter((row) => row.kind === "train" && ["failed", "cancelled"].includes(row.state));

  // What can be done with the chosen rows: compare, open, delete, resume.
  function chosen(rows) {
    const none = !(rows && rows.length);
    return [none, none, none, !cutOff(rows).length];
  }

  const show = (path) => (clicks, rows) => {
    if (clicks && rows && rows.length) window.location.assign(`${path}?runs=${rows.map((row) => row.id).join(",")}`);
  };

  async function filter(text) {
    const grid = await window.dash_ag_grid.getApiAsync("runs-grid");
    grid.setGridOption("quickFilterText", text || "");
  }

  const ended = (rows) => (rows || []).filter((row) => ENDED.includes(row.state));

  function askDelete(_ask, _no, _yes, rows) {
    if (triggered() !== "runs-delete" || !rows || !rows.length) return [false, noUpdate()];
    const gone = ended(rows);
    const stays = rows.length - gone.length;
    const names = gone.length === 1 ? `“${gone[0].name}”` : `${gone.length} runs`;
    const what = gone.length ? `Delete ${names}? Events, snapshots and checkpoints go too; this cannot be undone.` : "";
    const rest = stays ? ` ${stays === 1 ? "One has" : `${stays} have`} not ended and will stay; cancel first.` : "";
    return [true, what + rest];
  }

  async function change(edits, _yes, _resume, rows) {
    complaint = null;
    if (triggered() === "runs-resume") {
      for (const row of cutOff(rows)) {
        const { error } = await window.gradscape.ask("POST", `/api/runs/${row.id}/resume`);
        complaint = complaint || error;
      }
      return Date.now();
    }
    if (triggered() === "delete-yes") {
      for (const row of ended(rows)) {
        const { error } = await window.gradscape.ask("DELETE", `/api/runs/${row.id}`);
        complaint = complaint || error;
      }
    } else {
      for (const edit of edits || []) {
        const { error } = await window.gradscape.ask("PATCH", `/api/runs/${edit.data.id}`, { name: edit.value });
        complaint = complaint || error;
      }
    }
    return Date.now();
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    gradscapeRuns: { list, chosen, open: show("/"), compare: show("/compare"), filter, askDelete, change },
  });

  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
  functions.runTime = (text) =>
    text ? new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" }) : "";
  functions.runDuration = (seconds) => (seconds === null || seconds === undefined ? "–" : window.gradscape.duration(seconds));

  const cells = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
  const element = (...parts) => window.React.createElement(...parts);
  cells.RunStatus = ({ data, value }) =>
    element("span", { className: `run-status run-${data.state}`, title: data.why }, value);
  cells.RunProgress = ({ value }) => {
    const percent = Math.round(100 * value);
    return element("span", { className: "run-progress" }, [
      element("span", { key: "bar", className: "run-bar" }, element("span", { style: { width: `${percent}%` } })),
      element("span", { key: "text" }, `${percent} %`),
    ]);
  };
  cells.RunOpen = ({ value, data }) =>
    element("a", { href: `/?runs=${value}`, "aria-label": `Open ${data.name} in the Lab` }, "Open");
})();
