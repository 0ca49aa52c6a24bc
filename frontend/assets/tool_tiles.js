// A grid of small pictures as a file: one picture with its titles, or all its values.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

  // The grid as SVG, each cell a picture of its own in it.
  function svgOf(target) {
    const { grid } = target.tiles;
    const from = grid.getBoundingClientRect();
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const { width, height } = { width: grid.scrollWidth, height: grid.scrollHeight };
    const parts = [`<rect width="${width}" height="${height}" fill="${colour("--ground")}"/>`];
    for (const canvas of grid.querySelectorAll("canvas")) {
      if (canvas.hidden) continue;
      const box = canvas.getBoundingClientRect();
      parts.push(`<image x="${box.left - from.left}" y="${box.top - from.top}" width="${box.width}" height="${box.height}" preserveAspectRatio="none" style="image-rendering:pixelated" href="${canvas.toDataURL()}"/>`);
    }
    for (const text of grid.querySelectorAll("strong, span, figcaption")) {
      if (!text.textContent || !text.offsetParent) continue;
      const box = text.getBoundingClientRect();
      const middle = text.tagName === "FIGCAPTION";
      const x = (middle ? box.left + box.width / 2 : box.left) - from.left;
      parts.push(`<text x="${x}" y="${box.top - from.top + 11}" font-size="${parseFloat(getComputedStyle(text).fontSize)}" fill="${colour(text.tagName === "STRONG" ? "--text" : "--dim")}" text-anchor="${middle ? "middle" : "start"}">${escaped(text.textContent)}</text>`);
    }
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif">${parts.join("")}</svg>`;
  }

  async function save(target, format, download) {
    const svg = URL.createObjectURL(new Blob([svgOf(target)], { type: "image/svg+xml" }));
    if (format === "svg") download(svg, "svg");
    else {
      const image = new Image();
      image.src = svg;
      await image.decode();
      const canvas = Object.assign(document.createElement("canvas"), { width: 2 * image.width, height: 2 * image.height });
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      download(canvas.toDataURL("image/png"), "png");
    }
    setTimeout(() => URL.revokeObjectURL(svg), 10_000);
  }

  // Every value: row, column, place in the picture, value.
  function values(target) {
    return [...target.tiles.shown.values()].flatMap(({ cell }) => {
      const { shape, data } = gradscape.tiles.picture(cell);
      const width = shape.length > 1 ? shape.slice(1).reduce((one, other) => one * other, 1) : 1;
      return Array.from(data, (value, i) => [cell.row, cell.column, Math.floor(i / width), i % width, value]);
    });
  }

  Object.assign(gradscape.tiles, { save, values });
})();
