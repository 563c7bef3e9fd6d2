// Users in one small file of sealed JSON (disk/sealed.ts) that is replaced as a whole:
//   { users: [{ name, hash, isAdmin, grants: { database: privilege } }], tokens: [{ id, user, hash, createdMs }] }
//
// Changes follow one another. Each is made to a copy, the copy is written (replaceFile), and only then does it count: what
// was answered is on disk, and a crash in between leaves the state before or after it. When a write fails, the file may
// hold either: further changes are refused until a restart reads what it holds.
import type { Clock } from "../base/clock.ts";
import { DiskError, InputError, NotFoundError } from "../base/errors.ts";
import { type Disk, replaceFile } from "../disk/disk.ts";
import { decodeSealed, encodeSealed } from "../disk/sealed.ts";
import type { Access, Grant, Privilege, TokenInfo, UserAdministration, UserInfo } from "../model/users.ts";
import { hashPassword, hashToken, newToken, Passwords, randomBytes } from "./credentials.ts";

const KIND = "serie users";
const VERSION = 1;

/** Who a request says that it is. */
export type Credential =
  | { readonly kind: "password"; readonly user: string; readonly password: string }
  | { readonly kind: "token"; readonly token: string };

interface User {
  readonly name: string;
  readonly hash: string;
  readonly isAdmin: boolean;
  readonly grants: Readonly<Record<string, Privilege>>;
}

interface Token extends TokenInfo {
  readonly hash: string;
}

interface State {
  readonly users: readonly User[];
  readonly tokens: readonly Token[];
}

export class Users implements UserAdministration {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #hasDatabase: (name: string) => boolean;
  readonly passwords: Passwords;
  /** Told of a change that is on disk, before it is answered. */
  onChange: () => Promise<void> = async () => undefined;
  #state: State = { users: [], tokens: [] };
  #last: Promise<void> = Promise.resolve();
  #failure: DiskError | undefined;

  /** Reads the file where there is one. Throws `CorruptionError`. */
  constructor(disk: Disk, path: string, clock: Clock, hasDatabase: (name: string) => boolean) {
    this.#disk = disk;
    this.#path = path;
    this.#hasDatabase = hasDatabase;
    this.passwords = new Passwords(clock);
    this.reload();
  }

  /** Reads the file again, which another thread has written. Throws `CorruptionError`. */
  reload(): void {
    if (!this.#disk.exists(this.#path)) return;
    this.#state = decodeSealed(KIND, VERSION, this.#disk.readFile(this.#path), this.#path) as State;
  }

  get isEmpty(): boolean {
    return this.#state.users.length === 0;
  }

  /** Null: unknown, or wrong. Throws `OverloadedError` when too many logins are tried. */
  async authenticate(credential: Credential): Promise<Access | null> {
    if (credential.kind === "token") {
      const hash = hashToken(credential.token);
      const token = this.#state.tokens.find((each) => each.hash === hash);
      const user = token && this.#find(token.user);
      return user ? accessOf(user) : null;
    }
    const { user: name, password } = credential;
    const hash = this.#find(name)?.hash;
    if (!(await this.passwords.matches(name, password, hash))) return null;
    const user = this.#find(name);
    return user && user.hash === hash ? accessOf(user) : null; // not when it changed meanwhile
  }

  list(): UserInfo[] {
    return this.#state.users.map(({ name, isAdmin }) => ({ name, isAdmin }));
  }

  async create(name: string, password: string, isAdmin: boolean): Promise<void> {
    if (name === "") throw new InputError("username required");
    const known = this.#find(name);
    const isSame = async (user: User) =>
      user.isAdmin === isAdmin &&
      (user.hash === "" ? password === "" : await this.passwords.matches(name, password, user.hash));
    if (known !== undefined) {
      if (await isSame(known)) return;
      throw new InputError("user already exists");
    }
    const hash = await hashPassword(password);
    await this.#change((state) => {
      if (state.users.some((user) => user.name === name)) throw new InputError("user already exists");
      return { ...state, users: [...state.users, { name, hash, isAdmin, grants: {} }] };
    });
  }

  async drop(name: string): Promise<void> {
    await this.#change((state) => {
      expectUser(state, name);
      return {
        users: state.users.filter((user) => user.name !== name),
        tokens: state.tokens.filter((token) => token.user !== name),
      };
    });
  }

  async setPassword(name: string, password: string): Promise<void> {
    expectUser(this.#state, name);
    const hash = await hashPassword(password);
    await this.#changeUser(name, (user) => ({ ...user, hash }));
  }

  grants(name: string): Grant[] {
    const { grants } = expectUser(this.#state, name);
    const databases = Object.keys(grants).sort();
    return databases.map((database) => ({ database, privilege: grants[database] ?? "none" }));
  }

  async grant(name: string, privilege: "read" | "write" | "all", database: string): Promise<void> {
    await this.#changeUser(name, (user) => {
      this.#expectDatabase(database);
      return { ...user, grants: { ...user.grants, [database]: privilege } };
    });
  }

  async revoke(name: string, privilege: "read" | "write" | "all", database: string): Promise<void> {
    await this.#changeUser(name, (user) => {
      this.#expectDatabase(database);
      const left = without(user.grants[database] ?? "none", privilege);
      return { ...user, grants: { ...user.grants, [database]: left } };
    });
  }

  async setAdmin(name: string, isAdmin: boolean): Promise<void> {
    await this.#changeUser(name, (user) => ({ ...user, isAdmin }));
  }

  tokens(): TokenInfo[] {
    return this.#state.tokens.map(({ id, user, createdMs }) => ({ id, user, createdMs }));
  }

  async createToken(user: string): Promise<{ id: string; token: string }> {
    const token = newToken();
    const id = Buffer.from(randomBytes(6)).toString("hex");
    await this.#change((state) => {
      expectUser(state, user);
      const created = { id, user, hash: hashToken(token), createdMs: Date.now() };
      return { ...state, tokens: [...state.tokens, created] };
    });
    return { id, token };
  }

  async dropToken(id: string): Promise<void> {
    await this.#change((state) => {
      if (!state.tokens.some((token) => token.id === id)) throw new NotFoundError(`token not found: ${id}`);
      return { ...state, tokens: state.tokens.filter((token) => token.id !== id) };
    });
  }

  /** Nobody has a privilege on it any more: a later database of that name is another one. */
  async forgetDatabase(database: string): Promise<void> {
    await this.#change((state) => {
      // (looked at in its turn: a grant may be on its way to the disk)
      if (!state.users.some(({ grants }) => Object.hasOwn(grants, database))) return state;
      const users = state.users.map((user) => {
        const { [database]: _, ...grants } = user.grants;
        return { ...user, grants };
      });
      return { ...state, users };
    });
  }

  #find(name: string): User | undefined {
    return this.#state.users.find((user) => user.name === name);
  }

  #expectDatabase(database: string): void {
    if (!this.#hasDatabase(database)) throw new NotFoundError(`database not found: ${database}`);
  }

  #changeUser(name: string, change: (user: User) => User): Promise<void> {
    return this.#change((state) => {
      expectUser(state, name);
      return { ...state, users: state.users.map((user) => (user.name === name ? change(user) : user)) };
    });
  }

  #change(change: (state: State) => State): Promise<void> {
    const done = this.#last.then(async () => {
      const next = change(this.#state);
      if (next === this.#state) return;
      if (this.#failure)
        throw new DiskError(`users cannot change since the disk failed: ${this.#failure.message}`);
      try {
        await replaceFile(this.#disk, this.#path, encodeSealed(KIND, VERSION, next));
      } catch (error) {
        this.#failure = error as DiskError;
        throw error;
      }
      this.#state = next;
      await this.onChange();
    });
    this.#last = done.catch(() => undefined);
    return done;
  }
}

function expectUser(state: State, name: string): User {
  const found = state.users.find((user) => user.name === name);
  if (found === undefined) throw new NotFoundError("user not found");
  return found;
}

function without(held: Privilege, taken: "read" | "write" | "all"): Privilege {
  if (taken === "all" || held === taken) return "none";
  if (held === "all") return taken === "read" ? "write" : "read";
  return held;
}

function accessOf({ name, isAdmin, grants }: User): Access {
  const held = (database: string): Privilege =>
    Object.hasOwn(grants, database) ? (grants[database] as Privilege) : "none";
  return {
    user: name,
    isAdmin,
    isFirst: false,
    may: (privilege, database) => isAdmin || held(database) === privilege || held(database) === "all",
    sees: (database) => isAdmin || held(database) !== "none",
  };
}

/** Of requests while there are no users. */
export const FIRST_ACCESS: Access = {
  user: "",
  isAdmin: false,
  isFirst: true,
  may: () => false,
  sees: () => true,
};
