// After an answer the event loop is kept from sleeping for a moment, and no longer.
import { describe, expect, test } from "bun:test";
import { Linger } from "../src/base/linger.ts";

/** A loop whose turns are taken by hand, each so long. */
function loopOf(turnMs: number) {
  let nowMs = 1000;
  let next: (() => void)[] = [];
  const linger = new Linger(
    () => nowMs,
    (then) => next.push(then),
  );
  return {
    linger,
    /** Whether there was something to be called in the next turn, of which there is one at most. */
    turn(): boolean {
      nowMs += turnMs;
      const called = next;
      next = [];
      expect(called.length).toBeLessThanOrEqual(1);
      for (const then of called) then();
      return called.length > 0;
    },
  };
}

describe("linger", () => {
  test("the loop does not sleep until a quarter of a millisecond after the answer, then it does", () => {
    const { linger, turn } = loopOf(0.1);
    expect(turn()).toBe(false);
    linger.begin();
    expect([turn(), turn(), turn(), turn()]).toEqual([true, true, true, false]);
    linger.begin();
    expect(turn()).toBe(true);
  });

  test("another answer meanwhile begins it anew, in the same chain of turns", () => {
    const { linger, turn } = loopOf(0.1);
    linger.begin();
    turn();
    turn();
    linger.begin();
    expect([turn(), turn(), turn(), turn()]).toEqual([true, true, true, false]);
  });

  test("the loop of a thread that lingers ends by itself", async () => {
    const script = `
      import { linger, lingerAfterAnswers } from ${JSON.stringify(`${import.meta.dir}/../src/base/linger.ts`)};
      lingerAfterAnswers();
      linger();
      console.log("done");
    `;
    const { stdout, exitCode } = Bun.spawnSync([process.execPath, "-e", script], { timeout: 10_000 });
    expect([stdout.toString(), exitCode]).toEqual(["done\n", 0]);
  });
});
