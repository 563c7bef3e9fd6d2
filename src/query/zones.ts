// The clock of a time zone: its distance from UTC at a moment, with daylight saving time.
//
// The platform's zone database answers through Intl, which costs microseconds a question; a zone changes its
// distance a few times a year. So this keeps the transitions of the weeks asked about: a week whose two ends agree has none,
// otherwise bisection finds it to the second. (No zone has gone there and back within one week.)
import { InputError } from "../base/errors.ts";

const WEEK_S = 7 * 86_400;
const NS_PER_S = 1_000_000_000n;

/** What one week holds: the distance at its start and, when it changes, the second of the change and the distance after. */
interface Week {
  readonly before: bigint;
  readonly changeS: number;
  readonly after: bigint;
}

export class Zone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  readonly #weeks = new Map<number, Week>();

  /** Throws `InputError` for a name that the zone database does not know. */
  constructor(name: string) {
    this.name = name;
    try {
      this.#format = new Intl.DateTimeFormat("en-US", {
        timeZone: name,
        hourCycle: "h23",
        year: "numeric",
        month: "numeric",
        day: "numeric",
        hour: "numeric",
        minute: "numeric",
        second: "numeric",
        era: "short",
      });
    } catch {
      throw new InputError(`unable to find time zone ${name}`);
    }
  }

  /** Local time minus UTC at `timeNs`, ns. */
  offsetNs(timeNs: bigint): bigint {
    let seconds = timeNs / NS_PER_S;
    if (timeNs % NS_PER_S < 0n) seconds -= 1n;
    const atS = Number(seconds);
    const number = Math.floor(atS / WEEK_S);
    let week = this.#weeks.get(number);
    if (week === undefined) {
      week = this.#survey(number * WEEK_S);
      this.#weeks.set(number, week);
    }
    return atS < week.changeS ? week.before : week.after;
  }

  /** UTC of a local time, as Go's time.Date: the distance is that of the moment which the local time, read as UTC, leads to. */
  utcOf(localNs: bigint): bigint {
    return localNs - this.offsetNs(localNs - this.offsetNs(localNs));
  }

  #survey(startS: number): Week {
    const before = this.#ask(startS);
    const after = this.#ask(startS + WEEK_S - 1);
    let low = startS;
    let high = startS + WEEK_S - 1;
    if (before !== after)
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2);
        if (this.#ask(middle) === before) low = middle;
        else high = middle;
      }
    return { before: BigInt(before) * NS_PER_S, changeS: high, after: BigInt(after) * NS_PER_S };
  }

  /** Distance in seconds at a second, from the zone database. */
  #ask(atS: number): number {
    const field = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
    let beforeChrist = false;
    for (const part of this.#format.formatToParts(atS * 1000)) {
      if (part.type in field) field[part.type as keyof typeof field] = Number(part.value);
      else if (part.type === "era") beforeChrist = part.value.startsWith("B");
    }
    const local = new Date(0);
    local.setUTCFullYear(beforeChrist ? 1 - field.year : field.year, field.month - 1, field.day);
    local.setUTCHours(field.hour, field.minute, field.second);
    return local.getTime() / 1000 - atS;
  }
}
