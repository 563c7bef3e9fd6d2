// Flushes, merges and queries give way to large bodies for most of the time, to nobody when there are none.
//
// The clock is the test's: what a busy machine does meanwhile takes no time. So is the module, as it keeps when something was done
// last: where one process runs many files, the others have done so by another clock.
import { afterAll, expect, spyOn, test } from "bun:test";

const own = "../src/base/pause.ts?by-the-clock-of-the-test";
const { noteBody, Pause }: typeof import("../src/base/pause.ts") = await import(own);

let nowMs = 1000;
const clock = spyOn(performance, "now").mockImplementation(() => nowMs);
afterAll(() => clock.mockRestore());

const turn = () => new Promise((resolve) => setImmediate(resolve));

interface Turns {
  query: number;
  flush: number;
  merge: number;
}

/** What had turns while `work` was done in so many turns of the event loop. */
async function turnsDuring(count: number, work: () => void): Promise<Turns> {
  const turns: Turns = { query: 0, flush: 0, merge: 0 };
  let isOver = false;
  const line = async (name: keyof Turns) => {
    const pause = new Pause(name, name === "merge" ? 0.1 : undefined);
    while (!isOver) {
      await pause.wait();
      turns[name]++;
    }
  };
  const lines = [line("query"), line("flush"), line("merge")];
  for (let i = 0; i < count; i++) {
    work();
    await turn();
  }
  isOver = true;
  await whileTimeGoesOn(Promise.all(lines));
  return turns;
}

async function whileTimeGoesOn(ended: Promise<unknown>): Promise<void> {
  const ticks = setInterval(() => workFor(1), 1);
  await ended;
  clearInterval(ticks);
}

function workFor(ms: number): void {
  nowMs += ms;
}

test("while bodies are worked on flushes have a turn now and then, and what takes no time in each turn", async () => {
  const { query, flush, merge } = await turnsDuring(120, () => {
    workFor(3);
    noteBody(true);
  });
  expect(query).toBeGreaterThan(50);
  expect(merge).toBeGreaterThan(50);
  // once in 80 ms of 360
  expect(flush).toBeGreaterThan(2);
  expect(flush).toBeLessThan(8);
});

for (const [work, least, most] of [
  ["query", 0.09, 0.15],
  ["merge", 0.07, 0.12],
] as const)
  test(`while bodies are worked on slices of ${work} have a share of the time, room or not`, async () => {
    for (const hasRoom of [true, false]) {
      const spent = { bodies: 0, slices: 0 };
      let isOver = false;
      const line = async () => {
        const pause = work === "merge" ? new Pause(work, 0.1) : new Pause(work);
        await pause.begin();
        while (!isOver) {
          workFor(2);
          spent.slices += 2;
          await pause.wait();
        }
      };
      const lines = [line(), line(), line()];
      while (spent.bodies < 300) {
        noteBody(hasRoom);
        workFor(1);
        spent.bodies += 1;
        await turn();
      }
      const share = spent.slices / (spent.slices + spent.bodies);
      expect(share).toBeGreaterThan(least);
      expect(share).toBeLessThan(most);
      isOver = true;
      await whileTimeGoesOn(Promise.all(lines));
    }
  });

test("while there is no room for what bodies leave behind, flushes have every turn that others leave", async () => {
  workFor(30);
  const { query, flush, merge } = await turnsDuring(120, () => {
    workFor(3);
    noteBody(false);
  });
  expect(flush).toBeGreaterThan(30);
  expect(query + flush + merge).toBeGreaterThan(100);
});

test("a query begins at once where no bodies are worked on, and in its turn where they are", async () => {
  workFor(30);
  let turns = 0;
  const begun = new Pause().begin().then(() => turns);
  void turn().then(() => turns++);
  expect(await begun).toBe(0);
  noteBody(true);
  const later = new Pause().begin().then(() => turns);
  await turn();
  turns++;
  expect(await later).toBeGreaterThan(0);
});

test("a slice in which the machine stood still for a minute keeps queries waiting for a second", async () => {
  let endMs = Infinity;
  let isOver = false;
  const query = async () => {
    const pause = new Pause();
    await pause.wait();
    workFor(60_000);
    endMs = nowMs;
    await pause.wait();
    isOver = true;
  };
  const ended = query();
  while (!isOver) {
    noteBody(true);
    workFor(10);
    await turn();
  }
  await ended;
  expect(nowMs - endMs).toBeLessThan(1_200);
});

test("without bodies they have turns by turns", async () => {
  workFor(30);
  const { query, flush, merge } = await turnsDuring(100, () => workFor(0.2));
  expect(Math.abs(query - flush)).toBeLessThanOrEqual(2);
  expect(Math.abs(query - merge)).toBeLessThanOrEqual(2);
});

for (const work of ["flush", "merge"] as const)
  test(`a ${work} that waited for bodies goes on by itself when there are no more`, async () => {
    const pause = new Pause(work);
    for (let i = 0; i < 5; i++) {
      noteBody(true);
      await whileTimeGoesOn(pause.wait());
    }
  });
