import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const desk = process.env.YANCHI_DESK ?? "http://127.0.0.1:8000";

const WORKER = "sw.js";

interface Chunking {
  getModuleInfo(id: string): { importedIds: readonly string[] } | null;
}

const DESK = fileURLToPath(new URL("./src/rooms/desk/Desk.svelte", import.meta.url));
const EDITOR = /\/(src\/editor|node_modules\/(@tiptap|prosemirror-\w+|idb))\//;

/** The file for what the desk shares with other rooms: by default each such module that others
 * share differently is a file of its own, and twenty small ones keep an author waiting. What
 * needs the editor is apart, so that another room's icon does not bring all of it. */
function sharedByDesk(id: string, graph: Chunking): string | null {
  if (!reached(DESK, graph).has(id)) return null;
  return [...reached(id, graph)].some((one) => EDITOR.test(one)) ? "paper" : "common";
}

/** The modules that come with `from`, itself among them. */
function reached(from: string, graph: Chunking, seen = new Set<string>()): Set<string> {
  if (seen.has(from)) return seen;
  seen.add(from);
  for (const next of graph.getModuleInfo(from)?.importedIds ?? []) reached(next, graph, seen);
  return seen;
}

/** Tells the service worker which files to keep, once all their names are known. */
function worker(): Plugin {
  return {
    name: "worker",
    apply: "build",
    enforce: "post",
    generateBundle(_, bundle) {
      const built = Object.keys(bundle).filter((file) => file !== WORKER && file !== "index.html");
      const files = [...built, ...readdirSync("public")].sort();
      const page = bundle["index.html"];
      const hash = createHash("sha256").update(files.join());
      if (page?.type === "asset") hash.update(page.source);
      const chunk = bundle[WORKER];
      if (chunk?.type !== "chunk") throw new Error("the service worker was not built");
      const version = hash.digest("hex").slice(0, 12);
      chunk.code = `const FILES=${JSON.stringify(files)},VERSION="${version}";${chunk.code}`;
    },
  };
}

export default defineConfig({
  plugins: [svelte(), worker()],
  base: "./",
  build: {
    outDir: "dist",
    target: "es2023",
    // The policy allows no inline style and no data: script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    rolldownOptions: {
      input: { index: "index.html", sw: "src/sw.ts" },
      output: {
        entryFileNames: (chunk) => (chunk.name === "sw" ? WORKER : "assets/[name]-[hash].js"),
        codeSplitting: {
          groups: [
            { name: "first", tags: ["$initial"], test: /^(?!.*\/src\/sw\.ts$)/, priority: 1 },
            { name: sharedByDesk, minShareCount: 2 },
          ],
        },
      },
    },
  },
  server: { proxy: { "/api": desk, "/v1": desk } },
  resolve: {
    alias: { $: fileURLToPath(new URL("./src", import.meta.url)) },
    ...(process.env.VITEST ? { conditions: ["browser"] } : {}),
  },
  // A machine that does other work as well is slow, not wrong.
  test: { environment: "happy-dom", include: ["tests/**/*.test.ts"], testTimeout: 60_000 },
});
