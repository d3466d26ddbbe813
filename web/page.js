// Tables sort by the heads of their columns: figures by size, texts by the alphabet, what is missing last.
const value = (row, i) => row.cells[i].dataset.v ?? row.cells[i].textContent;
const missing = (row, i) => row.cells[i].classList.contains("null");
const compare = (i, figures, down) => (a, b) => {
  if (missing(a, i) || missing(b, i)) return missing(a, i) - missing(b, i);
  const x = value(a, i), y = value(b, i);
  return (figures ? x - y : x.localeCompare(y)) * (down ? -1 : 1);
};
for (const table of document.querySelectorAll(".rows table")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  const sort = (head) => {
    const i = heads.indexOf(head), down = head.getAttribute("aria-sort") === "descending";
    body.append(...[...body.rows].sort(compare(i, "figures" in head.dataset, down)));
  };
  table.addEventListener("rows", () => { // others than before, sorted as those were
    const head = heads.find((head) => head.hasAttribute("aria-sort"));
    if (head) sort(head);
  });
  heads.forEach((head) => head.firstChild.addEventListener("click", () => {
    const figures = "figures" in head.dataset;
    const was = head.getAttribute("aria-sort");
    const down = was ? was === "ascending" : figures;
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    sort(head);
  }));
}
