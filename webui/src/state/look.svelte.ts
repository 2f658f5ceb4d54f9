/** How the page looks on this screen: theme, language, type. Kept in this browser. */

import { stored } from "./stored.svelte";

export type Theme = "system" | "light" | "sepia" | "dark";
export type Language = "zh" | "en";

export interface Look {
  theme: Theme;
  language: Language;
  /** The manuscript's type size, px. */
  size: number;
  /** Line height, in type sizes. */
  leading: number;
  /** Widest line, in type sizes. */
  measure: number;
  /** First-line indent by style, in type sizes; 0 for none. */
  indent: number;
  typewriter: boolean;
  focus: boolean;
  treeOpen: boolean;
  sideOpen: boolean;
}

export const plainLook: Readonly<Look> = {
  theme: "system",
  language: "zh",
  size: 18,
  leading: 1.9,
  measure: 38,
  indent: 2,
  typewriter: false,
  focus: false,
  treeOpen: true,
  sideOpen: true,
};

export const look = stored<Look>("yanchi.look", plainLook);

/** Puts the look onto the document; call once, inside an effect. */
export function wear(now: Look): void {
  const root = document.documentElement;
  if (now.theme === "system") delete root.dataset.theme;
  else root.dataset.theme = now.theme;
  root.lang = now.language === "zh" ? "zh-CN" : "en";
  const style = root.style;
  // The page's own size on a very large screen stands until the author chooses another.
  if (now.size === plainLook.size) style.removeProperty("--ms-size");
  else style.setProperty("--ms-size", `${now.size}px`);
  style.setProperty("--ms-leading", String(now.leading));
  style.setProperty("--ms-measure", `${now.measure}em`);
  style.setProperty("--ms-indent", `${now.indent}em`);
}
