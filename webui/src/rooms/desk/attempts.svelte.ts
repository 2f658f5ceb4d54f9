/** The continuations at one place of the chapter: written, leafed through, taken or refused.
 *
 * Nothing here is part of the document. What is taken goes in through the paper, the ghost in
 * the paper tells what of it now stands there (`taken`), and every attempt stays in the
 * server's log whatever becomes of it.
 *
 *     idle → loading → streaming → ready → idle
 *                 ↘ starting, offline, error ↗
 */

import { isOffline, Refusal } from "$/api/client";
import type { ServerEvent } from "$/api/events";
import { announce } from "$/state/announce.svelte";
import { clauseOf, whole } from "$/text/clauses";
import { chars } from "$/text/count";
import { count } from "$/words/index.svelte";
import {
  Attempt,
  fromLog,
  type Candidate,
  type End,
  type Past,
  type Prompt,
  type Wish,
} from "./beat/attempt.svelte";
import type { Ports } from "./beat/ports";
import { t } from "./beat/words";

export type { Attempt, Candidate, Past, Prompt, Wish };
export type State = "idle" | "loading" | "streaming" | "ready" | "error" | "offline" | "starting";

/** The longest that taking waits for the snapshot before it; the revision is kept anyway. */
const SNAPSHOT_MS = 1500;

export class Attempts {
  state = $state<State>("idle");
  /** What a loading attempt is at. */
  step = $state<"saving" | "gathering" | "reading">("saving");
  /** All attempts at this place, oldest first. */
  list = $state<Attempt[]>([]);
  current = $state<Candidate | null>(null);
  /** The beginning that the candidates share with the document by now. */
  taken = $state("");
  /** The cause of an error, in the server's words or ours. */
  sentence = $state("");
  /** Start as soon as the engine can write. */
  waiting = $state(false);
  #last = $state<Attempt | null>(null);

  /** What is shown, or what was last written in this chapter: whose prompt can be looked at. */
  readonly shown = $derived<Attempt | null>(this.current?.attempt ?? this.#last);
  readonly prompt = $derived<Prompt | null>(this.shown?.prompt ?? null);
  readonly generation = $derived<string | null>(this.shown?.generation ?? null);

  /** The candidates that go on from where the document now ends. */
  readonly candidates = $derived<Candidate[]>(
    this.list
      .flatMap((attempt) => attempt.candidates)
      .filter(
        ({ text, end }) =>
          (text.startsWith(this.taken) && text.length > this.taken.length) ||
          (end === "writing" && this.taken.startsWith(text)),
      ),
  );
  /** What of the current candidate is not in the document. */
  readonly rest = $derived(this.current?.text.slice(this.taken.length) ?? "");
  /** Something stands there to be taken. */
  readonly offered = $derived(this.rest.trim() !== "");

  #ports: Ports | null = null;
  #stopper: AbortController | null = null;
  #drawing = false;
  #snapshot: Promise<unknown> | null = null;
  #takings: Promise<unknown> = Promise.resolve();

  get busy(): boolean {
    return this.state === "loading" || this.state === "streaming";
  }

  /** Joins the attempts to a paper; the returned function parts them. */
  attach(ports: Ports): () => void {
    this.#ports = ports;
    ports.ghost.onTaken = (text) => this.#entered(text);
    ports.ghost.onGone = () => this.refuse();
    return () => {
      this.leave();
      this.#ports = null;
    };
  }

  /** Writes on at the caret; at the ghost's place where the caret, or an override, means that. */
  async start(overrides: Wish = {}): Promise<void> {
    const ports = this.#ports;
    if (!ports?.paper.chapter || this.busy) return;
    const caret = ports.paper.posAt(ports.paper.caret());
    const here = ports.ghost.pos === caret || Object.keys(overrides).length > 0;
    if (this.offered && here) return this.again(overrides);
    this.refuse();
    ports.ghost.open(caret);
    await this.#run(ports, overrides);
  }

  /** Another attempt at the ghost's place; what was written there can still be leafed to. */
  async again(overrides: Wish = {}): Promise<void> {
    const ports = this.#ports;
    if (!ports || this.busy) return;
    if (ports.ghost.pos === null) return this.start(overrides);
    if (this.taken) {
      this.#judge();
      Object.assign(this, { list: [], taken: "" });
    }
    this.current = null;
    ports.ghost.write("", true);
    await this.#run(ports, overrides);
  }

  /** Ends the stream at once; what is written can still be taken. */
  stop(): void {
    if (!this.busy) return;
    this.#end("stopped");
    if (!this.offered) return this.#clear();
    this.state = "ready";
    announce(t.stopped(count(chars(this.rest))));
  }

  /** Lets go of what is offered; it stays in the log. */
  refuse(): void {
    this.#end("stopped");
    this.#judge();
    this.#clear();
  }

  /** Lets go without a verdict, as when another chapter is opened. */
  leave(): void {
    this.#end("stopped");
    this.#clear();
    this.#last = null;
  }

  /** Puts all that is offered into the document: one step to undo. */
  take(): Promise<void> {
    this.stop();
    return this.#put(() => this.rest);
  }

  /** Puts the next clause into the document; the ghost keeps the others. */
  takeClause(): Promise<void> {
    return this.#put(() => clauseOf(this.#growing ? whole(this.rest) : this.rest));
  }

  /** The next candidate (+1) or the one before (−1), around the end. */
  leaf(by: 1 | -1): void {
    const all = this.candidates;
    if (all.length < 2 || !this.current) return;
    this.current = all[(all.indexOf(this.current) + by + all.length) % all.length] ?? null;
    this.#draw();
  }

  /** Puts an attempt of the log back as a ghost, at `at` (code points) or the caret. */
  recall(past: Past, index = 0, at?: number): void {
    const ports = this.#ports;
    if (!ports?.paper.chapter) return;
    this.refuse();
    ports.ghost.open(ports.paper.posAt(at ?? ports.paper.caret()));
    const attempt = fromLog(past);
    this.list = [attempt];
    this.current = attempt.candidates[index] ?? null;
    this.state = "ready";
    this.#draw();
  }

  /** The engine (or the service) is there again; somebody may have waited for it. */
  async engineReady(): Promise<void> {
    if (this.state === "starting" || this.state === "offline") this.#clear();
    const wanted = this.waiting;
    this.waiting = false;
    if (wanted) await this.start();
  }

  get #growing(): boolean {
    return this.current?.end === "writing";
  }

  async #run(ports: Ports, overrides: Wish): Promise<void> {
    const stopper = new AbortController();
    this.#stopper = stopper;
    Object.assign(this, { state: "loading", sentence: "", waiting: false });
    try {
      await this.#ask(ports, overrides, stopper.signal);
      if (this.#stopper === stopper) this.#finish();
    } catch (error) {
      // Whoever stopped it has already seen to what comes of it.
      if (this.#stopper === stopper) this.#fail(error);
    }
  }

  async #ask(ports: Ports, overrides: Wish, signal: AbortSignal): Promise<void> {
    for (let retried = false; ; retried = true) {
      try {
        return await this.#write(ports, overrides, signal);
      } catch (error) {
        // Saved elsewhere in between: what is there now is what is to be gone on from.
        const stale = error instanceof Refusal && error.code === "stale_revision";
        if (!stale || retried) throw error;
      }
    }
  }

  async #write(ports: Ports, overrides: Wish, signal: AbortSignal): Promise<void> {
    const { paper, ghost, wish, ask } = ports;
    this.step = "saving";
    const revision = await paper.flush();
    signal.throwIfAborted();
    this.step = "gathering";
    const offset = paper.pointsAt(ghost.pos ?? 0);
    const body = { ...wish(), ...overrides, offset, revision, stream: true };
    const path = `/api/works/${paper.work}/chapters/${paper.chapter}/continue`;
    const attempt = new Attempt();
    for await (const event of ask(path, body, signal)) {
      signal.throwIfAborted(); // what was already on its way belongs to nobody now
      if (this.#hear(attempt, event)) return;
    }
    throw brokenOff();
  }

  /** Takes one event in; true when it was the last. */
  #hear(attempt: Attempt, { event, data }: ServerEvent): boolean {
    if (event === "prompt") this.#prompted(attempt, data as Prompt & { generation: string });
    if (event === "delta") this.#grow(attempt, data as { index: number; text: string });
    if (event === "error") {
      throw new Refusal((data as { error: { code: string; message: string } }).error, 0);
    }
    if (event !== "done") return false;
    const { candidates } = data as { candidates: { text: string }[] };
    candidates.forEach(({ text }, n) => (attempt.candidate(n).text = text));
    return true;
  }

  #prompted(attempt: Attempt, { generation, ...prompt }: Prompt & { generation: string }): void {
    Object.assign(attempt, { generation, prompt });
    this.list.push(attempt);
    this.#last = attempt;
    this.step = "reading";
  }

  #grow(attempt: Attempt, { index, text }: { index: number; text: string }): void {
    const candidate = attempt.candidate(index);
    candidate.text += text;
    this.current ??= candidate;
    if (candidate !== this.current) return;
    if (this.offered) this.state = "streaming";
    this.#drawSoon();
  }

  #finish(): void {
    this.#end("whole");
    if (!this.offered) return this.#troubled("error", t.nothing);
    this.state = "ready";
    announce(t.ready(count(chars(this.rest))));
  }

  #fail(cause: unknown): void {
    this.#end("cut");
    const error = cause instanceof Refusal ? cause : brokenOff();
    this.waiting = error.code === "engine_starting";
    const away = isOffline(error) ? "offline" : "error";
    this.#troubled(this.waiting ? "starting" : away, error.message);
  }

  #troubled(state: State, sentence: string): void {
    if (!this.offered) this.#clear();
    Object.assign(this, { state, sentence });
    announce(sentence);
  }

  /** Nothing more comes; shows what there is of this attempt, or of an earlier one. */
  #end(end: End): void {
    if (!this.#stopper) return;
    this.#stopper.abort();
    this.#stopper = null;
    this.list.at(-1)?.close(end);
    if (!this.offered) this.current = this.#newest();
    this.#draw();
  }

  /** The first text of the last attempt that has any. */
  #newest(): Candidate | null {
    const last = this.candidates.at(-1);
    return this.candidates.find(({ attempt }) => attempt === last?.attempt) ?? null;
  }

  /** One after the other, so that two quick keys take two clauses. */
  #put(piece: () => string): Promise<void> {
    const put = this.#takings.then(async () => {
      const ports = this.#ports;
      if (!ports || !piece()) return;
      this.#snapshot ??= within(SNAPSHOT_MS, ports.paper.snapshot(t.before, "before"));
      await this.#snapshot;
      this.#insert(ports, piece());
    });
    this.#takings = put.catch(() => {});
    return put;
  }

  #insert({ paper, ghost }: Ports, text: string): void {
    const { current } = this;
    if (!current || ghost.pos === null || !text) return;
    current.attempt.accepted = true;
    const generation = current.attempt.generation ?? undefined;
    const from = generation ? { generation, candidate: current.index } : {};
    paper.insert(text, { at: paper.pointsAt(ghost.pos), ...from });
  }

  /** The ghost's first characters stand in the document, taken or typed. */
  #entered(text: string): void {
    this.taken += text;
    if (this.offered || this.busy) return;
    const accepted = this.current?.attempt.accepted ?? false;
    this.#judge();
    this.#clear();
    if (accepted) this.#ports?.taken();
  }

  /** Notes what was not wanted of all that could be seen here. */
  #judge(): void {
    const work = this.#ports?.paper.work;
    for (const { generation, accepted } of this.list)
      if (work && generation && !accepted) this.#ports?.refused(work, generation);
  }

  #clear(): void {
    this.#ports?.ghost.close();
    this.#snapshot = null;
    Object.assign(this, { state: "idle", list: [], current: null, taken: "", sentence: "" });
  }

  #drawSoon(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    this.#ports?.frame(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  #draw(): void {
    if (this.current) this.#ports?.ghost.write(this.rest, this.#growing);
  }
}

function brokenOff(): Refusal {
  return new Refusal({ code: "cut_off", message: t.brokeOff, retryable: true }, 0);
}

/** Waits for `work`, but no longer than `ms` and whatever comes of it. */
function within(ms: number, work: Promise<unknown>): Promise<unknown> {
  return Promise.race([work.catch(() => {}), new Promise((go) => setTimeout(go, ms))]);
}

export const attempts = new Attempts();
