// Upkeep gives way to large bodies for most of the time, to nobody when there are none; queries do not.
import { expect, test } from "bun:test";
import { noteBody, Pause } from "../src/base/pause.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** What had turns while `work` was done in each turn of `ms`. */
async function turnsDuring(ms: number, work: () => void): Promise<{ query: number; upkeep: number }> {
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
  const end = performance.now() + ms;
  while (performance.now() < end) {
    work();
    await turn();
  }
  isOver = true;
  await Promise.all(lines);
  return turns;
}

function workFor(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test("while bodies are worked on upkeep has a turn now and then, and queries in each turn", async () => {
  const { query, upkeep } = await turnsDuring(400, () => {
    workFor(3);
    noteBody();
  });
  expect(query).toBeGreaterThan(30);
  expect(upkeep).toBeGreaterThanOrEqual(3);
  expect(upkeep).toBeLessThan(12);
});

test("without bodies they have turns by turns", async () => {
  await Bun.sleep(5);
  const { query, upkeep } = await turnsDuring(100, () => workFor(1));
  expect(Math.abs(query - upkeep)).toBeLessThanOrEqual(2);
});

test("upkeep that waited for bodies goes on when there are no more, and by itself", async () => {
  const pause = new Pause("upkeep");
  noteBody();
  await pause.wait();
  const startMs = performance.now();
  for (let i = 0; i < 5; i++) {
    noteBody();
    await pause.wait();
  }
  expect(performance.now() - startMs).toBeLessThan(200);
});
