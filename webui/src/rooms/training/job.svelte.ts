/** A job in the background as this page sees it. */

import { http, ok, type Shapes } from "$/api/client";
import { toasts } from "$/state/toasts.svelte";
import { follow } from "./follow";

export type Job = Shapes["JobOut"];
export type JobState = Job["state"];

export const isOver = (state: string | undefined): boolean =>
  state === "done" || state === "stopped" || state === "failed";

export class FollowedJob {
  job = $state.raw<Job | null>(null);
  gone = $state(false);
  #stop: (() => void) | null = null;

  constructor(
    readonly id: string,
    private readonly ended?: (job: Job) => void,
  ) {}

  /** Follows it to its end; the answer stops following. */
  start(): () => void {
    this.#stop?.();
    this.#stop = follow({
      path: () => `/api/jobs/${this.id}/events`,
      heard: ({ data }) => this.#heard(data as Job),
      over: () => isOver(this.job?.state),
      gone: () => (this.gone = true),
    });
    return () => this.#stop?.();
  }

  #heard(job: Job): void {
    const was = this.job?.state;
    this.job = job;
    if (isOver(job.state) && was !== job.state) this.ended?.(job);
  }

  async stop(): Promise<void> {
    await this.#ask(() =>
      ok(http.POST("/api/jobs/{job_id}/stop", { params: { path: { job_id: this.id } } })),
    );
  }

  async again(): Promise<void> {
    await this.#ask(() =>
      ok(http.POST("/api/jobs/{job_id}/again", { params: { path: { job_id: this.id } } })),
    );
    this.start();
  }

  async #ask(asked: () => Promise<Job>): Promise<void> {
    try {
      this.job = await asked();
    } catch (error) {
      toasts.error(error);
    }
  }
}
