// What a chart is the same by wherever it is drawn, in the program and in a browser: formats of numbers, wrapped
// titles, sizes. Wants vega, and measure(text, font, size, weight, style) in pixels.
globalThis.chartKit = function (measure) {
  "use strict";

  // --- numbers as people read them ---

  const digits3 = (x) => (x >= 100 ? String(Math.round(x)) : String(+x.toPrecision(3)));
  const units = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]];
  function short(x) {
    for (const [size, name] of units) if (x >= size * 0.9995) return digits3(x / size) + name;
    return digits3(x);
  }
  const signed = (f) => (x) => (x == null || x === "" || isNaN(x) ? "" : (x < 0 ? "\u2212" : "") + f(Math.abs(+x)));

  vega.expressionFunction("usd", signed((x) => "$" + short(x)));
  vega.expressionFunction("short", signed(short));
  vega.expressionFunction("times", signed((x) => (x >= 10 ? Math.round(x) : +x.toPrecision(2)) + "\u00d7"));

  function wrap(text, width, font) {
    const lines = [];
    let line = "";
    for (const word of String(text).split(/\s+/)) {
      const longer = line ? line + " " + word : word;
      if (line && measure(longer, font.font, font.fontSize, String(font.fontWeight), "") > width) {
        lines.push(line);
        line = word;
      } else {
        line = longer;
      }
    }
    if (line) lines.push(line);
    return lines.length > 1 ? lines : lines[0] || "";
  }

  // --- the spec made ready ---

  const isMap = (x) => x !== null && typeof x === "object" && !Array.isArray(x);

  function merged(under, over) {
    const out = Object.assign({}, under);
    for (const key of Object.keys(over)) out[key] = isMap(out[key]) && isMap(over[key]) ? merged(out[key], over[key]) : over[key];
    return out;
  }

  function isComposed(spec) {
    const e = spec.encoding || {};
    return !!(spec.hconcat || spec.vconcat || spec.concat || spec.facet || spec.repeat || spec.spec || e.facet || e.row || e.column);
  }

  // Titles do not wrap by themselves: a long one would be cut at the edge.
  function wrapTitle(spec, config, width) {
    if (!spec.title) return;
    const title = isMap(spec.title) ? Object.assign({}, spec.title) : { text: spec.title };
    const style = config.title || {}, font = style.font || config.font || "sans-serif";
    const pad = config.padding || {}, room = width - (pad.left || 0) - (pad.right || 0);
    const asWritten = (size, weight) => ({ font: font, fontSize: size, fontWeight: weight });
    if (typeof title.text === "string")
      title.text = wrap(title.text, room, asWritten(title.fontSize || style.fontSize || 13, title.fontWeight || style.fontWeight || "bold"));
    if (typeof title.subtitle === "string")
      title.subtitle = wrap(title.subtitle, room, asWritten(title.subtitleFontSize || style.subtitleFontSize || 11, title.subtitleFontWeight || "normal"));
    spec.title = title;
  }

  function madeToFit(spec, config, width, height) {
    const ready = Object.assign({}, spec);
    const container = (size) => size === "container";
    if (!isComposed(spec) && spec.autosize === undefined) {
      const free = (size) => size === undefined || container(size);
      const both = free(spec.width) && free(spec.height);
      if (free(spec.width)) ready.width = width;
      if (free(spec.height)) ready.height = height;
      if (both) ready.autosize = { type: "fit", contains: "padding" };
    }
    wrapTitle(ready, config, typeof ready.width === "number" && !isComposed(spec) ? ready.width : width);
    return ready;
  }

  return { merged: merged, madeToFit: madeToFit };
};
