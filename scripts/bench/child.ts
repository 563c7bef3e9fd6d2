// A child process and its meters: CPU time and peak memory from /proc while it runs, from wait4 once it ended.
import { readFileSync } from "node:fs";
import { createServer } from "node:net";

/** Clock ticks a second in /proc (USER_HZ): 100 on every Linux. */
const TICKS_PER_S = 100;

export class Child {
  readonly #process: Bun.Subprocess<"ignore", "ignore" | "pipe", "pipe">;
  #errors = "";

  constructor(readonly command: readonly string[]) {
    this.#process = Bun.spawn([...command], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    void this.#collectErrors();
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The last of what it wrote to stderr, for error messages. */
  get errors(): string {
    return this.#errors;
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** User and system time of all its threads so far, seconds. */
  cpuS(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, "latin1");
    // the command's name, in parentheses, may hold spaces: count fields behind it
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
  }

  /** Largest resident memory so far, bytes. */
  peakRssBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "latin1");
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
  }

  /** Resident memory now, bytes. */
  rssBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "latin1");
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
  }

  /** Waits until the process has used less than 2 % of a core over a second and a half, or the time is up. */
  async idle(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    const windowMs = 1500;
    while (performance.now() < deadline && this.running) {
      const before = this.cpuS();
      await Bun.sleep(windowMs);
      if (this.running && this.cpuS() - before <= (0.02 * windowMs) / 1000 + 1 / TICKS_PER_S) return;
    }
  }

  /** SIGTERM, then SIGKILL when it has not ended in time. Returns its whole CPU time, seconds. */
  async stop(timeoutMs = 60_000): Promise<number> {
    if (this.running) this.#process.kill("SIGTERM");
    const killer = setTimeout(() => this.#process.kill("SIGKILL"), timeoutMs);
    await this.#process.exited;
    clearTimeout(killer);
    // (its maxRSS is of no use: it counts the memory of the process that forked, too)
    return Number(this.#process.resourceUsage()?.cpuTime.total ?? 0n) / 1e6;
  }

  async #collectErrors(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#process.stderr) {
      this.#errors = (this.#errors + decoder.decode(chunk, { stream: true })).slice(-4000);
    }
  }
}

/** A TCP port on 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/** Runs a script of this folder with a request as JSON, and returns what it prints as JSON. Throws what it says on stderr. */
export async function runScript<Report>(script: string, request: unknown): Promise<Report> {
  const child = Bun.spawn([process.execPath, script, JSON.stringify(request)], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (child.exitCode !== 0) throw new Error(errors);
  return JSON.parse(output) as Report;
}
