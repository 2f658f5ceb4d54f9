/** Ways of asking the served model: those that ship, an author's own, and what each made of a sample. */

export interface Own {
  name: string;
  template: string;
}

/** What an author has done with one maker's questions. */
export interface Asking {
  own: Own[];
  /** By which the whole is made; empty is the first that ships. */
  chosen: string;
  /** The job that tried them last. */
  trial: string | null;
}

export const ASKING: Readonly<Asking> = { own: [], chosen: "", trial: null };

/** The result of a trial; `made` is by variant, with ✗ and the reason where it failed. */
export interface Tried {
  sample: number;
  variants: Record<string, { asked: number; made: number; nonsense: number }>;
  templates: Record<string, string>;
  rows: { place: string; made: Record<string, string> }[];
}

/** As the server wants it: a shipped one by its name alone. */
export function variantOf({ own, chosen }: Asking): { name: string; template?: string } | null {
  if (!chosen) return null;
  const template = own.find((each) => each.name === chosen)?.template;
  return template === undefined ? { name: chosen } : { name: chosen, template };
}

/** What is tried next: the ones in sight that ship, and the author's own; none is all that ship. */
export function tryNext(
  { own }: Asking,
  tried: Tried | null,
): { name: string; template?: string }[] {
  const written = own.filter(({ name, template }) => isName(name) && template.trim());
  if (!written.length) return [];
  const names = new Set(own.map((each) => each.name));
  const shipped = Object.keys(tried?.variants ?? {}).filter((name) => !names.has(name));
  return [...shipped.map((name) => ({ name })), ...written].slice(0, 8);
}

export const isName = (name: string): boolean => /^[\p{L}\p{N}_-]{1,40}$/u.test(name);

/** A name for a changed copy that nobody has yet. */
export function copyName(name: string, taken: readonly string[]): string {
  const stem = name.replace(/_\d+$/, "").slice(0, 36);
  let n = 2;
  while (taken.includes(`${stem}_${n}`)) n++;
  return `${stem}_${n}`;
}
