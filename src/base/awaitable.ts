/** What may be there at once, or come from another thread. */
export type Awaitable<T> = T | Promise<T>;
