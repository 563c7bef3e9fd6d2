// The kill -9 harness for as long as you like: `bun scripts/crash.ts --rounds 500 [--seed N] [--minutes M]`.
import { parseArgs } from "node:util";
import { CrashHarness } from "../test/crash/harness.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "100" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    minutes: { type: "string", default: "60" },
  },
});
console.log(`crash: seed ${values.seed}`);
const harness = new CrashHarness(Number(values.seed), (text) => console.log(`crash: ${text}`));
console.log(await harness.run(Number(values.rounds), Number(values.minutes) * 60_000));
