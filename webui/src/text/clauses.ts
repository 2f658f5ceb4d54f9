/** A passage cut where a reader breathes: after a mark and the quotes that close behind it.
 *
 * A line break opens a clause rather than ending one, so that a clause never ends in nothing seen.
 */

const CLAUSE = new Set("，。！？；：…—,!?;");
const SENTENCE = new Set("。！？…!?");
const CLOSING = new Set("”’」』）》】〉\"')");

/** The clauses of `text`; joined they are `text`. */
export function clauses(text: string): string[] {
  return cut(text, CLAUSE);
}

/** The first clause of `text`, line breaks before it included; "" of "". */
export function clauseOf(text: string): string {
  return text.slice(0, end(text, 0, CLAUSE));
}

/** As much of a growing text as has come to the end of a clause (or of a sentence). */
export function whole(text: string, unit: "clause" | "sentence" = "clause"): string {
  const marks = unit === "clause" ? CLAUSE : SENTENCE;
  for (let at = text.length; at > 0; at--) {
    const last = text[at - 1] as string;
    if (marks.has(last) || last === "\n") return text.slice(0, closed(text, at));
  }
  return "";
}

function cut(text: string, marks: Set<string>): string[] {
  const pieces = [];
  for (let at = 0; at < text.length;) {
    const to = end(text, at, marks);
    pieces.push(text.slice(at, to));
    at = to;
  }
  return pieces;
}

/** Where the piece that begins at `from` ends. */
function end(text: string, from: number, marks: Set<string>): number {
  let at = from;
  while (at < text.length && text[at] === "\n") at++;
  for (; at < text.length && text[at] !== "\n"; at++) {
    if (!marks.has(text[at] as string)) continue;
    while (at < text.length && marks.has(text[at] as string)) at++;
    return closed(text, at);
  }
  return at;
}

/** Past the closing quotes at `at`. */
function closed(text: string, at: number): number {
  while (at < text.length && CLOSING.has(text[at] as string)) at++;
  return at;
}
