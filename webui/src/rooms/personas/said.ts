/** What was said, as the page shows it: words, and what is done in between. */

export interface Piece {
  kind: "words" | "deed";
  text: string;
}

const DEED = /（[^（）]*）|\*[^*\n]+\*/g;

/** The pieces of a text; stars around a deed go, brackets stay. Joined they are the text otherwise. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(DEED)) {
    if (match.index > at) found.push({ kind: "words", text: text.slice(at, match.index) });
    const deed = match[0];
    found.push({ kind: "deed", text: deed.startsWith("*") ? deed.slice(1, -1) : deed });
    at = match.index + deed.length;
  }
  if (at < text.length) found.push({ kind: "words", text: text.slice(at) });
  return found;
}

/** What `{{char}}` becomes. */
export function called({ name, nickname }: { name: string; nickname?: string }): string {
  return nickname || name;
}

/** A greeting with the names put in, as the server does when a conversation begins. */
export function named(text: string, char: string, user: string): string {
  return text.replace(
    /\{\{\s*(char|user)\s*\}\}|<(bot|char|user)>/gi,
    (_, braced?: string, bracketed?: string) =>
      (braced ?? bracketed ?? "").toLowerCase() === "user" ? user : char,
  );
}

/** `a、b，c` as its words. */
export function listed(text: string): string[] {
  return [...new Set(text.split(/[、，,;；\n]/).map((word) => word.trim()))].filter(Boolean);
}
