// A table of lanes as plain HTML; only what changed is written.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const element = (name, text = "", properties = {}) => Object.assign(document.createElement(name), { textContent: text }, properties);

  function build(target, cells, lanes) {
    const head = element("tr");
    head.append(...cells.map((cell) => element("th", cell.title, { scope: "col", className: cell.numeric ? "gs-number" : "" })));
    const body = lanes.map(() => {
      const row = element("tr");
      row.append(...cells.map((cell) => element("td", "", { className: cell.numeric ? "gs-number" : "" })));
      row.firstChild.append(swatch(), element("span"));
      return row;
    });
    const table = element("table", "", { className: "gs-table" });
    const [top, rest] = [element("thead"), element("tbody")];
    top.append(head);
    rest.append(...body);
    table.append(top, rest);
    target.replaceChildren(table);
  }

  // A short line in the lane's colour and line style, as its curves have it.
  function swatch() {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "gs-swatch");
    svg.setAttribute("aria-hidden", "true");
    svg.append(document.createElementNS("http://www.w3.org/2000/svg", "line"));
    for (const [name, value] of Object.entries({ x1: 0, x2: 28, y1: 6, y2: 6 })) svg.firstChild.setAttribute(name, value);
    return svg;
  }

  // `rows` holds the texts of each lane's cells, `styles` how its line is drawn.
  function draw(target, cells, rows, styles) {
    const shape = `${rows.length}×${cells.map(({ title }) => title).join("|")}`;
    if (target.dataset.shape !== shape) build(target, cells, rows);
    target.dataset.shape = shape;
    rows.forEach((texts, i) => {
      const row = target.querySelectorAll("tbody tr")[i];
      texts.forEach((text, j) => {
        const cell = j === 0 ? row.children[0].lastChild : row.children[j];
        if (cell.textContent !== text) cell.textContent = text;
      });
      const line = row.querySelector("line");
      line.setAttribute("stroke", styles[i].color);
      line.setAttribute("stroke-dasharray", styles[i].pattern);
    });
    for (const [j] of cells.entries()) {
      const empty = rows.every((texts) => texts[j] === "");
      for (const row of target.querySelectorAll("tr")) row.children[j].hidden = empty;
    }
  }

  gradscape.table = { draw };
})();
