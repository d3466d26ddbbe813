// The clock of charts is UTC wherever they are read, as it is in pictures: what Vega asks of a date in the reader's
// time zone is answered in UTC.
(() => {
  const Local = Date, fields = ["FullYear", "Month", "Date", "Day", "Hours", "Minutes", "Seconds", "Milliseconds"];
  for (const field of fields) {
    Local.prototype["get" + field] = Local.prototype["getUTC" + field];
    if (field !== "Day") Local.prototype["set" + field] = Local.prototype["setUTC" + field];
  }
  Local.prototype.getTimezoneOffset = () => 0;
  Local.prototype.toString = Local.prototype.toUTCString;

  const zoned = /(?:Z|UTC|GMT|:\d\d(?:\.\d+)?\s*(?:UTC|GMT)?[+-]\d\d(?::?\d\d)?)\s*(?:\(.*\))?$/i;
  function parse(text) {
    text = String(text);
    if (zoned.test(text)) return Local.parse(text);
    for (const zone of ["Z", " UTC", ""]) { // of an ISO date with a time, of others, of what has one in words
      const time = Local.parse(text + zone);
      if (!isNaN(time)) return time;
    }
    return NaN;
  }
  function UTC(...args) {
    if (!new.target) return new Local().toString();
    if (args.length > 1) return new Local(Local.UTC(...args));
    return typeof args[0] === "string" ? new Local(parse(args[0])) : new Local(...args);
  }
  globalThis.Date = Object.assign(UTC, { prototype: Local.prototype, now: Local.now, UTC: Local.UTC, parse });
  Local.prototype.constructor = UTC;
})();
