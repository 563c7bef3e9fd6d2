// What a server does before it serves goes through, and nobody sees it.
import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rehearse } from "../src/http/rehearsal.ts";
import { ServerProcess } from "./crash/server.ts";

test("a rehearsal goes through to its end, and again", async () => {
  expect(await rehearse()).toBe(true);
  expect(await rehearse()).toBe(true);
});

test.each([1, 2])(
  "a server of %d threads that has rehearsed has no data and no statistics of it",
  async (threads) => {
    const folder = mkdtempSync(join(tmpdir(), "serie-rehearsal-"));
    const server = new ServerProcess(folder, ["--threads", String(threads)]);
    try {
      const base = await server.ready();
      const metrics = await (await fetch(`${base}/metrics`)).text();
      expect(metrics).toMatch(/^serie_rows_written_total 0$/m);
      expect(metrics).not.toMatch(/path="\/(write|query)"/);
      const shown = await fetch(`${base}/query?q=SHOW+DATABASES`);
      expect(await shown.json()).toEqual({
        results: [{ statement_id: 0, series: [{ name: "databases", columns: ["name"] }] }],
      });
      expect(readdirSync(folder, { recursive: true }).join(" ")).not.toMatch(/rehearsal|\.seg/);
    } finally {
      await server.kill("SIGTERM");
      rmSync(folder, { recursive: true });
    }
  },
  30_000,
);
