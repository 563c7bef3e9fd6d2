// What the kernel saw: before each 204 there is an fdatasync of the log that began after the record was written.
//
// Runs the real server under strace, since no test inside the process can tell a sync that was waited for from one
// that was not. Skipped, and it says so, where there is no strace (or no permission to trace).
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServerProcess } from "./crash/server.ts";
import { readTrace, type SystemCall } from "./crash/trace.ts";

const WRITES = 25;
const syncs = ["fdatasync", "fsync"];
const writes = ["write", "writev", "pwrite64", "pwritev", "pwritev2"];
const sends = ["write", "writev", "sendto", "sendmsg"];
const traced = [...new Set([...syncs, ...writes, ...sends])].join(",");

const canTrace =
  Bun.which("strace") !== null && Bun.spawnSync(["strace", "-o", "/dev/null", "true"]).exitCode === 0;
if (!canTrace) console.log("sync-count: skipped, strace is not installed or may not trace here");

test.skipIf(!canTrace).each([1, 2])(
  "every 204 is preceded by a sync that began after its record was written, %d threads",
  async (threads) => {
    const folder = mkdtempSync(join(tmpdir(), "serie-sync-"));
    let calls: SystemCall[];
    try {
      calls = await traceWrites(folder, threads);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    const answers = calls.filter((call) => sends.includes(call.name) && call.text.includes('"HTTP/1.1 204'));
    expect(answers.length).toBe(WRITES);

    const ofLog = calls.filter((call) => /\/data\/wal(-\d+-of-\d+)?\//.test(call.file));
    let previousSend = 0;
    for (const answer of answers) {
      const record = lastBefore(ofLog, writes, answer.start);
      expect(record && record.start > previousSend, "a record is written before each answer").toBe(true);
      const sync = lastBefore(ofLog, syncs, answer.start);
      const isBetween = sync && sync.start >= record!.end;
      expect(isBetween, "a sync begins after the record and ends before the answer").toBe(true);
      expect(sync!.text).toContain("= 0");
      previousSend = answer.start;
    }
  },
  60_000,
);

/** What the kernel saw of a server that starts, takes `WRITES` writes one after the other, and stops. */
async function traceWrites(folder: string, threads: number): Promise<SystemCall[]> {
  const output = join(folder, "trace.txt");
  // -D: the server is our child, not strace's, so that signals reach it
  const flags = ["-D", "-f", "-y", "-ttt", "-T", ...["-s", "32"], ...["-o", output]];
  const strace = ["strace", ...flags, "-e", `trace=${traced}`];
  const server = new ServerProcess(join(folder, "data"), ["--threads", `${threads}`], strace);
  try {
    const base = await server.ready();
    for (let i = 0; i < WRITES; i++) {
      const body = `m,t=a f=${i} ${i + 1}`;
      const response = await fetch(`${base}/write?db=sync`, { method: "POST", body });
      expect(response.status).toBe(204);
    }
  } finally {
    await server.kill("SIGTERM");
  }
  return readTrace(await readWhenEnded(output));
}

/** The trace once strace, which outlives the server by a moment, has written the end of it. */
async function readWhenEnded(path: string): Promise<string> {
  for (let i = 0; ; i++) {
    const text = readFileSync(path, "utf8");
    const server = /^\d+/.exec(text)?.[0];
    if (text.includes(`\n${server} `) && new RegExp(`^${server} .*\\+\\+\\+ (exited|killed)`, "m").test(text))
      return text;
    if (i === 500) throw new Error("strace does not end");
    await Bun.sleep(10);
  }
}

function lastBefore(
  calls: readonly SystemCall[],
  names: readonly string[],
  time: number,
): SystemCall | undefined {
  return calls.findLast((call) => names.includes(call.name) && call.end <= time);
}
