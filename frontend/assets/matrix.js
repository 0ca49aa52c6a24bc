// Answers in a table: a row for each question, a column for each that was asked, a mark and a number in each cell.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const make = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };

  const inOrder = (present, wanted) => Object.keys(wanted).filter((name) => present.has(name));

  // Each phrase of a template by itself, so that one without its value does not silence the others.
  function hoverOf({ binding, table }) {
    const look = (field) => gradscape.wire.at(table.last, field);
    return (binding.hover || "").split(" · ").map((part) => gradscape.wire.fill(part, look)).filter(Boolean).join(" · ");
  }

  function cellOf(known, matrix) {
    if (!known) return make("td", { className: "gs-answer", textContent: "" });
    const { binding, table } = known;
    const event = table.last;
    if (event[matrix.note]) return make("td", { className: "gs-answer", title: event[matrix.note] }, make("span", { className: "gs-answer-note", textContent: event[matrix.note] }));
    const mark = matrix.marks[event[matrix.mark]] || "";
    const said = gradscape.wire.fill(binding.label, (field) => gradscape.wire.at(event, field)) || "–";
    const cell = make("td", { className: "gs-answer", title: hoverOf(known) }, make("span", { className: "gs-mark-of", textContent: mark }), ` ${said}`);
    cell.dataset.verdict = event[matrix.mark] || "";
    return cell;
  }

  function questionOf({ title, hint }) {
    return make("th", { scope: "row", title: hint }, make("span", { textContent: title }), make("small", { textContent: hint }));
  }

  // A column's head: its title, and how many of its questions were answered with the best mark.
  function headOf(name, cells, { columns, mark, marks }) {
    const [best] = Object.keys(marks);
    const answered = cells.filter(({ column, table }) => column === name && table.last[mark]);
    const passed = answered.filter(({ table }) => table.last[mark] === best).length;
    const said = answered.length ? `${marks[best]} ${passed} of ${answered.length}` : "";
    return make("th", { scope: "col" }, make("span", { textContent: columns[name] }), ...(said ? [make("b", { textContent: said })] : []));
  }

  // Draws the table; false where there is nothing to draw.
  function draw(target, { matrix }, bindings, scene) {
    const cells = gradscape.tiles.cellsOf(bindings, scene);
    if (!cells.length) return false;
    const rows = inOrder(new Set(cells.map(({ row }) => row)), matrix.rows);
    const columns = inOrder(new Set(cells.map(({ column }) => column)), matrix.columns);
    const stamp = cells.map(({ table }) => `${table.order}:${table.last.value}`).join();
    if (target.matrix === stamp) return true;
    target.matrix = stamp;
    target.answers = cells.map(({ row, column, table: { last } }) => [row, column, last.value, last.stderr, last.baseline, last[matrix.mark]]);
    const at = (row, column) => cells.find((cell) => cell.row === row && cell.column === column);
    const head = make("tr", {}, make("td"), ...columns.map((column) => headOf(column, cells, matrix)));
    const body = rows.map((row) => make("tr", {}, questionOf(matrix.rows[row]), ...columns.map((column) => cellOf(at(row, column), matrix))));
    const scroll = target.firstChild ? target.firstChild.scrollTop : 0;
    const wrap = make("div", { className: "gs-matrix", tabIndex: 0 }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
    wrap.setAttribute("aria-label", target.getAttribute("aria-label"));
    wrap.setAttribute("role", "region");
    target.replaceChildren(wrap);
    wrap.scrollTop = scroll;
    return true;
  }

  gradscape.matrix = { draw };
})();
