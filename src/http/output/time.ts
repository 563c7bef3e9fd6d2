// Times of an answer as text: integers of a unit, or RFC 3339 with the fraction that is there.
import { type TimeUnit, unitNs } from "../../model/types.ts";
import type { Zone } from "../../query/zones.ts";

const NS_PER_MS = 1_000_000n;
const MS_PER_DAY = 86_400_000;

/** From ns since the epoch to text. A unit truncates towards zero, as InfluxDB does. */
export type TimeText = (timeNs: bigint) => string;

export function epochText(unit: TimeUnit): TimeText {
  const scale = unitNs[unit];
  return scale === 1n ? String : (timeNs) => String(timeNs / scale);
}

/** RFC 3339 as Go's RFC3339Nano prints: no trailing zeros in the fraction, `Z` or the zone's distance at the end. */
export function rfc3339Text(zone?: Zone): TimeText {
  if (zone !== undefined) {
    const local = rfc3339Text();
    return (timeNs) => {
      const offsetNs = zone.offsetNs(timeNs);
      return local(timeNs + offsetNs).slice(0, -1) + distanceText(offsetNs);
    };
  }
  let lastDay = Number.NaN; // answers are mostly ascending: the date part is computed once a day
  let date = "";
  return (timeNs) => {
    let ms = Number(timeNs / NS_PER_MS);
    let belowMs = Number(timeNs % NS_PER_MS);
    if (belowMs < 0) {
      ms -= 1;
      belowMs += 1_000_000;
    }
    const day = Math.floor(ms / MS_PER_DAY);
    if (day !== lastDay) {
      lastDay = day;
      date = new Date(day * MS_PER_DAY).toISOString().slice(0, 11); // "2024-01-31T"
    }
    const inDay = ms - day * MS_PER_DAY;
    const seconds = Math.floor(inDay / 1000);
    const fraction = (inDay % 1000) * 1_000_000 + belowMs;
    const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
    return fraction === 0 ? `${date}${clock}Z` : `${date}${clock}.${trimmed(fraction)}Z`;
  };
}

/** "+05:30"; Go cuts seconds off, and no distance is `Z`. */
function distanceText(offsetNs: bigint): string {
  const minutes = Math.trunc(Number(offsetNs) / 60e9);
  if (minutes === 0) return "Z";
  const distance = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(distance / 60))}:${two(distance % 60)}`;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

/** 9 digits without trailing zeros. */
function trimmed(ns: number): string {
  return String(ns).padStart(9, "0").replace(/0+$/, "");
}
