/** What is looked for, as an expression, and where it stands in lines of text. */

export interface Query {
  text: string;
  regex: boolean;
  /** Upper and lower case are told apart. */
  exact: boolean;
}

/** A match within one line: UTF-16 units. */
export interface Spot {
  line: number;
  at: number;
  length: number;
}

/** The pattern of a query; null for an empty one. Throws SyntaxError for a broken expression. */
export function compile({ text, regex, exact }: Query): RegExp | null {
  if (!text) return null;
  const source = regex ? text : text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  return new RegExp(source, exact ? "gu" : "giu");
}

/** Every match, in order; empty matches are none. */
export function spots(lines: readonly string[], pattern: RegExp): Spot[] {
  return lines.flatMap((text, line) =>
    Array.from(text.matchAll(pattern), ({ 0: found, index }) => ({
      line,
      at: index,
      length: found.length,
    })).filter(({ length }) => length > 0),
  );
}
