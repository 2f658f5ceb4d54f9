import { words } from "$/words/index.svelte";

export const t = words(
  {
    manuscript: "正文",
    paper: "稿纸",
    untitled: "未命名",
    title: "章名",
    otherText: "另一处的改动之外，这边的文字",
    noChapter: "还没有打开章节。",
  },
  {
    manuscript: "Manuscript",
    paper: "Paper",
    untitled: "Untitled",
    title: "Chapter title",
    otherText: "This side's text, beside a change made elsewhere",
    noChapter: "No chapter is open.",
  },
);
