/** What the author does to the tree, with what is told about it. */

import { manuscript } from "$/editor/manuscript.svelte";
import { announce } from "$/state/announce.svelte";
import { book, type Chapter, type Volume } from "$/state/book.svelte";
import { stepped, type Order } from "$/state/order";
import { route } from "$/state/route.svelte";
import { toasts } from "$/state/toasts.svelte";
import { c } from "$/words/common";
import { titled } from "../title";
import { chinese, following } from "./numbers";
import { titleOf } from "./rows";
import { same } from "./drop";
import { view } from "./view.svelte";
import { t } from "./words";

export type Status = "outline" | "draft" | "done" | "locked";
export const STATUSES: Status[] = ["outline", "draft", "done", "locked"];

export function nameOf(id: string): string {
  const chapter = book.chapter(id);
  if (chapter) return titleOf(chapter) || t.untitled;
  return book.volumes.find((volume) => volume.id === id)?.title ?? "";
}

export function open(chapter: string): void {
  if (book.id) route.go({ name: "desk", work: book.id, chapter, span: null });
}

/** A chapter behind `after`, opened for writing. */
export async function newChapter(after: string | null = manuscript.chapter): Promise<void> {
  const before = book.chapter(after) ?? book.chapters.at(-1);
  await arrive(await book.add(before?.id ?? null, ownTitle(before)));
}

/** A chapter at the beginning of an empty volume, or at the end of one with chapters. */
export async function newChapterIn(volume: Volume): Promise<void> {
  const last = book.chapters.findLast((chapter) => chapter.volume_id === volume.id);
  if (last) return newChapter(last.id);
  await arrive(await book.addAt({ title: ownTitle(book.chapters.at(-1)), volume_id: volume.id }));
}

async function arrive(made: Chapter | undefined): Promise<void> {
  if (!made) return;
  view.bare(made.id);
  open(made.id);
  announce(nameOf(made.id));
}

/** Where the author numbers the chapters, a new one begins with the number that follows. */
function ownTitle(before: Chapter | undefined): string {
  return before && book.work?.numbering === "own" ? following(before.label) : "";
}

export async function newVolume(): Promise<void> {
  const made = await book.addVolume(t.volumeTitle(chinese(book.volumes.length + 1)));
  if (made) Object.assign(view, { walked: made.id, renaming: made.id });
}

export async function rename(id: string, name: string): Promise<void> {
  const chapter = book.chapter(id);
  if (!chapter) {
    if (name && name !== nameOf(id)) await book.renameVolume(id, name);
    return;
  }
  const parts = titled(book.work, chapter);
  if (name === parts.name) return;
  const title = parts.whole(name);
  await book.change(id, { title }, { title, name });
}

export async function mark(id: string, status: Status): Promise<void> {
  // A locked chapter takes no more text: what is unsaved goes first.
  if (status === "locked" && manuscript.chapter === id) await manuscript.flush();
  if (await book.change(id, { status }, { status })) announce(`${nameOf(id)} ${t[status]}`);
}

/** Into the bin, with the way back. */
export async function bin(id: string): Promise<void> {
  const name = nameOf(id);
  if (manuscript.chapter === id) await leave(id);
  if (!(await book.bin(id))) return;
  offer(t.binned(name), async () => {
    if (await book.restore(id)) open(id);
  });
}

/** The open chapter is saved, and its neighbour opened. */
async function leave(id: string): Promise<void> {
  await manuscript.flush();
  const at = book.chapters.findIndex((chapter) => chapter.id === id);
  const next = book.chapters[at + 1] ?? book.chapters[at - 1];
  if (next) open(next.id);
}

export async function dropVolume(volume: Volume): Promise<void> {
  const { order } = book;
  if (!(await book.dropVolume(volume.id))) return;
  offer(t.volumeDropped(volume.title), async () => {
    const again = await book.addVolume(volume.title);
    if (!again) return;
    const id = (old: string) => (old === volume.id ? again.id : old);
    await book.arrange({
      loose: order.loose,
      volumes: order.volumes.map((one) => ({ id: id(one.id), chapters: one.chapters })),
    });
  });
}

function offer(sentence: string, undo: () => Promise<void>): void {
  toasts.show(
    { kind: "told", sentence, action: { label: c.undo, run: () => void undo() } },
    12_000,
  );
}

/** One step up or down; told either way. */
export async function step(id: string, by: 1 | -1): Promise<void> {
  const order = stepped(book.order, id, by);
  if (!order) return announce(t.edge);
  await arrange(id, order);
}

export async function arrange(id: string, order: Order): Promise<void> {
  if (same(order, book.order)) return;
  const done = book.arrange(order);
  view.bare(id);
  announce(whereOf(id));
  await done;
}

/** `第三章 渡口 移到卷二第 2 章` */
function whereOf(id: string): string {
  const { loose, volumes } = book.order;
  const name = nameOf(id);
  const at = volumes.findIndex((volume) => volume.id === id);
  if (at >= 0) return t.movedVolume(name, at + 1);
  const group = volumes.find((volume) => volume.chapters.includes(id));
  const place = (group?.chapters ?? loose).indexOf(id) + 1;
  return t.moved(name, group ? nameOf(group.id) : t.outside, place);
}
