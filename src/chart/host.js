// What a browser would give Vega and the engine does not have: clones, timers, large numbers, a console.
(function (world) {
  "use strict";
  let due = [];

  world.setTimeout = (f, ms, ...args) => due.push(() => f(...args));
  world.clearTimeout = (id) => { if (due[id - 1]) due[id - 1] = null; };
  world.setInterval = () => 0;
  world.clearInterval = () => {};

  // Runs what is due, whatever its delay was; how many there were.
  world.runTimers = () => {
    const now = due.filter((f) => f);
    due = [];
    for (const f of now) f();
    return now.length;
  };

  world.structuredClone = function clone(x) {
    if (x === null || typeof x !== "object") return x;
    if (Array.isArray(x)) return x.map(clone);
    if (x instanceof Date) return new Date(+x);
    if (x instanceof RegExp) return new RegExp(x);
    if (x instanceof Set) return new Set(Array.from(x, clone));
    if (x instanceof Map) return new Map(Array.from(x, ([k, v]) => [clone(k), clone(v)]));
    const copy = {};
    for (const key of Object.keys(x)) copy[key] = clone(x[key]);
    return copy;
  };

  // What numbers of more than 21 digits are written by, as a browser does it: all their digits.
  Number.prototype.toLocaleString = function () {
    const [digits, zeros] = String(this).replace("Infinity", "\u221e").split("e+");
    const [whole, rest = ""] = digits.split(".");
    return zeros ? whole + rest.padEnd(+zeros, "0") : digits;
  };

  const nothing = () => {};
  world.console = { log: nothing, info: nothing, debug: nothing, warn: nothing, error: nothing };
})(globalThis);
