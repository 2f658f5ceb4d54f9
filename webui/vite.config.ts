import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const desk = process.env.YANCHI_DESK ?? "http://127.0.0.1:8000";

const WORKER = "sw.js";

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
      },
    },
  },
  server: { proxy: { "/api": desk, "/v1": desk } },
  resolve: {
    alias: { $: fileURLToPath(new URL("./src", import.meta.url)) },
    ...(process.env.VITEST ? { conditions: ["browser"] } : {}),
  },
  test: { environment: "happy-dom", include: ["tests/**/*.test.ts"] },
});
