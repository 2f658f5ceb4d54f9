/** The peer of `make bench-web`: TipTap as its own guide sets it up, with the same text in it. */

import { Editor } from "@tiptap/core";
import StarterKit from "@tiptap/starter-kit";

const text = await (await fetch("./text.txt")).text();
const content = text.split("\n").map((line) => ({
  type: "paragraph",
  ...(line ? { content: [{ type: "text", text: line }] } : {}),
}));
new Editor({
  element: document.querySelector("#paper"),
  extensions: [StarterKit],
  content: { type: "doc", content },
});
