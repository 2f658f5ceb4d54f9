import { defineConfig } from "vite";

/** `vite build --config bench/vite.config.ts --outDir …`: the peer's page alone. */
export default defineConfig({ root: "bench/plain", base: "./", build: { target: "es2023" } });
