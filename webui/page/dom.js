// Elements made by hand: text only ever enters as text, because imported books are data.

const PATHS = {
  search: "M11 4a7 7 0 1 1 0 14a7 7 0 0 1 0-14M16 16l4.5 4.5",
  tree: "M4 6h16M8 12h12M8 18h12M4 12v6",
  panel: "M4 5h16v14H4zM14.5 5v14",
  plus: "M12 5v14M5 12h14",
  sun: "M12 8a4 4 0 1 1 0 8a4 4 0 0 1 0-8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2" +
    "M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z",
  book: "M4 5c3-1 6-.5 8 1c2-1.5 5-2 8-1v13.5c-3-1-6-.5-8 1c-2-1.5-5-2-8-1zM12 6v13.5",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  up: "M12 16V5M7.5 9.5L12 5l4.5 4.5M5 19h14",
  tune: "M4 8h10M18 8h2M4 16h2M10 16h10M16 6v4M8 14v4",
  warn: "M12 4l9 16H3zM12 10v4.5M12 17.3v.01",
  stop: "M7 7h10v10H7z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  bin: "M5 7h14M9 7V4.5h6V7M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5",
};

export const $ = (selector, root = document) => root.querySelector(selector);

/** h("button.btn.sm", { onclick, title }, "text", node, [nodes], null): strings become text. */
export function h(selector, props = {}, ...children) {
  const [tag, ...classes] = selector.split(".");
  const element = document.createElement(tag || "div");
  element.className = classes.join(" ");
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("--") || name === "flex") element.style.setProperty(name, value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export function icon(name, small = true) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", small ? "ic s" : "ic");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

export function drawIcons() {
  for (const spot of document.querySelectorAll("[data-i]")) {
    spot.prepend(icon(spot.dataset.i, "small" in spot.dataset));
  }
}

/** One polite sentence for a screen reader; never for every token. */
export function announce(sentence) {
  $("#live").textContent = sentence;
}
