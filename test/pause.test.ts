// Upkeep gives way to large bodies for most of the time, to nobody when there are none; queries do not.
import { expect, test } from "bun:test";
import { noteBody, Pause } from "../src/base/pause.ts";

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
  await Promise.all(lines);
  return turns;
}

function workFor(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test("while bodies are worked on upkeep has a turn now and then, and queries in each turn", async () => {
  const startMs = performance.now();
  const { query, upkeep } = await turnsDuring(120, () => {
    workFor(3);
    noteBody();
  });
  expect(query).toBeGreaterThan(60);
  expect(upkeep).toBeGreaterThan(0);
  // (the machine may have other work now and then)
  expect(upkeep).toBeLessThan((performance.now() - startMs) / 80 + 20);
});

test("without bodies they have turns by turns", async () => {
  await Bun.sleep(5);
  const { query, upkeep } = await turnsDuring(100, () => workFor(0.2));
  expect(Math.abs(query - upkeep)).toBeLessThanOrEqual(2);
});

test("upkeep that waited for bodies goes on by itself when there are no more", async () => {
  const pause = new Pause("upkeep");
  for (let i = 0; i < 5; i++) {
    noteBody();
    await pause.wait();
  }
});
