/** Looks for an expression beside the page, so that one that never ends can be given up. */

import { spots } from "./pattern";
import type { Sought } from "./seeker";

addEventListener("message", ({ data }: MessageEvent<Sought>) => {
  postMessage(spots(data.lines, data.pattern));
});
