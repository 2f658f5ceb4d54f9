/** What is pasted or dropped becomes lines of plain text, whatever page or program it is from. */

import { closeHistory } from "@tiptap/pm/history";
import type { EditorView } from "@tiptap/pm/view";
import { toSlice, WISH } from "./schema";

const BLOCKS = new Set(
  (
    "ADDRESS ARTICLE ASIDE BLOCKQUOTE CENTER DD DIV DL DT FIELDSET FIGCAPTION FIGURE FOOTER FORM " +
    "H1 H2 H3 H4 H5 H6 HEADER HR LI MAIN NAV OL P PRE SECTION TABLE TBODY TD TFOOT TH THEAD TR UL"
  ).split(" "),
);
const DROPPED = new Set(
  (
    "APPLET AUDIO BUTTON CANVAS DATALIST EMBED HEAD IFRAME INPUT LINK MATH META NOSCRIPT OBJECT " +
    "RP RT SCRIPT SELECT STYLE SVG TEMPLATE TEXTAREA TITLE VIDEO"
  ).split(" "),
);
/** Line breaks of any system, and Unicode's own: LF, VT, FF, CR, NEL, LS, PS. */
const BREAK = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/;
const UNSEEN = /[\u0000-\u0008\u000e-\u001f\u007f\u200b\ufeff]/g;
/** An indent made of spaces: the page indents by style. */
const INDENT = /^[\t \u00a0\u2002\u2003\u3000]+/;

/** The lines of a plain text. */
export function linesOfText(text: string): string[] {
  return tidied(text.split(BREAK));
}

/** The lines of a page: its blocks, table rows and line breaks, nothing that is not text. */
export function linesOfHtml(html: string): string[] {
  // Parsed into a document of its own: nothing in it runs or is fetched.
  const { body } = new DOMParser().parseFromString(disarmed(html), "text/html");
  return tidied(new Lines().of(body).map((line) => line.replace(/ +$/, "")));
}

/** Styles and handlers under other names: the page's policy would report each of them. */
function disarmed(html: string): string {
  return html
    .replace(/<(style|script)\b[\s\S]*?<\/\1\s*>/gi, "")
    .replace(/<[a-z][^>]*>/gi, (tag) =>
      tag.replace(/([\s"'])(style|on\w+)(\s*=)/gi, "$1data-$2$3"),
    );
}

/** Reads the lines of an element, one node after the other. */
class Lines {
  #lines: string[] = [];
  #line = "";
  /** The line has begun, even where nothing stands in it yet. */
  #open = false;

  of(element: Element): string[] {
    for (const child of element.childNodes) this.#read(child, keepsSpace(element));
    this.#close();
    return this.#lines;
  }

  #read(node: Node, pre: boolean): void {
    if (node instanceof Text) return pre ? this.#listing(node.data) : this.#say(node.data);
    if (!(node instanceof Element)) return;
    const name = node.tagName.toUpperCase();
    if (DROPPED.has(name) || unseen(node)) return;
    if (name === "BR") return this.#end();
    if (name === "TR" && this.#row(node)) return;
    const block = BLOCKS.has(name);
    if (block) this.#close();
    // An empty paragraph is a blank line that the author left.
    if (name === "P" && !node.textContent?.trim()) this.#open = true;
    else for (const child of node.childNodes) this.#read(child, pre || keepsSpace(node));
    if (block) this.#close();
  }

  /** A row whose cells are short is one line; false where it is a page's scaffold. */
  #row(row: Element): boolean {
    const cells = [...row.children].map((cell) => new Lines().of(cell));
    if (cells.some((lines) => lines.length > 1)) return false;
    this.#close();
    this.#lines.push(cells.map(([line = ""]) => line.trim()).join("\u3000"));
    return true;
  }

  #say(data: string): void {
    const text = data.replace(/[\t\n\f\r ]+/g, " ");
    const joined = this.#line === "" || this.#line.endsWith(" ");
    this.#put(joined ? text.replace(/^ /, "") : text);
  }

  #listing(data: string): void {
    data.split(BREAK).forEach((part, n) => {
      if (n > 0) this.#end();
      this.#put(part);
    });
  }

  #put(text: string): void {
    this.#line += text;
    this.#open ||= text !== "";
  }

  #end(): void {
    this.#open = true;
    this.#close();
  }

  #close(): void {
    if (this.#open) this.#lines.push(this.#line);
    this.#line = "";
    this.#open = false;
  }
}

function unseen(element: Element): boolean {
  // Word's own marks for list bullets and notes carry `mso-…: none/ignore` in their style.
  const style = element.getAttribute("data-style") ?? "";
  return (
    element.hasAttribute("hidden") ||
    /display:\s*none|mso-hide:\s*all|mso-list:\s*ignore/i.test(style)
  );
}

function keepsSpace(element: Element): boolean {
  const style = element.getAttribute("data-style") ?? "";
  return element.tagName === "PRE" || /white-space:\s*(pre|break-spaces)/i.test(style);
}

/** Without first-line indents, unseen characters, and blank lines before and after. */
function tidied(lines: string[]): string[] {
  const whole = lines.length > 1 || (INDENT.test(lines[0] ?? "") && (lines[0] ?? "").trim() !== "");
  const clean = lines.map((line) => {
    const text = line.replace(UNSEEN, "").replace(/\u00a0/g, " ");
    return whole ? text.replace(INDENT, "") : text;
  });
  while (clean.length > 1 && clean.at(-1) === "") clean.pop();
  return clean;
}

function linesOf(data: DataTransfer): string[] {
  const html = data.getData("text/html");
  const text = data.getData("text/plain");
  // Our own copies carry their text exactly.
  if (html && !(text && html.includes("data-pm-slice"))) {
    const lines = linesOfHtml(html);
    if (lines.some((line) => line.trim())) return lines;
  }
  return html.includes("data-pm-slice") ? text.split("\n") : linesOfText(text);
}

/** Handles the DOM's `paste`, before ProseMirror parses what is pasted. */
export function pasted(view: EditorView, event: ClipboardEvent): boolean {
  if (!event.clipboardData || !view.editable) return false;
  event.preventDefault();
  const lines = linesOf(event.clipboardData);
  const { from, to } = view.state.selection;
  if (lines.length > 1 || lines[0]) put(view, from, to, lines);
  return true;
}

/** Handles the DOM's `drop`; text moved within the page is left to the editor. */
export function dropped(view: EditorView, event: DragEvent): boolean {
  if (view.dragging || !event.dataTransfer || !view.editable) return false;
  event.preventDefault();
  const at = view.posAtCoords({ left: event.clientX, top: event.clientY });
  const lines = linesOf(event.dataTransfer);
  if (at && lines.join("") !== "") put(view, at.pos, at.pos, lines);
  return true;
}

function put(view: EditorView, from: number, to: number, lines: string[]): void {
  const tr = closeHistory(view.state.tr);
  tr.replace(from, to, toSlice(view.state.schema, lines.join("\n")));
  tr.setMeta("paste", true).setMeta("uiEvent", "paste");
  tr.setMeta(WISH, { origin: "pasted" });
  view.dispatch(tr.scrollIntoView());
}
