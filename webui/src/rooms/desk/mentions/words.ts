import { words } from "$/words/index.svelte";

export const t = words(
  {
    card: (name: string) => `人物：${name}`,
    show: "看光标前的人物",
    upTo: (chapter: string) => `截至${chapter}`,
    unknown: "还不知",
    withWhom: (name: string) => `与${name}`,
    several: "这个名字不止一人",
    empty: "人物册里还没有写什么。",
    toTable: "在旁证里看",
    nobody: "光标前没有人物的名字。",
    more: (n: number) => `还有 ${n} 条`,
  },
  {
    card: (name: string) => `Character: ${name}`,
    show: "Who is named before the caret",
    upTo: (chapter: string) => `as of ${chapter}`,
    unknown: "Unaware",
    withWhom: (name: string) => `To ${name}`,
    several: "Several share this name",
    empty: "The sheet says nothing yet.",
    toTable: "Open in the side panel",
    nobody: "Nobody is named before the caret.",
    more: (n: number) => `${n} more`,
  },
);
