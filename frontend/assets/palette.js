// Colours of small pictures: sizes from dark to bright, signed values about a zero that the page's ground decides.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const SIZES = [[68, 1, 84], [72, 40, 120], [62, 73, 137], [49, 104, 142], [38, 130, 142], [31, 158, 137], [53, 183, 121], [110, 206, 88], [181, 222, 43], [253, 231, 37]]; // viridis
  const SIGNED = { // blue below zero, vermilion above: the two that the colour-blind tell apart
    light: [[0, 50, 100], [0, 114, 178], [150, 195, 222], [246, 246, 246], [240, 178, 132], [213, 94, 0], [120, 44, 0]],
    dark: [[150, 215, 255], [60, 150, 220], [35, 80, 120], [38, 41, 46], [125, 65, 25], [230, 110, 30], [255, 200, 140]],
  };
  const GREY = [[0, 0, 0], [255, 255, 255]];
  const HOLE = [128, 128, 128, 60]; // what is not known (yet)

  // The colour at a share from 0 to 1 along some stops.
  function along(stops, share) {
    const place = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
    const first = Math.min(Math.floor(place), stops.length - 2);
    return stops[first].map((from, i) => Math.round(from + (place - first) * (stops[first + 1][i] - from)));
  }

  const isDark = (paper) => parseInt(paper.slice(1, 3), 16) < 128;

  // A function from values to [red, green, blue, opacity].
  function colours({ signed, low, high, paper, plain }) {
    const stops = plain ? GREY : signed ? SIGNED[isDark(paper) ? "dark" : "light"] : SIZES;
    const span = high > low ? high - low : 1;
    return (value) => (Number.isFinite(value) ? [...along(stops, (value - low) / span), 255] : HOLE);
  }

  // The signed colours as Plotly's scale.
  function signed(paper) {
    const stops = SIGNED[isDark(paper) ? "dark" : "light"];
    return stops.map((colour, i) => [i / (stops.length - 1), `rgb(${colour.join()})`]);
  }

  gradscape.palette = { colours, signed };
})();
