// What a surface in space has no patch for: finite points of which no square of four neighbours is finite. They are
// drawn alone.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const END = "-islands"; // of the trace's uid

  // Whether the patch whose lowest corner is (row, column) is drawn.
  const whole = (z, row, column) => [z[row], z[row + 1]].every((line) => line && Number.isFinite(line[column]) && Number.isFinite(line[column + 1]));

  // Of a surface's trace {x, y, z, text}: the points that it does not show, as a trace; none where it shows all.
  function islandsOf({ uid, x, y, z, text, name, coloraxis, hovertemplate }) {
    const places = z.flatMap((line, row) => line.map((value, column) => ({ value, row, column })));
    const patched = ({ row, column }) => [0, 1].some((up) => [0, 1].some((back) => whole(z, row - up, column - back)));
    const alone = places.filter((place) => Number.isFinite(place.value) && !patched(place));
    if (!alone.length) return [];
    return [{
      uid: `${uid}${END}`, type: "scatter3d", mode: "markers", name, hovertemplate,
      x: alone.map(({ column }) => x[column]),
      y: alone.map(({ row }) => y[row]),
      z: alone.map(({ value }) => value),
      text: alone.map(({ row, column }) => (text ? text[row][column] : "")),
      marker: { size: 4, symbol: "square", coloraxis, color: alone.map(({ value }) => value) },
    }];
  }

  gradscape.islands = { islandsOf, is: (uid) => String(uid).endsWith(END) };
})();
