/** The ledger of threads as it stands at one place of the telling. */

import type { Shapes } from "$/api/client";

export type Thread = Shapes["ThreadOut"];
export type Event = Thread["events"][number];
export type State = Thread["state"];

/** A place of the telling: which chapter from 0, how far in it. */
export interface Spot {
  chapter: number;
  offset: number;
}

export interface Standing {
  thread: Thread;
  state: State;
  /** What of it is told by now, in the order of the telling. */
  told: Event[];
  /** Where it comes up in this chapter, before or behind the place. */
  here: Event[];
  /** The chapter by whose end it is to be answered, from 0; -1 for none. */
  due: number;
}

export interface Ledger {
  /** Open, and to be answered in this chapter, the next few, or one that is past. */
  due: Standing[];
  open: Standing[];
  /** Touched in this chapter, whatever they are now. */
  here: Standing[];
}

/** Chapters ahead within which a thread is due soon. */
const SOON = 3;
const ANSWERED: Record<Event["kind"], State> = {
  plant: "planted",
  advance: "advanced",
  resolve: "resolved",
};

/** `indexOf` tells a chapter's place in the telling; -1 for one that is gone. */
export function ledger(threads: Thread[], spot: Spot, indexOf: (id: string) => number): Ledger {
  const all = threads.map((thread) => standing(thread, spot, indexOf));
  const open = all.filter(({ state, told }) => told.length > 0 && isOpen(state));
  const soon = ({ due }: Standing) => due >= 0 && due - spot.chapter <= SOON;
  return {
    due: open.filter(soon).sort((a, b) => a.due - b.due || weight(b) - weight(a)),
    open: open.filter((one) => !soon(one)).sort((a, b) => weight(b) - weight(a)),
    here: all.filter(({ here }) => here.length > 0),
  };
}

function standing(thread: Thread, spot: Spot, indexOf: (id: string) => number): Standing {
  const behind = ({ chapter_id, offset }: Event) => {
    const at = indexOf(chapter_id);
    return at >= 0 && (at < spot.chapter || (at === spot.chapter && offset <= spot.offset));
  };
  const told = thread.events.filter(behind);
  const last = told.at(-1);
  const resolved = told.some(({ kind }) => kind === "resolve");
  const byEvents = resolved ? "resolved" : last ? ANSWERED[last.kind] : "planted";
  return {
    thread,
    // What the author said of it themselves counts whatever the events say.
    state: thread.state_set ? thread.state : byEvents,
    told,
    here: thread.events.filter(({ chapter_id }) => indexOf(chapter_id) === spot.chapter),
    due: thread.due_chapter_id ? indexOf(thread.due_chapter_id) : -1,
  };
}

export function isOpen(state: State): boolean {
  return state === "planted" || state === "advanced";
}

function weight({ thread }: Standing): number {
  return thread.importance;
}
