"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const body = document.querySelector("tbody"), heads = [...document.querySelectorAll("th")];
  const search = document.getElementById("search"), count = document.getElementById("count");
  const boxes = [...document.querySelectorAll("input[type=checkbox]")], more = document.querySelector(".more-rows");
  const PAGE = 100;
  let shown = PAGE, order = { column: -1, down: false };

  const make = (tag, text, name) => {
    const node = document.createElement(tag);
    if (text !== undefined) node.textContent = text;
    if (name) node.className = name;
    return node;
  };
  const say = (value) => {
    if (value === null || value === undefined) return "";
    if (typeof value !== "number" || Number.isInteger(value)) return typeof value === "object" ? JSON.stringify(value) : String(value);
    return String(Number(value.toPrecision(5)));
  };
  const texts = data.rows.map((row) => [...row.cells, row.why].map(say).join(" ").toLowerCase());

  // A word must stand somewhere in the row; "epochs>=9" or "lr<0.01" compares a column.
  const matcher = (query) => {
    const tests = query.toLowerCase().split(/\s+/).filter(Boolean).map((word) => {
      const found = /^(.+?)(<=|>=|<|>|=)(.+)$/.exec(word);
      const column = found ? data.columns.findIndex((name) => name.toLowerCase() === found[1]) : -1;
      if (column < 0) return (place) => texts[place].includes(word);
      const [, , sign, side] = found, edge = Number(side);
      return (place) => {
        const value = data.rows[place].cells[column];
        if (sign === "=") return say(value).toLowerCase() === side || (value !== null && Number(value) === edge);
        if (typeof value !== "number") return false;
        return sign === "<" ? value < edge : sign === ">" ? value > edge : sign === "<=" ? value <= edge : value >= edge;
      };
    });
    return (place) => tests.every((test) => test(place));
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return say(a).localeCompare(say(b), undefined, { numeric: true });
  };
  const chosen = () => {
    const states = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const fits = matcher(search.value);
    const places = data.rows.map((_, place) => place).filter((place) => states.has(data.rows[place].state) && fits(place));
    if (order.column < 0) return places;
    const cell = (place) => data.rows[place].cells[order.column], sign = order.down ? -1 : 1;
    const none = (value) => value === null || value === undefined || value === "";
    return places.sort((a, b) => none(cell(a)) - none(cell(b)) || sign * compare(cell(a), cell(b)) || a - b);
  };

  const curve = (points) => {
    const space = "http://www.w3.org/2000/svg", svg = document.createElementNS(space, "svg");
    const width = 260, height = 90, xs = points.map((point) => point[0]), ys = points.map((point) => point[1]);
    const low = Math.min(...ys), high = Math.max(...ys), last = Math.max(...xs), first = Math.min(...xs);
    const x = (value) => 6 + (width - 12) * (last > first ? (value - first) / (last - first) : 0.5);
    const y = (value) => height - 20 - (height - 34) * (high > low ? (value - low) / (high - low) : 0.5);
    svg.setAttribute("width", width);
    svg.setAttribute("height", height);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `${data.metric} by epoch`);
    const add = (tag, attributes, text) => {
      const node = document.createElementNS(space, tag);
      for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
      if (text !== undefined) node.textContent = text;
      svg.append(node);
    };
    add("polyline", { points: points.map((point) => `${x(point[0])},${y(point[1])}`).join(" "), fill: "none", stroke: "var(--blue)", "stroke-width": 2 });
    if (points.length < 40) for (const point of points) add("circle", { cx: x(point[0]), cy: y(point[1]), r: 2.4, fill: "var(--blue)" });
    const label = { "font-size": 11, fill: "var(--muted)" };
    add("text", { ...label, x: 4, y: height - 4 }, `epoch ${first} to ${last}`);
    add("text", { ...label, x: width - 4, y: height - 4, "text-anchor": "end" }, `${say(low)} to ${say(high)}`);
    return svg;
  };
  const detail = (row) => {
    const line = make("tr", undefined, "more"), cell = make("td"), box = make("div", undefined, "detail"), words = make("div");
    cell.colSpan = data.columns.length;
    if (row.why) words.append(make("p", row.why));
    const list = make("dl");
    for (const [key, value] of row.facts) list.append(make("dt", key), make("dd", say(value)));
    words.append(list);
    if (row.curve.length > 1) box.append(curve(row.curve));
    box.append(words);
    const commands = make("div");
    for (const line of data.again[row.again]) commands.append(make("pre", line.replace("#", row.cells[0])));
    box.append(commands);
    cell.append(box);
    line.append(cell);
    return line;
  };
  const toggle = (line, row) => {
    const next = line.nextElementSibling;
    const open = next !== null && next.classList.contains("more");
    if (open) next.remove(); else line.after(detail(row));
    line.setAttribute("aria-expanded", String(!open));
  };
  const draw = () => {
    const places = chosen();
    body.replaceChildren(...places.slice(0, shown).map((place) => {
      const row = data.rows[place], line = make("tr", undefined, `trial ${row.state}${row.best ? " best" : ""}`);
      line.tabIndex = 0;
      line.setAttribute("aria-expanded", "false");
      for (const value of row.cells) line.append(make("td", say(value)));
      line.addEventListener("click", () => toggle(line, row));
      line.addEventListener("keydown", (event) => { if (event.key === "Enter") toggle(line, row); });
      return line;
    }));
    count.textContent = `${places.length} of ${data.rows.length}`;
    more.hidden = places.length <= shown;
    more.textContent = `show all ${places.length}`;
  };
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    // Third click: back to the order of the page, the best first.
    if (order.column !== column) order = { column, down: false };
    else if (!order.down) order.down = true;
    else order = { column: -1, down: false };
    heads.forEach((each, place) => {
      if (place === order.column) each.setAttribute("aria-sort", order.down ? "descending" : "ascending");
      else each.removeAttribute("aria-sort");
    });
    draw();
  }));
  search.addEventListener("input", () => { shown = PAGE; draw(); });
  boxes.forEach((box) => box.addEventListener("change", draw));
  more.addEventListener("click", () => { shown = Infinity; draw(); });
  draw();
})();
