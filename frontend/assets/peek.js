// What an example looks like, beside its point: the pictures are told once, by an event of their own.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const SIDE = 72;
  const BESIDE = 14; // from the point
  const WORDS = 150; // the hover text's width

  // The pictures that belong to one of a graph's traces: {shape, data}, or null.
  function picturesOf(target, { uid }) {
    const { panelView } = target.closest("[data-panel]");
    const named = /^t(\d+)-(\d+)$/.exec(uid || "");
    const mine = panelView.graphs.find((graph) => graph.target === target);
    const binding = named && mine && mine.bindings[Number(named[1])];
    if (!binding || !binding.pictures) return null;
    const table = panelView.view.buffers.of(binding.source).find(({ order }) => order === Number(named[2]));
    const [known] = table ? panelView.view.buffers.ofKind(binding.pictures, table.run) : [];
    return known ? known.last.pictures : null;
  }

  function paint(canvas, { shape, data }, index) {
    const [, height, width] = shape;
    Object.assign(canvas, { width, height });
    const image = new ImageData(width, height);
    for (let i = 0; i < width * height; i += 1) {
      const grey = data[index * width * height + i];
      image.data.set([grey, grey, grey, 255], 4 * i);
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  function make(target) {
    const peek = document.createElement("div");
    peek.className = "gs-peek";
    peek.hidden = true;
    peek.setAttribute("aria-hidden", "true");
    peek.append(document.createElement("canvas"));
    target.parentElement.append(peek);
    return peek;
  }

  function hovered(target, { points, event }) {
    const [point] = points || [];
    const trace = point && target.data[point.curveNumber];
    const pictures = trace && picturesOf(target, trace);
    const peek = (target.peek = target.peek || make(target));
    peek.hidden = !pictures || point.pointNumber >= pictures.shape[0];
    if (peek.hidden) return;
    paint(peek.firstChild, pictures, point.pointNumber);
    const box = target.parentElement.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    // The words stand to the right of the point, or to its left where there is no room: the picture on the other side.
    const left = x > SIDE + BESIDE ? x - SIDE - BESIDE : x + BESIDE;
    peek.style.left = `${Math.min(Math.max(x + WORDS > box.width ? x + BESIDE : left, 0), box.width - SIDE - 8)}px`;
    peek.style.top = `${Math.min(Math.max(y - SIDE / 2, 0), box.height - SIDE - 8)}px`;
  }

  document.addEventListener("gradscape:painted", ({ target }) => {
    if (target.dataset.peeked || !target.on) return;
    target.dataset.peeked = "yes";
    target.on("plotly_hover", (event) => hovered(target, event));
    target.on("plotly_unhover", () => target.peek && (target.peek.hidden = true));
  });
})();
