// What a graph's figure hangs on, as a text: while it stays the same, the picture need not be drawn anew. It counts the
// runs that have told what the graph draws, and no others: a run that joins the view leaves the other graphs as they are.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const CHANNELS = ["x", "y", "z", "error", "error_x", "low", "high"];

  const columnsOf = (channel) => (channel.choice ? Object.values(channel.columns) : [channel]);

  // The kinds of the events that a graph is drawn from: its bindings', those its columns are looked up in, its page's.
  function kindsOf({ page }, bindings) {
    const columns = bindings.flatMap((binding) => CHANNELS.map((name) => binding[name]).filter(Boolean).flatMap(columnsOf));
    const pages = page ? [page.source.kind, ...page.needs] : [];
    const found = [...bindings.map(({ source }) => source.kind), ...columns.map(({ kind }) => kind), ...pages];
    return [...new Set(found.filter(Boolean))];
  }

  // Changes with all that a graph of these kinds shows under these choices, on this page.
  function stampOf(view, kinds, choices, page) {
    const runs = view.order.map((id) => [id, view.changes.get(id) || 0, kinds.map((kind) => view.buffers.newest(id, kind))]);
    const telling = runs.filter(([, , newest]) => newest.some((count) => count > 0));
    return JSON.stringify([view.themes, view.lanesTurn(), view.order[0], view.moment, choices, page && [page.run, page.value], telling]);
  }

  gradscape.stamp = { kindsOf, stampOf };
})();
