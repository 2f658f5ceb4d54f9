/** One question to the base and to adapters, each answer as it is written. */

import { refusal, stream } from "$/api/client";

export interface Side {
  /** The adapter's folder; null is the base. */
  adapter: string | null;
  text: string;
  over: boolean;
  error: string;
}

export class Sides {
  list = $state<Side[]>([]);
  going = $state(false);
  #stop: AbortController | null = null;

  async ask(prompt: string, wanted: (string | null)[]): Promise<void> {
    this.stop();
    const stop = (this.#stop = new AbortController());
    this.list = wanted.map((adapter) => ({ adapter, text: "", over: false, error: "" }));
    this.going = true;
    try {
      const body = { prompt, adapters: wanted };
      for await (const { event, data } of stream("/api/adapters/compare", body, stop.signal))
        this.#heard(
          event,
          data as { side: number; text?: string; error?: { code: string; message: string } },
        );
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    } finally {
      if (this.#stop === stop) this.going = false;
    }
  }

  #heard(
    event: string,
    told: { side: number; text?: string; error?: { code: string; message: string } },
  ): void {
    const side = this.list[told.side];
    if (!side) return;
    if (event === "delta") side.text += told.text ?? "";
    else side.over = true;
    if (event === "error" && told.error) side.error = refusal(told, 0).message;
  }

  stop(): void {
    this.#stop?.abort();
    this.going = false;
  }
}
