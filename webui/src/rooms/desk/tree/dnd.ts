/** Rows taken by the pointer: the library's drag and drop, and the scrolling at the edges. */

import {
  draggable,
  dropTargetForElements,
} from "@atlaskit/pragmatic-drag-and-drop/element/adapter";

const EDGE = 36;
const KIND = "tree-row";

export function source(element: HTMLElement, id: string, can: () => boolean): () => void {
  return draggable({ element, canDrag: can, getInitialData: () => ({ kind: KIND, id }) });
}

export interface Over {
  /** The row and where the pointer is, px from the list's top; null once it has left. */
  move: (id: string, y: number) => void;
  leave: () => void;
  drop: (id: string) => void;
}

/** `list` lies in `box`, which scrolls. */
export function target(box: HTMLElement, list: HTMLElement, over: Over): () => void {
  let by = 0;
  let frame = 0;
  let last: (() => void) | null = null;
  const roll = () => {
    box.scrollTop += by;
    last?.();
    frame = by ? requestAnimationFrame(roll) : 0;
  };
  const rest = () => {
    by = 0;
    last = null;
  };
  const stop = dropTargetForElements({
    element: box,
    canDrop: ({ source }) => source.data.kind === KIND,
    onDrag({ source, location }) {
      const y = location.current.input.clientY;
      const { top, bottom } = box.getBoundingClientRect();
      by = y < top + EDGE ? -8 : y > bottom - EDGE ? 8 : 0;
      last = () => over.move(String(source.data.id), y - list.getBoundingClientRect().top);
      last();
      if (by && !frame) frame = requestAnimationFrame(roll);
    },
    onDragLeave() {
      rest();
      over.leave();
    },
    onDrop({ source, location }) {
      rest();
      // The pointer may have come here faster than the drag was told of.
      const y = location.current.input.clientY - list.getBoundingClientRect().top;
      over.move(String(source.data.id), y);
      over.drop(String(source.data.id));
    },
  });
  return () => {
    rest();
    cancelAnimationFrame(frame);
    stop();
  };
}
