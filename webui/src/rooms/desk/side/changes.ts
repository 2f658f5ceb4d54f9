/** What is different between two texts, for reading: in one column or in two. */

import { hunks } from "$/text/hunks";

export interface Piece {
  kind: "same" | "del" | "ins" | "gap";
  text: string;
}

export interface Row {
  old: Piece[];
  fresh: Piece[];
  /** Nothing in it is different. */
  same: boolean;
}

/** Both texts in one: what they share, what went, what came. */
export function merged(old: string, fresh: string): Piece[] {
  const pieces: Piece[] = [];
  const put = (kind: Piece["kind"], text: string) => text && pieces.push({ kind, text });
  let at = 0;
  for (const { start, end, removed, inserted } of hunks(old, fresh)) {
    put("same", old.slice(at, start));
    put("del", removed);
    put("ins", inserted);
    at = end;
  }
  put("same", old.slice(at));
  return pieces;
}

/** With at most `around` characters of what stays on either side of a change. */
export function condensed(pieces: Piece[], around = 24): Piece[] {
  return pieces.flatMap((piece, n): Piece[] => {
    if (piece.kind !== "same") return [piece];
    const head = n > 0 ? around : 0;
    const tail = n < pieces.length - 1 ? around : 0;
    if (piece.text.length <= head + tail + 8) return [piece];
    const parts: Piece[] = [{ kind: "gap", text: "" }];
    if (head) parts.unshift({ kind: "same", text: upTo(piece.text, head) });
    if (tail) parts.push({ kind: "same", text: from(piece.text, piece.text.length - tail) });
    return parts;
  });
}

/** Side by side: rows that begin and end where both texts break the line. */
export function rows(pieces: Piece[]): Row[] {
  const found: Row[] = [row()];
  for (const { kind, text } of pieces) {
    const here = found.at(-1)!;
    if (kind === "del") here.old.push({ kind, text });
    else if (kind === "ins") here.fresh.push({ kind, text });
    else shared(found, text);
    if (kind === "del" || kind === "ins") here.same = false;
  }
  return found;
}

function shared(found: Row[], text: string): void {
  text.split("\n").forEach((line, n) => {
    if (n > 0) found.push(row());
    if (!line) return;
    const here = found.at(-1)!;
    here.old.push({ kind: "same", text: line });
    here.fresh.push({ kind: "same", text: line });
  });
}

function row(): Row {
  return { old: [], fresh: [], same: true };
}

/** Never half a character. */
function upTo(text: string, end: number): string {
  return text.slice(0, wideAt(text, end - 1) ? end + 1 : end);
}

function from(text: string, start: number): string {
  return text.slice(wideAt(text, start - 1) ? start - 1 : start);
}

function wideAt(text: string, at: number): boolean {
  return (text.codePointAt(at) ?? 0) > 0xffff;
}

/** A prompt as one text, a heading for each message. */
export function asText(messages: { role: string; content: string }[]): string {
  return messages.map(({ role, content }) => `【${role}】\n${content}`).join("\n\n");
}
