// What comes over the wire, read: base64 arrays, numbers that JSON cannot write, and templates of text.
(() => {
  "use strict";
  const gradscape = (window.gradscape = window.gradscape || {});

  const NOT_FINITE = { NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity };
  const NAMES = new Set(["kind", "lane", "plane", "label", "phase", "split"]); // texts that are never numbers
  const VIEWS = {
    float32: Float32Array,
    float64: Float64Array,
    int32: Int32Array,
    int64: BigInt64Array,
    uint8: Uint8Array,
    bool: Uint8Array,
  };

  function bytesOf(base64) {
    const text = atob(base64);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
    return bytes;
  }

  // {shape, dtype, base64} → {shape, data}, data as Float64Array in C order.
  function arrayOf(value) {
    const found = new VIEWS[value.dtype](bytesOf(value.base64).buffer);
    return { shape: value.shape, data: value.dtype === "int64" ? Float64Array.from(found, Number) : new Float64Array(found) };
  }

  // An event as it came → an event whose arrays are numbers and whose "NaN" are NaN.
  function decode(event) {
    const decoded = {};
    for (const [name, value] of Object.entries(event)) {
      if (value !== null && typeof value === "object" && "base64" in value) decoded[name] = arrayOf(value);
      else if (typeof value === "string" && value in NOT_FINITE && !NAMES.has(name)) decoded[name] = NOT_FINITE[value];
      else decoded[name] = value;
    }
    return decoded;
  }

  const isArray = (value) => value !== null && typeof value === "object" && value.data instanceof Float64Array;

  // The value at a dotted place: at({a: {b: 1}}, "a.b") is 1; undefined where the way ends early.
  function at(object, place) {
    return place.split(".").reduce((value, name) => (value === undefined || value === null ? undefined : value[name]), object);
  }

  // Puts a value at a dotted place, making objects on the way.
  function put(object, place, value) {
    const names = place.split(".");
    const last = names.pop();
    let inner = object;
    for (const name of names) inner = inner[name] = inner[name] || {};
    inner[last] = value;
  }

  // Four digits, and a power of ten where the number is very large or small.
  function number(value) {
    if (Number.isNaN(value)) return "not finite";
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
    const size = Math.abs(value);
    const short = Number.isInteger(value) && size < 1e7 ? value : Number(value.toPrecision(size >= 1e5 || size < 1e-4 ? 3 : 4));
    const text = short !== 0 && (size >= 1e7 || size < 1e-4) ? short.toExponential() : String(short);
    return text.replace("e+", "e").replaceAll("-", "−");
  }

  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const share = (part) => `${number(part < 5e-4 ? Number((100 * part).toPrecision(1)) : Math.round(part * 1000) / 10)} %`;

  const PLANES = { pca: "PCA", coordinates: "two variables", eigen: "eigenvectors", gradient_eigen: "gradient and eigenvector" };

  const FORMATS = {
    plane: (kind) => PLANES[kind] || kind.replaceAll("_", " "),
    number,
    short: (value) => (Number.isFinite(value) ? number(Number(value.toPrecision(2))) : number(value)),
    change: (value) => `${value > 0 ? "+" : ""}${FORMATS.short(value)}`,
    percent,
    share,
    percents: (shares) => shares.map((part) => `${Math.round(part * 100)} %`).join(" + "),
    measured: (value) => (Number.isNaN(value) ? "not measured here" : number(value)),
    text: String,
    method: (name) => ((gradscape.titles || {}).method || {})[name] || name.replaceAll("_", " "),
    words: (name) => name.replaceAll("_", " "),
  };

  const parsed = new Map(); // template → its texts and fields by turns

  function parse(template) {
    if (!parsed.has(template)) {
      const parts = template.split(/\{([\w.]+(?::\w+)?)\}/);
      parsed.set(template, parts.map((part, i) => (i % 2 ? part.split(":") : part)));
    }
    return parsed.get(template);
  }

  // Fills a template's {field} and {field:format} by look(field, format); null where a field has no value.
  function fill(template, look) {
    let text = "";
    for (const part of parse(template)) {
      if (typeof part === "string") {
        text += part;
        continue;
      }
      const [field, format] = part;
      const value = look(field, format);
      if (value === undefined || value === null) return null;
      if (format in FORMATS) text += FORMATS[format](value);
      else text += typeof value === "number" ? number(value) : value;
    }
    return text;
  }

  // A message as a sentence: errors of programs begin small and end without a stop.
  function sentence(text) {
    const end = /[.!?…]$/.test(text) ? "" : ".";
    return `${text.charAt(0).toUpperCase()}${text.slice(1)}${end}`;
  }

  gradscape.wire = { sentence, decode, isArray, at, put, number, fill };
})();
