// Passwords and tokens checked: slowly once (argon2id is meant to be), from memory afterwards.
//
// What was checked is remembered by a keyed hash of name and password, with the stored hash that it was checked against: a
// changed password or a dropped user makes the memory worthless without anyone telling it. The key lives as long as
// the process, so what is in memory is of no use elsewhere.
import type { Clock } from "../base/clock.ts";
import { OverloadedError } from "../base/errors.ts";

/** OWASP's first choice for argon2id: 19 MiB, two passes. */
const ARGON2 = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const;

/** Remembered answers, those to wrong passwords included. */
const MOST_REMEMBERED = 10_000;
/** Checks at a time: each takes a core for tens of ms. */
const MOST_CHECKS = 2;
const MOST_WAITING = 64;
/** Wrong passwords of one name that are checked in a window; further ones have to wait for the next. */
const MOST_FAILURES = 10;
const FAILURE_WINDOW_MS = 10_000;
const MOST_NAMES = 1000;

/** The stored form; "" for no password at all, which nothing matches. */
export async function hashPassword(password: string): Promise<string> {
  return password === "" ? "" : await Bun.password.hash(password, ARGON2);
}

export function hashToken(token: string): string {
  return new Bun.CryptoHasher("sha256").update(token).digest("hex"); // 256 random bits need no slow hash
}

export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}

export function newToken(): string {
  return Buffer.from(randomBytes(32)).toString("base64url");
}

interface Answer {
  /** What it was checked against; undefined: there was no such user. */
  readonly hash: string | undefined;
  readonly matches: boolean;
}

export class Passwords {
  readonly #clock: Clock;
  readonly #key = randomBytes(32);
  readonly #remembered = new Map<string, Answer>();
  readonly #running = new Map<string, Promise<boolean>>();
  readonly #failures = new Map<string, { sinceMs: number; count: number }>();
  readonly #waiting: (() => void)[] = [];
  #checks = 0;
  /** A name that is unknown costs what a wrong password costs. */
  #decoy: Promise<string> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Slow checks since the start, for tests. */
  checkCount = 0;

  /**
   * Whether the password is the one that `hash` was made of; `hash` is undefined for an unknown name.
   * @throws OverloadedError when too many checks wait, or too many failed for this name
   */
  async matches(name: string, password: string, hash: string | undefined): Promise<boolean> {
    const key = this.#keyOf(name, password);
    const known = this.#remembered.get(key);
    if (known !== undefined && known.hash === hash) return known.matches;
    const runningKey = `${key} ${hash}`;
    let running = this.#running.get(runningKey);
    if (running === undefined) {
      this.#checkFailures(name);
      running = this.#check(password, hash).finally(() => this.#running.delete(runningKey));
      this.#running.set(runningKey, running);
      const matches = await running;
      this.#remember(key, { hash, matches });
      if (!matches) this.#countFailure(name);
      return matches;
    }
    return await running;
  }

  #keyOf(name: string, password: string): string {
    const hasher = new Bun.CryptoHasher("sha256", this.#key);
    return hasher.update(`${name.length} ${name}`).update(password).digest("base64");
  }

  async #check(password: string, hash: string | undefined): Promise<boolean> {
    if (password === "" || hash === "") return false;
    await this.#turn();
    try {
      this.checkCount++;
      this.#decoy ??= hashPassword(newToken());
      const isRight = await Bun.password.verify(password, hash ?? (await this.#decoy));
      return isRight && hash !== undefined;
    } finally {
      this.#checks--;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    while (this.#checks >= MOST_CHECKS) {
      if (this.#waiting.length >= MOST_WAITING)
        throw new OverloadedError("too many logins wait to be checked: try again");
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#checks++;
  }

  #remember(key: string, answer: Answer): void {
    if (this.#remembered.size >= MOST_REMEMBERED) {
      const [oldest] = this.#remembered.keys();
      if (oldest !== undefined) this.#remembered.delete(oldest);
    }
    this.#remembered.set(key, answer);
  }

  #checkFailures(name: string): void {
    const failures = this.#failures.get(name);
    if (failures === undefined || failures.count < MOST_FAILURES) return;
    const leftMs = failures.sinceMs + FAILURE_WINDOW_MS - this.#clock.elapsedMs();
    if (leftMs > 0) throw new OverloadedError("too many failed logins: try again later", leftMs / 1000);
    this.#failures.delete(name);
  }

  #countFailure(name: string): void {
    const nowMs = this.#clock.elapsedMs();
    const failures = this.#failures.get(name);
    if (failures !== undefined && nowMs - failures.sinceMs < FAILURE_WINDOW_MS) {
      failures.count++;
      return;
    }
    if (this.#failures.size >= MOST_NAMES) this.#failures.clear();
    this.#failures.set(name, { sinceMs: nowMs, count: 1 });
  }
}
