// The rules of retention policies: defaults and bounds of their durations, and which changes conflict. Texts are InfluxDB's.
import { InputError } from "../base/errors.ts";
import type { PolicyChange, RetentionPolicy } from "../model/retention.ts";
import { apart, MONDAYS, type TimeWindow, type WindowGrid } from "../model/windows.ts";
import { checkName } from "./names.ts";

const HOUR_NS = 3_600_000_000_000n;
const DAY_NS = 24n * HOUR_NS;

/** The retention policy that every new database has: keeps for ever, in windows of a week. */
export const AUTOGEN: RetentionPolicy = {
  name: "autogen",
  durationNs: 0n,
  shardDurationNs: 7n * DAY_NS,
  isDefault: true,
  replication: 1,
};

/** A new policy. Throws `InputError`. */
export function newPolicy(name: string, change: PolicyChange): RetentionPolicy {
  checkName(name);
  const durationNs = change.durationNs ?? 0n;
  return checked({
    ...{ name, durationNs, replication: change.replication ?? 1, isDefault: change.isDefault ?? false },
    shardDurationNs: shardDuration(change.shardDurationNs ?? 0n, durationNs),
  });
}

/** The policy as it is after ALTER; with another shard duration `withKept`, too. Throws `InputError`. */
export function alteredPolicy(policy: RetentionPolicy, change: PolicyChange): RetentionPolicy {
  const durationNs = change.durationNs ?? policy.durationNs;
  return checked({
    ...policy,
    ...{ durationNs, replication: change.replication ?? policy.replication },
    isDefault: policy.isDefault || change.isDefault === true,
    shardDurationNs:
      change.shardDurationNs === undefined
        ? policy.shardDurationNs
        : shardDuration(change.shardDurationNs, durationNs),
  });
}

/** The policy with windows of its width from now on beside `windows`, which have rows. */
export function withKept(policy: RetentionPolicy, windows: Iterable<TimeWindow>): RetentionPolicy {
  const { fromEpoch: _, ...rest } = policy;
  return { ...rest, keptWindows: apart(windows) };
}

export function gridOf({ shardDurationNs, fromEpoch, keptWindows = [] }: RetentionPolicy): WindowGrid {
  return { width: shardDurationNs, origin: fromEpoch ? 0n : MONDAYS, kept: keptWindows };
}

/** Whether CREATE of a policy that exists asks for the same one. */
export function isSamePolicy(a: RetentionPolicy, b: RetentionPolicy): boolean {
  return (
    a.durationNs === b.durationNs &&
    a.shardDurationNs === b.shardDurationNs &&
    a.replication === b.replication
  );
}

/** Whether a policy is what CREATE DATABASE ... WITH wrote, in all that it wrote. */
export function isAsWritten(policy: RetentionPolicy, change: PolicyChange): boolean {
  return (
    (change.durationNs ?? policy.durationNs) === policy.durationNs &&
    (change.replication ?? policy.replication) === policy.replication &&
    shardDuration(change.shardDurationNs ?? 0n, policy.durationNs) === policy.shardDurationNs
  );
}

/** Of a policy's duration; 0 is for ever. */
export const isTooShort = (durationNs: bigint): boolean => durationNs !== 0n && durationNs < HOUR_NS;

function checked(policy: RetentionPolicy): RetentionPolicy {
  const { durationNs, shardDurationNs } = policy;
  if (isTooShort(durationNs)) throw new InputError("retention policy duration must be at least 1h0m0s");
  if (durationNs !== 0n && durationNs < shardDurationNs)
    throw new InputError("retention policy duration must be greater than the shard duration");
  return policy;
}

/** As written, an hour at least; not written: by the policy's duration. */
function shardDuration(written: bigint, durationNs: bigint): bigint {
  if (written !== 0n) return written < HOUR_NS ? HOUR_NS : written;
  if (durationNs === 0n || durationNs >= 180n * DAY_NS) return 7n * DAY_NS;
  return durationNs >= 2n * DAY_NS ? DAY_NS : HOUR_NS;
}
