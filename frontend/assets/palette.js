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

  const SHADES = 1024; // of small pictures; even, so that zero has a shade of its own

  const isDark = (paper) => parseInt(paper.slice(1, 3), 16) < 128;

  const stopsOf = ({ signed, paper, plain }) => (plain ? GREY : signed ? SIGNED[isDark(paper) ? "dark" : "light"] : SIZES);

  // Where the colours begin, and how far they reach; where all is zero, zero is in the middle still.
  const range = ({ signed, low, high }) => (high > low ? [low, high - low] : signed ? [low - 0.5, 1] : [low, 1]);

  // A function from values to [red, green, blue, opacity].
  function colours(limits) {
    const stops = stopsOf(limits);
    const [low, span] = range(limits);
    return (value) => (Number.isFinite(value) ? [...along(stops, (value - low) / span), 255] : HOLE);
  }

  const pixelOf = (colour) => new Uint32Array(Uint8ClampedArray.from(colour).buffer)[0];
  const ramps = new Map(); // stops → their shades as pixels

  // The same as pixels, at once: the nearest of many shades.
  function pixels(limits, data, into) {
    const stops = stopsOf(limits);
    if (!ramps.has(stops)) ramps.set(stops, Uint32Array.from({ length: SHADES + 1 }, (_, i) => pixelOf([...along(stops, i / SHADES), 255])));
    const ramp = ramps.get(stops);
    const hole = pixelOf(HOLE);
    const [low, span] = range(limits);
    for (let i = 0; i < into.length; i += 1) {
      const place = Math.round(((data[i] - low) / span) * SHADES);
      into[i] = Number.isFinite(data[i]) ? ramp[Math.min(Math.max(place, 0), SHADES)] : hole;
    }
  }

  // The signed colours as Plotly's scale.
  function signed(paper) {
    const stops = SIGNED[isDark(paper) ? "dark" : "light"];
    return stops.map((colour, i) => [i / (stops.length - 1), `rgb(${colour.join()})`]);
  }

  gradscape.palette = { colours, pixels, signed };
})();
