// What is seen, as a file: the picture, the numbers that it draws, the run's data, or the whole page, working offline.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});
  const { make, button, makers } = gradscape.strips;

  const say = (strip, text) => (strip.querySelector("[data-said]").textContent = text);
  const panelOf = (strip) => strip.closest("[data-panel]").panelView;
  const shownGraph = (panel) => panel.graphs.find(({ target }) => !target.hidden && (target.data || target.tiles || target.answers));
  const stem = (panel) => `gradscape-${panel.panel.name}-${gradscape.current.order[0] || "empty"}`;

  function download(href, name) {
    const link = make("a", { href, download: name });
    document.body.append(link);
    link.click();
    link.remove();
  }

  function offer(text, type, name) {
    const href = URL.createObjectURL(new Blob([text], { type }));
    download(href, name);
    setTimeout(() => URL.revokeObjectURL(href), 10_000);
  }

  async function picture(strip, format) {
    const panel = panelOf(strip);
    const shown = shownGraph(panel);
    if (!shown) return say(strip, "There is no picture yet.");
    if (shown.target.answers) return say(strip, "This is a table: keep it as CSV.");
    if (shown.target.tiles) return gradscape.tiles.save(shown.target, format, (href, type) => download(href, `${stem(panel)}.${type}`));
    const { width, height } = shown.target.getBoundingClientRect();
    const { ground } = { ground: getComputedStyle(document.documentElement).getPropertyValue("--ground").trim() };
    const figure = { data: shown.target.data, layout: { ...shown.target.layout, paper_bgcolor: ground, width, height } };
    await window.Plotly.downloadImage(figure, { format, width, height, scale: format === "png" ? 2 : 1, filename: stem(panel) });
    return say(strip, "");
  }

  const cell = (value) => {
    const text = typeof value === "number" ? (Number.isFinite(value) ? String(value) : Number.isNaN(value) ? "NaN" : value > 0 ? "inf" : "-inf") : String(value ?? "");
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };

  // The rows of one trace: trace, x, y, z, error; of a picture one row a point.
  function rowsOf({ name, x, y, z, error_y: error, fill, meta }) {
    if (fill === "toself" && meta) return ["low", "high"].flatMap((end) => meta.x.map((value, i) => [`${name}, ${end}`, value, meta[end][i], "", ""]));
    if (z && z.length && z[0].length !== undefined) return z.flatMap((line, j) => Array.from(line, (value, i) => [name, x[i], y[j], value, ""]));
    const errors = (error && error.array) || [];
    return Array.from(x, (value, i) => [name, value, y[i], z ? z[i] : "", errors[i] ?? ""]);
  }

  // What the picture draws, in true values whatever its scale, each trace once.
  function table(strip) {
    const panel = panelOf(strip);
    if (panel.panel.standings) return offerRows(strip, gradscape.standings.numbers(panel));
    const shown = shownGraph(panel);
    if (!shown) return say(strip, "There is nothing drawn yet.");
    if (shown.target.tiles) {
      return offerRows(strip, [["row", "column", "i", "j", "value"], ...gradscape.tiles.values(shown.target)]);
    }
    if (shown.target.answers) {
      offer([["question", "method", "value", "stderr", "random", "verdict"], ...shown.target.answers].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n", "text/csv", `${stem(panel)}.csv`);
      return say(strip, "");
    }
    const drawn = shown.bindings.filter(({ rows, trace }) => ["all", "past"].includes(rows) && trace.hoverinfo !== "skip");
    const scene = panel.view.sceneOf(shown.graph, drawn, panel.chosen(), panel.pageOf(shown.graph), panel.panel.sort);
    const rows = gradscape.traces.tracesOf(drawn, scene).flatMap(rowsOf);
    return offerRows(strip, [["trace", "x", "y", "z", "error"], ...rows]);
  }

  function offerRows(strip, rows) {
    offer(rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n", "text/csv", `${stem(panelOf(strip))}.csv`);
    return say(strip, "");
  }

  function exported(strip, format, query = "") {
    const { order } = gradscape.current;
    if (!order.length) return say(strip, "There is no run yet; press Start first.");
    const page = panelOf(strip).graphs.map(({ graph }) => panelOf(strip).pageOf(graph)).find(Boolean);
    const run = format === "html" ? order[0] : page ? page.run : order[0];
    download(`/api/runs/${run}/export?format=${format}${query}`, "");
    return say(strip, "");
  }

  function wholePage(strip) {
    const { order } = gradscape.current;
    const choices = new URLSearchParams(window.location.search);
    choices.delete("runs");
    exported(strip, "html", `&beside=${order.slice(1).join()}&choices=${encodeURIComponent(choices.toString())}`);
  }

  makers.save = {
    make(strip) {
      const pictures = panelOf(strip).graphs.length ? [button("PNG", () => picture(strip, "png")), button("SVG", () => picture(strip, "svg"))] : [];
      strip.append(
        make("span", { className: "gs-hint", textContent: pictures.length ? "This picture:" : "This table:" }), ...pictures, button("CSV", () => table(strip)),
        make("span", { className: "gs-hint", textContent: "Its run:" }),
        button("npz", () => exported(strip, "npz")), button("JSON", () => exported(strip, "json")), button("Script", () => exported(strip, "script")),
        make("span", { className: "gs-hint", textContent: "All that is seen:" }),
        button("HTML page", () => wholePage(strip)), make("span", { className: "gs-said", role: "status", "data-said": "" }),
      );
    },
    open() {},
  };
})();
