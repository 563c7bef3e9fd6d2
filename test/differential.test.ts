// serie and a real influxd answer generated statements alike, but for the table of deliberate differences (fuzz/differences.ts).
// `bun run fuzz:influxql` goes on for as long as wanted. Skipped, with a line that says so, where influxd is not installed.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { newTally, runCampaign } from "./fuzz/campaign.ts";
import { differencesPage } from "./fuzz/differences-page.ts";
import { isInfluxdThere, Pair } from "./fuzz/pair.ts";

const SEED = 1;
const STATEMENTS = 2000;

if (!isInfluxdThere()) console.log("influxd is not installed (bun scripts/peers.ts): no differential test");

test.skipIf(!isInfluxdThere())(
  `${STATEMENTS} statements drawn from seed ${SEED} are answered as influxd answers them`,
  async () => {
    const tally = newTally();
    const findings: string[] = [];
    const pair = await Pair.start();
    try {
      await runCampaign({
        seed: SEED,
        pair,
        tally,
        isOver: () => tally.statements >= STATEMENTS || findings.length >= 3,
        onFinding({ round, what, exchange, serie, influxd }) {
          findings.push(
            `round ${round}, ${what}: ${exchange.text}\n  serie   ${serie.body.slice(0, 500)}\n  influxd ${influxd.body.slice(0, 500)}`,
          );
        },
      });
    } finally {
      await pair.stop();
    }
    expect(findings).toEqual([]);
    // a run of errors, or of excuses, would show nothing
    expect(tally.withRows).toBeGreaterThan(STATEMENTS / 3);
    const excused = [...tally.known.values()].reduce((sum, count) => sum + count, 0);
    expect(excused).toBeLessThan(STATEMENTS / 4);
  },
  120_000,
);

test("docs/differences.md is the table (bun test/fuzz/differences-page.ts writes it)", () => {
  const page = readFileSync(join(import.meta.dir, "../docs/differences.md"), "utf8");
  expect(page).toBe(differencesPage());
});
