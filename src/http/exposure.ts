// Who can reach a server that lets everybody in: only this machine, unless it was asked for in so many words.
import { InputError } from "../base/errors.ts";
import type { Options } from "../db/options.ts";

/** Throws `InputError` for an address that others reach, when nobody is asked who they are. */
export function checkExposure({
  host,
  authEnabled,
  allowOpen,
}: Pick<Options, "host" | "authEnabled" | "allowOpen">) {
  if (authEnabled || allowOpen || isLoopback(host)) return;
  throw new InputError(
    `host ${host} lets others in without a password: turn authentication on (--auth-enabled) or say that it is meant (--allow-open)`,
  );
}

/** Whether only this machine reaches a host of this name. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === "localhost" || name === "::1" || /^127(\.\d{1,3}){3}$/.test(name);
}
