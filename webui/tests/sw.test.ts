import { beforeEach, expect, test, vi } from "vitest";

const HERE = "http://desk.test/";

/** The Cache API, in memory. */
class Store {
  all = new Map<string, Map<string, string>>();

  open = async (name: string) => {
    if (!this.all.has(name)) this.all.set(name, new Map());
    const files = this.all.get(name)!;
    return {
      addAll: async (wanted: { url: string }[]) => {
        for (const { url } of wanted) files.set(url, await (await fetch(url)).text());
      },
      match: async (name: string) => this.#found(files, new URL(name, HERE).href),
    };
  };
  keys = async () => [...this.all.keys()];
  delete = async (name: string) => this.all.delete(name);
  match = async (request: { url: string }) => {
    for (const files of this.all.values())
      if (files.has(request.url)) return this.#found(files, request.url);
    return undefined;
  };
  #found(files: Map<string, string>, url: string) {
    return files.has(url) ? new Response(files.get(url)) : undefined;
  }
}

let store: Store;
let server: Map<string, string> | null;
let told: Map<string, (event: unknown) => void>;

/** A worker of `version` that keeps `files`, installed and in charge. */
async function work(version: string, files: string[]): Promise<void> {
  told = new Map();
  vi.resetModules();
  vi.stubGlobal("FILES", files);
  vi.stubGlobal("VERSION", version);
  vi.stubGlobal("self", {
    location: { href: `${HERE}sw.js` },
    skipWaiting: async () => {},
    clients: { claim: async () => {} },
    addEventListener: (type: string, then: (event: unknown) => void) => told.set(type, then),
  });
  await import("../src/sw");
  for (const step of ["install", "activate"]) {
    const waited: Promise<unknown>[] = [];
    told.get(step)!({ waitUntil: (work: Promise<unknown>) => waited.push(work) });
    await Promise.all(waited);
  }
}

/** What the worker answers; null where it leaves the request to the browser. */
async function ask(path: string, method = "GET"): Promise<string | null> {
  let answer: Promise<Response> | null = null;
  const request = { url: new URL(path, HERE).href, method };
  told.get("fetch")!({ request, respondWith: (given: Promise<Response>) => (answer = given) });
  return answer === null ? null : (await (answer as Promise<Response>)).text();
}

beforeEach(() => {
  store = new Store();
  server = new Map([
    ["", "page one"],
    ["assets/a-1.js", "a one"],
  ]);
  vi.stubGlobal("caches", store);
  vi.stubGlobal(
    "Request",
    class {
      url: string;
      constructor(name: string) {
        this.url = new URL(name, HERE).href;
      }
    },
  );
  vi.stubGlobal("fetch", async (wanted: string | { url: string }) => {
    const url = typeof wanted === "string" ? wanted : wanted.url;
    if (server === null) throw new TypeError("away");
    const found = server.get(url.slice(HERE.length).replace(/#.*/, ""));
    return new Response(found ?? "none", { status: found === undefined ? 404 : 200 });
  });
});

test("with the service away the page and its files still open", async () => {
  await work("1", ["assets/a-1.js"]);
  server = null;
  expect(await ask("")).toBe("page one");
  expect(await ask("?from=mail")).toBe("page one");
  expect(await ask("assets/a-1.js")).toBe("a one");
});

test("with the service there its own page counts, not the kept one", async () => {
  await work("1", ["assets/a-1.js"]);
  server!.set("", "page two");
  expect(await ask("")).toBe("page two");
});

test("what is not a file of the page is never touched", async () => {
  await work("1", ["assets/a-1.js"]);
  for (const path of ["api/works", "api/health", "v1/models", "docs", "assets/other.js"])
    expect(await ask(path)).toBeNull();
  expect(await ask("", "POST")).toBeNull();
  const kept = [...store.all.values()].flatMap((files) => [...files.keys()]);
  expect(kept.sort()).toEqual([HERE, `${HERE}assets/a-1.js`]);
});

test("an upgrade keeps the version before it for tabs still open, and no older one", async () => {
  await work("1", ["assets/a-1.js"]);
  server!.set("assets/a-2.js", "a two");
  await work("2", ["assets/a-2.js"]);
  server!.delete("assets/a-1.js");
  expect(await ask("assets/a-2.js")).toBe("a two");
  server!.set("assets/a-3.js", "a three");
  expect(await store.match({ url: `${HERE}assets/a-1.js` })).toBeDefined();
  await work("3", ["assets/a-3.js"]);
  expect(await store.keys()).toEqual(["yanchi-page-2", "yanchi-page-3"]);
});
