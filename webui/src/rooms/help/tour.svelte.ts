/** Whether the author was shown round; kept in this browser. */

import { stored } from "$/state/stored.svelte";

export const tour = stored("yanchi.tour", { done: false });
