// Calendar months: lengths of time that have no fixed number of nanoseconds.
//
//   months since 1970-01     0 = 1970-01     1 = 1970-02     -1 = 1969-12
//
// Local times are ns since the epoch as a clock of the zone would read them, taken as if it stood in UTC.
import { MAX_TIME, MIN_TIME } from "../model/types.ts";
import type { Zone } from "./zones.ts";

const NS_PER_MS = 1_000_000n;
const DAY_NS = 86_400_000n * NS_PER_MS;
/** More than all times that can be stored are apart. */
const MOST_MONTHS = 12 * 10_000;

/** Months since 1970-01 of a local time. */
export function monthOf(localNs: bigint): number {
  const date = new Date(milliseconds(localNs));
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
}

/** Local time at which a month begins, ns. */
export function startOfMonth(month: number): bigint {
  if (month > MOST_MONTHS) return 2n * MAX_TIME;
  if (month < -MOST_MONTHS) return 2n * MIN_TIME;
  return BigInt(Date.UTC(1970, month, 1)) * NS_PER_MS;
}

/**
 * A time `months` later by the clock of `zone` (null = UTC): the same day and hour, or the month's last day when
 * it has no such day (31 January + 1 month = 28 or 29 February). May lie outside of the times that can be stored.
 */
export function addMonths(timeNs: bigint, months: number, zone: Zone | null): bigint {
  const localNs = timeNs + (zone?.offsetNs(timeNs) ?? 0n);
  const month = monthOf(localNs);
  const start = startOfMonth(month + months);
  const lastDay = startOfMonth(month + months + 1) - DAY_NS;
  const into = localNs - startOfMonth(month);
  const day = start + (into - (into % DAY_NS));
  const moved = (day > lastDay ? lastDay : day) + (into % DAY_NS);
  return zone === null || moved > MAX_TIME || moved < MIN_TIME ? moved : zone.utcOf(moved);
}

function milliseconds(ns: bigint): number {
  const ms = ns / NS_PER_MS;
  return Number(ns % NS_PER_MS < 0n ? ms - 1n : ms);
}
