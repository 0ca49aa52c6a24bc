// The runs of the view by name, when there are several: how far each is, and a way to take it out again.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const TICK = 500; // milliseconds
  const ENDED = ["succeeded", "failed", "cancelled"];
  let view = { runs: [], choices: {} };
  let timer = null;

  const tell = (next) => window.dash_clientside.set_props("view", { data: next });

  function remove(id) {
    tell({ ...view, runs: view.runs.filter((run) => run !== id) });
  }

  function join(id) {
    if (!view.runs.includes(id)) tell({ ...view, runs: [...view.runs, id] });
  }

  function stateOf({ status, progress, paused, missing }) {
    if (missing) return "not here";
    if (status === "failed" || status === "cancelled") return status;
    if (ENDED.includes(status)) return "";
    if (status === "queued") return "waiting";
    if (paused) return "paused";
    return progress && progress.total ? `${Math.floor((100 * progress.done) / progress.total)} %` : "";
  }

  // One row: a dot that says whether it runs, the name, how far it is, and ✕.
  function row(id) {
    const item = document.createElement("li");
    item.dataset.run = id;
    const part = (className) => Object.assign(document.createElement("span"), { className });
    const close = Object.assign(document.createElement("button"), { type: "button", textContent: "✕" });
    close.addEventListener("click", () => remove(id));
    item.append(part("member-dot"), part("member-name"), part("member-state"), close);
    return item;
  }

  function write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function render() {
    clearTimeout(timer);
    const list = document.getElementById("members");
    if (!list) return;
    list.hidden = view.runs.length < (document.getElementById("compare") ? 1 : 2);
    if (list.hidden) return;
    if ([...list.children].map((item) => item.dataset.run).join() !== view.runs.join()) list.replaceChildren(...view.runs.map(row));
    for (const item of list.children) {
      const run = (gradscape.current && gradscape.current.known.get(item.dataset.run)) || { name: "…", status: "queued" };
      const [, name, state, close] = item.children;
      item.dataset.status = run.status;
      write(name, run.name || item.dataset.run);
      write(state, stateOf(run));
      close.setAttribute("aria-label", `Take ${run.name || item.dataset.run} out of the view`);
      close.title = ENDED.includes(run.status) ? "Take out of the view" : "Take out of the view; it goes on";
    }
    timer = setTimeout(render, TICK);
  }

  gradscape.members = {
    remove,
    join,
    room: () => 8 - view.runs.length,
    show(next) {
      view = next;
      requestAnimationFrame(render);
    },
  };
})();
