// Python's `influxdb` client (it asks for MessagePack): the same script before serie and influxd prints the same lines. Skipped,
// with a line that says so, where it is not installed: scripts/peers.ts puts it into node_modules/.cache.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pythonFolder } from "../../scripts/python-client.ts";
import { type Servers, sameOnBoth, startServers } from "./servers.ts";

const isThere = existsSync(join(pythonFolder, "influxdb")) && Bun.which("python3") !== null;
if (!isThere)
  console.log("Python's influxdb client is not installed (bun scripts/peers.ts): it is not tested");

let servers: Servers;
beforeAll(async () => {
  servers = await startServers();
});
afterAll(() => servers.stop());

async function python(url: string): Promise<string[]> {
  const child = Bun.spawn(["python3", join(import.meta.dir, "python.py"), url], {
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, PYTHONPATH: pythonFolder },
    timeout: 60_000,
  });
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  expect(errors).toBe("");
  return output.trim().split("\n");
}

test.skipIf(!isThere)("Python's influxdb client sees what it sees of an influxd", async () => {
  const seen = await sameOnBoth(servers, python);
  expect(seen.length).toBeGreaterThan(20);
});
