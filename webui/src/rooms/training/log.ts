/** A run's log, taken apart for the page. Every change makes another one. */

export interface StepEntry {
  type: "step";
  step: number;
  loss: number | null;
  lr?: number | null;
  tokens?: number;
  seconds?: number;
}
export interface EvalEntry {
  type: "eval";
  step: number;
  loss: number | null;
}
export interface SampleEntry {
  type: "sample";
  step: number;
  prompt: string;
  text: string;
  base?: string | null;
}
export interface SaidEntry {
  type: "warning" | "note" | "checkpoint";
  step?: number;
  message?: string;
  /** Of a warning: which one it is, and what it tells. */
  code?: string;
  facts?: Record<string, unknown>;
}
export type Entry = StepEntry | EvalEntry | SampleEntry | SaidEntry;

export class Log {
  constructor(
    readonly steps: readonly StepEntry[] = [],
    readonly evals: readonly EvalEntry[] = [],
    readonly samples: readonly SampleEntry[] = [],
    readonly said: readonly SaidEntry[] = [],
  ) {}

  /** With these entries; a step that is done again takes the place of what it was before. */
  with(entries: readonly Entry[]): Log {
    const steps = [...this.steps];
    const evals = [...this.evals];
    const samples = [...this.samples];
    const said = [...this.said];
    for (const entry of entries) {
      if (entry.type === "step") {
        cut(steps, entry.step);
        steps.push(entry);
      } else if (entry.type === "eval") {
        cut(evals, entry.step);
        evals.push(entry);
      } else if (entry.type === "sample") {
        cut(samples, entry.step + 1);
        samples.push(entry);
      } else said.push(entry);
    }
    return new Log(steps, evals, samples, said);
  }
}

/** Drops what stands at `step` or after it. */
function cut(entries: { step: number }[], step: number): void {
  while (entries.length && entries[entries.length - 1]!.step >= step) entries.pop();
}

/** The steps at which texts were sampled, each with its texts. */
export function bySteps(samples: readonly SampleEntry[]): [number, SampleEntry[]][] {
  const found = new Map<number, SampleEntry[]>();
  for (const sample of samples) {
    const here = found.get(sample.step);
    if (here) here.push(sample);
    else found.set(sample.step, [sample]);
  }
  return [...found];
}
