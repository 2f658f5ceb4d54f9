/** The editor as the manuscript handles it: a text goes in, changes are told, nothing is saved. */

import { Editor, getSchema } from "@tiptap/core";
import { closeHistory } from "@tiptap/pm/history";
import type { Node as Doc } from "@tiptap/pm/model";
import { EditorState, Plugin, PluginKey, TextSelection, type Transaction } from "@tiptap/pm/state";
import { Decoration, DecorationSet, type EditorView } from "@tiptap/pm/view";
import { t } from "$/rooms/desk/words";
import { composition } from "./composing";
import { dropped, pasted } from "./paste";
import { Pasts } from "./pasts";
import { extensions, toDoc, toSlice, toText, WISH } from "./schema";
import type { Wish } from "./server";

export interface Change {
  doc: boolean;
  /** The caret, the selection or the text under it. */
  moved: boolean;
  by: "author" | "server";
  wish: Wish | undefined;
}

export interface Putting extends Wish {
  /** Code points before the place; the caret when left out. */
  at?: number;
}

/** Where the author was in a chapter: the caret, and what stood at the top of the paper. */
interface Place {
  chapter: string;
  head: number;
  pos: number;
  /** How far below the paper's upper edge `pos` stood, px. */
  below: number;
}

const PLACE = "yanchi.place";

/** Where the author was when the page was last closed, if it was in `chapter`. */
function lastPlace(chapter: string): Place | undefined {
  const place = JSON.parse(localStorage.getItem(PLACE) ?? "null") as Place | null;
  return place?.chapter === chapter ? place : undefined;
}

/** Transactions that show what the server has. */
const SHOWN = "yanchi-shown";
const FLASH_MS = 1600;
const flash = new PluginKey<DecorationSet>("flash");

export class Sheet {
  #editor: Editor | null = null;
  #blank = EditorState.create({ schema: getSchema(extensions) });
  #plugins: Plugin[] = [];
  #places = new Map<string, Place>();
  #pasts = new Pasts();
  #held = false;
  #flashing: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly told: (change: Change) => void) {}

  get state(): EditorState {
    return this.#editor?.state ?? this.#blank;
  }

  get #view(): EditorView | undefined {
    return this.#editor?.view;
  }

  get #scroller(): HTMLElement | null {
    return this.#view?.dom.closest<HTMLElement>(".scroll") ?? null;
  }

  mount(element: HTMLElement): Editor {
    const editor = new Editor({
      element,
      extensions,
      content: this.state.doc.toJSON(),
      injectCSS: false,
      enableInputRules: false,
      enablePasteRules: false,
      enableCoreExtensions: { delete: false, drop: false, paste: false, textDirection: false },
      coreExtensionOptions: { clipboardTextSerializer: { blockSeparator: "\n" } },
      editorProps: {
        attributes: (state) => attributes(state.doc),
        handleDOMEvents: { paste: pasted, drop: dropped },
        scrollMargin: { top: 72, bottom: 96, left: 0, right: 0 },
        scrollThreshold: { top: 48, bottom: 72, left: 0, right: 0 },
      },
      onTransaction: ({ transaction, appendedTransactions: more = [] }) =>
        this.#told([transaction, ...more]),
    });
    for (const plugin of [composition.plugin(), flashing(), ...this.#plugins]) {
      editor.registerPlugin(plugin);
    }
    this.#editor = editor;
    return editor;
  }

  unmount(): void {
    clearTimeout(this.#flashing);
    this.#pasts.forget();
    this.#editor?.destroy();
    this.#editor = null;
  }

  add(plugin: Plugin): () => void {
    this.#plugins.push(plugin);
    this.#editor?.registerPlugin(plugin);
    return () => {
      this.#plugins = this.#plugins.filter((other) => other !== plugin);
      if (this.#editor && !this.#editor.isDestroyed)
        this.#editor.unregisterPlugin(plugin.spec.key!);
    };
  }

  text(): string {
    return toText(this.state.doc);
  }

  /** What cannot be written in loses the focus; it comes back with the writing. */
  editable(editable: boolean): void {
    const editor = this.#editor;
    if (!editor || editor.options.editable === editable) return;
    const held = editor.view.hasFocus();
    editor.setEditable(editable, false);
    if (editable && this.#held && document.activeElement === document.body) editor.view.focus();
    this.#held = held;
  }

  /** Shows another chapter's text where the author last was in it; what was done in it lately can
   * still be undone, unless another place has changed the text since. */
  open(chapter: string, text: string): void {
    const { schema, plugins } = this.state;
    const place = this.#places.get(chapter) ?? lastPlace(chapter);
    const found =
      this.#pasts.back(chapter, text, plugins) ??
      EditorState.create({ doc: toDoc(schema, text), plugins });
    const head = Math.min(place?.head ?? 1, found.doc.content.size);
    const selection = TextSelection.near(found.doc.resolve(head));
    const state = found.apply(found.tr.setSelection(selection));
    if (!this.#view) this.#blank = state;
    else this.#view.updateState(state);
    if (this.#scroller) this.#scroller.scrollTop = 0;
    if (place?.pos) this.#scroll(place.pos, place.below);
    const idle = document.activeElement === document.body;
    if (idle && matchMedia("(pointer: fine)").matches) this.#view?.focus();
  }

  /** Remembers where the author is in a chapter. */
  leave(chapter: string): void {
    if (this.#view) this.#pasts.keep(chapter, this.state);
    const place = { chapter, head: this.state.selection.head, ...this.#top() };
    this.#places.set(chapter, place);
    localStorage.setItem(PLACE, JSON.stringify(place));
  }

  /** What stands at the top of the paper. */
  #top(): Pick<Place, "pos" | "below"> {
    const view = this.#view;
    const scroller = this.#scroller;
    if (!view || !scroller?.scrollTop) return { pos: 0, below: 0 };
    const { top } = scroller.getBoundingClientRect();
    const { left, width } = view.dom.getBoundingClientRect();
    const pos = view.posAtCoords({ left: left + width / 2, top: top + 4 })?.pos ?? 0;
    return { pos, below: pos && view.coordsAtPos(pos).top - top };
  }

  /** Shows another text of the same chapter; what is the same in both stays as it is. */
  show(text: string, undoable: boolean): void {
    const { state } = this;
    const tr = turned(state.tr, toDoc(state.schema, text));
    if (!tr.docChanged) return;
    if (undoable) closeHistory(tr);
    else tr.setMeta("addToHistory", false);
    this.#dispatch(tr.setMeta(SHOWN, true));
  }

  /** Puts `text` in place of what stands between two positions (the caret when left out). */
  put(from = this.state.selection.head, to = from, text: string, wish: Wish): void {
    const { tr, schema } = this.state;
    tr.replace(from, to, toSlice(schema, text));
    const end = tr.mapping.map(to, 1);
    tr.setSelection(TextSelection.near(tr.doc.resolve(end), -1)).scrollIntoView();
    const { origin, generation, candidate } = wish;
    tr.setMeta(WISH, {
      ...(origin && { origin }),
      ...(generation && { generation, candidate: candidate ?? 0 }),
    });
    this.#dispatch(closeHistory(tr));
    this.#dispatch(closeHistory(this.state.tr)); // what is typed next is a step of its own
  }

  /** Selects a range, scrolls it to a third of the height and lights it up for a moment. */
  reveal(from: number, to: number): void {
    const { state } = this;
    const selection = TextSelection.between(state.doc.resolve(from), state.doc.resolve(to));
    this.#dispatch(state.tr.setSelection(selection).setMeta(flash, { from, to }));
    const view = this.#view;
    const scroller = this.#scroller;
    if (!view || !scroller) return;
    view.focus();
    this.#scroll(from, scroller.clientHeight / 3);
    clearTimeout(this.#flashing);
    this.#flashing = setTimeout(
      () => composition.settled(() => this.#dispatch(this.state.tr.setMeta(flash, "over"))),
      FLASH_MS,
    );
  }

  /** Has `pos` stand `below` the paper's upper edge. */
  #scroll(pos: number, below: number): void {
    const go = () => {
      const view = this.#view;
      const scroller = this.#scroller;
      if (!view || !scroller || pos > view.state.doc.content.size) return;
      const { top } = scroller.getBoundingClientRect();
      scroller.scrollTop += view.coordsAtPos(pos).top - top - below;
    };
    go();
    // What came into sight only now has another height than was guessed.
    if (this.#view?.dom.classList.contains("long")) requestAnimationFrame(go);
  }

  #dispatch(tr: Transaction): void {
    if (this.#view) this.#view.dispatch(tr);
    else this.#blank = this.#blank.apply(tr);
  }

  #told(trs: Transaction[]): void {
    const doc = trs.some((tr) => tr.docChanged);
    const moved = doc || trs.some((tr) => tr.selectionSet);
    if (!moved) return;
    const [root] = trs;
    this.told({
      doc,
      moved,
      by: root?.getMeta(SHOWN) ? "server" : "author",
      wish: root?.getMeta(WISH) as Wish | undefined,
    });
  }
}

/** Of a very long chapter only what is in sight is laid out. */
const LONG = 200;

function attributes(doc: Doc): Record<string, string> {
  return {
    class: doc.childCount > LONG ? "manuscript long" : "manuscript",
    "aria-label": t.manuscript,
    "aria-multiline": "true",
    lang: "zh-CN",
    spellcheck: "false",
    autocorrect: "off",
    autocapitalize: "off",
    translate: "no",
  };
}

/** Turns `tr`'s document into `wanted`, leaving alone what both begin and end with. */
function turned(tr: Transaction, wanted: Doc): Transaction {
  const start = tr.doc.content.findDiffStart(wanted.content);
  if (start === null) return tr;
  const end = tr.doc.content.findDiffEnd(wanted.content)!;
  const overlap = Math.max(0, start - Math.min(end.a, end.b));
  return tr.replace(start, end.a + overlap, wanted.slice(start, end.b + overlap));
}

function flashing(): Plugin<DecorationSet> {
  return new Plugin<DecorationSet>({
    key: flash,
    state: {
      init: () => DecorationSet.empty,
      apply(tr, old) {
        const told = tr.getMeta(flash) as { from: number; to: number } | "over" | undefined;
        if (told === "over") return DecorationSet.empty;
        if (!told) return old.map(tr.mapping, tr.doc);
        return DecorationSet.create(tr.doc, [
          Decoration.inline(told.from, told.to, { class: "flash" }),
        ]);
      },
    },
    props: { decorations: (state) => flash.getState(state) },
  });
}
