/** The rewriting of a selection: asked for, looked at change by change, then put in at once.
 *
 * What changes is shown as it comes; it can be taken when all is there, or the author stops it.
 * The original stays as it is until every change is taken or refused; then what was taken goes
 * in as one step of undo.
 *
 *     closed → open → loading → streaming → review → closed
 *                ↖ same, error, stopped ↙
 */

import { Refusal, type Shapes } from "$/api/client";
import type { stream } from "$/api/client";
import type { ServerEvent } from "$/api/events";
import type { Marks, Verdict } from "$/editor/diff";
import { announce } from "$/state/announce.svelte";
import { toasts } from "$/state/toasts.svelte";
import { Growing } from "$/text/growing";
import { applied, type Hunk } from "$/text/hunks";
import { t } from "./words";

export type Task =
  "rewrite" | "expand" | "condense" | "polish" | "describe" | "dialogue" | "custom";
export const SENSES = ["视", "听", "嗅", "味", "触"] as const;
export type Sense = (typeof SENSES)[number];

export interface Asked {
  task: Task;
  instruction?: string;
  /** Whose voice: a character's id. */
  character?: string | null;
  senses?: Sense[];
}

export interface Paper {
  readonly work: string | null;
  readonly chapter: string | null;
  pointsAt(pos: number): number;
  flush(): Promise<number>;
  replace(start: number, end: number, text: string, how: object): void;
  snapshot(label: string, kind: "author" | "before"): Promise<void>;
}

export interface Ports {
  paper: Paper;
  marks: Pick<Marks, "open" | "propose" | "close" | "stretch" | "onGone" | "onPick">;
  ask: typeof stream;
  /** How the author likes it: adapter, sampling, viewpoint. */
  wish: () => Partial<Shapes["ContinueIn"]>;
  refused: (work: string, generation: string) => void;
  /** The paper gets the focus back. */
  focus: () => void;
}

export type State = "closed" | "open" | "loading" | "streaming" | "review" | "same" | "error";

export class Rewriting {
  state = $state<State>("closed");
  asked = $state.raw<Asked>({ task: "rewrite" });
  hunks = $state.raw<Hunk[]>([]);
  verdicts = $state<Verdict[]>([]);
  /** The hunk that the keys are about. */
  at = $state(0);
  /** The new text as far as it has come. */
  text = $state("");
  sentence = $state("");
  readonly left = $derived(this.verdicts.filter((verdict) => verdict === "open").length);
  #growing: Growing | null = null;
  #drawing: ReturnType<typeof setTimeout> | undefined;
  #generation: string | null = null;
  #ports: Ports | null = null;
  #stopper: AbortController | null = null;

  get busy(): boolean {
    return this.state === "loading" || this.state === "streaming";
  }

  attach(ports: Ports): () => void {
    this.#ports = ports;
    ports.marks.onGone = () => this.#gone();
    ports.marks.onPick = (hunk, fresh) => this.decide(fresh, hunk);
    return () => {
      this.close();
      this.#ports = null;
    };
  }

  /** Opens the bar for what is selected. */
  openBar(): void {
    if (this.busy || !this.#ports) return;
    if (this.state !== "closed") this.close();
    if (!this.#ports.marks.open()) return announce(t.nothing);
    this.state = "open";
  }

  /** Leaves all as it is. */
  close(): void {
    if (this.state === "closed") return;
    this.#stopper?.abort();
    this.#stopper = null;
    this.#refuse();
    this.#ports?.marks.close();
    Object.assign(this, { state: "closed", hunks: [], verdicts: [], at: 0, text: "" });
  }

  /** Asks again with another wish: the proposal goes, the stretch stays. */
  another(): void {
    this.stop();
    this.#refuse();
    this.#ports?.marks.propose(null);
    Object.assign(this, { state: "open", hunks: [], verdicts: [] });
  }

  /** No more is written; the changes that have come can be taken. */
  stop(): void {
    if (!this.busy) return;
    this.#stopper?.abort();
    this.#growing?.grow(this.text.trimStart());
    const came = this.#growing?.stopped() ?? [];
    if (came.length) return this.#propose(came);
    this.#stopper = null;
    this.#ports?.marks.propose(null);
    this.state = "open";
  }

  async run(asked: Asked = this.asked): Promise<void> {
    const ports = this.#ports;
    const stretch = ports?.marks.stretch;
    if (!ports || !stretch || this.busy) return;
    const stopper = new AbortController();
    this.#stopper = stopper;
    this.#refuse();
    Object.assign(this, { asked, state: "loading", text: "", sentence: "" });
    const growing = (this.#growing = new Growing(stretch.text));
    try {
      const fresh = await this.#ask(ports, stopper.signal);
      if (this.#stopper === stopper) this.#propose(growing.whole(fresh));
    } catch (error) {
      if (this.#stopper === stopper) this.#fail(error);
    }
  }

  /** Goes to the next change that is not decided (or the one before). */
  step(by: 1 | -1 = 1): void {
    const { length } = this.hunks;
    for (let n = 1; n <= length; n++) {
      const at = (this.at + by * n + length * n) % length;
      if (this.verdicts[at] !== "open") continue;
      this.at = at;
      break;
    }
    this.#mark();
  }

  /** Takes or refuses one change; after the last the text is as decided. */
  decide(take: boolean, hunk = this.at): void {
    if (this.state !== "review") return;
    this.at = hunk;
    this.verdicts[hunk] = take ? "taken" : "refused";
    if (this.left === 0) void this.#apply();
    else this.step();
  }

  /** Takes or refuses all that is not decided. */
  decideAll(take: boolean): void {
    if (this.state !== "review") return;
    const rest = take ? "taken" : "refused";
    this.verdicts = this.verdicts.map((verdict) => (verdict === "open" ? rest : verdict));
    void this.#apply();
  }

  async #ask(ports: Ports, signal: AbortSignal): Promise<string> {
    for (let retried = false; ; retried = true) {
      try {
        return await this.#write(ports, signal);
      } catch (error) {
        const stale = error instanceof Refusal && error.code === "stale_revision";
        if (!stale || retried) throw error;
      }
    }
  }

  async #write({ paper, marks, wish, ask }: Ports, signal: AbortSignal): Promise<string> {
    const revision = await paper.flush();
    signal.throwIfAborted();
    const place = marks.stretch;
    if (!place) throw new DOMException("", "AbortError");
    const [start, end] = [paper.pointsAt(place.from), paper.pointsAt(place.to)];
    const { adapter, sampling, viewpoint } = wish();
    const body = {
      ...this.asked,
      adapter,
      sampling,
      viewpoint,
      revision,
      start,
      end,
      stream: true,
    };
    const path = `/api/works/${paper.work}/chapters/${paper.chapter}/rewrite`;
    for await (const event of ask(path, body, signal)) {
      signal.throwIfAborted();
      const whole = this.#hear(event);
      if (whole !== null) return whole;
    }
    throw brokenOff();
  }

  /** Takes one event in; the whole text when it was the last. */
  #hear({ event, data }: ServerEvent): string | null {
    if (event === "prompt") this.#generation = (data as { generation: string }).generation;
    if (event === "delta") {
      this.state = "streaming";
      this.text += (data as { text: string }).text;
      this.#drawing ??= setTimeout(() => this.#grow(), DRAW_MS);
    }
    if (event === "error") {
      throw new Refusal((data as { error: { code: string; message: string } }).error, 0);
    }
    return event === "done" ? (data as { text: string }).text.trim() : null;
  }

  /** Shows what has come. */
  #grow(): void {
    this.#drawing = undefined;
    const growing = this.#growing;
    if (this.state !== "streaming" || !growing) return;
    growing.grow(this.text.trimStart());
    const { firm, coming } = growing;
    this.#ports?.marks.propose({ hunks: [...firm], verdicts: [], at: -1, coming });
  }

  #propose(hunks: Hunk[]): void {
    this.#stopper = null;
    if (hunks.length === 0) {
      this.#ports?.marks.propose(null);
      this.state = "same";
      return announce(t.same);
    }
    const verdicts = hunks.map((): Verdict => "open");
    Object.assign(this, { hunks, verdicts, at: 0, state: "review" });
    this.#mark();
    announce(t.ready(hunks.length));
  }

  #fail(cause: unknown): void {
    this.#stopper = null;
    this.#ports?.marks.propose(null);
    const error = cause instanceof Refusal ? cause : brokenOff();
    Object.assign(this, { state: "error", sentence: error.message });
    announce(error.message);
  }

  async #apply(): Promise<void> {
    const ports = this.#ports;
    const stretch = ports?.marks.stretch;
    const taken = this.verdicts.map((verdict) => verdict === "taken");
    if (!ports || !stretch || !taken.includes(true)) return this.#done();
    const { hunks } = this;
    const how = { origin: "rewritten", ...(this.#generation && { generation: this.#generation }) };
    this.#generation = null; // it is taken, not refused
    await settledIn(SNAPSHOT_MS, ports.paper.snapshot(t.before, "before"));
    const place = ports.marks.stretch;
    if (place && this.state === "review") {
      const [start, end] = [ports.paper.pointsAt(place.from), ports.paper.pointsAt(place.to)];
      const text = applied(stretch.text, hunks, (_, n) => taken[n] === true);
      ports.marks.close();
      ports.paper.replace(start, end, text, { ...how, candidate: 0 });
    }
    this.#done();
  }

  #done(): void {
    this.close();
    this.#ports?.focus();
  }

  #refuse(): void {
    const { work } = this.#ports?.paper ?? {};
    if (work && this.#generation) this.#ports?.refused(work, this.#generation);
    this.#generation = null;
  }

  /** The author wrote into the stretch. */
  #gone(): void {
    const told = this.state !== "open";
    this.close();
    if (told) toasts.told(t.gone);
  }

  #mark(): void {
    const { hunks, at } = this;
    this.#ports?.marks.propose({ hunks, verdicts: [...this.verdicts], at });
  }
}

/** New words are shown this often, ms. */
const DRAW_MS = 100;
/** The longest that taking waits for the snapshot before it; the revision is kept anyway. */
const SNAPSHOT_MS = 1500;

export function settledIn(ms: number, work: Promise<unknown>): Promise<unknown> {
  return Promise.race([work.catch(() => {}), new Promise((go) => setTimeout(go, ms))]);
}

function brokenOff(): Refusal {
  return new Refusal({ code: "cut_off", message: t.brokeOff, retryable: true }, 0);
}

export const rewriting = new Rewriting();
