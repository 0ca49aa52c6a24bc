// Painting at the pace of the screen: one draw in flight, then everything that has come since in one more.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const PLOTLY = "/_dash-component-suites/plotly/package_data/plotly.min.js"; // the copy that Dash serves
  const REST = 0.2; // after a draw, rest for this share of its time: the page and the worker need the cores too
  const CONFIG = {
    displaylogo: false,
    showSendToCloud: false, // nothing leaves this machine
    plotlyServerURL: "",
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "hoverClosest3d", "tableRotation"],
  };

  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  let plotly = null;

  // Plotly, loaded once; a page that has it already (an exported one) is not asked for it.
  function loadPlotly() {
    plotly = plotly || (window.Plotly ? Promise.resolve(window.Plotly) : new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = PLOTLY;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => reject(new Error(`Plotly did not load from ${PLOTLY}`));
      document.head.append(script);
    }));
    return plotly;
  }

  let awaited = null; // the painter of the picture that the reader waits for

  // Calls `draw` once for any number of touches that come while it draws. What the reader waits for goes first: the
  // others let one frame pass where it is about to be drawn.
  class Painter {
    constructor(draw) {
      this.draw = draw;
      this.dirty = false;
      this.busy = false;
    }

    touch() {
      this.dirty = true;
      if (!this.busy) this.work();
    }

    async work() {
      this.busy = true;
      while (this.dirty) {
        await frame();
        if (awaited && awaited !== this && awaited.dirty) await frame();
        this.dirty = false;
        const start = performance.now();
        try {
          await this.draw();
        } catch (error) {
          console.error(error);
        }
        await pause(REST * (performance.now() - start));
      }
      this.busy = false;
    }
  }

  // Draws a figure into a plain element.
  async function paint(element, figure, row) {
    const Plotly = await loadPlotly();
    await Plotly.react(element, figure.data, figure.layout, CONFIG);
    const { width, height } = element._fullLayout || {}; // the page may have moved meanwhile
    if (element.offsetParent && (Math.abs(width - element.clientWidth) > 1 || Math.abs(height - element.clientHeight) > 1)) await Plotly.Plots.resize(element);
    if (cutBar(element)) await Plotly.redraw(element);
    tellPainted(element, row);
  }

  // Whether the texts of a colour bar go beyond the graph: Plotly keeps its margin where only they have changed.
  function cutBar(element) {
    const bar = element.offsetParent && element.querySelector(".colorbar");
    return bar && bar.getBoundingClientRect().right > element.getBoundingClientRect().right + 1;
  }

  // Tells, two frames later, that rows up to this one are on the screen.
  function tellPainted(element, row) {
    frame().then(frame).then(() => {
      element.dataset.row = row;
      element.dispatchEvent(new CustomEvent("gradscape:painted", { bubbles: true, detail: { graph: element.dataset.graph, row } }));
    });
  }

  // Plotly does not draw what changes by a pixel, but makes the layout anew: a 3-D scene then turns in the old one, and
  // would spring back at the next draw.
  function grown(element) {
    const { width, height } = getComputedStyle(element);
    const drawn = element._fullLayout;
    return Math.abs(parseFloat(width) - drawn.width) > 1 || Math.abs(parseFloat(height) - drawn.height) > 1;
  }

  const followed = new WeakMap();
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (!target.data || !target.offsetParent || !grown(target)) continue;
      window.Plotly.Plots.resize(target);
      followed.get(target)(); // it may have room for more now
    }
  });

  // Keeps a graph as large as its place; `changed` is told.
  function follow(element, changed) {
    followed.set(element, changed);
    sizes.observe(element);
  }

  const leave = (element) => sizes.unobserve(element);

  gradscape.draw = { Painter, paint, tellPainted, loadPlotly, follow, leave, first: (painter) => (awaited = painter) };
})();
