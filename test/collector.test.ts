// What answers leave is collected soon, and at no great cost.
import { expect, test } from "bun:test";
import { join } from "node:path";

/** In a process of its own: the collector never ends. */
const script = `
import { collectAfterAnswers, noteAnswer } from ${JSON.stringify(join(import.meta.dir, "../src/base/collector.ts"))};
let made = new Array(1e6).fill(0).map(() => ({}));
const left = new WeakRef(made);
made = null;
collectAfterAnswers(1);
await Bun.sleep(250);
const before = left.deref() !== undefined;
noteAnswer();
for (let i = 0; i < 100 && left.deref() !== undefined; i++) await Bun.sleep(50);
console.log(before, left.deref() !== undefined);
`;

test("what is garbage is collected once a query was answered, and not before", () => {
  const { stdout, stderr } = Bun.spawnSync([process.execPath, "-e", script]);
  expect(stderr.toString()).toBe("");
  expect(stdout.toString()).toBe("true false\n");
}, 20_000);
