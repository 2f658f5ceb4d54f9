/** A tuning run as it goes on: its numbers, what it wrote, what it said. */

import { http, ok, type Shapes } from "$/api/client";
import { toasts } from "$/state/toasts.svelte";
import { follow } from "./follow";
import { isOver, type JobState } from "./job.svelte";
import { Log, type Entry } from "./log";

/** `status.json` of a run; only what the page shows. */
export interface Status {
  state: string;
  step: number;
  steps: number;
  epoch: number;
  epochs: number;
  loss: number | null;
  smoothed: number | null;
  eval_loss: number | null;
  learning_rate: number | null;
  tokens_per_second: number | null;
  peak_memory_bytes: number;
  seconds: number;
  eta_seconds: number | null;
  message: string;
  best_step: number | null;
  warnings: string[];
}

const START = "0";

interface Told {
  state: JobState;
  error: { code: string; message: string } | null;
  status: Status | null;
}

export class FollowedRun {
  whole = $state.raw<Shapes["RunWhole"] | null>(null);
  state = $state<JobState | null>(null);
  error = $state.raw<Told["error"]>(null);
  status = $state.raw<Status | null>(null);
  log = $state.raw(new Log());
  gone = $state(false);
  /** Where the log is read on: the server's word for it. */
  #after = START;
  #stop: (() => void) | null = null;

  constructor(
    readonly id: string,
    private readonly ended?: () => void,
  ) {}

  get isOver(): boolean {
    return isOver(this.state ?? undefined);
  }

  start(): () => void {
    void this.read();
    this.#stop?.();
    this.#stop = follow({
      path: () => `/api/runs/${this.id}/events?after=${this.#after}`,
      heard: ({ event, data }) => this.#heard(event, data),
      over: () => this.isOver,
      gone: () => (this.gone = true),
    });
    return () => this.#stop?.();
  }

  /** Recipe, checkpoints, place in the queue: what the events do not tell. */
  async read(): Promise<void> {
    const params = { path: { run_id: this.id } };
    try {
      this.whole = await ok(http.GET("/api/runs/{run_id}", { params }));
      this.state ??= this.whole.job.state;
    } catch {
      // The events tell whether it is gone.
    }
  }

  #heard(event: string, data: unknown): void {
    if (event === "log") {
      const told = data as { entries: Entry[]; next: string; anew: boolean };
      const known = told.anew ? new Log() : this.log;
      this.#after = told.next;
      this.log = known.with(told.entries);
      if (told.entries.some((entry) => entry.type === "checkpoint")) void this.read();
      return;
    }
    const told = data as Told;
    const was = this.state;
    this.state = told.state;
    this.error = told.error;
    this.status = told.status;
    if (was === told.state) return;
    void this.read();
    if (this.isOver) this.ended?.();
  }

  async stop(): Promise<void> {
    await this.#ask("stop");
  }

  async again(): Promise<void> {
    this.#after = START;
    this.log = new Log();
    await this.#ask("again");
    this.start();
  }

  async #ask(what: "stop" | "again"): Promise<void> {
    const params = { path: { job_id: this.id } };
    try {
      const job =
        what === "stop"
          ? await ok(http.POST("/api/jobs/{job_id}/stop", { params }))
          : await ok(http.POST("/api/jobs/{job_id}/again", { params }));
      this.state = job.state;
      this.error = null;
    } catch (error) {
      toasts.error(error);
    }
  }
}
