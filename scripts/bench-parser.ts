// Prints MB/s and rows/s of the line protocol parser alone: TSBS cpu-only lines (10 tags, 10 fields, 1,000 hosts) in bodies of 5,000 rows.
import { LineParser } from "../src/ingest/line.ts";
import { Kernels } from "../src/kernels/kernels.ts";

const HOSTS = 1000;
const ROWS = 5000;
const BODIES = 20;
const names = ["user", "system", "idle", "nice", "iowait", "irq", "softirq", "steal", "guest", "guest_nice"];

let state = 12345;
/** Park and Miller's generator: the same bodies in every run. */
function random(): number {
  state = (state * 48271) % 2147483647;
  return state / 2147483647;
}

const kinds: Record<string, () => string> = {
  integers: () => `${Math.floor(random() * 100)}i`,
  "two decimals": () => (random() * 100).toFixed(2),
  "17 digits": () => `${random() * 100}`,
};

function bodyOf(value: () => string, firstRow: number): Uint8Array {
  const lines: string[] = [];
  for (let row = firstRow; row < firstRow + ROWS; row++) {
    const host = row % HOSTS;
    const tags =
      `cpu,hostname=host_${host},region=eu-west-1,datacenter=eu-west-1${"abc"[host % 3]},rack=${host % 97},os=Ubuntu16.04LTS,` +
      `arch=x${host % 2 ? "86" : "64"},team=${["NYC", "LON", "SF"][host % 3]},service=${host % 20},service_version=${host % 2},service_environment=production`;
    const fields = names.map((name) => `usage_${name}=${value()}`).join(",");
    lines.push(
      `${tags} ${fields} ${1451606400000000000n + BigInt(Math.floor(row / HOSTS)) * 10000000000n}\n`,
    );
  }
  return new TextEncoder().encode(lines.join(""));
}

const parser = new LineParser(new Kernels());
const options = { database: "benchmark", nowNs: 0n };
for (const [kind, value] of Object.entries(kinds)) {
  const bodies = Array.from({ length: BODIES }, (_, i) => bodyOf(value, i * ROWS));
  const bytes = bodies.reduce((sum, body) => sum + body.length, 0);
  let bestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 10; round++) {
    const start = performance.now();
    for (const body of bodies) parser.parse(body, options).free();
    bestMs = Math.min(bestMs, performance.now() - start);
  }
  const rows = (ROWS * BODIES) / (bestMs / 1000);
  console.log(
    `${kind.padEnd(14)} ${(bytes / 1e3 / bestMs).toFixed(0).padStart(6)} MB/s  ${(rows / 1e6).toFixed(2)} M rows/s  ` +
      `${(rows / 1e5).toFixed(1)} M values/s  (${Math.round(bytes / ROWS / BODIES)} bytes a line)`,
  );
}

const one = new TextEncoder().encode("cpu,host=a usage=1.5,idle=2i 1451606400000000000\n");
for (let i = 0; i < 20_000; i++) parser.parse(one, options).free();
const start = performance.now();
for (let i = 0; i < 100_000; i++) parser.parse(one, options).free();
console.log(`one line       ${((performance.now() - start) / 100).toFixed(2)} us a body`);
