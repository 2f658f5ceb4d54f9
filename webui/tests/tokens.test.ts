import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const SOURCES = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(svelte|css)$/.test(name))
  .map((name) => readFileSync(`src/${name}`, "utf8"));
const TOKENS = readFileSync("src/styles/tokens.css", "utf8");

/** Set by a component for its own children, or by a library; such a name counts where it is set. */
const set = new Set(
  [TOKENS, ...SOURCES].flatMap((text) =>
    [...text.matchAll(/(--[a-z0-9-]+)["']?\s*[:=,]/g)].map((found) => found[1]!),
  ),
);

test("no style asks for a token that nobody defines", () => {
  const asked = SOURCES.flatMap((text) =>
    [...text.matchAll(/var\((--[a-z0-9-]+)\)/g)].map((found) => found[1]!),
  );
  expect([...new Set(asked)].filter((name) => !set.has(name))).toEqual([]);
});
