/** The service worker: keeps the page's own files, so that a reload while the service is away
 * still opens the editor. It keeps nothing that `/api` answers.
 *
 * The build writes the list of files in (vite.config.ts); their hash names the cache.
 */

export {};

declare const FILES: string[];
declare const VERSION: string;

interface Lasting extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Lasting {
  request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Worker {
  location: Location;
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  addEventListener(type: "install" | "activate", then: (event: Lasting) => void): void;
  addEventListener(type: "fetch", then: (event: Fetching) => void): void;
}

const PREFIX = "yanchi-page-";
const PAGE = "./";
const worker = self as unknown as Worker;
const home = new URL(PAGE, worker.location.href).href;
const kept = new Set(FILES.map((file) => new URL(file, worker.location.href).href));

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const address = request.url.replace(/[?#].*$/, "");
  if (address === home) event.respondWith(page(request));
  else if (kept.has(address)) event.respondWith(file(request));
});

async function install(): Promise<void> {
  const cache = await caches.open(PREFIX + VERSION);
  // Past the browser's own cache, where an old index may lie; a name with a hash is never old.
  const request = (name: string) =>
    new Request(name, { cache: name.startsWith("assets/") ? "default" : "reload" });
  await cache.addAll([PAGE, ...FILES].map(request));
  await worker.skipWaiting();
}

/** Tabs opened before an upgrade still fetch their own files: the version before stays. */
async function activate(): Promise<void> {
  const ours = (await caches.keys()).filter((name) => name.startsWith(PREFIX));
  const past = ours.filter((name) => name !== PREFIX + VERSION);
  await Promise.all(past.slice(0, -1).map((name) => caches.delete(name)));
  await worker.clients.claim();
}

/** The service's page while it answers, the kept one when it does not. */
async function page(request: Request): Promise<Response> {
  const fresh = await fetch(request).catch(() => null);
  if (fresh && fresh.status < 500) return fresh;
  const cache = await caches.open(PREFIX + VERSION);
  return (await cache.match(PAGE)) ?? fresh ?? Response.error();
}

/** A file's name carries its hash: what is kept cannot be out of date. */
async function file(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request);
}
