// Who sends a request: by `u` and `p` in the URL, Basic authentication, `Authorization: Token user:password`, or a token of CREATE
// TOKEN as `Token` or `Bearer`. (Parameters of a form's body do not count, as in InfluxDB.)
import { ForbiddenError, UnauthorizedError } from "../base/errors.ts";
import { type Credential, FIRST_ACCESS, type Users } from "../db/users.ts";
import type { Access } from "../model/users.ts";
import { optional, urlParameters } from "./parameters.ts";

export class Gate {
  readonly #users: Users;

  constructor(users: Users) {
    this.#users = users;
  }

  /**
   * Whom the request comes from; while there are no users everybody is nobody, who may create an administrator.
   * @throws UnauthorizedError when it does not say who it is, or is not; OverloadedError when too many try
   */
  async admit(request: Request): Promise<Access> {
    if (this.#users.isEmpty) return FIRST_ACCESS;
    const credential = credentialOf(request);
    if (credential === null) throw new UnauthorizedError("unable to parse authentication credentials");
    const access = await this.#users.authenticate(credential);
    if (access === null) throw new UnauthorizedError("authorization failed");
    return access;
  }
}

/** Throws `UnauthorizedError` for nobody. */
export function requireUser(access: Access | undefined): void {
  if (access?.isFirst) throw new UnauthorizedError("create admin user first or disable authentication");
}

/** Throws `ForbiddenError` when the user may not write to the database. */
export function requireWrite(access: Access | undefined, database: string): void {
  if (access === undefined || access.may("write", database)) return;
  throw new ForbiddenError(
    access.isFirst
      ? `user is required to write to database "${database}"`
      : `"${access.user}" user is not authorized to write to database "${database}"`,
  );
}

function credentialOf(request: Request): Credential | null {
  return fromUrl(request) ?? fromHeader(request);
}

function fromHeader(request: Request): Credential | null {
  const header = request.headers.get("authorization");
  if (header === null) return null;
  const [, scheme, value] = /^(\S+) +(.*\S)\s*$/.exec(header) ?? [];
  if (scheme === undefined || value === undefined) return null;
  switch (scheme.toLowerCase()) {
    case "basic":
      return pairOf(new TextDecoder().decode(Buffer.from(value, "base64")));
    case "token":
      return pairOf(value) ?? { kind: "token", token: value };
    case "bearer":
      return { kind: "token", token: value };
    default:
      return null;
  }
}

function fromUrl(request: Request): Credential | null {
  const parameters = urlParameters(request);
  const user = optional(parameters, "u");
  const password = optional(parameters, "p");
  return user === undefined || password === undefined ? null : { kind: "password", user, password };
}

function pairOf(text: string): Credential | null {
  const colon = text.indexOf(":");
  if (colon < 0) return null;
  if (colon === 0) throw new UnauthorizedError("username required");
  return { kind: "password", user: text.slice(0, colon), password: text.slice(colon + 1) };
}
