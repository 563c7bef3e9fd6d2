// Upkeep and queries give way to large bodies for most of the time, to nobody when there are none.
//
// The clock is the test's: what a busy machine does meanwhile takes no time.
import { afterAll, expect, spyOn, test } from "bun:test";
import { noteBody, Pause } from "../src/base/pause.ts";

let nowMs = 1000;
const clock = spyOn(performance, "now").mockImplementation(() => nowMs);
afterAll(() => clock.mockRestore());

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** What had turns while `work` was done in so many turns of the event loop. */
async function turnsDuring(count: number, work: () => void): Promise<{ query: number; upkeep: number }> {
  const turns = { query: 0, upkeep: 0 };
  let isOver = false;
  const line = async (name: "query" | "upkeep") => {
    const pause = new Pause(name);
    while (!isOver) {
      await pause.wait();
      turns[name]++;
    }
  };
  const lines = [line("query"), line("upkeep")];
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

test("while bodies are worked on upkeep has a turn now and then, and queries that take no time in each turn", async () => {
  const { query, upkeep } = await turnsDuring(120, () => {
    workFor(3);
    noteBody(true);
  });
  expect(query).toBeGreaterThan(60);
  // once in 80 ms of 360
  expect(upkeep).toBeGreaterThan(2);
  expect(upkeep).toBeLessThan(8);
});

test("while bodies are worked on slices of queries have a fifth of the time, room or not", async () => {
  for (const hasRoom of [true, false]) {
    const spent = { bodies: 0, queries: 0 };
    let isOver = false;
    const query = async () => {
      const pause = new Pause();
      await pause.begin();
      while (!isOver) {
        workFor(2);
        spent.queries += 2;
        await pause.wait();
      }
    };
    const queries = [query(), query(), query()];
    while (spent.bodies < 300) {
      noteBody(hasRoom);
      workFor(1);
      spent.bodies += 1;
      await turn();
    }
    const share = spent.queries / (spent.queries + spent.bodies);
    expect(share).toBeGreaterThan(0.1);
    expect(share).toBeLessThan(0.3);
    isOver = true;
    await whileTimeGoesOn(Promise.all(queries));
  }
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
  workFor(5);
  const { query, upkeep } = await turnsDuring(100, () => workFor(0.2));
  expect(Math.abs(query - upkeep)).toBeLessThanOrEqual(2);
});

test("upkeep that waited for bodies goes on by itself when there are no more", async () => {
  const pause = new Pause("upkeep");
  for (let i = 0; i < 5; i++) {
    noteBody(true);
    await whileTimeGoesOn(pause.wait());
  }
});
