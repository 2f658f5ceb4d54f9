/** Text inside the paper that is not in the document, with paragraphs that look like paragraphs. */

/** `text` as nodes: its words in spans of class `name`, and a paragraph's break and indent. */
export function lines(text: string, name = ""): Node[] {
  return text.split("\n").flatMap((line, n) => {
    const opening = n > 0 ? [span("p-break"), span("p-indent")] : [];
    return line ? [...opening, span(name, line)] : opening;
  });
}

function span(name: string, text = ""): HTMLSpanElement {
  const made = document.createElement("span");
  if (name) made.className = name;
  made.textContent = text;
  return made;
}
