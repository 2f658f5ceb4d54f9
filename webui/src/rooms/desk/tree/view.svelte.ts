/** How the tree of the open book is looked at: what is folded, filtered, walked to. */

import { manuscript } from "$/editor/manuscript.svelte";
import { book } from "$/state/book.svelte";
import { rowsOf, typedAhead, type Row } from "./rows";

/** Books with more chapters than this can be filtered. */
const MANY = 30;
/** Letters typed within this time belong together, ms. */
const TYPING = 800;

class View {
  filter = $state("");
  folded = $state.raw<ReadonlySet<string>>(new Set());
  whole = $state.raw<ReadonlySet<string>>(new Set());
  /** The row that the keys go to. */
  walked = $state<string | null>(null);
  renaming = $state<string | null>(null);
  /** The row whose menu is open. */
  menu = $state<string | null>(null);
  /** The row that is to be sent elsewhere. */
  moving = $state<string | null>(null);
  dialog = $state<"bin" | "goal" | null>(null);

  readonly many = $derived(book.chapters.length > MANY);
  readonly rows: Row[] = $derived(
    rowsOf({
      volumes: book.volumes,
      chapters: book.chapters,
      folded: this.folded,
      whole: this.whole,
      current: manuscript.chapter,
      filter: this.many ? this.filter : "",
    }),
  );
  /** Index of the row that has the keys; -1 where there is none. */
  readonly active: number = $derived.by(() => {
    const find = (id: string | null) => (id ? this.rows.findIndex((row) => row.id === id) : -1);
    const walked = find(this.walked);
    if (walked >= 0) return walked;
    const open = find(manuscript.chapter);
    return open >= 0 ? open : this.rows.length ? 0 : -1;
  });

  #typed = "";
  #when = 0;

  /** Another book: what was folded in it last time is folded. */
  enter(work: string): void {
    Object.assign(this, { filter: "", whole: new Set(), walked: null, renaming: null, menu: null });
    this.moving = null;
    this.folded = new Set(read(work));
  }

  fold(id: string, folded = !this.folded.has(id)): void {
    const next = new Set(this.folded);
    if (folded) next.add(id);
    else next.delete(id);
    this.#keep(next);
  }

  foldAll(folded: boolean): void {
    this.#keep(new Set(folded ? book.volumes.map(({ id }) => id) : []));
  }

  showWhole(volume: string): void {
    this.whole = new Set([...this.whole, volume]);
  }

  /** Makes a row be there: its volume is unfolded. */
  bare(id: string): void {
    const volume = book.chapter(id)?.volume_id;
    if (volume && this.folded.has(volume)) this.fold(volume, false);
  }

  /** The row that letters typed one after the other lead to; null where there is none. */
  type(letter: string, now = Date.now()): Row | null {
    this.#typed = now - this.#when < TYPING ? this.#typed + letter : letter;
    this.#when = now;
    return this.rows[typedAhead(this.rows, this.active, this.#typed)] ?? null;
  }

  /** Letters are being typed: a space belongs to them. */
  get typing(): boolean {
    return this.#typed !== "" && Date.now() - this.#when < TYPING;
  }

  #keep(folded: ReadonlySet<string>): void {
    this.folded = folded;
    const ids = [...folded].filter((id) => book.volumes.some((volume) => volume.id === id));
    if (book.id) localStorage.setItem(`yanchi.tree.${book.id}`, JSON.stringify(ids));
  }
}

function read(work: string): string[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(`yanchi.tree.${work}`) ?? "[]");
    return Array.isArray(found) ? found.filter((id) => typeof id === "string") : [];
  } catch {
    return [];
  }
}

export const view = new View();
