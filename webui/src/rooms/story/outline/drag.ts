/** Lines of the outline taken by the pointer: before, behind or under another. */

import {
  draggable,
  dropTargetForElements,
} from "@atlaskit/pragmatic-drag-and-drop/element/adapter";
import { combine } from "@atlaskit/pragmatic-drag-and-drop/combine";

const KIND = "outline-node";
export type Where = "before" | "after" | "inside";

interface How {
  id: string;
  /** What a place of the pointer means, 0 at the element's beginning, 1 at its end. */
  where: (share: number) => Where;
  /** The pointer's way counts from left to right. */
  across?: boolean;
  over: (where: Where | null) => void;
  drop: (id: string, where: Where) => void;
}

/** Makes an element one that can be dragged and dropped on. */
export function movable(how: How) {
  return (element: HTMLElement): (() => void) => {
    const whereAt = (input: { clientX: number; clientY: number }) => {
      const { left, top, width, height } = element.getBoundingClientRect();
      return how.where(
        how.across ? (input.clientX - left) / width : (input.clientY - top) / height,
      );
    };
    return combine(
      draggable({ element, getInitialData: () => ({ kind: KIND, id: how.id }) }),
      dropTargetForElements({
        element,
        canDrop: ({ source }) => source.data.kind === KIND && source.data.id !== how.id,
        onDrag: ({ location, self }) =>
          how.over(
            location.current.dropTargets[0]?.element === self.element
              ? whereAt(location.current.input)
              : null,
          ),
        onDragLeave: () => how.over(null),
        onDrop({ source, location, self }) {
          how.over(null);
          if (location.current.dropTargets[0]?.element !== self.element) return;
          how.drop(String(source.data.id), whereAt(location.current.input));
        },
      }),
    );
  };
}

/** The upper quarter is before, the lower one behind, what lies between is inside. */
export function inRow(share: number): Where {
  if (share < 0.28) return "before";
  return share > 0.72 ? "after" : "inside";
}

export function onCard(share: number): Where {
  return share < 0.5 ? "before" : "after";
}
