// Surfaces that come in tiles: laid over one another on the finest grid so far. What no tile has told lies between
// points that were: it is drawn as straight lines between them, and marked.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const ends = ({ data }) => [data[0], data[data.length - 1]];
  const spread = ([low, high], count) => Float64Array.from({ length: count }, (_, k) => low + ((high - low) * k) / (count - 1));

  class Mosaic {
    constructor(tile) {
      this.a = ends(tile.a);
      this.b = ends(tile.b);
      this.side = tile.loss.shape[0];
      this.loss = new Float64Array(this.side ** 2);
      this.known = new Uint8Array(this.side ** 2);
    }

    // Whether this is the first tile's surface still: a grid of another size or place begins anew.
    holds(tile) {
      const inside = ([low, high], { data }) => data[0] >= low && data[data.length - 1] <= high;
      return inside(this.a, tile.a) && inside(this.b, tile.b);
    }

    lay(tile) {
      if (tile.level > this.side) this.refine(tile.level);
      const place = ([low, high], value) => Math.round(((value - low) / (high - low)) * (this.side - 1));
      const columns = Array.from(tile.b.data, (value) => place(this.b, value));
      tile.a.data.forEach((value, i) => {
        const row = place(this.a, value) * this.side;
        columns.forEach((column, j) => {
          this.loss[row + column] = tile.loss.data[i * columns.length + j];
          this.known[row + column] = 1;
        });
      });
    }

    refine(side) {
      const step = (side - 1) / (this.side - 1);
      const loss = new Float64Array(side ** 2);
      const known = new Uint8Array(side ** 2);
      for (let i = 0; i < this.side; i += 1) {
        for (let j = 0; j < this.side; j += 1) {
          const to = i * step * side + j * step;
          loss[to] = this.loss[i * this.side + j];
          known[to] = this.known[i * this.side + j];
        }
      }
      Object.assign(this, { side, loss, known });
    }

    // The losses with straight lines where nothing is known, spacing by spacing.
    filled() {
      const { side, known } = this;
      const loss = this.loss.slice();
      let step = 1;
      while ((side - 1) % (2 * step) === 0 && 2 * step < side) step *= 2;
      for (; step > 1; step /= 2) {
        const half = step / 2;
        const mean = (i, j, di, dj) => (loss[(i - di) * side + j - dj] + loss[(i + di) * side + j + dj]) / 2;
        for (let i = 0; i < side; i += step) for (let j = half; j < side; j += step) if (!known[i * side + j]) loss[i * side + j] = mean(i, j, 0, half);
        for (let i = half; i < side; i += step) for (let j = 0; j < side; j += half) if (!known[i * side + j]) loss[i * side + j] = mean(i, j, half, 0);
      }
      return loss;
    }

    // The share of the points told so far whose loss is not finite; null where there is none.
    holes() {
      const told = this.loss.filter((_, i) => this.known[i]);
      const open = told.filter((value) => !Number.isFinite(value)).length;
      return open ? open / told.length : null;
    }

    // The event as if it had told the whole picture; `known` is 1 where a tile has.
    event(tile) {
      const { side } = this;
      const axis = (limits) => ({ shape: [side], data: spread(limits, side) });
      return {
        even: true,
        ...tile,
        coarsest: tile.coarsest ?? tile.level,
        finest: side,
        least_fraction: tile.least_fraction ?? tile.data_fraction,
        a: axis(this.a),
        b: axis(this.b),
        loss: { shape: [side, side], data: this.filled() },
        known: this.known,
        holes: this.holes(),
      };
    }
  }

  gradscape.mosaic = { Mosaic };
})();
