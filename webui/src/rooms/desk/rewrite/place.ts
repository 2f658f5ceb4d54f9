/** Where the bar of a selection goes: below it, above it, or along the paper's foot. */

export interface Box {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

const GAP = 8;

/** Top left corner, px, of a bar of `width` × `height` that leaves `chosen` free inside `view`. */
export function place(chosen: Box, view: Box, width: number, height: number) {
  const most = Math.max(view.left + GAP, view.right - width - GAP);
  const left = Math.min(Math.max(view.left + GAP, chosen.left), most);
  const below = chosen.bottom + GAP;
  const above = chosen.top - GAP - height;
  if (below >= view.top && below + height <= view.bottom) return { left, top: below };
  if (above >= view.top && above + height <= view.bottom) return { left, top: above };
  return { left, top: view.bottom - height - GAP };
}
