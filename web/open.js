// Data and the program that draws charts travel compressed. The first chart is there as a picture until that runs.
const unpacked = (id) => {
  const text = document.getElementById(id).textContent;
  const bytes = Uint8Array.fromBase64?.(text) ?? Uint8Array.from(atob(text), (c) => c.charCodeAt());
  const { readable, writable } = new DecompressionStream("gzip"), writer = writable.getWriter();
  writer.write(bytes).catch(() => {}); // what fails is told by the other end
  writer.close().catch(() => {});
  return new Response(readable).text();
};
// When the reader has seen what there is; of a page in the background there are no frames.
const seen = () => new Promise((done) => {
  requestAnimationFrame(() => setTimeout(done));
  setTimeout(done, 100);
});
const dark = matchMedia("(prefers-color-scheme: dark)");

const pictured = (async () => {
  if (!document.getElementById("picture-light") || location.hash.includes("=")) return; // it is of inputs as they were
  const picture = document.createElement("div");
  picture.className = "picture";
  picture.innerHTML = await unpacked(dark.matches ? "picture-dark" : "picture-light");
  document.querySelector("figure.chart").append(picture);
  performance.mark("picture");
})().catch(() => {});
const carried = pictured.then(() => unpacked("data")).then(JSON.parse);

// A page has loaded when its charts are drawn, for what prints it or takes its picture: a frame that is being
// written to keeps it from saying so before.
const drawn = (() => {
  const frame = document.createElement("iframe");
  frame.hidden = true;
  document.body.append(frame);
  frame.contentDocument.open();
  return () => {
    frame.contentDocument?.close();
    frame.remove();
  };
})();
pictured.then(async () => {
  if (!document.getElementById("program")) return carried.then(drawn);
  const script = document.createElement("script"), text = unpacked("program");
  await seen();
  script.textContent = await text;
  document.body.append(script); // chart.js says when all is drawn
}).catch((error) => {
  drawn();
  for (const figure of document.querySelectorAll("figure.chart:not(:has(.picture))"))
    figure.firstChild.textContent = "This chart cannot be drawn: " + error.message;
  console.error(error);
});
