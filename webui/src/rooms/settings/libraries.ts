/** What the page carries, with its licence; a test holds the list to package.json. */
export const LIBRARIES = [
  { name: "@atlaskit/pragmatic-drag-and-drop", license: "Apache-2.0" },
  { name: "@lucide/svelte", license: "ISC" },
  { name: "@tiptap/core", license: "MIT" },
  { name: "@tiptap/pm", license: "MIT" },
  { name: "bits-ui", license: "MIT" },
  { name: "d3-force", license: "ISC" },
  { name: "diff", license: "BSD-3-Clause" },
  { name: "idb", license: "ISC" },
  { name: "openapi-fetch", license: "MIT" },
  { name: "svelte", license: "MIT" },
  { name: "yaml", license: "ISC" },
];
