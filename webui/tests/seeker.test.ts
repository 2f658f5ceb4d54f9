import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { spots, type Spot } from "$/editor/pattern";
import { LIMIT_MS, Seeker, TooSlow, type Sought } from "$/editor/seeker";

/** Answers when it is told to. */
class Beside {
  static made: Beside[] = [];
  asked: Sought | null = null;
  gone = false;
  onmessage: ((event: MessageEvent<Spot[]>) => void) | null = null;
  onerror: (() => void) | null = null;
  constructor() {
    Beside.made.push(this);
  }
  postMessage(sought: Sought) {
    this.asked = sought;
  }
  terminate() {
    this.gone = true;
  }
  answer() {
    const { lines, pattern } = this.asked!;
    this.onmessage?.({ data: spots(lines, pattern) } as MessageEvent<Spot[]>);
  }
}

const seeker = () => new Seeker(() => new Beside() as unknown as Worker);
const expression = (text: string) => ({ text, regex: true, exact: true });

beforeEach(() => {
  Beside.made = [];
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

test("words are found at once, without anybody else", async () => {
  const found = seeker().seek(["雨停了", "雨"], { text: "雨", regex: false, exact: false });
  expect(await found).toEqual([
    { line: 0, at: 0, length: 1 },
    { line: 1, at: 0, length: 1 },
  ]);
  expect(Beside.made).toEqual([]);
});

test("an expression is found beside the page, by one worker for many", async () => {
  const one = seeker();
  for (const text of ["雨.", "停."]) {
    const found = one.seek(["雨停了"], expression(text));
    await vi.waitFor(() => expect(Beside.made[0]?.asked?.pattern.source).toBe(text));
    Beside.made[0]!.answer();
    expect(await found).toEqual([{ line: 0, at: text === "雨." ? 0 : 1, length: 2 }]);
  }
  expect(Beside.made.length).toBe(1);
  await vi.advanceTimersByTimeAsync(2 * LIMIT_MS);
  expect(Beside.made[0]!.gone).toBe(false);
});

test("one that takes too long is given up, and the next has a worker of its own", async () => {
  const one = seeker();
  const never = one.seek(["aaaa"], expression("(a+)+b")).catch((error) => error);
  await vi.advanceTimersByTimeAsync(LIMIT_MS);
  expect(await never).toBeInstanceOf(TooSlow);
  expect(Beside.made[0]!.gone).toBe(true);
  const next = one.seek(["aaaa"], expression("a{4}"));
  await vi.waitFor(() => expect(Beside.made.length).toBe(2));
  Beside.made[1]!.answer();
  expect(await next).toEqual([{ line: 0, at: 0, length: 4 }]);
});

test("who looks for something else gives up what went before", async () => {
  const one = seeker();
  const first = one.seek(["a"], expression("(a+)+b")).catch((error) => error);
  await vi.waitFor(() => expect(Beside.made.length).toBe(1));
  const second = one.seek(["a"], expression("a"));
  expect((await first).name).toBe("AbortError");
  await vi.waitFor(() => expect(Beside.made.length).toBe(2));
  Beside.made[1]!.answer();
  expect(await second).toHaveLength(1);
  await expect(one.seek(["a"], expression("("))).rejects.toBeInstanceOf(SyntaxError);
});
