// The real server as a child process, for tests that end it in every way a process can end.
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

export class ServerProcess {
  readonly #process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  /** Everything it wrote so far, both streams. */
  output = "";
  #announced: (base: string) => void = () => {};
  readonly #base = new Promise<string>((resolve) => {
    this.#announced = resolve;
  });

  /** `prefix`: a program that runs the server, such as strace with its arguments. */
  constructor(dataDir: string, flags: readonly string[] = [], prefix: readonly string[] = []) {
    const command = [process.execPath, join(root, "src/cli/serie.ts"), "server", "--data-dir", dataDir];
    this.#process = Bun.spawn([...prefix, ...command, "--host", "127.0.0.1", "--port", "0", ...flags], {
      cwd: root,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    void this.#collect(this.#process.stdout);
    void this.#collect(this.#process.stderr);
  }

  /** `http://127.0.0.1:port` once it takes requests. Throws with its output when it ends or hangs instead. */
  async ready(timeoutMs = 30_000): Promise<string> {
    const failed = this.#process.exited.then((code) => {
      throw new Error(`the server ended with ${code} while starting:\n${this.output}`);
    });
    const late = Bun.sleep(timeoutMs).then(() => {
      throw new Error(`the server is not ready after ${timeoutMs} ms:\n${this.output}`);
    });
    late.catch(() => {});
    failed.catch(() => {});
    const base = await Promise.race([this.#base, failed, late]);
    const answersReady = async () => {
      const response = await fetch(`${base}/ready`).catch(() => null);
      await response?.arrayBuffer();
      return response?.ok ?? false;
    };
    while (!(await Promise.race([answersReady(), failed, late]))) await Bun.sleep(2);
    return base;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Resolves with the exit code (null when a signal ended it) once the process is gone. */
  async kill(signal: "SIGKILL" | "SIGTERM" | "SIGINT"): Promise<number | null> {
    this.#process.kill(signal);
    await this.#process.exited;
    return this.#process.exitCode;
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      this.output += decoder.decode(chunk, { stream: true });
      const announced = /http:\/\/127\.0\.0\.1:\d+/.exec(this.output);
      if (announced) this.#announced(announced[0]);
    }
  }
}
