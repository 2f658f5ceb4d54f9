/** The find bar and what stands behind it, fetched together. */

export { finder } from "$/editor/finder.svelte";
export { default as Find } from "./Find.svelte";
